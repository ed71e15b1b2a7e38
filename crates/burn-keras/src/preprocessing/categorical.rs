//! One-hot encoding.

use ndarray::{ArrayD, IxDyn};

use super::only;
use crate::training::data::IntoData;
use crate::{Error, Result};

/// Whole numbers as one-hot vectors along a new last axis: Keras' `to_categorical`.
///
/// `[samples]` (or `[samples, 1]`) becomes `[samples, classes]`, `[samples, timesteps]` becomes
/// `[samples, timesteps, classes]`: for labels, and for sequences of categories that go into an LSTM without an
/// `Embedding`. Without `num_classes` there are as many classes as the largest number says.
///
/// ```
/// use burn_keras::preprocessing::to_categorical;
///
/// let y = to_categorical(&vec![0, 2, 1], None)?;
/// assert_eq!(y.shape(), [3, 3]);
/// assert_eq!(y[[1, 2]], 1.0);
/// # Ok::<(), burn_keras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Data`] for a number that is not whole, is negative, or is not below `num_classes`.
pub fn to_categorical<'a>(
    labels: impl IntoData<'a>,
    num_classes: impl Into<Option<usize>>,
) -> Result<ArrayD<f32>> {
    let labels = only(labels, "to_categorical")?;
    let numbers = labels.to_f32()?;
    let classes = match num_classes.into() {
        Some(classes) => classes,
        None => numbers.iter().fold(0.0f32, |a, b| a.max(*b)) as usize + 1,
    };
    if let Some((row, value)) = labels.first_outside(classes, None) {
        return Err(Error::data(
            "labels",
            format!(
                "hold {value} in row {row}; with {classes} classes they must be whole numbers from 0 to {}: give \
                 `num_classes`, or make labels that begin with 1 begin with 0",
                classes.saturating_sub(1)
            ),
        ));
    }
    let mut shape = numbers.shape().to_vec();
    if shape.len() > 1 && shape.last() == Some(&1) {
        shape.pop();
    }
    shape.push(classes);
    let mut values = vec![0.0; shape.iter().product()];
    for (row, number) in values.chunks_exact_mut(classes.max(1)).zip(&numbers) {
        row[*number as usize] = 1.0;
    }
    ArrayD::from_shape_vec(IxDyn(&shape), values)
        .map_err(|e| Error::data("labels", format!("cannot be encoded: {e}")))
}
