//! Which layer reads an input, and what that says about the names of its axes.

use super::Model;
use crate::dims::{self, Dims};
use crate::layers::{LayerHandle, describe};

/// The layer that reads an input of a model first, looked for inside models too.
pub(crate) fn reader(model: &Model, input: usize) -> Option<LayerHandle> {
    let graph = model.graph().ok()?;
    let (layer, place) = graph.steps.iter().find_map(|step| {
        let place = step.inputs.iter().position(|value| *value == input)?;
        Some((&model.layers()[step.layer], place))
    })?;
    let inside = layer
        .read()
        .as_any()
        .downcast_ref::<Model>()
        .map(|inner| reader(inner, place));
    inside.unwrap_or_else(|| Some(layer.clone()))
}

/// What errors call the place that takes an input: the layer that reads it, and which input where there are several.
pub(crate) fn place(model: &Model, input: usize, name: &str, inputs: usize) -> String {
    let layer = match reader(model, input) {
        Some(layer) => layer.describe(),
        None => describe(model),
    };
    if inputs == 1 {
        layer
    } else {
        format!("{layer}, which reads input \"{name}\",")
    }
}

/// The names of the axes of a model's input, batch first.
pub(crate) fn axis_names(model: &Model, input: usize, rank: usize) -> &'static [&'static str] {
    let categories = reader(model, input).is_some_and(|layer| layer.class_name() == "Embedding");
    dims::axis_names(rank, categories)
}

/// How the input of this model is declared for samples of a shape, as `[31, 25]`: on the first layer of a `Sequential`,
/// or as an `Input`.
pub(crate) fn declared(model: &Model, shape: &str) -> String {
    if model.takes_shape_from_first_layer() {
        format!("`.input_shape({shape})` on the first layer")
    } else {
        format!("`Input::new({shape})`")
    }
}

/// How an `Embedding` of sequences of `n` categories is put in front of what reads the input.
pub(crate) fn embedded(model: &Model, categories: &str, n: usize) -> String {
    if model.takes_shape_from_first_layer() {
        format!(
            "`Embedding::new({categories}, 8).input_shape([{n}])` as the first layer, the only one with an `input_shape`"
        )
    } else {
        format!("`Input::new([{n}])` with `Embedding::new({categories}, 8)` after it")
    }
}

/// A shape as the program writes it: `[31, 25]`, `(None, 25)`.
pub(crate) fn code(dims: &Dims) -> String {
    if let Some(known) = dims.to_known() {
        return format!("{known:?}");
    }
    let axis = |a: &Option<usize>| a.map_or("None".to_string(), |n| n.to_string());
    let axes: Vec<String> = dims.axes().iter().map(axis).collect();
    match axes.as_slice() {
        [one] => format!("({one},)"),
        several => format!("({})", several.join(", ")),
    }
}
