//! The connections of a functional model.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Generation, into_list, into_object, renumber, text};
use crate::error::{Error, Result};

/// Where a tensor of a functional model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TensorRef {
    /// Name of the layer.
    pub layer: String,
    /// Which of its calls, as its `inbound_nodes` lists them, from 0.
    pub node: usize,
    /// Which output of that call.
    pub tensor: usize,
}

/// The tensors that a functional model takes, in order. `model` is the model or its config.
pub fn model_inputs(model: &Value) -> Vec<TensorRef> {
    model_ends(model, "input_layers")
}

/// The tensors that a functional model gives, in order. `model` is the model or its config.
pub fn model_outputs(model: &Value) -> Vec<TensorRef> {
    model_ends(model, "output_layers")
}

fn model_ends(model: &Value, key: &str) -> Vec<TensorRef> {
    let config = model.get("config").unwrap_or(model);
    let functional = |name: &str| {
        let mut layers = config
            .get("layers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let found = layers.find(|layer| layer.get("name").and_then(Value::as_str) == Some(name));
        found
            .and_then(|layer| layer.get("class_name"))
            .and_then(Value::as_str)
            == Some("Functional")
    };
    let mut found = config.get(key).map(tensor_refs).unwrap_or_default();
    for reference in &mut found {
        if functional(&reference.layer) {
            reference.node = reference.node.saturating_sub(1);
        }
    }
    found
}

/// Every tensor in `value`, in order: of one argument of a call, or of all of them.
///
/// For the ends of a model use [`model_inputs`] and [`model_outputs`].
///
/// ```
/// let one = keras_format::tensor_refs(&serde_json::json!(["lstm", 0, 2]));
/// assert_eq!((one[0].layer.as_str(), one[0].node, one[0].tensor), ("lstm", 0, 2));
/// let two = serde_json::json!([["a", 0, 0], ["b", 0, 0]]);
/// assert_eq!(keras_format::tensor_refs(&two).len(), 2);
/// ```
pub fn tensor_refs(value: &Value) -> Vec<TensorRef> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<TensorRef>) {
    match value {
        Value::Array(list) => match triple(list) {
            Some(reference) => found.push(reference),
            None => list.iter().for_each(|inner| collect(inner, found)),
        },
        Value::Object(object) if text(object, "class_name") == Some("__keras_tensor__") => {
            if let Some(history) = object.get("config").and_then(|c| c.get("keras_history")) {
                collect(history, found);
            }
        }
        // Python's tree of a dict has its values by sorted keys.
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            fields.iter().for_each(|(_, inner)| collect(inner, found));
        }
        _ => {}
    }
}

/// `[name, node, tensor]`, with whatever follows.
pub(super) fn triple(list: &[Value]) -> Option<TensorRef> {
    match list {
        [Value::String(layer), node, tensor, ..] => Some(TensorRef {
            layer: layer.clone(),
            node: usize::try_from(node.as_u64()?).ok()?,
            tensor: usize::try_from(tensor.as_u64()?).ok()?,
        }),
        _ => None,
    }
}

/// Whether initial states can stand among the inputs of this class.
pub(super) fn takes_states(class: &str) -> bool {
    matches!(
        class,
        "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "Bidirectional" | "ConvLSTM1D" | "ConvLSTM2D"
    )
}

/// Rewrites the calls and ends of a functional model whose layers are already rewritten.
pub(super) fn normalise(
    config: &mut Map<String, Value>,
    generation: Generation,
    name: &str,
) -> Result<()> {
    for key in ["layers", "input_layers", "output_layers"] {
        if !config.contains_key(key) {
            return Err(Error::config(
                name,
                format!("a functional model has no `{key}`"),
            ));
        }
    }
    let Some(layers) = config.get_mut("layers").and_then(Value::as_array_mut) else {
        return Err(Error::config(name, "`layers` is not a list"));
    };
    let mut nodes = HashMap::new();
    for layer in layers.iter_mut() {
        let object = layer
            .as_object_mut()
            .ok_or_else(|| Error::config(name, "a layer is no object"))?;
        let own = object.get("config").and_then(|c| c.get("name")).cloned();
        if !object.contains_key("name") {
            object.insert("name".into(), own.unwrap_or_default());
        }
        let Some(layer_name) = text(object, "name").map(str::to_string) else {
            return Err(Error::config(name, "a layer has no name"));
        };
        let calls = object
            .get("inbound_nodes")
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        let class = text(object, "class_name").unwrap_or_default().to_string();
        if nodes.insert(layer_name.clone(), (class, calls)).is_some() {
            return Err(Error::config(
                name,
                format!("two layers are called `{layer_name}`"),
            ));
        }
    }
    for layer in layers.iter_mut().filter_map(Value::as_object_mut) {
        calls(layer, &nodes)?;
    }
    if generation == Generation::Keras2 {
        for key in ["input_layers", "output_layers"] {
            if let Some(ends) = config.get_mut(key) {
                single_end(ends);
            }
        }
        renumber::renumber(config, &nodes);
    }
    Ok(())
}

/// Class and number of calls of each layer.
pub(super) type Nodes = HashMap<String, (String, usize)>;

fn calls(layer: &mut Map<String, Value>, nodes: &Nodes) -> Result<()> {
    let class = text(layer, "class_name").unwrap_or_default().to_string();
    let name = text(layer, "name").unwrap_or_default().to_string();
    let list = into_list(
        layer
            .remove("inbound_nodes")
            .unwrap_or(Value::Array(Vec::new())),
        &name,
    )?;
    let mut done = Vec::new();
    for call in list {
        done.push(match call {
            Value::Object(call) => Value::Object(call),
            Value::Array(entries) => old_call(entries, &class, &name, nodes)?,
            _ => {
                return Err(Error::config(
                    &name,
                    "a call in `inbound_nodes` is neither list nor object",
                ));
            }
        });
    }
    layer.insert("inbound_nodes".into(), done.into());
    Ok(())
}

/// A call of the old form: a list of `[layer, node, tensor, kwargs]`.
fn old_call(entries: Vec<Value>, class: &str, name: &str, nodes: &Nodes) -> Result<Value> {
    // A layer that keeps its input's structure may have the one entry without the list.
    let entries = match entries.first() {
        Some(Value::String(_)) => vec![Value::Array(entries)],
        _ => entries,
    };
    let mut kwargs = Map::new();
    let mut tensors = Vec::new();
    for entry in entries {
        let entry = into_list(entry, name)?;
        if let ([Value::String(mark), _, constant, ..], "_CONSTANT_VALUE") = (
            entry.as_slice(),
            entry.first().and_then(Value::as_str).unwrap_or_default(),
        ) {
            let _ = mark;
            tensors.push(constant.clone());
        } else {
            let reference = triple(&entry).filter(|r| nodes.contains_key(&r.layer));
            let reference = reference
                .ok_or_else(|| Error::config(name, "an input is no tensor of this model"))?;
            tensors.push(tensor(&reference));
        }
        if let (Some(given), true) = (entry.get(3), kwargs.is_empty()) {
            kwargs = into_object(given.clone(), name)?;
        }
    }
    for value in kwargs.values_mut() {
        revive(value, nodes);
    }
    let mut args = Vec::new();
    if takes_states(class) && tensors.len() > 1 {
        let states = tensors.split_off(1);
        kwargs.insert("initial_state".into(), states.into());
        args.append(&mut tensors);
    } else if tensors.len() == 1 {
        args.append(&mut tensors);
    } else {
        args.push(tensors.into());
    }
    Ok(json!({ "args": args, "kwargs": kwargs }))
}

/// `[layer, node, tensor]` anywhere in the arguments of a call becomes a tensor.
fn revive(value: &mut Value, nodes: &Nodes) {
    if let Value::Array(list) = value {
        match triple(list).filter(|r| list.len() == 3 && nodes.contains_key(&r.layer)) {
            Some(reference) => *value = tensor(&reference),
            None => list.iter_mut().for_each(|inner| revive(inner, nodes)),
        }
    }
}

fn tensor(reference: &TensorRef) -> Value {
    json!({
        "class_name": "__keras_tensor__",
        "config": {
            "shape": [],
            "dtype": "float32",
            "keras_history": [reference.layer, reference.node, reference.tensor],
        },
    })
}

/// Keras 2 wrote a list of one where there was one input; its model took and gave a bare array.
fn single_end(ends: &mut Value) {
    if let Value::Array(list) = ends
        && let [Value::Array(only)] = list.as_slice()
        && triple(only).is_some()
    {
        *ends = Value::Array(only.clone());
    }
}
