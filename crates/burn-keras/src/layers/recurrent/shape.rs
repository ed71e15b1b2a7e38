//! The shape of a sequence, and what to say when a layer is fed another one.

use crate::dims::Dims;
use crate::{Error, Result};

/// Checks what every recurrent layer needs of its input: `[batch, timesteps, features]` with known features.
///
/// # Errors
///
/// [`Error::Shape`] naming the missing axis and the three ways to add it.
pub fn check_sequence(layer: &str, dims: &Dims) -> Result<usize> {
    const NEEDS: &str = "3 axes, [batch, timesteps, features]";
    match dims.rank() {
        3 => match dims.last() {
            Some(0) | None => Err(Error::shape(
                layer,
                "a known number of features (the last axis)",
                dims.named(&["batch", "timesteps", "features"]),
                "Give the last axis of `input_shape` a size; only timesteps may be `None`: `.input_shape((None, 16))`.",
            )),
            Some(features) => Ok(features),
        },
        2 => {
            let steps = dims
                .axis(1)
                .map_or("timesteps".to_string(), |n| n.to_string());
            Err(Error::shape(
                layer,
                NEEDS,
                format!(
                    "2 axes, {}: one axis is missing",
                    dims.named(&["batch", "timesteps"])
                ),
                format!(
                    "If these are outputs of another recurrent layer, that one needs `.return_sequences(true)`.\n\
                     If each sample is {steps} steps of one number, add the features axis: reshape to [batch, {steps}, 1] \
                     and use `.input_shape([{steps}, 1])`.\n\
                     If each sample is {steps} steps of a category, put `Embedding::new(categories, 8).input_shape([{steps}])` \
                     in front, or one-hot encode to [batch, {steps}, categories].\n\
                     If each sample is a single step of {steps} features, reshape to [batch, 1, {steps}] and use \
                     `.input_shape([1, {steps}])`."
                ),
            ))
        }
        4 => Err(Error::shape(
            layer,
            NEEDS,
            format!("4 axes, {dims}"),
            "`input_shape` is the shape of one sample, without the batch: `.input_shape([timesteps, features])`. If a \
             step really has two axes, flatten them into one first.",
        )),
        rank => Err(Error::shape(
            layer,
            NEEDS,
            format!("{rank} axes, {dims}"),
            "`input_shape` is the shape of one sample, without the batch: `.input_shape([timesteps, features])`.",
        )),
    }
}
