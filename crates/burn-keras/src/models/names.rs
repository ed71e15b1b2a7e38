//! The names of the layers of a model.

use std::collections::HashMap;

use crate::layers::LayerHandle;
use crate::{Error, Result};

/// Gives unnamed layers the names Keras would: after their class, numbered from the second on.
///
/// # Errors
///
/// [`Error::Model`] when two layers have the same name.
pub(super) fn name_layers(layers: &[LayerHandle]) -> Result<()> {
    let mut taken: HashMap<String, LayerHandle> = HashMap::new();
    let (given, automatic): (Vec<_>, Vec<_>) = layers.iter().partition(|l| l.has_given_name());
    for layer in given {
        if let Some(other) = taken.insert(layer.name(), layer.clone()) {
            return Err(Error::Model(format!(
                "two layers have the name \"{}\": {} and {}; names within a model must differ",
                layer.name(),
                other.describe(),
                layer.describe()
            )));
        }
    }
    for layer in automatic {
        let base = snake_case(&layer.class_name());
        let current = Some(layer.name()).filter(|name| !name.is_empty());
        let numbered = (0..).map(|i| {
            if i == 0 {
                base.clone()
            } else {
                format!("{base}_{i}")
            }
        });
        // A name from another model is kept where it is free here too.
        let free = current
            .into_iter()
            .chain(numbered)
            .find(|name| !taken.contains_key(name));
        if let Some(name) = free {
            layer.set_automatic_name(&name);
            taken.insert(name, layer.clone());
        }
    }
    Ok(())
}

/// A class name as Keras makes it a layer's name: `LSTM` to `lstm`, `SimpleRNN` to `simple_rnn`, `Conv1D` to `conv1d`
/// (`keras/src/utils/naming.py`).
fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut name = String::new();
    for (i, c) in letters.iter().enumerate() {
        if c.is_uppercase() && i > 0 {
            let before = letters[i - 1];
            let lower_after = letters
                .get(i + 1)
                .is_some_and(|n| n.is_lowercase() || n.is_ascii_digit());
            if before.is_lowercase() || lower_after {
                name.push('_');
            }
        }
        name.extend(c.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_keras_makes_them() {
        for (class_name, name) in [
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("LSTMCell", "lstm_cell"),
            ("Conv1D", "conv1d"),
            ("MaxPooling1D", "max_pooling1d"),
            ("ReLU", "re_lu"),
            ("TimeDistributed", "time_distributed"),
            ("GRU", "gru"),
            ("SpatialDropout1D", "spatial_dropout1d"),
            ("PReLU", "p_re_lu"),
            ("ConvLSTM2D", "conv_lst_m2d"),
        ] {
            assert_eq!(snake_case(class_name), name);
        }
    }
}
