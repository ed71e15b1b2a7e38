//! One-hot encoding.

use ndarray::{ArrayD, IxDyn};

use super::only;
use crate::training::data::{IntoData, Rows, Values};
use crate::{Error, Result};

/// The most values an encoding may have: 16 GB of them.
const MOST_VALUES: usize = 1 << 32;

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
    let classes = num_classes.into();
    if labels.is_in_file() {
        encode(&labels.take(&Rows::Range(0, labels.samples()))?, classes)
    } else {
        encode(&labels, classes)
    }
}

fn encode(labels: &Values<'_>, num_classes: Option<usize>) -> Result<ArrayD<f32>> {
    let classes = num_classes.unwrap_or_else(|| classes_in(labels));
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
    let numbers = whole(labels);
    let mut shape = labels.shape().to_vec();
    if shape.len() > 1 && shape.last() == Some(&1) {
        shape.pop();
    }
    shape.push(classes);
    let count = shape
        .iter()
        .try_fold(1usize, |count, axis| count.checked_mul(*axis))
        .filter(|count| *count <= MOST_VALUES)
        .ok_or_else(|| {
            Error::data(
                "labels",
                format!(
                    "would become an array {shape:?}, which is more than {MOST_VALUES} values: feed them to an \
                     `Embedding`, or use a sparse loss, which takes them as they are"
                ),
            )
        })?;
    let mut values = vec![0.0; count];
    for (row, number) in values.chunks_exact_mut(classes.max(1)).zip(numbers) {
        row[number] = 1.0;
    }
    ArrayD::from_shape_vec(IxDyn(&shape), values)
        .map_err(|e| Error::data("labels", format!("cannot be encoded: {e}")))
}

/// Labels that were found to be class numbers, as such.
fn whole(labels: &Values<'_>) -> Vec<usize> {
    match labels {
        Values::Int(array) => array.iter().map(|v| *v as usize).collect(),
        Values::Float(array) => array.iter().map(|v| *v as usize).collect(),
        Values::File(_) => Vec::new(),
    }
}

/// As many classes as the largest number says; numbers that are no classes are left to the check that follows.
fn classes_in(labels: &Values<'_>) -> usize {
    let largest = match labels {
        Values::Int(array) => array.iter().copied().max().map_or(0.0, f64::from),
        Values::Float(array) => array.iter().fold(0.0, |a, b| f64::from(*b).max(a)),
        Values::File(_) => 0.0,
    };
    (largest.max(0.0) as usize).saturating_add(1)
}
