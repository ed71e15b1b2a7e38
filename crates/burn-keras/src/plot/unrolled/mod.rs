//! The unrolled picture: a row of layers over the steps of a sequence, from the array at the bottom to output and labels.

mod data;
mod describe;
mod draw;
mod geometry;
mod parts;
mod recurrence;
mod shapes;

pub(super) use describe::{array_and_batch, is_row, loss_words};
pub(super) use recurrence::Recurrence;

use super::Plot;
use crate::Result;
use crate::models::Model;

/// Lines of text, each with its class.
type Lines = Vec<(&'static str, String)>;

/// A number of steps that is not known.
const UNKNOWN: i32 = -1;
/// The number of steps of what has no time axis.
const VECTOR: i32 = 0;

/// What the picture shows, before anything has a place. `page/arithmetic.js` makes the same out of the page's switches.
#[derive(Debug)]
struct Stack {
    title: String,
    description: String,
    array: ArrayBar,
    input: InputCard,
    rows: Vec<Row>,
    output: Lines,
    labels: Lines,
    loss: [String; 2],
}

/// The whole array.
#[derive(Debug)]
struct ArrayBar {
    series: bool,
    lines: Lines,
}

/// One batch.
#[derive(Debug)]
struct InputCard {
    lines: Lines,
    steps: i32,
    /// How many numbers a step has.
    values: usize,
    left: [String; 2],
    right: [String; 2],
}

/// A layer.
#[derive(Debug)]
struct Row {
    name: String,
    params: String,
    lines: Lines,
    kind: Kind,
    /// What is written into its cells.
    cell: String,
    steps_in: i32,
    steps_out: i32,
}

#[derive(Debug)]
enum Kind {
    Cells(Cells),
    /// The same at every step.
    Each,
    /// All at once.
    Whole,
}

/// How a recurrent layer runs.
#[derive(Debug)]
struct Cells {
    /// From the upper line to the lower.
    states: Vec<&'static str>,
    /// 1 from the first step to the last, -1 the other way.
    directions: Vec<i32>,
    /// What the states begin with: `0`, or a word.
    start: &'static str,
    merge: String,
    /// Whether the outputs come in the other order than the steps.
    flip: bool,
    /// Whether the last states are outputs.
    returned: bool,
}

/// Draws a built model of layers in a row.
///
/// # Errors
///
/// [`Error::NotBuilt`](crate::Error::NotBuilt) before the model knows its input shape;
/// [`Error::Model`](crate::Error::Model) when its layers do not stand in a row, or none is recurrent.
pub(super) fn svg(model: &Model, plot: &Plot) -> Result<String> {
    Ok(draw::draw(&describe::describe(model, plot)?, plot.columns))
}
