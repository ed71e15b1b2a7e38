//! What Keras 2 and `tf.keras` 2.x wrote differently, layer by layer.

use serde_json::{Map, Value, json};

use super::text;
use crate::error::{Error, Result};

/// Options that Keras 3 has not. Null, false and 0 change nothing, anything else would.
const UNKNOWN: [&str; 6] = [
    "time_major",
    "reverse_state_order",
    "causal",
    "renorm",
    "virtual_batch_size",
    "num_constants",
];

/// Options that never touch the result: how it is computed, or what is said elsewhere.
const DROPPED: [&str; 7] = [
    "implementation",
    "input_length",
    "fused",
    "renorm_clipping",
    "renorm_momentum",
    "dynamic",
    "autocast",
];

/// The class names of Keras 3.
pub(super) fn class(name: &str) -> &str {
    match name {
        "BatchNormalizationV1" | "BatchNormalizationV2" => "BatchNormalization",
        "LSTMV1" | "LSTMV2" => "LSTM",
        "GRUV1" | "GRUV2" => "GRU",
        "LSTMCellV1" | "LSTMCellV2" => "LSTMCell",
        "GRUCellV1" | "GRUCellV2" => "GRUCell",
        "DenseV2" => "Dense",
        other => other,
    }
}

/// Rewrites the config of one layer, not of those inside of it.
pub(super) fn layer(
    class: &str,
    name: &str,
    config: &mut Map<String, Value>,
    build: &mut Option<Value>,
) -> Result<()> {
    for option in UNKNOWN {
        let value = config.shift_remove(option).unwrap_or_default();
        if !(value.is_null() || value == false || value.as_f64() == Some(0.0)) {
            return Err(Error::Option {
                layer: name.to_string(),
                option: option.to_string(),
                value: value.to_string(),
            });
        }
    }
    if class == "MultiHeadAttention" {
        attention_shapes(config, build);
    }
    for option in DROPPED {
        config.shift_remove(option);
    }
    let shape = config.shift_remove("batch_input_shape");
    match class {
        "InputLayer" => input(config, shape),
        "GRU" | "GRUCell" => {
            config.entry("reset_after").or_insert(Value::Bool(false));
        }
        "BatchNormalization" | "LayerNormalization" | "Concatenate" | "Softmax" => {
            single_axis(config)
        }
        "LeakyReLU" => {
            if let Some(alpha) = config.shift_remove("alpha") {
                config.entry("negative_slope").or_insert(number(alpha));
            }
        }
        "SpatialDropout1D" => {
            // Keras 3's has neither; it has nothing to train.
            config.shift_remove("noise_shape");
            config.shift_remove("trainable");
        }
        _ => {}
    }
    for key in ["activation", "recurrent_activation"] {
        if text(config, key) == Some("hard_sigmoid") {
            config.insert(key.into(), "keras2_hard_sigmoid".into());
        }
    }
    recurrent_build(class, build);
    Ok(())
}

/// The `InputLayer` that a Sequential's first layer stood for.
pub(super) fn hidden_input(layers: &[Value], model: &str) -> Option<Value> {
    let first = layers.first()?;
    if first.get("class_name")?.as_str()? == "InputLayer" {
        return None;
    }
    let shape = input_shape(first)?;
    let name = first
        .get("config")
        .and_then(|c| c.get("name"))
        .and_then(Value::as_str);
    Some(json!({
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {
            "batch_shape": shape,
            "dtype": "float32",
            "sparse": false,
            "ragged": false,
            "name": format!("{}_input", name.unwrap_or(model)),
            "optional": false,
        },
        "registered_name": null,
    }))
}

/// The input's shape as a layer's config tells it, looking into nested models.
fn input_shape(layer: &Value) -> Option<Value> {
    let config = layer.get("config")?;
    for key in ["batch_input_shape", "batch_shape"] {
        if let Some(shape) = config.get(key).filter(|shape| shape.is_array()) {
            return Some(shape.clone());
        }
    }
    let layers = config.get("layers").unwrap_or(config).as_array()?;
    let mut inputs = layers
        .iter()
        .filter(|l| l.get("class_name").and_then(Value::as_str) == Some("InputLayer"));
    match (inputs.next(), inputs.next()) {
        (Some(input), None) => input_shape(input),
        (None, None) => input_shape(layers.first()?),
        _ => None,
    }
}

fn input(config: &mut Map<String, Value>, shape: Option<Value>) {
    if let Some(shape) = shape {
        config.entry("batch_shape").or_insert(shape);
    }
    config.entry("dtype").or_insert("float32".into());
    config.entry("sparse").or_insert(Value::Bool(false));
    config.entry("ragged").or_insert(Value::Bool(false));
    config.entry("optional").or_insert(Value::Bool(false));
}

/// `axis: [2]` and `axis: 2` are the same; Keras 3 takes the number.
fn single_axis(config: &mut Map<String, Value>) {
    let single = match config.get("axis") {
        Some(Value::Array(axes)) if axes.len() == 1 => axes.first().cloned(),
        _ => None,
    };
    if let Some(axis) = single {
        config.insert("axis".into(), axis);
    }
}

/// Numbers that came from NumPy: `{"class_name": "__ndarray__"..}` or `{"type": "ndarray", "value"}`.
fn number(value: Value) -> Value {
    match value.get("value") {
        Some(Value::Array(list)) if list.len() == 1 => list.first().cloned().unwrap_or_default(),
        Some(inner) => inner.clone(),
        None => value,
    }
}

/// The shapes that Keras 2 kept in the config belong to `build_config`.
fn attention_shapes(config: &mut Map<String, Value>, build: &mut Option<Value>) {
    let shapes: Map<String, Value> = ["query_shape", "value_shape", "key_shape"]
        .into_iter()
        .filter_map(|key| Some((key.to_string(), config.shift_remove(key)?)))
        .filter(|(_, shape)| shape.is_array())
        .collect();
    if shapes.contains_key("query_shape") && shapes.contains_key("value_shape") {
        *build = Some(json!({ "shapes_dict": shapes }));
    }
}

/// A recurrent layer called with initial states has their shapes in `shapes_dict`.
fn recurrent_build(class: &str, build: &mut Option<Value>) {
    let shapes = build
        .as_ref()
        .and_then(|b| b.get("input_shape"))
        .and_then(Value::as_array);
    let Some([sequences, states @ ..]) = shapes.map(Vec::as_slice) else {
        return;
    };
    if super::graph::takes_states(class) && sequences.is_array() {
        *build = Some(json!({ "shapes_dict": {
            "sequences_shape": sequences,
            "initial_state_shape": states,
        }}));
    }
}
