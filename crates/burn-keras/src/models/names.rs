//! The names of a model's layers and inputs, which differ from each other.

use std::collections::{HashMap, HashSet};

use super::graph::GraphInput;
use super::node::{Node, Source};
use crate::layers::LayerHandle;
use crate::tensor::Kind;
use crate::{Error, Result};

/// Gives unnamed layers the names Keras would: after their class, numbered from the second on.
///
/// # Errors
///
/// [`Error::Model`] when two layers, or a layer and one of `inputs`, have the same name.
pub(super) fn name_layers(layers: &[LayerHandle], inputs: &[&str]) -> Result<()> {
    let mut taken: HashMap<String, String> = HashMap::new();
    for input in inputs {
        taken.insert((*input).to_string(), format!("the input \"{input}\""));
    }
    let (given, automatic): (Vec<_>, Vec<_>) = layers.iter().partition(|l| l.has_given_name());
    for layer in given {
        if let Some(other) = taken.insert(layer.name(), layer.describe()) {
            let problem = format!("{other} and {}", layer.describe());
            return Err(same_name(&layer.name(), &problem));
        }
    }
    for layer in automatic {
        let base = keras_format::naming::snake_case(&layer.class_name());
        let current = Some(layer.name()).filter(|name| !name.is_empty());
        // A name from another model is kept where it is free here too.
        let free = current
            .into_iter()
            .chain(numbered(base))
            .find(|name| !taken.contains_key(name));
        if let Some(name) = free {
            layer.set_automatic_name(&name);
            taken.insert(name, layer.describe());
        }
    }
    Ok(())
}

/// The inputs with their names: those given, else `input_layer`, `input_layer_1`, … as far as no layer has them.
///
/// # Errors
///
/// [`Error::Model`] when two have the same name.
pub(super) fn name_inputs(inputs: &[Node], layers: &[LayerHandle]) -> Result<Vec<GraphInput>> {
    let own = |node: &Node| match node.source() {
        Source::Input { name, kind } => (name.clone(), *kind),
        Source::Call { .. } => (None, Kind::Float),
    };
    let mut taken: HashSet<String> = HashSet::new();
    for name in inputs.iter().filter_map(|node| own(node).0) {
        if !taken.insert(name.clone()) {
            return Err(same_name(&name, "two inputs"));
        }
    }
    let given = layers.iter().filter(|l| l.has_given_name());
    taken.extend(given.map(LayerHandle::name));
    let mut free = numbered("input_layer".to_string()).filter(|name| !taken.contains(name));
    let named = inputs.iter().map(|node| {
        let (name, kind) = own(node);
        GraphInput {
            name: name.or_else(|| free.next()).unwrap_or_default(),
            dims: node.dims().clone(),
            kind,
        }
    });
    Ok(named.collect())
}

/// `base`, `base_1`, `base_2`, …
fn numbered(base: String) -> impl Iterator<Item = String> {
    (0..).map(move |i| match i {
        0 => base.clone(),
        i => format!("{base}_{i}"),
    })
}

fn same_name(name: &str, whose: &str) -> Error {
    Error::Model(format!(
        "{whose} have the name \"{name}\"; names within a model must differ: give one another name, or leave its \
         `.name(..)` out"
    ))
}
