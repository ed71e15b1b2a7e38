//! The shape of a sequence, and what to say when a layer is fed another one.

use crate::dims::{Dims, SEQUENCE};
use crate::error::Cause;
use crate::{Error, Result};

/// Checks what every recurrent layer needs of its input: `[batch, timesteps, features]` with known features.
///
/// # Errors
///
/// [`Error::Shape`] naming the missing axis and the ways to add it.
pub fn check_sequence(layer: &str, dims: &Dims) -> Result<usize> {
    check_three_axes(layer, dims)?;
    match dims.last() {
        Some(0) | None => Err(Error::shape(
            layer,
            "a known number of features (the last axis)",
            dims.named(&SEQUENCE),
            "Give the last axis of `input_shape` a size; only timesteps may be `None`: `.input_shape((None, 16))`.",
        )
        .because(Cause::UnknownSize)),
        Some(features) => Ok(features),
    }
}

/// Checks that there are three axes, `[batch, timesteps, features]`, whatever their sizes.
///
/// # Errors
///
/// [`Error::Shape`] naming the missing axis and the ways to add it.
pub(crate) fn check_three_axes(layer: &str, dims: &Dims) -> Result<()> {
    const NEEDS: &str = "3 axes, [batch, timesteps, features]";
    match dims.rank() {
        3 => Ok(()),
        2 => {
            let got = format!(
                "2 axes, {}: the features axis is missing",
                dims.named(&["batch", "timesteps"])
            );
            Err(Error::shape(layer, NEEDS, got, ways_to_add_features(dims))
                .because(Cause::MissingAxis))
        }
        4 => {
            let last = dims.tail(2);
            let steps = last.axis(0).map_or("None".to_string(), |n| n.to_string());
            let features = last.axis(1).map_or("None".to_string(), |n| n.to_string());
            let shape = match last.to_known() {
                Some(known) => format!("{known:?}"),
                None => format!("({steps}, {features})"),
            };
            Err(Error::shape(
                layer,
                NEEDS,
                format!("4 axes, {}", dims.named(&["batch"])),
                format!(
                    "`input_shape` is the shape of one sample, without the number of samples: `.input_shape({shape})`. If \
                     a sample really has three axes, make one of two of them first, with `Reshape`."
                ),
            )
            .because(Cause::ExtraAxis))
        }
        rank => Err(Error::shape(
            layer,
            NEEDS,
            format!(
                "{rank} {}, {}",
                if rank == 1 { "axis" } else { "axes" },
                dims.named(&["batch"])
            ),
            "`input_shape` is the shape of one sample, without the number of samples: \
             `.input_shape([timesteps, features])`.",
        )),
    }
}

/// The ways to make `[batch, timesteps, features]` of data `[batch, n]`.
fn ways_to_add_features(dims: &Dims) -> String {
    let Some(n) = dims.axis(1) else {
        return "`input_shape` needs both: `.input_shape((None, features))` where the number of timesteps is open."
            .to_string();
    };
    format!(
        "There are three ways to add it:\n\
         - each of the {n} steps is one number: `.input_shape([{n}, 1])`, and `expand_dims(&x, -1)?` makes the data \
         [batch, {n}, 1];\n\
         - each step is one of k categories, one-hot: `.input_shape([{n}, k])`, and `to_categorical(&x, k)?` makes the data \
         [batch, {n}, k];\n\
         - the same, learned: `Embedding::new(k, 8).input_shape([{n}])` in front of this layer, the data as they are.\n\
         If the {n} numbers are the features of a single step: `.input_shape([1, {n}])`, and the data [batch, 1, {n}]."
    )
}
