//! Model configs of every generation, turned into one form.
//!
//! [`normalise`] documents that form. The work is cut by subject: [`layer`] rewrites a layer with
//! what is inside of it, [`graph`] and [`renumber`] the connections of a functional model, [`compile`] optimizer,
//! loss and metrics, and [`keras2`] holds what Keras 2 and `tf.keras` 2.x did differently.

mod compile;
mod graph;
mod keras2;
mod layer;
mod renumber;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

pub use graph::{TensorRef, model_inputs, model_outputs, tensor_refs};

/// Which family of releases wrote a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    /// Keras up to 2.x and `tf.keras`.
    Keras2,
    /// Keras 3.
    Keras3,
}

/// Turns the config of a model, of any Keras from 2.0 to 3.15, into the form of Keras 3.15.1.
///
/// `keras_version` is what the file says (`metadata.json`, the attribute of a legacy file);
/// without it the config itself decides.
///
/// # The form
///
/// A model is `{module, class_name, config, registered_name, build_config?, compile_config?}`. An
/// uncompiled one has `compile_config` `{}`, or none. A layer is `{module, class_name, config,
/// registered_name, build_config?}`, inside of a functional model with `name` and `inbound_nodes`.
///
/// - `module` and `registered_name` are always there. For Keras' own classes `registered_name` is
///   null (or equals the class name); anything else is a class or function the caller has to know
///   by that name: `my_package>MyLayer`. Its config is passed on as it is.
/// - `class_name` is Keras 3's: `Functional`, never `Model`; `BatchNormalization`, never `..V1`.
/// - `dtype` of a layer is `{module: "keras", class_name: "DTypePolicy", config: {name:
///   "float32"}, registered_name: null}`; of an `InputLayer` a plain name. Any other policy is
///   an error.
/// - A `Sequential` starts with its `InputLayer` wherever the file tells its input's shape, which
///   is in `batch_shape`; `batch_input_shape` occurs nowhere.
/// - `inbound_nodes` is a list of calls `{args: [..], kwargs: {..}}`, tensors in it being
///   `{class_name: "__keras_tensor__", config: {shape, dtype, keras_history: [layer, node,
///   tensor]}}`, `node` counting the calls of that layer from 0. From old files `shape` is empty:
///   they do not tell it.
/// - `input_layers` and `output_layers` are one `[layer, node, tensor]`, or a list or object of
///   such. **Here, and here alone, the calls of a nested `Functional` count from 1**, as in Keras;
///   [`model_inputs`] and [`model_outputs`] flatten them and count from 0.
/// - A `Bidirectional` always has `layer` (named `forward_..`) and `backward_layer`.
/// - Initial states of a recurrent layer are in `kwargs.initial_state`, not among `args`.
/// - Initializers, regularizers, constraints are objects `{module, class_name, config,
///   registered_name}`, or a plain name where the file has one. Activations are plain names.
/// - **`keras2_hard_sigmoid`** is the activation that Keras 2 called `hard_sigmoid`:
///   `clip(0.2 x + 0.5, 0, 1)`. Keras 3's `hard_sigmoid` is `clip(x / 6 + 0.5, 0, 1)`.
/// - In `compile_config` the optimizer is an object with Keras 3's argument names, from a plain
///   name with an empty config; `decay` of Keras 2 is an `InverseTimeDecay` schedule. Loss and
///   metrics keep the user's form.
/// - Python's `shared_object_id` is gone. Other keys that don't touch the result may be there.
///
/// # Errors
/// [`Error::Lambda`], [`Error::DtypePolicy`] and [`Error::Option`] for what is refused by name;
/// [`Error::Config`] for what is no model config.
pub fn normalise(config: Value, keras_version: Option<&str>) -> Result<Value> {
    let mut config = config;
    forget_identities(&mut config);
    let mut model = into_object(config, "the model")?;
    // `to_json` of Keras 2 puts the version and the backend beside the model.
    let inside = model.shift_remove("keras_version");
    model.shift_remove("backend");
    let version = keras_version.or(inside.as_ref().and_then(Value::as_str));
    let generation = generation(&model, version);
    let compiled = model.shift_remove("compile_config");
    let mut model = layer::serialised(Value::Object(model), generation, "the model")?;
    refuse_lambda(&model, "the model")?;
    let compiled = match compiled {
        Some(Value::Object(config)) => compile::normalise(config, generation)?,
        _ => Map::new(),
    };
    refuse_lambda(&Value::Object(compiled.clone()), "compile_config")?;
    if let Some(object) = model.as_object_mut() {
        object.insert("compile_config".into(), Value::Object(compiled));
    }
    Ok(model)
}

/// [`normalise`] for the two texts of a legacy file.
pub(crate) fn normalise_legacy(
    model: Value,
    training: Option<Value>,
    version: Option<&str>,
) -> Result<Value> {
    let mut model = into_object(model, "model_config")?;
    if let Some(training) = training {
        let mut training = into_object(training, "training_config")?;
        if let Some(optimizer) = training.shift_remove("optimizer_config") {
            training.insert("optimizer".into(), optimizer);
        }
        model.insert("compile_config".into(), Value::Object(training));
    }
    normalise(Value::Object(model), version)
}

fn generation(model: &Map<String, Value>, version: Option<&str>) -> Generation {
    let major = version.and_then(|v| v.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(major) if major < 3 => Generation::Keras2,
        Some(_) => Generation::Keras3,
        // Only Keras 3 and the last of `tf.keras` write modules, and those have a version.
        None if model.contains_key("module") => Generation::Keras3,
        None => Generation::Keras2,
    }
}

/// No Python code may hide anywhere, not even where this crate looks at nothing else.
fn refuse_lambda(value: &Value, within: &str) -> Result<()> {
    match value {
        Value::Object(object) => {
            let class = text(object, "class_name").unwrap_or_default();
            let name = object
                .get("config")
                .and_then(|c| c.get("name"))
                .and_then(Value::as_str);
            if matches!(class, "Lambda" | "__lambda__") {
                return Err(Error::Lambda(name.unwrap_or(within).to_string()));
            }
            let within = name.unwrap_or(within);
            object
                .values()
                .try_for_each(|inner| refuse_lambda(inner, within))
        }
        Value::Array(list) => list
            .iter()
            .try_for_each(|inner| refuse_lambda(inner, within)),
        _ => Ok(()),
    }
}

/// `shared_object_id` is an address in the Python that saved the file.
fn forget_identities(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.shift_remove("shared_object_id");
            object.values_mut().for_each(forget_identities);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_identities),
        _ => {}
    }
}

fn into_object(value: Value, at: &str) -> Result<Map<String, Value>> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(Error::config(
            at,
            format!("an object is needed, found {}", kind(&other)),
        )),
    }
}

fn into_list(value: Value, at: &str) -> Result<Vec<Value>> {
    match value {
        Value::Array(list) => Ok(list),
        other => Err(Error::config(
            at,
            format!("a list is needed, found {}", kind(&other)),
        )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// `{module, class_name, config, registered_name: null}`.
fn keras_object(module: &str, class_name: &str, config: Map<String, Value>) -> Value {
    serde_json::json!({
        "module": module,
        "class_name": class_name,
        "config": config,
        "registered_name": null,
    })
}
