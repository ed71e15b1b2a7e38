//! Gated recurrent units over a whole sequence.

use crate::error::Result;
use crate::kernel::Kind;
use crate::sequence::{self, Options, Output, Tensors};
use burn::Tensor;

/// The weights of a GRU; gates lie side by side in the order `z, r, h`.
#[derive(Clone, Debug)]
pub struct GruWeights {
    /// `[features, 3 * units]`
    pub kernel: Tensor<2>,
    /// `[units, 3 * units]`
    pub recurrent_kernel: Tensor<2>,
    /// `[2, 3 * units]` with `reset_after`, the input's bias and the recurrent one; `[1, 3 * units]`
    /// without.
    pub bias: Option<Tensor<2>>,
    /// Whether the reset gate applies after the recurrent product.
    pub reset_after: bool,
}

/// A GRU over `x` `[batch, timesteps, features]`, as one differentiable operation; the state is
/// `[batch, units]`.
///
/// ```text
/// z = σ(x·Wz + h·Uz + bz)                  update gate
/// r = σ(x·Wr + h·Ur + br)                  reset gate
/// n = tanh(x·Wh + bh + r∘(h·Uh + b'h))     candidate with reset_after
/// n = tanh(x·Wh + bh + (r∘h)·Uh)           candidate without
/// h' = z∘h + (1 - z)∘n                     new state, and output
/// ```
///
/// (Cho et al. 2014; `reset_after` as in cuDNN.) With `reset_after` the two biases of `z` and `r` add
/// up. Errors as for [`lstm`](crate::lstm).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_recurrent::{GruWeights, Options, gru};
///
/// let device = Device::flex();
/// let weights = GruWeights {
///     kernel: Tensor::ones([3, 12], &device),
///     recurrent_kernel: Tensor::ones([4, 12], &device),
///     bias: None,
///     reset_after: true,
/// };
/// let output = gru(Tensor::ones([2, 5, 3], &device), weights, None, &Options::default())?;
/// assert_eq!(output.last.unwrap().dims(), [2, 4]);
/// # Ok::<(), burn_recurrent::Error>(())
/// ```
pub fn gru(
    x: Tensor<3>,
    weights: GruWeights,
    state: Option<Tensor<2>>,
    options: &Options,
) -> Result<Output<Tensor<2>>> {
    let kind = if weights.reset_after {
        Kind::Gru
    } else {
        Kind::GruResetBefore
    };
    let tensors = Tensors {
        x,
        kernel: weights.kernel,
        recurrent_kernel: weights.recurrent_kernel,
        bias: weights.bias,
        h: state,
        c: None,
    };
    let (output, states) = sequence::run(kind, tensors, options)?;
    let state = states.map(|(h, _)| h);
    Ok(Output {
        sequence: output.sequence,
        last: output.last,
        state,
    })
}
