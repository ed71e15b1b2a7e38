//! The one loop over timesteps: states carried along, masked steps passed over, the order of time reversed.

use burn::tensor::{Bool, Tensor};

use super::RecurrentOptions;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// What a recurrent layer computes at one timestep.
pub trait Step {
    /// The output and the new states for one step.
    ///
    /// `x` is `[batch, features]`; each state is `[batch, size]`; the output is `[batch, units]`.
    fn step(&self, x: Tensor<2>, states: &[Tensor<2>]) -> (Tensor<2>, Vec<Tensor<2>>);
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

/// Runs `cell` over `x` (`[batch, timesteps, features]`) from `states`.
///
/// `mask` is `[batch, timesteps]`, true where a step counts: at the others the states stay as they are, and the output
/// is the one before (before the first counted step: the first state), or zeros with `zero_output_for_mask`. These are
/// the rules of Keras on JAX (`keras/src/backend/jax/rnn.py`).
///
/// # Errors
///
/// [`Error::Data`] for a sequence without timesteps.
pub fn run(
    cell: &impl Step,
    x: Tensor<3>,
    mut states: Vec<Tensor<2>>,
    mask: Option<Tensor<2, Bool>>,
    options: &RecurrentOptions,
) -> Result<Run> {
    let [batch, timesteps, features] = x.dims();
    let mut outputs = Vec::new();
    let mut previous: Option<Tensor<2>> = None;
    for i in 0..timesteps {
        let t = if options.go_backwards {
            timesteps - 1 - i
        } else {
            i
        };
        let x_t = x.clone().narrow(1, t, 1).reshape([batch, features]);
        let (mut output, mut next) = cell.step(x_t, &states);
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
                match (&previous, states.first()) {
                    (Some(before), _) => before.clone(),
                    (None, Some(first)) if first.dims() == output.dims() => first.clone(),
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
