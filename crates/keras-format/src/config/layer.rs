//! One serialised layer or model, with everything inside of it.

use serde_json::{Map, Value};

use super::{Generation, graph, into_list, into_object, keras_object, keras2, text};
use crate::error::{Error, Result};

/// Rewrites a layer or model `{class_name, config, ..}`. `within` names what holds it.
pub(super) fn serialised(value: Value, generation: Generation, within: &str) -> Result<Value> {
    let mut object = into_object(value, within)?;
    let Some(class) = text(&object, "class_name").map(str::to_string) else {
        return Err(Error::config(within, "a layer has no `class_name`"));
    };
    if matches!(class.as_str(), "Lambda" | "__lambda__") {
        let name = object
            .get("config")
            .and_then(|c| c.get("name"))
            .and_then(Value::as_str);
        return Err(Error::Lambda(name.unwrap_or(within).to_string()));
    }
    let module = text(&object, "module").unwrap_or_default().to_string();
    if module.starts_with("keras.src.ops") || module.starts_with("keras.ops") {
        // An operation in the graph (a mask as `NotEqual`): no layer, no dtype policy.
        return Ok(Value::Object(object));
    }
    if generation == Generation::Keras3
        && module.is_empty()
        && !object.contains_key("module")
        && is_bare(&object)
    {
        // The same in a legacy file, which leaves the module out. All of them are of this one.
        object.insert("module".into(), "keras.src.ops.numpy".into());
        object.insert("registered_name".into(), class.into());
        return Ok(Value::Object(object));
    }
    let identity = Identity::of(&object, &class, &module, generation);
    let mut config = match object.shift_remove("config") {
        // Sequential before Keras 2.2.3: the bare list of layers.
        Some(Value::Array(layers)) if identity.class == "Sequential" => {
            Map::from_iter([("layers".to_string(), Value::Array(layers))])
        }
        Some(config) => into_object(config, &class)?,
        None => return Err(Error::config(within, format!("`{class}` has no `config`"))),
    };
    let outer_name = text(&object, "name").map(str::to_string);
    let name = text(&config, "name")
        .or(outer_name.as_deref())
        .unwrap_or(&class)
        .to_string();
    let mut build = object.shift_remove("build_config");
    if generation == Generation::Keras2 && !identity.custom() {
        keras2::layer(&identity.class, &name, &mut config, &mut build)?;
    }
    dtype(&identity, &name, &mut config, generation)?;
    if !identity.custom() {
        inside(&identity.class, &name, &mut config, generation)?;
    }

    let mut done = Map::new();
    done.insert("module".into(), identity.module);
    done.insert("class_name".into(), identity.class.into());
    done.insert("config".into(), Value::Object(config));
    done.insert("registered_name".into(), identity.registered);
    if let Some(build) = build.filter(|b| !b.is_null()) {
        done.insert("build_config".into(), build);
    }
    for key in [
        "name",
        "inbound_nodes",
        "shared_object_id",
        "compile_config",
    ] {
        if let Some(value) = object.shift_remove(key) {
            done.insert(key.into(), value);
        }
    }
    Ok(Value::Object(done))
}

/// Whether an object without a module is an operation: every layer has a dtype or `trainable`.
fn is_bare(object: &Map<String, Value>) -> bool {
    let config = object.get("config").and_then(Value::as_object);
    config.is_some_and(|config| {
        !["dtype", "trainable", "layers"]
            .iter()
            .any(|key| config.contains_key(*key))
    })
}

/// What a class is called in the one form.
struct Identity {
    module: Value,
    class: String,
    registered: Value,
}

impl Identity {
    fn of(object: &Map<String, Value>, class: &str, module: &str, generation: Generation) -> Self {
        let (package, bare) = match class.rsplit_once('>') {
            Some((package, bare)) => (Some(package), bare),
            None => (None, class),
        };
        if let Some(package) = package {
            // How the legacy form writes a registered class: `my_package>MyLayer`.
            return Identity {
                module: Value::Null,
                class: bare.to_string(),
                registered: format!("{package}>{bare}").into(),
            };
        }
        let bare = if generation == Generation::Keras2 {
            keras2::class(bare)
        } else {
            bare
        };
        let known = match (bare, module) {
            ("Functional" | "Model", "" | "keras" | "keras.models") => true,
            ("Functional", m) => m.ends_with(".functional"),
            _ => false,
        };
        if known {
            return Identity {
                module: "keras.src.models.functional".into(),
                class: "Functional".into(),
                registered: "Functional".into(),
            };
        }
        let module = match module {
            "" if bare == "Sequential" => "keras".into(),
            "" if object.contains_key("module") => Value::Null,
            "" => "keras.layers".into(),
            other => other.replacen("tf_keras.", "keras.", 1).into(),
        };
        Identity {
            module,
            class: bare.to_string(),
            registered: object
                .get("registered_name")
                .cloned()
                .unwrap_or(Value::Null),
        }
    }

    /// Whether the caller has to know the class: none of Keras' own.
    fn custom(&self) -> bool {
        let registered = self
            .registered
            .as_str()
            .is_some_and(|name| name != self.class);
        registered
            || !self
                .module
                .as_str()
                .is_some_and(|m| m == "keras" || m.starts_with("keras."))
    }
}

/// Brings `dtype` into its one form, and refuses every policy but float32.
fn dtype(
    identity: &Identity,
    name: &str,
    config: &mut Map<String, Value>,
    generation: Generation,
) -> Result<()> {
    let class = identity.class.as_str();
    let absent = class == "Functional" || generation == Generation::Keras3 || identity.custom();
    let found = config.get("dtype").cloned();
    let policy = match &found {
        None if absent => return Ok(()),
        None | Some(Value::Null) => "float32".to_string(),
        Some(Value::String(name)) => name.clone(),
        Some(Value::Object(object)) => {
            let inner = object
                .get("config")
                .and_then(|c| c.get("name"))
                .and_then(Value::as_str);
            inner
                .or(text(object, "class_name"))
                .unwrap_or("unknown")
                .to_string()
        }
        Some(other) => other.to_string(),
    };
    if class == "InputLayer" {
        config.insert("dtype".into(), policy.into());
        return Ok(());
    }
    // Keras before 2.3 stored an Embedding's dtype as that of its input.
    let input_type =
        class == "Embedding" && generation == Generation::Keras2 && policy.starts_with("int");
    if policy != "float32" && !input_type {
        return Err(Error::DtypePolicy {
            layer: name.to_string(),
            policy,
        });
    }
    if !matches!(found, Some(Value::Object(_))) {
        let name = Map::from_iter([("name".to_string(), "float32".into())]);
        config.insert("dtype".into(), keras_object("keras", "DTypePolicy", name));
    }
    Ok(())
}

/// Rewrites what a config holds: layers in layers, initializers and their like.
fn inside(
    class: &str,
    name: &str,
    config: &mut Map<String, Value>,
    generation: Generation,
) -> Result<()> {
    if class == "Bidirectional" {
        backward_layer(name, config, generation)?;
    }
    for (key, value) in config.iter_mut() {
        match (class, key.as_str()) {
            ("Sequential" | "Functional", "layers") | ("StackedRNNCells", "cells") => {
                let list = into_list(value.take(), name)?;
                let input = match (class, generation) {
                    ("Sequential", Generation::Keras2) => keras2::hidden_input(&list, name),
                    _ => None,
                };
                let mut done = Vec::from_iter(input);
                for layer in list {
                    done.push(serialised(layer, generation, name)?);
                }
                *value = done.into();
            }
            (_, "layer" | "backward_layer" | "cell") if value.is_object() => {
                *value = serialised(value.take(), generation, name)?;
            }
            (_, key) => attachment(key, value, generation),
        }
    }
    match class {
        "Sequential" => sequential(name, config),
        "Functional" => graph::normalise(config, generation, name),
        _ => Ok(()),
    }
}

/// An initializer, regularizer, constraint or activation object.
fn attachment(key: &str, value: &mut Value, generation: Generation) {
    let module = match key {
        _ if key.ends_with("initializer") => "keras.initializers",
        _ if key.ends_with("regularizer") => "keras.regularizers",
        _ if key.ends_with("constraint") => "keras.constraints",
        _ if key.ends_with("activation") => "keras.layers",
        _ => return,
    };
    let Some(object) = value.as_object_mut() else {
        return;
    };
    if text(object, "class_name").is_none() {
        return;
    }
    object.entry("module").or_insert_with(|| module.into());
    object.entry("registered_name").or_insert(Value::Null);
    let renamed = match text(object, "class_name") {
        Some("OrthogonalInitializer") => Some("Orthogonal"),
        Some("IdentityInitializer") => Some("Identity"),
        _ => None,
    };
    if let Some(class) = renamed {
        object.insert("class_name".into(), class.into());
    }
    if generation == Generation::Keras2
        && let Some(config) = object.get_mut("config").and_then(Value::as_object_mut)
    {
        config.shift_remove("dtype");
    }
}

/// Keras 2 stored the backward layer only where it was given: without one it is the forward layer
/// the other way round.
fn backward_layer(
    name: &str,
    config: &mut Map<String, Value>,
    generation: Generation,
) -> Result<()> {
    if config.get("backward_layer").is_some_and(Value::is_object) {
        return Ok(());
    }
    let Some(forward) = config.get_mut("layer").filter(|layer| layer.is_object()) else {
        return Err(Error::config(name, "a Bidirectional has no `layer`"));
    };
    let mut backward = forward.clone();
    if let Some(inner) = forward.get_mut("config").and_then(Value::as_object_mut) {
        prefix(inner, "forward_");
    }
    if let Some(inner) = backward.get_mut("config").and_then(Value::as_object_mut) {
        prefix(inner, "backward_");
        let forward = inner
            .get("go_backwards")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        // Keras 2 turned the direction around, Keras 3 sets it.
        let backwards = generation == Generation::Keras3 || !forward;
        inner.insert("go_backwards".into(), backwards.into());
    }
    config.insert("backward_layer".into(), backward);
    Ok(())
}

fn prefix(config: &mut Map<String, Value>, prefix: &str) {
    if let Some(name) = text(config, "name") {
        let name = format!("{prefix}{}", name.strip_prefix(prefix).unwrap_or(name));
        config.insert("name".into(), name.into());
    }
}

/// Gives a Sequential its name, and its input's shape where only old keys tell it.
fn sequential(name: &str, config: &mut Map<String, Value>) -> Result<()> {
    if !config.contains_key("name") {
        let name = if name == "Sequential" {
            "sequential"
        } else {
            name
        };
        config.insert("name".into(), name.into());
    }
    let Some(layers) = config.get("layers").and_then(Value::as_array) else {
        return Err(Error::config(name, "a Sequential has no list `layers`"));
    };
    let first = layers.first().and_then(|first| first.get("config"));
    if let Some(shape) = first.and_then(|config| config.get("batch_shape")).cloned() {
        config.entry("build_input_shape").or_insert(shape);
    }
    Ok(())
}
