//! The layer around a cell.

use std::ops::RangeInclusive;

use burn::module::{Module, ModuleDisplay};
use burn::tensor::DType;
use serde_json::{Map, Value};

use super::cell::{
    Cell, DropoutMasks, check_features, check_state_dims, given_states,
    refuse_activity_regularizer, zero_states,
};
use super::steps::{self, Run, Sequence};
use super::{Implementation, RecurrentOptions, check_sequence};
use crate::dims::Dims;
use crate::layers::{
    Context, DynLayer, Layer, LayerOptions, MaskPolicy, Packed, WeightBuilder, WeightRule,
    describe, frozen_in, only,
};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

const AXES: [&str; 3] = ["batch", "timesteps", "features"];

/// Under which key a stateful layer carries its states.
const CARRIED: &str = "states";

/// A cell that a layer class exists for: `LSTMCell` for `LSTM`, any cell for `RNN`.
pub trait LayerCell: Cell + Module + ModuleDisplay + Sync + 'static {
    /// The name of the layer's class in Keras and in files, as `LSTM`.
    const LAYER_CLASS: &'static str;

    /// The name of the layer's Rust type, as errors show it.
    const LAYER_TYPE: &'static str;

    /// Adds the cell to the layer's configuration: `LSTM` has the keys of its cell among its own, `RNN` has the cell
    /// under a key.
    fn write_into_layer(&self, config: &mut Map<String, Value>);

    /// The layer around it with packed weights, for predictors; `None` where there is no such thing.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the weights cannot be read back.
    #[doc(hidden)]
    fn packed(&self, options: &RecurrentOptions) -> Result<Option<Packed>> {
        let _ = options;
        Ok(None)
    }
}

/// The layer that runs a cell over sequences `[batch, timesteps, features]`.
///
/// [`Lstm`](super::Lstm), [`Gru`](super::Gru), [`SimpleRnn`](super::SimpleRnn) and [`Rnn`](super::Rnn) are this type
/// with different cells. What comes out:
///
/// | options | output | and |
/// |---|---|---|
/// | none | the last output: `[batch, units]` | |
/// | `return_sequences(true)` | every output: `[batch, timesteps, units]` | |
/// | `return_state(true)` | as above | the last states: `[batch, units]` each |
///
/// A mask attached to the input (by `Masking` or `Embedding`) says which steps count: the others change no state, and
/// the output there is the one before. With `return_sequences` the mask goes on to the next layer.
///
/// Initial states are further inputs: `lstm.call((&x, &h, &c))`; without them the states begin as zeros, or as a
/// stateful layer left them. The mask of `x` counts then too (Keras forgets it).
#[derive(Module, Debug)]
pub struct Recurrent<C: Module + ModuleDisplay> {
    pub(super) cell: C,
    #[module(skip)]
    pub(super) options: LayerOptions,
    #[module(skip)]
    pub(super) recurrent: RecurrentOptions,
}

impl<C: LayerCell> Recurrent<C> {
    /// The layer around a cell; a bad argument of the cell counts as one of the layer.
    pub(super) fn around(cell: C) -> Self {
        let mut options = LayerOptions::default();
        options.adopt_problem(Cell::options(&cell));
        refuse_activity_regularizer(&mut options, &cell);
        Self {
            cell,
            options,
            recurrent: RecurrentOptions::default(),
        }
    }

    /// Whether every step's output comes out, `[batch, timesteps, units]`, instead of the last one's, `[batch, units]`.
    ///
    /// A recurrent layer that feeds another one needs it.
    pub fn return_sequences(mut self, return_sequences: bool) -> Self {
        self.recurrent.return_sequences = return_sequences;
        self
    }

    /// Whether the last states, `[batch, units]` each, come out after the output.
    ///
    /// Such a layer has several outputs, so it goes into a functional [`Model`](crate::models::Model).
    pub fn return_state(mut self, return_state: bool) -> Self {
        self.recurrent.return_state = return_state;
        self
    }

    /// Whether the sequence is read from its last step to its first; outputs come in the order they were computed.
    pub fn go_backwards(mut self, go_backwards: bool) -> Self {
        self.recurrent.go_backwards = go_backwards;
        self
    }

    /// Whether the states after one batch are the initial states of the next, sample by sample: for long series cut
    /// into pieces.
    ///
    /// It needs a fixed batch size, by `batch_input_shape([batch, timesteps, features])` or
    /// `Input::new([timesteps, features]).batch_size(batch)`, and `Fit::shuffle(false)`. `fit`, `evaluate`, `predict` and
    /// direct calls all carry states on, on every backend (as Keras with TensorFlow does); only
    /// [`Model::reset_states`](crate::models::Model::reset_states) makes them zeros again. States are no weights: they
    /// are not saved.
    pub fn stateful(mut self, stateful: bool) -> Self {
        self.recurrent.stateful = stateful;
        self
    }

    /// Accepted for Keras' sake; loops are unrolled by nature here.
    ///
    /// What remains: at masked steps before the first counted one an unrolled layer puts out zeros, where others put out
    /// the initial state (as Keras on JAX).
    pub fn unroll(mut self, unroll: bool) -> Self {
        self.recurrent.unroll = unroll;
        self
    }

    /// Whether masked steps put out zeros instead of the output before them.
    pub fn zero_output_for_mask(mut self, zero_output_for_mask: bool) -> Self {
        self.recurrent.zero_output_for_mask = zero_output_for_mask;
        self
    }

    /// Which implementation computes (the fastest that applies).
    pub fn implementation(mut self, implementation: Implementation) -> Self {
        self.recurrent.implementation = implementation;
        self
    }

    /// The cell.
    pub fn cell(&self) -> &C {
        &self.cell
    }

    /// Runs the cell by the implementation that was asked for, or the fastest that applies.
    fn run(&self, sequence: Sequence<'_>) -> Result<Run> {
        let (device, dtype) = (sequence.x.device(), sequence.x.dtype());
        match self.recurrent.implementation {
            Implementation::Burn => self.cell.run(sequence),
            Implementation::Fused => self.cell.run_fused(sequence),
            Implementation::Auto if self.cell.not_fused(&device, dtype).is_none() => {
                self.cell.run_fused(sequence)
            }
            Implementation::Auto => self.cell.run(sequence),
        }
    }
}

impl<C: LayerCell> Layer for Recurrent<C> {
    fn class_name(&self) -> &str {
        C::LAYER_CLASS
    }

    fn type_name(&self) -> &str {
        C::LAYER_TYPE
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn input_count(&self) -> RangeInclusive<usize> {
        1..=1 + self.cell.state_sizes().len()
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = check_sequence(&describe(self), only(inputs)?)?;
        Cell::build(&mut self.cell, features, weights)
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let place = describe(self);
        let x = only(inputs)?;
        check_sequence(&place, x)?;
        check_features(&place, &self.cell, x, &AXES)?;
        check_state_dims(&place, &self.cell, &inputs[1..])?;
        if self.recurrent.stateful && x.axis(0).is_none() {
            let sample: Vec<String> = (x.tail(1).axes().iter())
                .map(|axis| axis.map_or("timesteps".to_string(), |n| n.to_string()))
                .collect();
            let sample = sample.join(", ");
            return Err(Error::shape(
                place,
                "a fixed batch size, since it is stateful: each sample of a batch goes on where the same sample of the \
                 batch before it ended",
                x.named(&AXES),
                format!(
                    "Say how many samples every batch has: `.batch_input_shape([batch, {sample}])` in place of \
                     `.input_shape([{sample}])`, or `Input::new([{sample}]).batch_size(batch)`."
                ),
            ));
        }
        let sizes = self.cell.state_sizes();
        Ok(self
            .recurrent
            .output_dims(x, self.cell.output_size(), &sizes))
    }

    fn output_names(&self) -> Vec<&'static str> {
        let output = if self.recurrent.return_sequences {
            "sequence"
        } else {
            "output"
        };
        let states = if self.recurrent.return_state {
            self.cell.state_names()
        } else {
            Vec::new()
        };
        std::iter::once(output).chain(states).collect()
    }

    fn largest_inside(&self, inputs: &[Dims], training: bool) -> u64 {
        let sizes = |x: &Dims| Some([x.axis(0)?, x.axis(1)?, x.axis(2)?]);
        match (
            self.recurrent.implementation,
            inputs.first().and_then(sizes),
        ) {
            (Implementation::Burn, _) | (_, None) => 0,
            (_, Some(sizes)) => self.cell.largest_fused(sizes, training),
        }
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let place = describe(self);
        let options = &self.recurrent;
        let input = only(inputs)?;
        let x = input.float::<3>()?;
        let [batch, _, features] = x.dims();
        check_features(&place, &self.cell, &input.dims(), &AXES)?;
        let mask = input.mask().cloned();
        let (device, dtype) = (x.device(), x.dtype());
        let mut states = given_states(&place, &self.cell, batch, &inputs[1..])?;
        if options.stateful && states.is_none() {
            states = match context.carried(CARRIED) {
                Some(carried) => Some(carried_states(&place, batch, carried, &device)?),
                None => Some(zero_states(&self.cell, batch, (&device, dtype))),
            };
        }
        let dropout = if context.is_training() {
            self.cell
                .draw_masks([batch, features], (&device, dtype), context)?
        } else {
            DropoutMasks::default()
        };
        // With states of zeros there is no difference between zeros and the initial state.
        let unrolled_from = (options.unroll && states.is_some() && !options.zero_output_for_mask)
            .then(|| mask.clone())
            .flatten();
        let run = self.run(Sequence {
            x,
            states,
            mask: mask.clone(),
            dropout,
            options,
        })?;
        let Run { mut output, states } = run;
        if let Some(mask) = &unrolled_from {
            output = steps::zero_before_first_counted(&output, mask, options)?;
        }
        if options.stateful {
            context.carry(CARRIED, states.clone());
        }
        let mut outputs = vec![if options.return_sequences {
            output.with_mask(mask)
        } else {
            output
        }];
        if options.return_state {
            outputs.extend(states.into_iter().map(AnyTensor::from));
        }
        Ok(outputs)
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let rules = Cell::weight_rules(&self.cell).into_iter();
        rules.map(|rule| rule.within("cell")).collect()
    }

    fn frozen_inside(&self) -> Vec<String> {
        frozen_in("cell", &self.cell)
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        vec![&mut self.cell]
    }

    fn packed(&self) -> Result<Option<Packed>> {
        LayerCell::packed(&self.cell, &self.recurrent)
    }

    fn note(&self) -> Option<String> {
        let device = self.devices().into_iter().next()?;
        let stepping = self.cell.run_words();
        Some(match self.recurrent.implementation {
            Implementation::Burn => format!("{stepping}, as asked for"),
            Implementation::Fused | Implementation::Auto => {
                match self.cell.not_fused(&device, DType::F32) {
                    None => "Run fused".to_string(),
                    Some(reason) => format!("{stepping} ({reason})"),
                }
            }
        })
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::new();
        self.recurrent.write(&mut config);
        self.cell.write_into_layer(&mut config);
        config
    }

    fn recurrent_options(&self) -> Option<&RecurrentOptions> {
        Some(&self.recurrent)
    }

    fn recurrent_options_mut(&mut self) -> Option<&mut RecurrentOptions> {
        Some(&mut self.recurrent)
    }
}

/// What a stateful layer left behind, for a batch that must be of the same size.
fn carried_states(
    place: &str,
    batch: usize,
    carried: Vec<burn::tensor::Tensor<2>>,
    device: &burn::tensor::Device,
) -> Result<Vec<burn::tensor::Tensor<2>>> {
    let wrong = carried.iter().map(|s| s.dims()[0]).find(|n| *n != batch);
    if let Some(before) = wrong {
        return Err(Error::tensor(
            place,
            format!(
                "is stateful and carries the states of {before} samples, but got a batch of {batch}; give it batches of \
                 {before}, or call `reset_states()` first"
            ),
        ));
    }
    Ok(carried.into_iter().map(|s| s.to_device(device)).collect())
}
