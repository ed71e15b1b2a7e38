//! Optimizer, loss and metrics as a file has them compiled in.

use serde_json::{Map, Value, json};

use super::{Generation, into_object, text};
use crate::error::Result;

/// Keys in the order of Keras 3, with what it writes when nothing was said.
const KEYS: [&str; 8] = [
    "optimizer",
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
];

/// Optimizers by their lower-case names, as `compile("adam")` takes them.
const OPTIMIZERS: [&str; 14] = [
    "Adam",
    "SGD",
    "RMSprop",
    "Adadelta",
    "AdamW",
    "Adagrad",
    "Adamax",
    "Adafactor",
    "Muon",
    "Nadam",
    "Ftrl",
    "Lion",
    "Lamb",
    "LossScaleOptimizer",
];

/// Rewrites a `compile_config`, or a legacy `training_config` with its optimizer put in.
pub(super) fn normalise(
    mut config: Map<String, Value>,
    generation: Generation,
) -> Result<Map<String, Value>> {
    if config.values().all(Value::is_null) {
        return Ok(Map::new());
    }
    let mut done = Map::new();
    for key in KEYS {
        let value = config.shift_remove(key).unwrap_or_default();
        let value = match (key, generation) {
            ("optimizer", _) => optimizer(value, generation)?,
            ("loss", Generation::Keras2) => objective(value, key),
            ("metrics" | "weighted_metrics", Generation::Keras2) => {
                one_output(objective(value, key))
            }
            ("loss_weights", Generation::Keras2) if is_empty(&value) => Value::Null,
            ("run_eagerly", _) if value.is_null() => Value::Bool(false),
            ("steps_per_execution", _) if value.is_null() => Value::from(1),
            _ => value,
        };
        done.insert(key.into(), value);
    }
    Ok(done)
}

/// Keras 2 wrote a list for every output even where there is one.
fn one_output(metrics: Value) -> Value {
    match metrics {
        Value::Array(mut list) if list.len() == 1 && list.iter().all(Value::is_array) => {
            list.pop().unwrap_or_default()
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn optimizer(value: Value, generation: Generation) -> Result<Value> {
    let mut object = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(name) => Map::from_iter([("class_name".to_string(), Value::String(name))]),
        other => into_object(other, "optimizer")?,
    };
    let class = text(&object, "class_name").unwrap_or_default().to_string();
    // `tf.keras` registers its newer optimizers as `Custom>Adam`.
    let bare = class.strip_prefix("Custom>").unwrap_or(&class).to_string();
    let known = OPTIMIZERS
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(&bare));
    let mut config = match object.shift_remove("config") {
        None | Some(Value::Null) => Map::new(),
        Some(config) => into_object(config, "optimizer")?,
    };
    if generation == Generation::Keras2 {
        keras2_arguments(&mut config);
    }
    if let Some(schedule) = config
        .get_mut("learning_rate")
        .and_then(Value::as_object_mut)
    {
        schedule
            .entry("module")
            .or_insert("keras.optimizers.schedules".into());
        schedule.entry("registered_name").or_insert(Value::Null);
    }
    let (module, name, registered) = match known {
        Some(name) => ("keras.optimizers".into(), name.to_string(), Value::Null),
        None => {
            let registered = class.contains('>').then_some(class.as_str());
            let found = object
                .shift_remove("registered_name")
                .filter(|n| !n.is_null());
            let module = object.shift_remove("module").unwrap_or_default();
            (module, bare, found.unwrap_or(registered.into()))
        }
    };
    Ok(
        json!({ "module": module, "class_name": name, "config": config, "registered_name": registered }),
    )
}

/// Argument names of Keras 2 in Keras 3's words.
fn keras2_arguments(config: &mut Map<String, Value>) {
    if let Some(rate) = config.shift_remove("lr") {
        config.entry("learning_rate").or_insert(rate);
    }
    for internal in ["jit_compile", "is_legacy_optimizer", "schedule_decay"] {
        config.shift_remove(internal);
    }
    if config.get("epsilon").is_some_and(Value::is_null) {
        config.insert("epsilon".into(), json!(1e-7));
    }
    let decay = config
        .remove("decay")
        .and_then(|d| d.as_f64())
        .unwrap_or(0.0);
    if decay != 0.0 {
        // rate / (1 + decay * step), which Keras 3 has as a schedule.
        let rate = config.get("learning_rate").cloned().unwrap_or(json!(0.001));
        let schedule = json!({
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": rate,
                "decay_steps": 1,
                "decay_rate": decay,
                "staircase": false,
                "name": "InverseTimeDecay",
            },
            "registered_name": null,
        });
        config.insert("learning_rate".into(), schedule);
    }
}

/// A loss or metric, or a list or object of them, by name or as an object.
fn objective(value: Value, key: &str) -> Value {
    match value {
        Value::Array(list) => list
            .into_iter()
            .map(|inner| objective(inner, key))
            .collect(),
        Value::Object(object) if object.contains_key("class_name") => one(object, key),
        Value::Object(object) => {
            let done = object
                .into_iter()
                .map(|(name, inner)| (name, objective(inner, key)));
            Value::Object(done.collect())
        }
        other => other,
    }
}

fn one(mut object: Map<String, Value>, key: &str) -> Value {
    let class = text(&object, "class_name").unwrap_or_default().to_string();
    let mut config = match object.shift_remove("config") {
        Some(Value::Object(config)) => config,
        Some(other) => {
            object.insert("config".into(), other);
            return Value::Object(object);
        }
        None => Map::new(),
    };
    let function = config.shift_remove("fn");
    // A metric or loss given by name, as TensorFlow wraps it: its name says what it was.
    if matches!(
        class.as_str(),
        "MeanMetricWrapper" | "SumOverBatchSizeMetricWrapper" | "LossFunctionWrapper"
    ) {
        let name = text(&config, "name")
            .filter(|name| matches!(*name, "accuracy" | "acc" | "crossentropy" | "ce"));
        return match (name, function) {
            (Some(name), _) => name.into(),
            (None, Some(Value::String(function))) => function.into(),
            (None, function) => {
                config.extend(function.map(|f| ("fn".to_string(), f)));
                object.insert("config".into(), Value::Object(config));
                Value::Object(object)
            }
        };
    }
    if key == "loss" {
        if text(&config, "reduction") == Some("auto") {
            config.insert("reduction".into(), "sum_over_batch_size".into());
        }
        object.entry("module").or_insert("keras.losses".into());
    } else {
        object.entry("module").or_insert("keras.metrics".into());
    }
    object.entry("registered_name").or_insert(Value::Null);
    object.insert("config".into(), Value::Object(config));
    Value::Object(object)
}
