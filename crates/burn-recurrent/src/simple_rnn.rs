//! Fully connected recurrence over a whole sequence.

use crate::error::Result;
use crate::kernel::Kind;
use crate::sequence::{self, Options, Output, Tensors};
use burn::Tensor;

/// The weights of a simple recurrent layer.
#[derive(Clone, Debug)]
pub struct SimpleRnnWeights {
    /// `[features, units]`
    pub kernel: Tensor<2>,
    /// `[units, units]`
    pub recurrent_kernel: Tensor<2>,
    /// `[units]`
    pub bias: Option<Tensor<1>>,
}

/// `h' = tanh(x·W + b + h·U)` over `x` `[batch, timesteps, features]`, as one differentiable
/// operation; the state is `[batch, units]`. Errors as for [`lstm`](crate::lstm).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_recurrent::{Options, SimpleRnnWeights, simple_rnn};
///
/// let device = Device::flex();
/// let weights = SimpleRnnWeights {
///     kernel: Tensor::ones([3, 4], &device),
///     recurrent_kernel: Tensor::ones([4, 4], &device),
///     bias: Some(Tensor::zeros([4], &device)),
/// };
/// let output = simple_rnn(Tensor::ones([2, 5, 3], &device), weights, None, &Options::default())?;
/// assert_eq!(output.last.unwrap().dims(), [2, 4]);
/// # Ok::<(), burn_recurrent::Error>(())
/// ```
pub fn simple_rnn(
    x: Tensor<3>,
    weights: SimpleRnnWeights,
    state: Option<Tensor<2>>,
    options: &Options,
) -> Result<Output<Tensor<2>>> {
    let tensors = Tensors {
        x,
        kernel: weights.kernel,
        recurrent_kernel: weights.recurrent_kernel,
        bias: weights.bias.map(Tensor::unsqueeze),
        h: state,
        c: None,
    };
    let (output, states) = sequence::run(Kind::SimpleRnn, tensors, options)?;
    let state = states.map(|(h, _)| h);
    Ok(Output {
        sequence: output.sequence,
        last: output.last,
        state,
    })
}
