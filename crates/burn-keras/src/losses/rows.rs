//! Labels and outputs as rows, and the arithmetic that several losses share.

use burn::tensor::{Int, Tensor, activation};

use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Keras' `epsilon()`: what keeps probabilities away from 0 and 1.
pub(crate) const EPSILON: f32 = 1e-7;

/// Refuses labels of another shape than the output's; a last axis of 1 may be there or not, as in Keras.
pub(crate) fn same_shape(place: &str, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<()> {
    let (labels, output) = (y_true.shape(), y_pred.shape());
    let longer = |a: &[usize], b: &[usize]| matches!(a, [front @ .., 1] if front == b);
    if labels == output || longer(&labels, &output) || longer(&output, &labels) {
        return Ok(());
    }
    Err(misfit(place, y_true, y_pred))
}

fn misfit(place: &str, y_true: &AnyTensor, y_pred: &AnyTensor) -> Error {
    let (labels, output) = (y_true.dims(), y_pred.dims());
    let problem = format!("got labels of shape {labels} for an output of shape {output}");
    Error::tensor(place, problem)
}

/// `y_true` and `y_pred` as `[rows, last axis]` each, checked to have the same shape.
pub(crate) fn paired_rows(
    place: &str,
    y_true: &AnyTensor,
    y_pred: &AnyTensor,
) -> Result<(Tensor<2>, Tensor<2>)> {
    same_shape(place, y_true, y_pred)?;
    let p = y_pred.float_rows()?;
    Ok((y_true.float_as(p.dims())?, p))
}

/// Class numbers as `[rows, 1]`, checked to be as many as the output has rows and, on the CPU, to exist.
pub(crate) fn class_numbers(
    place: &str,
    y_true: &AnyTensor,
    y_pred: &AnyTensor,
    classes: usize,
) -> Result<Tensor<2, Int>> {
    let rows = y_pred.shape().iter().product::<usize>() / classes.max(1);
    if y_true.shape().iter().product::<usize>() != rows {
        return Err(misfit(place, y_true, y_pred));
    }
    let numbers = y_true.int_as([rows, 1])?;
    check_classes_on_cpu(place, &numbers, classes)?;
    Ok(numbers)
}

/// Looking up a class that does not exist would be a panic in burn. On a GPU reading the labels back would stall it, so
/// there only data handed to `fit` are checked, before they are uploaded.
pub(crate) fn check_classes_on_cpu(
    place: &str,
    classes: &Tensor<2, Int>,
    count: usize,
) -> Result<()> {
    if !crate::backend::is_cpu(&classes.device()) {
        return Ok(());
    }
    let numbers = classes
        .clone()
        .try_into_vec_as::<i64>()
        .map_err(|e| Error::Device(format!("reading labels failed: {e}")))?;
    match numbers.iter().find(|n| **n < 0 || **n >= count as i64) {
        None => Ok(()),
        Some(wrong) => Err(Error::tensor(
            place,
            format!("got the class {wrong}, but the output has {count} classes"),
        )),
    }
}

/// Refuses any axis but the last.
pub(crate) fn last_axis(place: &str, axis: i64, y_pred: &AnyTensor) -> Result<()> {
    if axis == -1 || axis + 1 == y_pred.rank() as i64 {
        return Ok(());
    }
    let problem = format!("is {axis}; only the last axis, -1, is supported");
    Err(Error::argument(place, "axis", problem))
}

/// A tensor as `[rows, values]`, where the values are those of `axes`, the last ones: all of them without.
pub(crate) fn kept_rows(
    place: &str,
    tensor: &AnyTensor,
    axes: Option<&[i64]>,
) -> Result<Tensor<2>> {
    let shape = tensor.shape();
    let rank = shape.len();
    let count: usize = shape.iter().product();
    let Some(axes) = axes else {
        return tensor.float_as([1, count]);
    };
    let from_front = |axis: &i64| axis + if *axis < 0 { rank as i64 } else { 0 };
    let mut places: Vec<i64> = axes.iter().map(from_front).collect();
    places.sort_unstable();
    let kept = rank.saturating_sub(places.len());
    if places != (kept as i64..rank as i64).collect::<Vec<_>>() || places.is_empty() {
        let problem = format!(
            "is {axes:?}; it must name the last axes of {}",
            tensor.dims()
        );
        return Err(Error::argument(place, "axis", problem));
    }
    let rows: usize = shape[..kept].iter().product();
    tensor.float_as([rows, count / rows.max(1)])
}

/// Refuses what is no share of a whole.
pub(crate) fn share(place: &str, argument: &str, value: f32) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    let problem = format!("is {value}; it must be between 0 and 1");
    Err(Error::argument(place, argument, problem))
}

/// Labels with a share of them spread evenly over the classes.
pub(crate) fn smoothed(labels: Tensor<2>, share: f32, classes: usize) -> Tensor<2> {
    if share > 0.0 {
        labels * (1.0 - share) + share / classes as f32
    } else {
        labels
    }
}

/// `values ^ exponent`, by multiplication where that is the same: the gradient of a power at 0 is not a number.
pub(crate) fn powf<const D: usize>(values: Tensor<D>, exponent: f32) -> Tensor<D> {
    if exponent == 1.0 {
        values
    } else if exponent == 2.0 {
        values.clone() * values
    } else {
        values.powf_scalar(exponent)
    }
}

/// `-log(1 + exp(-x))`, finite for any `x`.
pub(crate) fn log_sigmoid<const D: usize>(values: Tensor<D>) -> Tensor<D> {
    activation::log_sigmoid(values)
}

/// `log(1 + exp(x))`, finite for any `x`.
pub(crate) fn softplus<const D: usize>(values: Tensor<D>) -> Tensor<D> {
    -log_sigmoid(-values)
}

/// Rows at length 1; those shorter than `1e-7` are only made longer by that much (`keras/src/ops/nn.py`, `normalize`).
pub(crate) fn unit_length(rows: Tensor<2>) -> Tensor<2> {
    let squares = (rows.clone() * rows.clone()).sum_dim(1);
    rows / squares.clamp_min(EPSILON * EPSILON).sqrt()
}

/// The mean along the last axis, one value a row.
pub(crate) fn row_means(values: Tensor<2>) -> Tensor<1> {
    let rows = values.dims()[0];
    values.mean_dim(1).reshape([rows])
}

/// The sum along the last axis, one value a row.
pub(crate) fn row_sums(values: Tensor<2>) -> Tensor<1> {
    let rows = values.dims()[0];
    values.sum_dim(1).reshape([rows])
}

/// Labels that are one number for each row of the output.
pub(crate) fn labels_of_rows(
    place: &str,
    y_true: &AnyTensor,
    y_pred: &AnyTensor,
) -> Result<Tensor<1>> {
    let shape = y_pred.shape();
    let rows: usize = shape.iter().take(shape.len().saturating_sub(1)).product();
    if y_true.shape().iter().product::<usize>() != rows {
        return Err(misfit(place, y_true, y_pred));
    }
    y_true.float_as([rows])
}
