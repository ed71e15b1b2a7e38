//! Weights that a callback keeps, as JSON with every bit.

use ndarray::ArrayD;
use serde_json::{Value, json};

use crate::models::Model;
use crate::{Error, Result};

/// The values' bits, a list for each weight.
pub(super) fn state(weights: &[ArrayD<f32>]) -> Value {
    let bits = |w: &ArrayD<f32>| w.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    json!(weights.iter().map(bits).collect::<Vec<_>>())
}

/// What [`state`] wrote of weights of this model.
///
/// # Errors
///
/// [`Error::Config`] when it is of other weights.
pub(super) fn read(model: &Model, state: &Value) -> Result<Vec<ArrayD<f32>>> {
    let wrong = || Error::config("a backup", "holds a callback's weights of another model");
    let saved = state.as_array().ok_or_else(wrong)?;
    let mut weights = model.get_weights()?;
    if saved.len() != weights.len() {
        return Err(wrong());
    }
    for (weight, saved) in weights.iter_mut().zip(saved) {
        let saved = saved.as_array().ok_or_else(wrong)?;
        if saved.len() != weight.len() {
            return Err(wrong());
        }
        for (value, bits) in weight.iter_mut().zip(saved) {
            let bits = bits.as_u64().and_then(|bits| u32::try_from(bits).ok());
            *value = f32::from_bits(bits.ok_or_else(wrong)?);
        }
    }
    Ok(weights)
}
