//! Layers that make one tensor of several.

use super::Layer;
use crate::dims::Dims;
use crate::tensor::{AnyTensor, Mask};
use crate::{Error, Result};

mod concatenate;
mod dot;
mod elementwise;

pub use concatenate::Concatenate;
pub use dot::Dot;
pub use elementwise::{Add, Average, Maximum, Minimum, Multiply, Subtract};

/// The batch size that several inputs agree on.
fn common_batch(layer: &(impl Layer + ?Sized), inputs: &[Dims]) -> Result<Option<usize>> {
    let mut known = inputs.iter().filter_map(|dims| dims.axis(0));
    let first = known.next();
    if known.all(|size| Some(size) == first) {
        return Ok(first);
    }
    Err(mismatch(layer, "inputs with the same batch size", inputs))
}

/// The error about shapes that cannot be merged.
fn mismatch(layer: &(impl Layer + ?Sized), needs: &str, inputs: &[Dims]) -> Error {
    let shapes: Vec<String> = inputs.iter().map(Dims::in_words).collect();
    Error::shape(
        super::describe(layer),
        needs,
        shapes.join(" and "),
        common_shape(layer.class_name(), inputs),
    )
}

/// How the second of two shapes that cannot be merged comes to fit the first.
fn common_shape(class_name: &str, inputs: &[Dims]) -> String {
    let first = inputs.first().cloned().unwrap_or_default();
    let other = inputs.iter().find(|dims| {
        let sizes = first.axes().iter().zip(dims.axes()).skip(1);
        dims.rank() != first.rank() || sizes.clone().any(|(a, b)| a != b)
    });
    let other = other.cloned().unwrap_or_default();
    let joins = class_name == "Concatenate";
    match (first.rank(), other.rank()) {
        (3, 2) | (2, 3) => {
            let (sequence, vector) = if first.rank() == 3 {
                (&first, &other)
            } else {
                (&other, &first)
            };
            let steps = sequence
                .axis(1)
                .map_or("timesteps".to_string(), |n| n.to_string());
            format!(
                "`RepeatVector::new({steps})` puts {} at every step.",
                vector.in_words()
            )
        }
        (3, 3) if first.axis(1) != other.axis(1) => {
            let behind = match joins && first.last() == other.last() {
                true => " `Concatenate::new().axis(1)` puts one behind the other.",
                false => "",
            };
            format!(
                "Bring them to the same number of timesteps, with `ZeroPadding1d` or `Cropping1d`.{behind}"
            )
        }
        (a, b) if a == b && first.axes()[..a - 1] == other.axes()[..a - 1] && !joins => {
            match first.last() {
                Some(features) => format!(
                    "`Dense::new({features})` behind the one with {} makes {} of it.",
                    other.in_words(),
                    other.with_last(Some(features)).in_words()
                ),
                None => "Bring them to the same features, with `Dense`.".to_string(),
            }
        }
        _ => {
            "Bring them to a common shape first, with `Dense`, `Reshape` or `Permute`.".to_string()
        }
    }
}

/// True where any of the masks is; `None` if an input has none.
fn any_mask(inputs: &[AnyTensor]) -> Option<Mask> {
    let mut masks = inputs.iter().map(|x| x.any_mask().cloned());
    let first = masks.next()??;
    masks.try_fold(first, |all, mask| all.or(mask?))
}
