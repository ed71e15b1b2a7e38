//! Activation functions, as `keras.activations` defines them.

use std::f32::consts::FRAC_1_SQRT_2;

use burn::tensor::{Bool, Tensor, activation};

use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// An activation function without arguments, known by its Keras name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// `x`
    Linear,
    /// `max(x, 0)`
    Relu,
    /// `x` above 0, `0.2 x` below.
    LeakyRelu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `exp(x)` over its sum along the last axis.
    Softmax,
    /// The logarithm of softmax.
    LogSoftmax,
    /// `x` above 0, `exp(x) - 1` below.
    Elu,
    /// Scaled ELU: `1.0507 x` above 0, `1.7581 (exp(x) - 1)` below.
    Selu,
    /// Continuously differentiable ELU with alpha 1.
    Celu,
    /// `log(1 + exp(x))`
    Softplus,
    /// `x / (1 + |x|)`
    Softsign,
    /// `(x + √(x² + 4)) / 2`
    Squareplus,
    /// `x` moved towards 0 by 0.5, 0 within ±0.5.
    SoftShrink,
    /// `x`, but 0 within ±0.5.
    HardShrink,
    /// `x - tanh(x)`
    TanhShrink,
    /// 0 up to -1, `(x + 1)² / 4` up to 1, then `x`.
    SparsePlus,
    /// 0 up to -1, `(x + 1) / 2` up to 1, then 1.
    SparseSigmoid,
    /// `x sigmoid(x)`
    Silu,
    /// `x` times the normal distribution's cumulative probability at `x`.
    Gelu,
    /// The first half of the last axis times the sigmoid of the second half.
    Glu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `exp(x)`
    Exponential,
    /// `log(sigmoid(x))`
    LogSigmoid,
    /// `x tanh(softplus(x))`
    Mish,
    /// Like softmax with zeros for small values along the last axis; Keras' formula, which differs from the paper's.
    Sparsemax,
    /// `x` held within ±1.
    HardTanh,
    /// `x / 6 + 0.5` held within 0 and 1.
    HardSigmoid,
    /// What Keras 2 called `hard_sigmoid`: `0.2 x + 0.5` held within 0 and 1. Files of Keras 2 have it; Keras 3 does not.
    Keras2HardSigmoid,
    /// `x hard_sigmoid(x)`
    HardSilu,
}

/// Every function with the name it is written under, and the other names it goes by.
const NAMES: [(Activation, &str, &[&str]); 30] = [
    (Activation::Linear, "linear", &[]),
    (Activation::Relu, "relu", &[]),
    (Activation::LeakyRelu, "leaky_relu", &[]),
    (Activation::Relu6, "relu6", &[]),
    (Activation::Softmax, "softmax", &[]),
    (Activation::LogSoftmax, "log_softmax", &[]),
    (Activation::Elu, "elu", &[]),
    (Activation::Selu, "selu", &[]),
    (Activation::Celu, "celu", &[]),
    (Activation::Softplus, "softplus", &[]),
    (Activation::Softsign, "softsign", &[]),
    (Activation::Squareplus, "squareplus", &[]),
    (Activation::SoftShrink, "soft_shrink", &["softshrink"]),
    (Activation::HardShrink, "hard_shrink", &["hardshrink"]),
    (Activation::TanhShrink, "tanh_shrink", &["tanhshrink"]),
    (Activation::SparsePlus, "sparse_plus", &[]),
    (Activation::SparseSigmoid, "sparse_sigmoid", &[]),
    (Activation::Silu, "silu", &["swish"]),
    (Activation::Gelu, "gelu", &[]),
    (Activation::Glu, "glu", &[]),
    (Activation::Tanh, "tanh", &[]),
    (Activation::Sigmoid, "sigmoid", &[]),
    (Activation::Exponential, "exponential", &[]),
    (Activation::LogSigmoid, "log_sigmoid", &[]),
    (Activation::Mish, "mish", &[]),
    (Activation::Sparsemax, "sparsemax", &[]),
    (Activation::HardTanh, "hard_tanh", &[]),
    (Activation::HardSigmoid, "hard_sigmoid", &[]),
    (Activation::Keras2HardSigmoid, "keras2_hard_sigmoid", &[]),
    (Activation::HardSilu, "hard_silu", &["hard_swish"]),
];

const SELU_SCALE: f32 = 1.050_701;
const SELU_ALPHA: f32 = 1.673_263_2;

impl Activation {
    /// The function of this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn by_name(name: &str) -> Result<Self> {
        NAMES
            .iter()
            .find(|(_, own, others)| *own == name || others.contains(&name))
            .map(|(activation, ..)| *activation)
            .ok_or_else(|| Error::unknown("activation", name, NAMES.map(|(_, own, _)| own)))
    }

    /// The functions there are.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(activation, ..)| activation)
    }

    /// The name Keras writes into a configuration.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(activation, ..)| *activation == self)
            .map_or("linear", |(_, own, _)| own)
    }

    /// The size of the last axis of the result for one of `size`: the same, but half of it for `glu`.
    pub fn output_size(self, size: usize) -> usize {
        if self == Self::Glu { size / 2 } else { size }
    }

    /// Checks that it can be applied to a last axis of this size.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for an odd size and `glu`.
    pub(crate) fn check_size(self, place: &str, size: usize) -> Result<()> {
        if self == Self::Glu && !size.is_multiple_of(2) {
            return Err(Error::argument(
                place,
                "activation",
                format!(
                    "is \"glu\", which splits the last axis in two halves, but its size is {size}"
                ),
            ));
        }
        Ok(())
    }

    /// Applies it to a tensor of any rank; softmax and the like work along the last axis.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for a tensor without axes, or an odd last axis for `glu`.
    pub fn apply(self, x: &AnyTensor) -> Result<AnyTensor> {
        if self == Self::Linear {
            return Ok(x.clone());
        }
        let mut shape = x.shape();
        let rows = x.float_rows()?;
        if let Some(last) = shape.last_mut() {
            self.check_size("Activation", *last)?;
            *last = self.output_size(*last);
        }
        Ok(AnyTensor::from_flat(self.apply_rows(rows), &shape)?.with_mask(x.mask().cloned()))
    }

    /// Applies it to `[rows, last axis]`.
    pub fn apply_rows(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear => x,
            Self::Relu => activation::relu(x),
            Self::LeakyRelu => relu(x, 0.2, None, 0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
            // One operation where there is one.
            Self::Softmax => {
                burn_recurrent::softmax(x.clone()).unwrap_or_else(|_| activation::softmax(x, 1))
            }
            Self::LogSoftmax => activation::log_softmax(x, 1),
            Self::Elu | Self::Celu => elu(x, 1.0),
            Self::Selu => elu(x, SELU_ALPHA) * SELU_SCALE,
            Self::Softplus => softplus(x),
            Self::Softsign => x.clone() / (x.abs() + 1.0),
            Self::Squareplus => (x.clone() + (x.clone() * x + 4.0).sqrt()) * 0.5,
            Self::SoftShrink => activation::relu(x.clone() - 0.5) - activation::relu(-x - 0.5),
            Self::HardShrink => {
                let small = x.clone().abs().lower_equal_elem(0.5);
                x.mask_fill(small, 0.0)
            }
            Self::TanhShrink => x.clone() - x.tanh(),
            Self::SparsePlus => {
                let middle = x.clone().clamp(-1.0, 1.0) + 1.0;
                let above = activation::relu(x - 1.0);
                middle.clone() * middle * 0.25 + above
            }
            Self::SparseSigmoid => (x.clamp(-1.0, 1.0) + 1.0) * 0.5,
            Self::Silu => x.clone() * activation::sigmoid(x),
            // Not burn's own: its gradient is that of the tanh approximation on some backends.
            Self::Gelu => x.clone() * ((x * FRAC_1_SQRT_2).erf() + 1.0) * 0.5,
            Self::Glu => {
                let half = x.dims()[1] / 2;
                let [values, gates] = [x.clone().narrow(1, 0, half), x.narrow(1, half, half)];
                values * activation::sigmoid(gates)
            }
            Self::Tanh => x.tanh(),
            Self::Sigmoid => activation::sigmoid(x),
            Self::Exponential => x.exp(),
            Self::LogSigmoid => -softplus(-x),
            Self::Mish => x.clone() * softplus(x).tanh(),
            Self::Sparsemax => sparsemax(x),
            Self::HardTanh => x.clamp(-1.0, 1.0),
            Self::HardSigmoid => hard_sigmoid(x),
            Self::Keras2HardSigmoid => (x * 0.2 + 0.5).clamp(0.0, 1.0),
            Self::HardSilu => x.clone() * hard_sigmoid(x),
        }
    }
}

/// `x` above `threshold`, `slope (x - threshold)` below, held to `max_value`: Keras' ReLU with all its arguments.
pub fn relu(x: Tensor<2>, slope: f32, max_value: Option<f32>, threshold: f32) -> Tensor<2> {
    let below: Tensor<2, Bool> = x.clone().lower_equal_elem(threshold);
    let low = (x.clone() - threshold) * slope;
    let y = x.mask_where(below, low);
    match max_value {
        Some(max) => y.clamp_max(max),
        None => y,
    }
}

/// `x` above 0, `alpha (exp(x) - 1)` below.
pub fn elu(x: Tensor<2>, alpha: f32) -> Tensor<2> {
    // The exponential sees no positive x, so it cannot overflow into the gradient of the branch not taken.
    let low = (x.clone().clamp_max(0.0).exp() - 1.0) * alpha;
    activation::relu(x) + low
}

/// `log(1 + exp(x))` without overflow.
fn softplus(x: Tensor<2>) -> Tensor<2> {
    activation::relu(x.clone()) + (-x.abs()).exp().log1p()
}

fn hard_sigmoid(x: Tensor<2>) -> Tensor<2> {
    (x / 6.0 + 0.5).clamp(0.0, 1.0)
}

/// What Keras computes on all its backends (`keras/src/backend/*/nn.py`, `sparsemax`).
///
/// Martins and Astudillo, "From Softmax to Sparsemax" (2016), algorithm 1, take the sum of the sorted values inside the
/// support where Keras takes the sum of all running sums; with one value in the support both are the same.
fn sparsemax(x: Tensor<2>) -> Tensor<2> {
    let [_, size] = x.dims();
    let device = x.device();
    let sorted = x.clone().sort_descending(1);
    let ranks = Tensor::<1, burn::tensor::Int>::arange(1..size as i64 + 1, &device)
        .float()
        .cast(x.dtype())
        .unsqueeze::<2>();
    let sums = sorted.clone().cumsum(1);
    let outside = (sorted - (sums.clone() - 1.0) / ranks).lower_equal_elem(0.0);
    let count = outside
        .clone()
        .bool_not()
        .float()
        .cast(x.dtype())
        .sum_dim(1);
    let total = sums.mask_fill(outside, 0.0).sum_dim(1);
    activation::relu(x - (total - 1.0) / count)
}

/// What `.activation(..)` accepts: a name, an [`Activation`], or `None` for none.
pub trait IntoActivation {
    /// The function, or why there is none.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_activation(self) -> Result<Activation>;
}

impl IntoActivation for Activation {
    fn into_activation(self) -> Result<Activation> {
        Ok(self)
    }
}

impl IntoActivation for &str {
    fn into_activation(self) -> Result<Activation> {
        Activation::by_name(self)
    }
}

impl IntoActivation for Option<Activation> {
    fn into_activation(self) -> Result<Activation> {
        Ok(self.unwrap_or(Activation::Linear))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_function_and_back() -> Result<()> {
        for activation in Activation::all() {
            assert_eq!(Activation::by_name(activation.name())?, activation);
        }
        assert_eq!(Activation::by_name("swish")?, Activation::Silu);
        Ok(())
    }

    #[test]
    fn a_typo_is_answered_with_the_nearest_name() {
        let text = Activation::by_name("sofmax").unwrap_err().to_string();
        assert!(
            text.contains("did you mean \"softmax\"") || text.contains("\"softmax\""),
            "{text}"
        );
    }
}
