//! Words for shapes and layers, short enough for a picture.

use serde_json::{Map, Value};

use crate::dims::{Dims, axis_names};
use crate::error::plural;
use crate::layers::LayerHandle;
use crate::models::{plain_number, thousands};

/// A shape with its sizes, and with names where there is none: `[batch, timesteps, 16]`. What an `Embedding` looks up
/// (`categories`) are whole numbers, one a step.
pub(super) fn shape_text_of(dims: &Dims, categories: bool) -> String {
    let axes: Vec<String> = dims
        .axes()
        .iter()
        .enumerate()
        .map(|(i, axis)| match axis {
            Some(size) => size.to_string(),
            None => axis_name(i, dims.rank(), categories),
        })
        .collect();
    format!("[{}]", axes.join(", "))
}

/// The name of an axis in a shape of `rank` axes.
pub(super) fn axis_name(axis: usize, rank: usize, categories: bool) -> String {
    match axis_names(rank, categories).get(axis) {
        Some(name) => (*name).to_string(),
        None => format!("axis {axis}"),
    }
}

/// `1 layer`, `1,024 parameters`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{} {}", thousands(count), plural(count, noun))
}

/// A layer's class, with those inside a wrapper: `Bidirectional(LSTM)`.
pub(super) fn class_text(layer: &LayerHandle) -> String {
    if let Some(inner) = layer.read().inner_layers() {
        return format!("{}, {}", layer.class_name(), counted(inner.len(), "layer"));
    }
    let class = layer.class_name();
    let config = layer.config();
    let inner = ["layer", "cell"].iter().find_map(|key| {
        let class = config.get(*key)?.get("class_name")?.as_str()?;
        Some(class.to_string())
    });
    match inner {
        Some(inner) => format!("{class}({inner})"),
        None => class,
    }
}

/// What was told to a layer and shapes what comes out of it, as `units 32 · return_sequences`.
pub(super) fn settings(layer: &LayerHandle) -> String {
    if layer.read().inner_layers().is_some() {
        return String::new();
    }
    let config = layer.config();
    let inner = ["layer", "cell"]
        .iter()
        .find_map(|key| config.get(*key)?.get("config")?.as_object());
    let mut words = of_config(inner.unwrap_or(&Map::new()));
    words.extend(of_config(&config));
    words.join(" · ")
}

fn of_config(config: &Map<String, Value>) -> Vec<String> {
    const SIZES: [&str; 12] = [
        "units",
        "input_dim",
        "output_dim",
        "filters",
        "kernel_size",
        "pool_size",
        "n",
        "num_heads",
        "key_dim",
        "rate",
        "axis",
        "mask_value",
    ];
    const SWITCHES: [&str; 5] = [
        "return_sequences",
        "return_state",
        "go_backwards",
        "stateful",
        "mask_zero",
    ];
    let mut words = Vec::new();
    for key in SIZES {
        match config.get(key) {
            Some(number @ Value::Number(_)) => {
                words.push(format!("{key} {}", plain_number(number)))
            }
            Some(Value::Array(list)) if list.len() == 1 => words.push(format!("{key} {}", list[0])),
            _ => {}
        }
    }
    let activation = config.get("activation").and_then(Value::as_str);
    let usual = ["linear", "tanh"];
    words.extend(
        activation
            .filter(|a| !usual.contains(a))
            .map(str::to_string),
    );
    if let Some(mode) = config.get("merge_mode") {
        words.push(match mode.as_str() {
            Some(mode) => format!("merge_mode {mode}"),
            None => "both outputs".to_string(),
        });
    }
    for key in SWITCHES {
        if config.get(key) == Some(&Value::Bool(true)) {
            words.push(key.to_string());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dims::IntoDims;

    #[test]
    fn unknown_axes_have_their_names() {
        let text = |dims: Dims| shape_text_of(&dims.with_batch(None), false);
        assert_eq!(text((None, 16).into_dims()), "[batch, timesteps, 16]");
        assert_eq!(text([8, 16].into_dims()), "[batch, 8, 16]");
        assert_eq!(
            text((None, None).into_dims()),
            "[batch, timesteps, features]"
        );
    }
}
