//! What ends a classifier: softmax, and the cross-entropy of its probabilities, each one operation.

use crate::checks::{numbered, same_device, supported};
use crate::error::{Error, Result};
use crate::ops::RowOps;
use burn::Tensor;
use burn::backend::Dispatch;

/// The right answers of [`cross_entropy`].
#[derive(Clone, Debug)]
pub enum Labels {
    /// How much of each class a row is, `[rows, classes]`: one-hot, or any shares.
    Shares(Tensor<2>),
    /// The number of each row's class, `[rows]`, as floats, whose fractions are cut off. A row whose class does not exist
    /// counts 0.
    Numbers(Tensor<1>),
}

/// `exp(x_j) / Σ_k exp(x_k)` over the classes of each row; `x` is `[rows, classes]`, and so is the result.
///
/// The largest value of a row is subtracted first, so that nothing overflows. A row with a NaN, or whose
/// largest value is infinite, becomes NaN.
///
/// # Errors
///
/// [`Error::UnsupportedBackend`] and [`Error::UnsupportedDType`], where burn's own `activation::softmax`
/// does it; [`Error::TooLarge`] on a GPU.
///
/// ```
/// use burn::tensor::{Device, Tensor};
///
/// let x = Tensor::<2>::from_data([[0.0, 0.0], [1000.0, 0.0]], &Device::flex());
/// let p = burn_recurrent::softmax(x)?.into_data();
/// assert_eq!(p.as_slice::<f32>().unwrap(), [0.5, 0.5, 1.0, 0.0]);
/// # Ok::<(), burn_recurrent::Error>(())
/// ```
pub fn softmax(x: Tensor<2>) -> Result<Tensor<2>> {
    supported(&x)?;
    numbered(&x, x.dims().iter().product())?;
    if x.dims().contains(&0) {
        return Ok(x);
    }
    Ok(Tensor::from_dispatch(Dispatch::softmax_rows(
        x.into_dispatch(),
    )))
}

/// `-Σ_j t_j log(q_j)` of each row, `[rows]`, for probabilities `p` `[rows, classes]` and labels `t`.
///
/// `q` is `p` divided by its row's sum and kept within `epsilon` of 0 and 1; where it had to be moved
/// there, the gradient is 0. The labels have no gradient.
///
/// # Errors
///
/// [`Error::UnsupportedBackend`], [`Error::UnsupportedDType`] and [`Error::TooLarge`]; [`Error::Shape`] and
/// [`Error::DTypeMismatch`] and [`Error::DeviceMismatch`] when the labels don't go with `p`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_recurrent::{Labels, cross_entropy};
///
/// let device = Device::flex();
/// let p = Tensor::<2>::from_data([[0.25, 0.75], [2.0, 2.0]], &device);
/// let labels = Labels::Numbers(Tensor::from_data([1.0, 0.0], &device));
/// let loss = cross_entropy(p, labels, 1e-7)?.into_data();
/// let loss = loss.as_slice::<f32>().unwrap();
/// assert!((loss[0] + 0.75f32.ln()).abs() < 1e-6 && (loss[1] + 0.5f32.ln()).abs() < 1e-6);
/// # Ok::<(), burn_recurrent::Error>(())
/// ```
pub fn cross_entropy(p: Tensor<2>, labels: Labels, epsilon: f64) -> Result<Tensor<1>> {
    supported(&p)?;
    numbered(&p, p.dims().iter().product())?;
    let needed = p.device();
    let given = match &labels {
        Labels::Shares(t) => t.device(),
        Labels::Numbers(t) => t.device(),
    };
    same_device("labels", &given, &needed)?;
    let [rows, classes] = p.dims();
    let (given, needed, dtype) = match &labels {
        Labels::Shares(t) => (t.dims().to_vec(), vec![rows, classes], t.dtype()),
        Labels::Numbers(t) => (t.dims().to_vec(), vec![rows], t.dtype()),
    };
    if given != needed {
        return Err(Error::Shape {
            tensor: "labels",
            given,
            needed,
            meaning: "a share of each class for each row, or the number of its class",
            hint: "the probabilities' dimensions",
        });
    }
    if dtype != p.dtype() {
        return Err(Error::DTypeMismatch {
            tensor: "labels",
            given: dtype,
            needed: p.dtype(),
        });
    }
    let labels = match labels {
        Labels::Shares(t) => t.into_dispatch(),
        Labels::Numbers(t) => t.into_dispatch(),
    };
    Ok(Tensor::from_dispatch(Dispatch::cross_entropy_rows(
        p.into_dispatch(),
        labels,
        epsilon,
    )))
}
