//! Shapes in the words of the unrolled picture.

use super::{UNKNOWN, VECTOR};
use crate::dims::{Dims, axis_names};

/// Where a line may not break.
const SPACE: char = '\u{a0}';

pub(super) fn batched(dims: &Dims, batch: usize) -> Dims {
    dims.tail(1).with_batch(Some(dims.axis(0).unwrap_or(batch)))
}

pub(super) fn size(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// The number of steps of a shape.
pub(super) fn steps(dims: &Dims) -> i32 {
    match dims.rank() {
        0..=2 => VECTOR,
        _ => dims.axis(1).map_or(UNKNOWN, size),
    }
}

pub(super) fn named(dims: &Dims) -> String {
    named_axes(dims, false)
}

/// As [`Dims::named`], each axis unbroken.
pub(super) fn named_axes(dims: &Dims, categories: bool) -> String {
    let words = dims.named(axis_names(dims.rank(), categories));
    words.replace(" = ", &format!("{SPACE}={SPACE}"))
}

pub(super) fn plain(dims: &Dims) -> String {
    crate::plot::words::shape_text_of(dims, false)
}
