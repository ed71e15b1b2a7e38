//! Long short-term memory over a whole sequence.

use crate::error::Result;
use crate::kernel::Kind;
use crate::sequence::{self, Options, Output, Tensors};
use burn::Tensor;

/// The weights of an LSTM; gates lie side by side in the order `i, f, c, o`.
#[derive(Clone, Debug)]
pub struct LstmWeights {
    /// `[features, 4 * units]`
    pub kernel: Tensor<2>,
    /// `[units, 4 * units]`
    pub recurrent_kernel: Tensor<2>,
    /// `[4 * units]`
    pub bias: Option<Tensor<1>>,
}

/// The states of an LSTM.
#[derive(Clone, Debug)]
pub struct LstmState {
    /// The hidden state, which is the output as well: `[batch, units]`.
    pub h: Tensor<2>,
    /// The cell state `[batch, units]`.
    pub c: Tensor<2>,
}

/// An LSTM over `x` `[batch, timesteps, features]`, as one differentiable operation.
///
/// At each step, with `σ` the sigmoid and `∘` the element-wise product:
///
/// ```text
/// i = σ(x·Wi + h·Ui + bi)          input gate
/// f = σ(x·Wf + h·Uf + bf)          forget gate
/// g = tanh(x·Wc + h·Uc + bc)       candidate
/// o = σ(x·Wo + h·Uo + bo)          output gate
/// c' = f∘c + i∘g                   new cell state
/// h' = o∘tanh(c')                  new hidden state, and output
/// ```
///
/// (Hochreiter & Schmidhuber 1997, Gers et al. 2000.) Without `state` both states begin as zeros. The
/// gradients computed are those of the tensors that are tracked, and no others.
///
/// # Errors
///
/// If shapes, types or devices don't agree, a dimension is 0, or there are no kernels for the tensors'
/// backend or type. Nothing panics, so that a caller can fall back to burn's own operations.
///
/// # Example
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use burn_recurrent::{LstmWeights, Options, lstm};
///
/// let device = Device::flex();
/// let (batch, timesteps, features, units) = (2, 5, 3, 4);
/// let random = |shape| Tensor::<2>::random(shape, Distribution::Default, &device);
/// let weights = LstmWeights {
///     kernel: random([features, 4 * units]),
///     recurrent_kernel: random([units, 4 * units]),
///     bias: None,
/// };
/// let x = Tensor::random([batch, timesteps, features], Distribution::Default, &device);
/// let options = Options { return_sequences: true, return_state: true, ..Default::default() };
/// let output = lstm(x, weights, None, &options)?;
/// assert_eq!(output.sequence.unwrap().dims(), [2, 5, 4]);
/// assert_eq!(output.state.unwrap().c.dims(), [2, 4]);
/// # Ok::<(), burn_recurrent::Error>(())
/// ```
pub fn lstm(
    x: Tensor<3>,
    weights: LstmWeights,
    state: Option<LstmState>,
    options: &Options,
) -> Result<Output<LstmState>> {
    let (h, c) = state.map_or((None, None), |state| (Some(state.h), Some(state.c)));
    let tensors = Tensors {
        x,
        kernel: weights.kernel,
        recurrent_kernel: weights.recurrent_kernel,
        bias: weights.bias.map(Tensor::unsqueeze),
        h,
        c,
    };
    let (output, states) = sequence::run(Kind::Lstm, tensors, options)?;
    let state = states.and_then(|(h, c)| Some(LstmState { h, c: c? }));
    Ok(Output {
        sequence: output.sequence,
        last: output.last,
        state,
    })
}
