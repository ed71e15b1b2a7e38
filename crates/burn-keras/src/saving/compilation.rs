//! How a model is trained, in Keras' `compile_config`.

use serde_json::{Value, json};

use super::numbers;
use crate::losses::{self, Loss};
use crate::metrics::MetricSpec;
use crate::models::Model;
use crate::optimizers::Optimizer;
use crate::training::{Compile, OutputMetrics};
use crate::{Error, Result};

/// What errors call the configuration.
const PLACE: &str = "compile_config";

/// `compile_config` of a model; empty for one that is not compiled.
pub(super) fn write(model: &Model) -> Result<Value> {
    let Some(compiled) = &model.compiled else {
        return Ok(json!({}));
    };
    let losses: Option<Vec<Value>> = compiled.losses.iter().map(|l| l.to_config()).collect();
    let outputs = model.output_names()?;
    let metrics = metrics_config(&compiled.metrics, &outputs);
    let weighted = metrics_config(&compiled.weighted_metrics, &outputs);
    let (Some(losses), Some(metrics), Some(weighted)) = (losses, metrics, weighted) else {
        log::warn!(
            "the model was compiled with a loss or a metric of your own, which Keras does not have: it is saved as one \
             that is not compiled; compile it again after loading it"
        );
        return Ok(json!({}));
    };
    let outputs = outputs.len();
    let mut config = json!({
        "optimizer": compiled.optimizer.optimizer().to_config(),
        // One loss for all outputs is no form of Keras': each has its own.
        "loss": match losses.as_slice() {
            [one] if outputs == 1 => one.clone(),
            [one] => json!(vec![one; outputs]),
            several => json!(several),
        },
        "loss_weights": match compiled.loss_weights.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            several => json!(several),
        },
        "metrics": metrics,
        "weighted_metrics": weighted,
        "run_eagerly": false,
        "steps_per_execution": 1,
        "jit_compile": true,
    });
    numbers::shorten(&mut config);
    Ok(config)
}

/// Keras' form of the metrics of these outputs; `None` where one is a metric that Keras does not have.
fn metrics_config(metrics: &OutputMetrics, outputs: &[String]) -> Option<Value> {
    let of_output = |name: &String| -> Option<Vec<Value>> {
        metrics.of(name).map(MetricSpec::to_config).collect()
    };
    let lists: Vec<Vec<Value>> = outputs.iter().map(of_output).collect::<Option<_>>()?;
    Some(match lists.as_slice() {
        lists if lists.iter().all(Vec::is_empty) => Value::Null,
        [one] => json!(one),
        several => json!(several),
    })
}

/// Compiles a model as `compile_config` in its configuration `object` says; `false` if that says nothing.
///
/// # Errors
///
/// [`Error::UnknownName`] and [`Error::Config`] naming what is not supported.
pub(super) fn read(model: &mut Model, object: &Value) -> Result<bool> {
    let config = object.get("compile_config").unwrap_or(&Value::Null);
    let get = |key: &str| config.get(key).filter(|v| !v.is_null());
    let Some(optimizer) = get("optimizer") else {
        return Ok(false);
    };
    let keys = output_keys(model, object)?;
    let missing = |of: String| {
        let problem = format!(
            "has no loss{of}, which is not supported: load the model uncompiled, by `LoadModel::new().compile(false)`, \
             and compile it with a loss for every output"
        );
        Error::config(PLACE, problem)
    };
    let loss = get("loss").ok_or_else(|| missing(String::new()))?;
    let losses = by_output("loss", loss, &keys)?
        .into_iter()
        .zip(&keys)
        .map(|(loss, key)| {
            losses::from_config(loss.ok_or_else(|| missing(format!(" for the output \"{key}\"")))?)
        })
        .collect::<Result<Vec<Box<dyn Loss>>>>()?;
    let mut compile = Compile::new(Optimizer::from_config(optimizer)?, losses)?;
    let names = model.output_names()?;
    match metrics("metrics", get("metrics"), &keys)?.as_slice() {
        [] => {}
        [one] => compile = compile.metrics(one.clone())?,
        several => {
            for (name, metrics) in names.iter().zip(several) {
                compile = compile.metrics_of(name, metrics.clone())?;
            }
        }
    }
    match metrics("weighted_metrics", get("weighted_metrics"), &keys)?.as_slice() {
        [] => {}
        [one] => compile = compile.weighted_metrics(one.clone())?,
        several => {
            for (name, metrics) in names.iter().zip(several) {
                compile = compile.weighted_metrics_of(name, metrics.clone())?;
            }
        }
    }
    if let Some(weights) = get("loss_weights") {
        let weights = by_output("loss_weights", weights, &keys)?;
        let number = |w: Option<&Value>| w.map_or(Some(1.0), Value::as_f64).map(|w| w as f32);
        let numbers = weights
            .into_iter()
            .map(number)
            .collect::<Option<Vec<f32>>>();
        compile = compile.loss_weights(
            numbers.ok_or_else(|| Error::config(PLACE, "`loss_weights` are not all numbers"))?,
        );
    }
    model.compile_with(compile)?;
    Ok(true)
}

/// What a dict of losses or metrics calls each output: the keys of the model's own dict of outputs, or the names of the
/// layers that make them.
fn output_keys(model: &Model, object: &Value) -> Result<Vec<String>> {
    let outputs = object
        .pointer("/config/output_layers")
        .and_then(Value::as_object);
    match outputs {
        Some(outputs) => {
            let mut keys: Vec<String> = outputs.keys().cloned().collect();
            keys.sort_unstable();
            Ok(keys)
        }
        None => {
            let layers = keras_format::model_outputs(object).into_iter();
            let names: Vec<String> = layers.map(|r| r.layer).collect();
            if names.is_empty() {
                model.output_names()
            } else {
                Ok(names)
            }
        }
    }
}

/// One value for each output, from one for all, a list, or a dict.
fn by_output<'v>(what: &str, value: &'v Value, keys: &[String]) -> Result<Vec<Option<&'v Value>>> {
    let misfit = |problem: String| Error::config(PLACE, format!("`{what}` {problem}"));
    match value {
        Value::Array(list) if list.len() == keys.len() => Ok(list
            .iter()
            .map(|v| Some(v).filter(|v| !v.is_null()))
            .collect()),
        Value::Array(list) => Err(misfit(format!(
            "has {} entries, but the model has {} outputs",
            list.len(),
            keys.len()
        ))),
        Value::Object(dict) if !dict.contains_key("class_name") => {
            if let Some(unknown) = dict.keys().find(|key| !keys.contains(key)) {
                return Err(misfit(format!(
                    "names \"{unknown}\", which is no output of the model"
                )));
            }
            Ok(keys
                .iter()
                .map(|k| dict.get(k).filter(|v| !v.is_null()))
                .collect())
        }
        one => Ok(vec![Some(one); keys.len()]),
    }
}

/// The metrics under the key `what`: none, those of all outputs, or those of each.
fn metrics(what: &str, given: Option<&Value>, keys: &[String]) -> Result<Vec<Vec<MetricSpec>>> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    let list = |value: Option<&Value>| match value {
        None => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
    };
    let lists: Vec<Vec<Value>> = match (given, keys) {
        // The metrics of a single output may stand in a list of their own or not.
        (Value::Array(all), [_]) if !all.iter().any(Value::is_array) => vec![all.clone()],
        _ => by_output(what, given, keys)?
            .into_iter()
            .map(list)
            .collect(),
    };
    let same = lists.windows(2).all(|pair| pair[0] == pair[1]);
    let lists = if same {
        &lists[..lists.len().min(1)]
    } else {
        &lists
    };
    let specs = |list: &Vec<Value>| list.iter().map(MetricSpec::from_config).collect();
    lists.iter().map(specs).collect()
}
