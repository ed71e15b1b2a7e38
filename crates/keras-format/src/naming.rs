//! How Keras names things: classes, layers, and the paths of weights.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Keras' snake case of a class name, the stem of every automatic name.
///
/// ```
/// use keras_format::naming::snake_case;
/// assert_eq!(snake_case("LSTM"), "lstm");
/// assert_eq!(snake_case("SimpleRNN"), "simple_rnn");
/// assert_eq!(snake_case("MaxPooling1D"), "max_pooling1d");
/// assert_eq!(snake_case("PReLU"), "p_re_lu");
/// ```
pub fn snake_case(class: &str) -> String {
    let word: Vec<char> = class
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let at = |chars: &[char], i: usize| chars.get(i).copied().unwrap_or('\0');
    // (.)([A-Z][a-z]+) -> \1_\2
    let mut first = Vec::new();
    let mut i = 0;
    while i < word.len() {
        first.push(word[i]);
        i += 1;
        if at(&word, i).is_ascii_uppercase() && at(&word, i + 1).is_ascii_lowercase() {
            first.push('_');
            first.push(word[i]);
            i += 1;
            while at(&word, i).is_ascii_lowercase() {
                first.push(word[i]);
                i += 1;
            }
        }
    }
    // ([a-z])([A-Z]) -> \1_\2
    let mut snake = String::new();
    let mut previous = '\0';
    for c in first {
        if previous.is_ascii_lowercase() && c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
        previous = c;
    }
    snake
}

/// Numbers repeated names: `dense`, `dense_1`, `dense_2`.
///
/// One of these per list gives the keys of a container in a weights file, where layers are known
/// by class and not by name; one per process gives the automatic names of layers.
///
/// ```
/// let mut keys = keras_format::naming::Numbered::new();
/// assert_eq!(keys.next("Dense"), "dense");
/// assert_eq!(keys.next("LSTM"), "lstm");
/// assert_eq!(keys.next("Dense"), "dense_1");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Numbered {
    seen: HashMap<String, usize>,
}

impl Numbered {
    /// Counts from nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next name for an object of this class.
    pub fn next(&mut self, class: &str) -> String {
        self.next_of(snake_case(class))
    }

    /// The next name with this stem.
    pub fn next_of(&mut self, stem: impl Into<String>) -> String {
        let stem = stem.into();
        let count = self.seen.entry(stem.clone()).or_insert(0);
        let number = *count;
        *count += 1;
        match number {
            0 => stem,
            _ => format!("{stem}_{number}"),
        }
    }
}

/// `parent/key`, or `key` below the model itself, whose path is empty.
pub fn child_path(parent: &str, key: &str) -> String {
    crate::hdf5::join(parent, key)
}

/// A part that a layer makes for itself, with weights or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its key below the layer: `cell`, `query_dense`.
    pub key: &'static str,
    /// Its class.
    pub class: &'static str,
    /// Its name, as `vars` has it in the attribute `name`. Empty: numbered from the class.
    pub name: &'static str,
}

const fn part(key: &'static str, class: &'static str, name: &'static str) -> Part {
    Part { key, class, name }
}

const LSTM: [Part; 1] = [part("cell", "LSTMCell", "lstm_cell")];
const GRU: [Part; 1] = [part("cell", "GRUCell", "gru_cell")];
const SIMPLE_RNN: [Part; 1] = [part("cell", "SimpleRNNCell", "simple_rnn_cell")];
const ATTENTION: [Part; 6] = [
    part("_dropout_layer", "Dropout", ""),
    part("_softmax", "Softmax", ""),
    part("key_dense", "EinsumDense", "key"),
    part("output_dense", "EinsumDense", "attention_output"),
    part("query_dense", "EinsumDense", "query"),
    part("value_dense", "EinsumDense", "value"),
];
/// The same with the gate that `use_gate` adds; Keras has no public name for it.
const GATED_ATTENTION: [Part; 7] = [
    part("_dropout_layer", "Dropout", ""),
    part("_gate_dense", "EinsumDense", "gate"),
    part("_softmax", "Softmax", ""),
    part("key_dense", "EinsumDense", "key"),
    part("output_dense", "EinsumDense", "attention_output"),
    part("query_dense", "EinsumDense", "query"),
    part("value_dense", "EinsumDense", "value"),
];

/// The parts that a layer of this class and configuration makes for itself; those its config holds (`layer` of a
/// `TimeDistributed`, `cell` of an `RNN`) are not among them: see [`held_keys`].
pub fn own_parts(class: &str, config: &Map<String, Value>) -> &'static [Part] {
    match class {
        "LSTM" => &LSTM,
        "GRU" => &GRU,
        "SimpleRNN" => &SIMPLE_RNN,
        "MultiHeadAttention" if config.get("use_gate") == Some(&Value::Bool(true)) => {
            &GATED_ATTENTION
        }
        "MultiHeadAttention" => &ATTENTION,
        _ => &[],
    }
}

/// Where a layer's config holds other layers, and their keys in a weights file:
/// `(config key, weights key)`.
///
/// `layers` of models and `cells` are lists, whose members are numbered by class ([`Numbered`]):
/// `layers/dense_1`, `cell/cells/lstm_cell`.
pub fn held_keys(class: &str) -> &'static [(&'static str, &'static str)] {
    match class {
        "Sequential" | "Functional" => &[("layers", "layers")],
        "Bidirectional" => &[
            ("backward_layer", "backward_layer"),
            ("layer", "forward_layer"),
        ],
        "TimeDistributed" => &[("layer", "layer")],
        "RNN" => &[("cell", "cell")],
        "StackedRNNCells" => &[("cells", "cells")],
        _ => &[],
    }
}

/// The key that 3.15 uses for one that other releases wrote in another way.
pub(crate) fn current_key(key: &str) -> &str {
    match key {
        // What `layers` was called by tf.keras 2.13 to 2.15.
        "_layer_checkpoint_dependencies" => "layers",
        "_query_dense" => "query_dense",
        "_key_dense" => "key_dense",
        "_value_dense" => "value_dense",
        "_output_dense" => "output_dense",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_become_what_keras_to_snake_case_gives() {
        // keras.src.utils.naming.to_snake_case of keras==3.15.1
        for (class, snake) in [
            ("GRU", "gru"),
            ("LSTMCell", "lstm_cell"),
            ("StackedRNNCells", "stacked_rnn_cells"),
            ("Conv1D", "conv1d"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("SpatialDropout1D", "spatial_dropout1d"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ELU", "elu"),
            ("RMSprop", "rm_sprop"),
            ("AdamW", "adam_w"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("InputLayer", "input_layer"),
            ("TimeDistributed", "time_distributed"),
            ("RNN", "rnn"),
            ("My_Layer-2", "my__layer2"),
            ("aB", "a_b"),
            ("", ""),
        ] {
            assert_eq!(snake_case(class), snake, "{class}");
        }
    }

    #[test]
    fn names_repeat_with_numbers_per_stem() {
        let mut names = Numbered::new();
        assert_eq!(names.next("LSTM"), "lstm");
        assert_eq!(names.next("LSTM"), "lstm_1");
        assert_eq!(names.next_of("lstm"), "lstm_2");
        assert_eq!(names.next("Dense"), "dense");
    }
}
