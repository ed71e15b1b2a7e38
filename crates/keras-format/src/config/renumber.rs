//! Which call of a nested model a connection means: the generations count differently.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::graph::{Nodes, triple};
use super::text;

/// Keras 2 counted the calls of a nested model from 1, those of a `Sequential` without a known
/// input from 0. Keras 3 counts from 0, but from 1 where the ends of a model are a `Functional`'s.
pub(super) fn renumber(config: &mut Map<String, Value>, nodes: &Nodes) {
    let mut last: HashMap<String, usize> = HashMap::new();
    let mut note = |history: &mut Vec<Value>| {
        if let Some(reference) = triple(history) {
            let entry = last.entry(reference.layer).or_default();
            *entry = (*entry).max(reference.node);
        }
    };
    ends(config, &mut note);
    inputs(config, &mut note);
    let shift = |history: &mut Vec<Value>, functional: usize| {
        let Some(reference) = triple(history) else {
            return;
        };
        let Some((class, calls)) = nodes.get(&reference.layer) else {
            return;
        };
        // The last call is always used, else it would not be in the file.
        let last = last.get(&reference.layer).copied().unwrap_or(0);
        let first = (last + 1).saturating_sub(*calls);
        let start = match class.as_str() {
            "Functional" => functional,
            "Sequential" => 0,
            _ => return,
        };
        if let Some(node) = history.get_mut(1) {
            *node = Value::from((reference.node + start).saturating_sub(first));
        }
    };
    ends(config, &mut |history| shift(history, 1));
    inputs(config, &mut |history| shift(history, 0));
}

/// Calls `visit` with every `[layer, node, tensor]` where this model begins or ends.
fn ends(config: &mut Map<String, Value>, visit: &mut impl FnMut(&mut Vec<Value>)) {
    for key in ["input_layers", "output_layers"] {
        if let Some(ends) = config.get_mut(key) {
            histories(ends, visit);
        }
    }
}

/// Calls `visit` with every `[layer, node, tensor]` that a call of this model takes.
fn inputs(config: &mut Map<String, Value>, visit: &mut impl FnMut(&mut Vec<Value>)) {
    let layers = config.get_mut("layers").and_then(Value::as_array_mut);
    for layer in layers.into_iter().flatten() {
        if let Some(calls) = layer.get_mut("inbound_nodes") {
            tensors(calls, visit);
        }
    }
}

fn tensors(value: &mut Value, visit: &mut impl FnMut(&mut Vec<Value>)) {
    match value {
        Value::Object(object) if text(object, "class_name") == Some("__keras_tensor__") => {
            if let Some(history) = object
                .get_mut("config")
                .and_then(|c| c.get_mut("keras_history"))
            {
                histories(history, visit);
            }
        }
        Value::Object(object) => object.values_mut().for_each(|inner| tensors(inner, visit)),
        Value::Array(list) => list.iter_mut().for_each(|inner| tensors(inner, visit)),
        _ => {}
    }
}

fn histories(value: &mut Value, visit: &mut impl FnMut(&mut Vec<Value>)) {
    match value {
        Value::Array(list) if triple(list).is_some() => visit(list),
        Value::Array(list) => list.iter_mut().for_each(|inner| histories(inner, visit)),
        Value::Object(object) => object
            .values_mut()
            .for_each(|inner| histories(inner, visit)),
        _ => {}
    }
}
