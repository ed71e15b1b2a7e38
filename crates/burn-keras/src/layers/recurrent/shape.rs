//! The shape of a sequence, and what to say when a layer is fed another one.

use super::ThreeWays;
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
            Err(Error::shape(
                layer,
                NEEDS,
                got,
                ways_to_add_features(dims, ".input_shape"),
            )
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

/// The ways to make `[batch, timesteps, features]` of data `[batch, n]`; `declare` is what stands before the shape of a
/// sample in the program, as `.input_shape`.
pub(crate) fn ways_to_add_features(dims: &Dims, declare: &str) -> String {
    let declared = |shape: &str| format!("`{declare}({shape})`");
    let Some(n) = dims.axis(1) else {
        return format!(
            "A sample needs both: {} where the number of timesteps is open.",
            declared("(None, features)")
        );
    };
    let ways = ThreeWays {
        name: "x",
        samples: "batch",
        steps: n,
        declared: &declared,
    };
    let embedding = match declare {
        ".input_shape" => {
            format!("`Embedding::new(k, 8).input_shape([{n}])` in front of this layer")
        }
        _ => "`Embedding::new(k, 8)` between the input and this layer".to_string(),
    };
    format!(
        "{}\nIf the {n} numbers are the features of a single step: {}, and x [batch, 1, {n}].",
        ways.all("k", "", "", &declared(&format!("[{n}, k]")), &embedding),
        declared(&format!("[1, {n}]"))
    )
}
