//! The order of a functional model's layers, which decides the paths of their weights.
//!
//! A weights file knows layers by class and number (`layers/dense_1`), so reader and writer must
//! agree on the order. Keras computes it anew from the connections whenever it builds a model
//! (`map_graph` in its `ops/function.py`): by depth, the longest way to an output, deepest first;
//! among equals in the order in which a depth-first walk from the outputs meets them.

use std::collections::HashMap;

use serde_json::Value;

use crate::config::{TensorRef, model_outputs, tensor_refs};
use crate::error::{Error, Result};
use crate::layout::is_operation;
use crate::naming::{Numbered, child_path};
use crate::weights::WeightTree;

/// Brings the layers of every functional model in `model` into Keras' order, and moves the weights
/// in `tree` to the paths that go with it. Tells whether anything moved.
///
/// Files of Keras 3 are in that order, those of `tf.keras` need not be. [`write_model`] refuses a
/// model that is not. An optimizer's variables follow the layers' order too, and are not moved.
///
/// [`write_model`]: crate::write_model
///
/// # Errors
/// [`Error::Config`] for connections to nowhere and for cycles.
pub fn sort_layers(model: &mut Value, tree: &mut WeightTree) -> Result<bool> {
    sort(model, "", tree)
}

/// Whether [`sort_layers`] would move nothing.
pub(crate) fn is_sorted(model: &Value) -> Result<bool> {
    let layers = members(model);
    let own = match class(model) {
        "Functional" => {
            let order = order(model)?;
            order.iter().enumerate().all(|(at, &layer)| at == layer)
        }
        _ => true,
    };
    Ok(own
        && layers
            .iter()
            .map(is_sorted)
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .all(|s| s))
}

fn sort(model: &mut Value, path: &str, tree: &mut WeightTree) -> Result<bool> {
    let mut moved = false;
    if class(model) == "Functional" {
        let order = order(model)?;
        moved = order.iter().enumerate().any(|(at, &layer)| at != layer);
        if moved {
            let before = keys(model, path);
            let layers = model.get_mut("config").and_then(|c| c.get_mut("layers"));
            if let Some(layers) = layers.and_then(Value::as_array_mut) {
                *layers = order
                    .iter()
                    .filter_map(|&i| layers.get_mut(i).map(Value::take))
                    .collect();
            }
            let after = keys(model, path);
            let renamed = order
                .iter()
                .zip(&after)
                .filter_map(|(&old, new)| Some((before.get(old)?.clone()?, new.clone()?)));
            tree.rename(&renamed.collect());
        }
    }
    let paths = keys(model, path);
    let layers = model.get_mut("config").and_then(|c| c.get_mut("layers"));
    for (layer, path) in layers
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .zip(paths)
    {
        if let Some(path) = path {
            moved |= sort(layer, &path, tree)?;
        }
    }
    Ok(moved)
}

fn class(model: &Value) -> &str {
    model
        .get("class_name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn members(model: &Value) -> &[Value] {
    let layers = model.get("config").and_then(|c| c.get("layers"));
    layers
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The path of each layer of a model; `None` for what has none.
fn keys(model: &Value, path: &str) -> Vec<Option<String>> {
    let mut numbers = Numbered::new();
    let sequential = class(model) == "Sequential";
    let key = |layer: &Value| {
        let hidden = is_operation(layer) || (sequential && class(layer) == "InputLayer");
        (!hidden).then(|| child_path(&child_path(path, "layers"), &numbers.next(class(layer))))
    };
    members(model).iter().map(key).collect()
}

/// A call of a layer: the layer's index and which of its calls.
type Call = (usize, usize);

/// Indices of the layers in Keras' order.
fn order(model: &Value) -> Result<Vec<usize>> {
    let layers = members(model);
    let graph = Graph::new(layers)?;
    let (calls, indices) = graph.walk(&model_outputs(model))?;
    let mut call_depths: HashMap<Call, usize> = HashMap::new();
    let mut depths: Vec<usize> = vec![0; layers.len()];
    for &call in calls.iter().rev() {
        let depth = call_depths
            .get(&call)
            .copied()
            .unwrap_or(0)
            .max(depths[call.0]);
        depths[call.0] = depth;
        call_depths.insert(call, depth);
        for &parent in graph.parents(call) {
            let known = call_depths.entry(parent).or_default();
            *known = (*known).max(depth + 1);
        }
    }
    let mut order: Vec<usize> = (0..layers.len()).collect();
    // An input that no output needs has depth 0 and comes before what was walked.
    let walked = |layer: &usize| indices.get(layer).map_or(0, |index| index + 1);
    order.sort_by_key(|layer| (usize::MAX - depths[*layer], walked(layer)));
    Ok(order)
}

/// Which calls feed which.
struct Graph {
    names: HashMap<String, usize>,
    parents: HashMap<Call, Vec<Call>>,
}

impl Graph {
    fn new(layers: &[Value]) -> Result<Self> {
        let name = |layer: &Value| {
            layer
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_string()
        };
        let names = layers
            .iter()
            .enumerate()
            .map(|(i, layer)| (name(layer), i))
            .collect();
        let mut graph = Graph {
            names,
            parents: HashMap::new(),
        };
        for (index, layer) in layers.iter().enumerate() {
            let calls = layer.get("inbound_nodes").and_then(Value::as_array);
            let calls = calls.map(Vec::as_slice).unwrap_or_default();
            if calls.is_empty() {
                graph.parents.insert((index, 0), Vec::new()); // an input
            }
            for (node, call) in calls.iter().enumerate() {
                let mut from = Vec::new();
                for part in ["args", "kwargs"] {
                    arguments(call.get(part).unwrap_or(&Value::Null), &mut from);
                }
                let from = from.iter().map(|r| graph.call(r)).collect::<Result<_>>()?;
                graph.parents.insert((index, node), from);
            }
        }
        Ok(graph)
    }

    fn call(&self, reference: &TensorRef) -> Result<Call> {
        let unknown = || {
            Error::config(
                &reference.layer,
                "something refers to a layer that is not in the model",
            )
        };
        self.names
            .get(&reference.layer)
            .map(|&layer| (layer, reference.node))
            .ok_or_else(unknown)
    }

    fn parents(&self, call: Call) -> &[Call] {
        self.parents
            .get(&call)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Calls from inputs to outputs, and the order in which layers are met.
    fn walk(&self, outputs: &[TensorRef]) -> Result<(Vec<Call>, HashMap<usize, usize>)> {
        let mut done: Vec<Call> = Vec::new();
        let mut met: HashMap<usize, usize> = HashMap::new();
        // Whether a call is finished; one that is there and is not is being walked.
        let mut finished: HashMap<Call, bool> = HashMap::new();
        for output in outputs {
            // An own stack: a chain of layers can be longer than the thread's.
            let mut stack = vec![(self.call(output)?, 0)];
            while let Some((call, next)) = stack.pop() {
                if next == 0 {
                    match finished.get(&call) {
                        Some(true) => continue,
                        Some(false) => {
                            return Err(Error::config(
                                "`inbound_nodes`",
                                "the connections run in a circle",
                            ));
                        }
                        None => {}
                    }
                    if !self.parents.contains_key(&call) {
                        return Err(Error::config(
                            "`inbound_nodes`",
                            "something refers to a call that is not in the model",
                        ));
                    }
                    finished.insert(call, false);
                    let index = met.len();
                    met.entry(call.0).or_insert(index);
                }
                match self.parents(call).get(next) {
                    Some(&parent) => {
                        stack.push((call, next + 1));
                        stack.push((parent, 0));
                    }
                    None => {
                        finished.insert(call, true);
                        done.push(call);
                    }
                }
            }
        }
        Ok((done, met))
    }
}

/// Tensors among arguments as Keras flattens them: objects by sorted keys.
fn arguments(value: &Value, found: &mut Vec<TensorRef>) {
    match value {
        Value::Object(object) if object.contains_key("class_name") => {
            found.extend(tensor_refs(value))
        }
        Value::Object(object) => {
            let mut fields: Vec<_> = object.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            fields
                .into_iter()
                .for_each(|(_, inner)| arguments(inner, found));
        }
        Value::Array(list) => list.iter().for_each(|inner| arguments(inner, found)),
        _ => {}
    }
}
