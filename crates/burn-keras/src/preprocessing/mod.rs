//! Getting data into the shape a model eats, with the semantics of Keras' utilities.
//!
//! | from | to | by |
//! |---|---|---|
//! | sequences of different lengths | `[samples, timesteps]`, `[samples, timesteps, features]` | [`pad_sequences`], [`pad_series`] |
//! | class numbers, categories | one-hot along a new last axis | [`to_categorical`] |
//! | one long series | windows `[samples, timesteps, features]` and their targets | [`Windows`] |
//! | `[samples, timesteps]` | `[samples, timesteps, 1]` | [`expand_dims`] |

use ndarray::{ArrayD, Axis};

use crate::training::data::{IntoData, Values};
use crate::{Error, Result};

mod categorical;
mod pad;
mod windows;

pub use categorical::to_categorical;
pub use pad::{Pad, Side, pad_sequences, pad_series};
pub use windows::Windows;

/// The array with a new axis of size 1 at `axis`; -1 puts it last, as in Keras.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::preprocessing::expand_dims;
///
/// // 100 sequences of 31 steps become 100 sequences of 31 steps of one feature.
/// let x = expand_dims(&Array2::<f32>::zeros((100, 31)), -1)?;
/// assert_eq!(x.shape(), [100, 31, 1]);
/// # Ok::<(), burn_keras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Argument`] for an axis beyond the array's.
pub fn expand_dims<'a>(array: impl IntoData<'a>, axis: isize) -> Result<ArrayD<f32>> {
    let array = only_f32(array, "expand_dims")?;
    let rank = array.ndim();
    let place = if axis < 0 {
        axis + rank as isize + 1
    } else {
        axis
    };
    match usize::try_from(place) {
        Ok(place) if place <= rank => Ok(array.insert_axis(Axis(place))),
        _ => Err(Error::argument(
            "expand_dims",
            "axis",
            format!(
                "is {axis}; an array of {rank} axes can be given one at -1 (last) or 0 to {rank}"
            ),
        )),
    }
}

/// The single array among what was given.
fn only<'a>(data: impl IntoData<'a>, place: &str) -> Result<Values<'a>> {
    let mut arrays = data.into_data()?;
    match (arrays.pop(), arrays.is_empty()) {
        (Some(array), true) => Ok(array),
        _ => Err(Error::data(place, "takes one array")),
    }
}

fn only_f32<'a>(data: impl IntoData<'a>, place: &str) -> Result<ArrayD<f32>> {
    Ok(only(data, place)?.to_f32()?.into_owned())
}
