//! A layer as a program makes it.

use serde_json::{Map, Value};

use crate::layers::LayerHandle;
use crate::plot::words::{class_text, settings};

/// The constructor and what shapes the output, as `Lstm::new(32).return_sequences(true)`; class and settings for layers
/// that are known by them.
pub(super) fn code(layer: &LayerHandle) -> String {
    let config = layer.config();
    let class = layer.class_name();
    match class.as_str() {
        "LSTM" | "GRU" | "SimpleRNN" => recurrent(&class, &config),
        "Bidirectional" => bidirectional(&config),
        "Dense" => Some(format!(
            "Dense::new({}){}",
            number(&config, "units"),
            activation(&config)
        )),
        "Embedding" => Some(format!(
            "Embedding::new({}, {}){}",
            number(&config, "input_dim"),
            number(&config, "output_dim"),
            switches(&config, &["mask_zero"])
        )),
        "Dropout" => Some(format!("Dropout::new({})", number(&config, "rate"))),
        "RepeatVector" => Some(format!("RepeatVector::new({})", number(&config, "n"))),
        _ => None,
    }
    .unwrap_or_else(|| {
        let (class, settings) = (class_text(layer), settings(layer));
        match settings.is_empty() {
            true => class,
            false => format!("{class} · {settings}"),
        }
    })
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
    config.get(key).map(Value::to_string).unwrap_or_default()
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
