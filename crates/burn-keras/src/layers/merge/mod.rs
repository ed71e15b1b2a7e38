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
        "Bring them to a common shape first, with `Dense`, `Reshape` or `Permute`.",
    )
}

/// True where any of the masks is; `None` if an input has none.
fn any_mask(inputs: &[AnyTensor]) -> Option<Mask> {
    let mut masks = inputs.iter().map(|x| x.any_mask().cloned());
    let first = masks.next()??;
    masks.try_fold(first, |all, mask| all.or(mask?))
}
