//! Which objects a weights file has for a model, told from the model's config alone.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::naming::{Numbered, child_path, held_keys, own_parts, snake_case};

/// An object of a model that has a place in its weights file.
#[derive(Debug, Clone, PartialEq)]
pub struct Place<'c> {
    /// Its path: `layers/bidirectional/forward_layer/cell`.
    pub path: String,
    /// Its class: `LSTMCell`.
    pub class: String,
    /// Its name, where the config tells it.
    pub name: Option<String>,
    /// Its own config; for the parts a layer makes for itself, that of the layer.
    pub config: &'c Value,
}

/// Every object that Keras makes a group for, the model itself first, then each before its parts.
///
/// `model` is in the form of [`normalise`](crate::normalise). The optimizer is not among them: its
/// path is `optimizer`, its name [`snake_case`] of its class.
///
/// # Errors
/// [`Error::Config`] for what is not in that form.
pub fn places(model: &Value) -> Result<Vec<Place<'_>>> {
    let mut found = Vec::new();
    object(model, String::new(), &mut found)?;
    Ok(found)
}

fn object<'c>(value: &'c Value, path: String, found: &mut Vec<Place<'c>>) -> Result<()> {
    let class = value.get("class_name").and_then(Value::as_str);
    let (Some(class), Some(config)) = (class, value.get("config")) else {
        return Err(Error::config(
            &path,
            "an object has no `class_name` or no `config`",
        ));
    };
    let Some(fields) = config.as_object() else {
        return Err(Error::config(
            &path,
            format!("the config of a `{class}` is no object"),
        ));
    };
    found.push(Place {
        path: path.clone(),
        class: class.to_string(),
        name: fields
            .get("name")
            .and_then(Value::as_str)
            .map(str::to_string),
        config,
    });
    for part in own_parts(class, fields) {
        let part_path = child_path(&path, part.key);
        found.push(Place {
            path: part_path.clone(),
            class: part.class.to_string(),
            name: (!part.name.is_empty()).then(|| part.name.to_string()),
            config,
        });
        // A recurrent layer's activation belongs to its cell.
        if part.key == "cell" {
            activations(fields, &part_path, found)?;
        }
    }
    if own_parts(class, fields)
        .iter()
        .all(|part| part.key != "cell")
    {
        activations(fields, &path, found)?;
    }
    for (key, place) in held_keys(class) {
        let path = child_path(&path, place);
        match fields.get(*key) {
            Some(Value::Array(list)) => members(list, class, &path, found)?,
            Some(held @ Value::Object(_)) => object(held, path, found)?,
            _ => {}
        }
    }
    Ok(())
}

fn members<'c>(
    list: &'c [Value],
    class: &str,
    path: &str,
    found: &mut Vec<Place<'c>>,
) -> Result<()> {
    let mut keys = Numbered::new();
    for member in list {
        let name = member
            .get("class_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // A Sequential hides its input from its layers; a functional model does not. Operations
        // in a graph are no layers.
        if (class == "Sequential" && name == "InputLayer") || is_operation(member) {
            continue;
        }
        object(member, child_path(path, &keys.next(name)), found)?;
    }
    Ok(())
}

/// Whether a member of a functional model's `layers` is a bare operation such as `NotEqual`.
pub fn is_operation(member: &Value) -> bool {
    let module = member
        .get("module")
        .and_then(Value::as_str)
        .unwrap_or_default();
    module.starts_with("keras.src.ops") || module.starts_with("keras.ops")
}

/// Activations that are layers themselves (`LeakyReLU`) have a group like any layer.
fn activations<'c>(
    config: &'c Map<String, Value>,
    path: &str,
    found: &mut Vec<Place<'c>>,
) -> Result<()> {
    for key in ["activation", "recurrent_activation"] {
        if let Some(layer) = config.get(key)
            && layer.get("module").and_then(Value::as_str) == Some("keras.layers")
        {
            object(layer, child_path(path, key), found)?;
        }
    }
    Ok(())
}

/// Name of an optimizer's group in [`Variables::name`](crate::Variables::name).
pub fn optimizer_name(class: &str) -> String {
    snake_case(class)
}
