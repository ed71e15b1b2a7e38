//! Data against the model, before anything runs: shapes with names, sizes that agree, labels that exist.

mod inputs;
mod labels;
mod memory;
mod mismatch;

pub(crate) use inputs::inputs;
pub(crate) use labels::labels;
pub(crate) use memory::{BatchSize, batch_fits, largest_values};

use super::data::Values;
use crate::models::Model;
use crate::{Error, Result};

/// The number of samples a step takes: the one asked for, else the model's fixed one, else 32.
///
/// # Errors
///
/// [`Error::Argument`] for 0, or another number than the model's fixed one.
pub(crate) fn batch_size(model: &Model, place: &str, asked: Option<usize>) -> Result<usize> {
    let fixed = model.graph()?.inputs.iter().find_map(|i| i.dims.axis(0));
    match (asked, fixed) {
        (Some(0), _) => Err(Error::argument(
            place,
            "batch_size",
            "is 0; it must be at least 1",
        )),
        (Some(asked), Some(fixed)) if asked != fixed => Err(Error::argument(
            place,
            "batch_size",
            format!(
                "is {asked}, but the model's input has the fixed batch size {fixed}; leave it out or give {fixed}"
            ),
        )),
        (asked, fixed) => Ok(asked.or(fixed).unwrap_or(32)),
    }
}

/// How arrays of these names are handed over.
fn arrays(names: &[impl AsRef<str>]) -> String {
    match names {
        [_] => "one array".to_string(),
        several => {
            let names: Vec<String> = several.iter().map(|n| format!("&{}", n.as_ref())).collect();
            format!("a tuple, `({})`, in this order", names.join(", "))
        }
    }
}

/// The number of samples that all arrays have.
///
/// # Errors
///
/// [`Error::Data`] when there are none, or they disagree.
fn same_sizes(name: &str, arrays: &[Values<'_>]) -> Result<usize> {
    let samples = arrays.first().map_or(0, Values::samples);
    if samples == 0 {
        return Err(Error::data(
            name,
            "holds no samples; there must be at least one",
        ));
    }
    for (i, array) in arrays.iter().enumerate() {
        if array.shape().contains(&0) {
            return Err(Error::data(
                name,
                format!(
                    "holds no values, its shape is {:?}; every axis must be at least 1",
                    array.shape()
                ),
            ));
        }
        if array.samples() != samples {
            return Err(Error::data(
                name,
                format!(
                    "array 0 has {samples} samples, but array {i} has {}; all must have the same number",
                    array.samples()
                ),
            ));
        }
    }
    Ok(samples)
}
