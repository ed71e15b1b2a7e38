//! What to say when weights do not fit a layer: which weight, axis by axis, and what would have to be declared.

use super::{DynLayer, WeightInfo, describe};
use crate::Error;
use crate::error::plural;

/// The size that an axis of a weight stands for.
struct Axis {
    /// What it counts, as `features` or `units`.
    name: &'static str,
    /// How many times: the gates of an LSTM lie side by side.
    times: usize,
}

impl Axis {
    fn words(&self, size: usize) -> String {
        match self.times {
            1 => format!("{} = {size}", self.name),
            times => format!("{times} × {} = {size}", self.name),
        }
    }
}

/// What the axes of a layer's weight are, where its class is one that people write themselves.
fn axes(class_name: &str, weight: &str, rank: usize) -> Option<Vec<Axis>> {
    let gates = match class_name {
        "LSTM" => 4,
        "GRU" => 3,
        "SimpleRNN" | "Dense" => 1,
        "Embedding" => 0,
        _ => return None,
    };
    let axis = |name, times| Axis { name, times };
    let weight = weight.rsplit('.').next().unwrap_or(weight);
    Some(match (class_name, weight) {
        ("GRU", "bias") if rank == 2 => vec![axis("rows", 1), axis("units", gates)],
        ("Embedding", "embeddings") => vec![axis("input_dim", 1), axis("output_dim", 1)],
        (_, "kernel") => vec![axis("features", 1), axis("units", gates)],
        (_, "recurrent_kernel") => vec![axis("units", 1), axis("units", gates)],
        (_, "bias") => vec![axis("units", gates)],
        _ => return None,
    })
}

/// A shape of a layer's weight in words: `[features = 16, 4 × units = 128]`.
fn words(axes: Option<&[Axis]>, shape: &[usize]) -> String {
    match axes {
        Some(axes) if axes.len() == shape.len() => {
            let parts: Vec<String> = axes.iter().zip(shape).map(|(a, n)| a.words(*n)).collect();
            format!("[{}]", parts.join(", "))
        }
        _ => format!("{shape:?}"),
    }
}

fn listed(class_name: &str, weights: &[WeightInfo]) -> String {
    let named: Vec<String> = weights
        .iter()
        .map(|w| {
            let axes = axes(class_name, &w.name, w.shape.len());
            let name = w.name.rsplit('.').next().unwrap_or(&w.name);
            format!("{name} {}", words(axes.as_deref(), &w.shape))
        })
        .collect();
    named.join(", ")
}

/// Another number of weights than the layer has.
pub(super) fn other_count(
    layer: &dyn DynLayer,
    weights: &[WeightInfo],
    given: &[&[usize]],
) -> Error {
    let shapes: Vec<String> = given.iter().map(|shape| format!("{shape:?}")).collect();
    let came = match shapes.len() {
        0 => "none were given".to_string(),
        1 => format!("one was given, of shape {}", shapes[0]),
        n => format!("{n} were given, of shapes {}", shapes.join(", ")),
    };
    let fix = match (layer.class_name(), weights.len(), given.len()) {
        (_, 0, _) => "\nA layer without weights takes an empty list.",
        ("LSTM" | "GRU" | "SimpleRNN", 3, 2) | ("Dense", 2, 1) => {
            "\nWeights without a bias come from a layer with `.use_bias(false)`."
        }
        ("LSTM" | "GRU" | "SimpleRNN", 2, 3) | ("Dense", 1, 2) => {
            "\nThe layer has no bias: leave the last array out, or make it without `.use_bias(false)`."
        }
        _ => "\nGive one array for each weight, in this order.",
    };
    Error::weights(
        describe(layer),
        format!(
            "it has {} {}, {}, but {came}.{fix}",
            weights.len(),
            plural(weights.len(), "weight"),
            listed(layer.class_name(), weights),
        ),
    )
}

/// A weight of another shape than the layer's.
pub(super) fn other_shape(layer: &dyn DynLayer, weight: &WeightInfo, given: &[usize]) -> Error {
    let class_name = layer.class_name();
    let axes_of = |rank: usize| axes(class_name, &weight.name, rank);
    let axes = axes_of(weight.shape.len());
    let name = weight.name.rsplit('.').next().unwrap_or(&weight.name);
    let transposed = given.len() == 2 && weight.shape == [given[1], given[0]];
    let fix = match &axes {
        _ if transposed => format!(
            "It is transposed: give `.t()` of it.{}",
            gate_order(class_name)
        ),
        _ if class_name == "GRU" && name == "bias" && given.len() != weight.shape.len() => {
            other_bias(layer.type_name(), given)
        }
        Some(axes) if axes.len() == given.len() => {
            let changes: Vec<String> = axes
                .iter()
                .zip(weight.shape.iter().zip(given))
                .filter(|(axis, (mine, theirs))| {
                    let declared = axis.name != "rows" && theirs.is_multiple_of(axis.times.max(1));
                    mine != theirs && declared
                })
                .map(|(axis, (_, theirs))| {
                    change(layer.type_name(), axis.name, theirs / axis.times.max(1))
                })
                .collect();
            if changes.is_empty() {
                other_layer(class_name)
            } else {
                format!("To take these weights: {}.", changes.join(", and "))
            }
        }
        _ => other_layer(class_name),
    };
    Error::weights(
        describe(layer),
        format!(
            "its weight `{name}` needs the shape {}, but got {}.\n{fix}",
            words(axes.as_deref(), &weight.shape),
            words(axes_of(given.len()).as_deref(), given),
        ),
    )
}

/// How the gates lie in a kernel, for those who come from PyTorch, whose kernels are transposed.
fn gate_order(class_name: &str) -> &'static str {
    match class_name {
        "LSTM" => " Its gates are i, f, c, o, in the order that PyTorch has too.",
        "GRU" => {
            " Its gates lie side by side as z, r, h; PyTorch's are r, z, n, so there the first two thirds change places."
        }
        _ => "",
    }
}

/// A GRU's bias of the other kind: one row, or one for the input and one for the state.
fn other_bias(type_name: &str, given: &[usize]) -> String {
    let units = given.last().map_or(0, |n| n / 3);
    match given.len() {
        1 => format!(
            "A bias of one row is that of a GRU whose reset gate works before the product: make it \
             `{type_name}::new({units}).reset_after(false)`."
        ),
        _ => format!(
            "A bias of two rows is that of a GRU whose reset gate works after the product, Keras' default: make it \
             `{type_name}::new({units})`, without `.reset_after(false)`."
        ),
    }
}

/// What would have to be declared for an axis to have another size.
fn change(type_name: &str, axis: &str, size: usize) -> String {
    match axis {
        "features" => format!(
            "the layer must be fed {size} features (by the last axis of `input_shape`, or the layer in front)"
        ),
        "units" => format!("make it `{type_name}::new({size})`"),
        "input_dim" => format!("make the first argument of `Embedding::new` {size}"),
        _ => format!("make the second argument of `Embedding::new` {size}"),
    }
}

fn other_layer(class_name: &str) -> String {
    format!("These are the weights of another layer, or of a {class_name} with other arguments.")
}
