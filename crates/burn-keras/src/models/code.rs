//! A layer as a program makes it.

use serde_json::{Map, Value};

use crate::layers::LayerHandle;

/// The constructor and what shapes the output, as `Lstm::new(32).return_sequences(true)`; `None` for classes that are not
/// known here.
pub(crate) fn code(layer: &LayerHandle) -> Option<String> {
    written(&layer.class_name(), &layer.config())
}

/// The same with a switch of a recurrent layer, or of the one inside a `Bidirectional`, turned on or off.
pub(crate) fn code_with(layer: &LayerHandle, switch: &str, on: bool) -> Option<String> {
    let class = layer.class_name();
    let mut config = layer.config();
    let options = match class.as_str() {
        "Bidirectional" => config
            .get_mut("layer")?
            .get_mut("config")?
            .as_object_mut()?,
        _ => &mut config,
    };
    options.insert(switch.to_string(), Value::Bool(on));
    written(&class, &config)
}

fn written(class: &str, config: &Map<String, Value>) -> Option<String> {
    match class {
        "LSTM" | "GRU" | "SimpleRNN" => recurrent(class, config),
        "Bidirectional" => bidirectional(config),
        "Dense" => Some(format!(
            "Dense::new({}){}",
            number(config, "units"),
            activation(config)
        )),
        "Embedding" => Some(format!(
            "Embedding::new({}, {}){}",
            number(config, "input_dim"),
            number(config, "output_dim"),
            switches(config, &["mask_zero"])
        )),
        "Dropout" => Some(format!("Dropout::new({})", number(config, "rate"))),
        "RepeatVector" => Some(format!("RepeatVector::new({})", number(config, "n"))),
        _ => None,
    }
}

fn recurrent(class: &str, config: &Map<String, Value>) -> Option<String> {
    let name = match class {
        "LSTM" => "Lstm",
        "GRU" => "Gru",
        "SimpleRNN" => "SimpleRnn",
        _ => return None,
    };
    let order = [
        "return_sequences",
        "return_state",
        "go_backwards",
        "stateful",
    ];
    Some(format!(
        "{name}::new({}){}",
        number(config, "units"),
        switches(config, &order)
    ))
}

fn bidirectional(config: &Map<String, Value>) -> Option<String> {
    let layer = config.get("layer")?;
    let class = layer.get("class_name")?.as_str()?;
    let inner = recurrent(class, layer.get("config")?.as_object()?)?;
    let merge = match config.get("merge_mode")?.as_str() {
        Some("concat") => String::new(),
        Some(mode) => format!(".merge_mode(\"{mode}\")"),
        None => ".merge_mode(None)".to_string(),
    };
    Some(format!("Bidirectional::new({inner}){merge}"))
}

fn number(config: &Map<String, Value>, key: &str) -> String {
    config.get(key).map(plain_number).unwrap_or_default()
}

/// A number as it was written: `0.2`, of which the configuration holds the nearest single in double precision.
pub(crate) fn plain_number(value: &Value) -> String {
    match value.as_f64() {
        Some(double) if value.is_f64() && f64::from(double as f32) == double => {
            format!("{:?}", double as f32)
        }
        _ => value.to_string(),
    }
}

fn activation(config: &Map<String, Value>) -> String {
    match config.get("activation").and_then(Value::as_str) {
        None | Some("linear") => String::new(),
        Some(name) => format!(".activation(\"{name}\")"),
    }
}

fn switches(config: &Map<String, Value>, keys: &[&str]) -> String {
    let on = keys
        .iter()
        .filter(|k| config.get(**k) == Some(&Value::Bool(true)));
    on.map(|key| format!(".{key}(true)")).collect()
}
