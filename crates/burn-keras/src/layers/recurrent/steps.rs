//! The one loop over timesteps: states carried along, masked steps passed over, the order of time reversed.

use burn::tensor::{Bool, Tensor};

use super::RecurrentOptions;
use super::cell::{Cell, DropoutMasks, zero_states};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// What a cell is run over.
#[derive(Clone, Debug)]
pub struct Sequence<'a> {
    /// The input, `[batch, timesteps, features]`.
    pub x: Tensor<3>,
    /// The initial states, `[batch, size]` each; zeros where there are none.
    pub states: Option<Vec<Tensor<2>>>,
    /// `[batch, timesteps]`, true where a step counts.
    pub mask: Option<Tensor<2, Bool>>,
    /// The cell's dropout.
    pub dropout: DropoutMasks,
    /// The order of time, and what comes out.
    pub options: &'a RecurrentOptions,
}

/// What comes out of a run over a sequence.
#[derive(Clone, Debug)]
pub struct Run {
    /// With `return_sequences` the outputs of all steps in the order they were computed, `[batch, timesteps, units]`;
    /// else the last step's, `[batch, units]`.
    pub output: AnyTensor,
    /// The states after the last step, `[batch, size]` each.
    pub states: Vec<Tensor<2>>,
}

/// Runs `cell` over a sequence step by step.
///
/// At masked steps the states stay as they are, and the output is the one before (before the first counted step: the
/// state that stands for it, [`Cell::output_state`]), or zeros with `zero_output_for_mask`. These are the rules of Keras
/// on JAX (`keras/src/backend/jax/rnn.py`).
///
/// # Errors
///
/// Those of [`Cell::step`]; [`Error::Data`] for a sequence without timesteps.
pub fn run(cell: &(impl Cell + ?Sized), sequence: Sequence<'_>) -> Result<Run> {
    let Sequence {
        x,
        states,
        mask,
        dropout,
        options,
    } = sequence;
    let [batch, timesteps, features] = x.dims();
    let mut states = states.unwrap_or_else(|| zero_states(cell, batch, (&x.device(), x.dtype())));
    let mut outputs = Vec::new();
    let mut previous: Option<Tensor<2>> = None;
    for i in 0..timesteps {
        let t = if options.go_backwards {
            timesteps - 1 - i
        } else {
            i
        };
        let x_t = x.clone().narrow(1, t, 1).reshape([batch, features]);
        let (mut output, mut next) = cell.step(x_t, &states, &dropout)?;
        if let Some(mask) = &mask {
            let counts: Tensor<2, Bool> = mask.clone().narrow(1, t, 1);
            let kept = |old: &Tensor<2>, new: Tensor<2>| {
                let size = new.dims()[1];
                old.clone()
                    .mask_where(counts.clone().expand([batch, size]), new)
            };
            let fallback = if options.zero_output_for_mask {
                output.zeros_like()
            } else {
                match (&previous, states.get(cell.output_state())) {
                    (Some(before), _) => before.clone(),
                    (None, Some(state)) if state.dims() == output.dims() => state.clone(),
                    (None, _) => output.zeros_like(),
                }
            };
            output = kept(&fallback, output);
            next = next
                .into_iter()
                .zip(&states)
                .map(|(new, old)| kept(old, new))
                .collect();
        }
        states = next;
        if options.return_sequences {
            outputs.push(output.clone());
        }
        previous = Some(output);
    }
    let last = previous.ok_or_else(|| {
        Error::data(
            "x",
            "has sequences of 0 timesteps; a recurrent layer needs at least 1",
        )
    })?;
    let output = if options.return_sequences {
        AnyTensor::from(Tensor::stack::<3>(outputs, 1))
    } else {
        AnyTensor::from(last)
    };
    Ok(Run { output, states })
}

/// Puts zeros at the masked steps before the first counted one, as Keras does on JAX where a loop is unrolled and the
/// initial state would come out otherwise (`keras/src/backend/jax/rnn.py`).
pub(super) fn zero_before_first_counted(
    output: &AnyTensor,
    mask: &Tensor<2, Bool>,
    options: &RecurrentOptions,
) -> Result<AnyTensor> {
    let counts = mask.clone().float();
    let [batch, timesteps] = mask.dims();
    if !options.return_sequences {
        let last = output.float::<2>()?;
        let counted = counts.sum_dim(1).greater_elem(0.0).expand(last.dims());
        return Ok(last.zeros_like().mask_where(counted, last).into());
    }
    let sequence = output.float::<3>()?;
    let in_order = if options.go_backwards {
        counts.flip([1])
    } else {
        counts
    };
    let begun = in_order.cumsum(1).greater_elem(0.0);
    let begun = begun.reshape([batch, timesteps, 1]).expand(sequence.dims());
    Ok(sequence.zeros_like().mask_where(begun, sequence).into())
}
