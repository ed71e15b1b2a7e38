//! What all kinds of layers have in common: options, results.

use crate::checks::Checks;
use crate::error::Result;
use crate::kernel::Kind;
use crate::ops::{Call, RecurrentOps, Returns};
use burn::Tensor;
use burn::backend::Dispatch;
use burn::tensor::Bool;

/// How a sequence is processed, and what comes back.
///
/// ```
/// use burn_recurrent::Options;
///
/// let options = Options { return_sequences: true, reverse: true, ..Default::default() };
/// assert!(options.mask.is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Give the output of every step, not only the last one's.
    pub return_sequences: bool,
    /// Give the final states as well.
    pub return_state: bool,
    /// Process the steps from the last to the first.
    pub reverse: bool,
    /// Put the outputs of a reversed sequence back into the input's time order. Without it they come
    /// as they are computed, the last step's first.
    pub restore_order: bool,
    /// `[batch, timesteps]`; where it is false, the step is skipped: states pass unchanged, and the
    /// output is that of the step before, or the initial state.
    pub mask: Option<Tensor<2, Bool>>,
    /// A skipped step's output is zero instead.
    pub zero_output_for_mask: bool,
    /// Factors for the input, the same at every step: `[1, batch, features]` for all gates, or
    /// `[gates, batch, features]`. Dropped entries are 0, kept ones `1 / (1 - rate)`.
    pub input_dropout: Option<Tensor<3>>,
    /// Factors for the state in the recurrent products, the same at every step:
    /// `[gates, batch, units]`, or `[1, batch, units]` for all gates. What is carried from step to step
    /// is not dropped.
    pub recurrent_dropout: Option<Tensor<3>>,
}

/// The result of a sequence.
#[derive(Clone, Debug)]
pub struct Output<S> {
    /// `[batch, timesteps, units]`, if [`return_sequences`](Options::return_sequences).
    pub sequence: Option<Tensor<3>>,
    /// `[batch, units]`, the last processed step's output, if not.
    pub last: Option<Tensor<2>>,
    /// The final states, if [`return_state`](Options::return_state).
    pub state: Option<S>,
}

/// A call's tensors; optional ones that are missing stay `None` until the end.
pub(crate) struct Tensors {
    pub(crate) x: Tensor<3>,
    pub(crate) kernel: Tensor<2>,
    pub(crate) recurrent_kernel: Tensor<2>,
    /// `[bias rows, gates * units]`
    pub(crate) bias: Option<Tensor<2>>,
    pub(crate) h: Option<Tensor<2>>,
    pub(crate) c: Option<Tensor<2>>,
}

/// The outputs and up to two states of a call.
pub(crate) type Parts = (Output<()>, Option<(Tensor<2>, Option<Tensor<2>>)>);

/// Checks a call, runs it and takes the result apart.
pub(crate) fn run(kind: Kind, tensors: Tensors, options: &Options) -> Result<Parts> {
    let [batch, steps, features] = tensors.x.dims();
    let [units, _] = tensors.recurrent_kernel.dims();
    let checked = Checks {
        kind,
        batch,
        steps,
        features,
        units,
        dtype: tensors.x.dtype(),
    };
    checked.check(&tensors, options)?;
    let device = tensors.x.device();
    let returns = match (options.return_sequences, options.return_state) {
        (true, false) => Returns::Sequence,
        (false, false) => Returns::Last,
        (true, true) => Returns::SequenceAndStates,
        (false, true) => Returns::LastAndStates,
    };
    let call = Call {
        kind,
        reverse: options.reverse,
        restore_order: options.restore_order,
        zero_output: options.zero_output_for_mask,
        returns,
    };
    // Skipping needs no gradient: a plain device, so that the mask is no part of the tape.
    let plain = device.clone().inner();
    let nothing = Tensor::<1>::empty([0], (&plain, checked.dtype)).into_dispatch();
    let absent = || nothing.clone();
    let mask = options
        .mask
        .as_ref()
        .map(|mask| mask.clone().float().cast(checked.dtype));
    let state_dropout = options.recurrent_dropout.as_ref().map(|factors| {
        let [copies, _, _] = factors.dims();
        match kind.gates() {
            gates if copies < gates => factors.clone().repeat_dim(0, gates),
            _ => factors.clone(),
        }
    });
    fn or<const D: usize>(
        tensor: Option<Tensor<D>>,
        absent: &impl Fn() -> burn::backend::DispatchTensor,
    ) -> burn::backend::DispatchTensor {
        tensor.map_or_else(absent, Tensor::into_dispatch)
    }
    let result = Dispatch::recurrent(
        tensors.x.into_dispatch(),
        tensors.kernel.into_dispatch(),
        tensors.recurrent_kernel.into_dispatch(),
        or(tensors.bias, &absent),
        or(tensors.h, &absent),
        or(tensors.c, &absent),
        or(mask, &absent),
        or(options.input_dropout.clone(), &absent),
        or(state_dropout, &absent),
        call,
    );
    let output = |sequence, last| Output {
        sequence,
        last,
        state: None,
    };
    Ok(match returns {
        Returns::Sequence => (output(Some(Tensor::from_dispatch(result)), None), None),
        Returns::Last => (output(None, Some(Tensor::from_dispatch(result))), None),
        Returns::SequenceAndStates => {
            let all = Tensor::<1>::from_dispatch(result);
            let state = batch * units;
            let end = steps * state;
            let take = |first: usize| {
                all.clone()
                    .slice(first..first + state)
                    .reshape([batch, units])
            };
            let sequence = all.clone().slice(0..end).reshape([batch, steps, units]);
            let c = kind.has_cell_state().then(|| take(end + state));
            (output(Some(sequence), None), Some((take(end), c)))
        }
        Returns::LastAndStates => {
            let all = Tensor::<3>::from_dispatch(result);
            let take = |i: usize| all.clone().slice(i..i + 1).reshape([batch, units]);
            let c = kind.has_cell_state().then(|| take(2));
            (output(None, Some(take(0))), Some((take(1), c)))
        }
    })
}
