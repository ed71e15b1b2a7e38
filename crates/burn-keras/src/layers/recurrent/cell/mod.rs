//! What a recurrent layer computes at one timestep.

use std::ops::RangeInclusive;

use burn::tensor::{DType, Device, Tensor};
use serde_json::{Map, Value};

use super::steps::{self, Run, Sequence};
use crate::dims::Dims;
use crate::error::plural;
use crate::layers::{Context, DynLayer, Layer, LayerOptions, WeightBuilder, WeightRule, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod any;
mod dropout;
mod stacked;

pub use any::{AnyCell, IntoCell};
pub use dropout::DropoutMasks;
pub use stacked::StackedRnnCells;

/// What a recurrent layer computes at one timestep: an output and new states from an input and the states before.
///
/// [`Rnn`](super::Rnn) runs any cell over sequences. Every cell is a [`Layer`] as well, which takes one step:
/// `cell.call((&x, &state))` gives the output and the new states.
///
/// A cell of your own is a `#[derive(Module)]` struct with a field for [`LayerOptions`] and this trait:
///
/// ```
/// use burn::module::{Module, Param};
/// use burn::tensor::Tensor;
/// use burn_keras::initializers::Initializer;
/// use burn_keras::layers::{Cell, DropoutMasks, LayerOptions, WeightBuilder};
/// use burn_keras::prelude::*;
/// use serde_json::{Map, Value, json};
///
/// /// A leaky average of the inputs: `h' = a h + (1 - a) x`, with a trained `a` for each feature.
/// #[derive(Module, Debug)]
/// struct Leaky {
///     a: Option<Param<Tensor<1>>>,
///     #[module(skip)]
///     units: usize,
///     #[module(skip)]
///     options: LayerOptions,
/// }
///
/// impl Cell for Leaky {
///     fn class_name(&self) -> &str {
///         "Leaky"
///     }
///     fn options(&self) -> &LayerOptions {
///         &self.options
///     }
///     fn options_mut(&mut self) -> &mut LayerOptions {
///         &mut self.options
///     }
///     fn state_sizes(&self) -> Vec<usize> {
///         vec![self.units]
///     }
///     fn features(&self) -> Option<usize> {
///         self.a.as_ref().map(|_| self.units)
///     }
///     fn build(&mut self, _features: usize, weights: &mut WeightBuilder<'_>) -> Result<()> {
///         self.a = Some(weights.weight([self.units], &Initializer::Constant { value: 0.5 })?);
///         Ok(())
///     }
///     fn step(
///         &self,
///         x: Tensor<2>,
///         states: &[Tensor<2>],
///         _masks: &DropoutMasks,
///     ) -> Result<(Tensor<2>, Vec<Tensor<2>>)> {
///         let Some(a) = &self.a else {
///             return Err(Error::NotBuilt { needed_for: "Leaky".to_string() });
///         };
///         let h = x.clone() + a.val().unsqueeze::<2>() * (states[0].clone() - x);
///         Ok((h.clone(), vec![h]))
///     }
///     fn config(&self) -> Map<String, Value> {
///         Map::from_iter([("units".to_string(), json!(self.units))])
///     }
/// }
///
/// let cell = Leaky { a: None, units: 3, options: LayerOptions::default() };
/// let mut model = Sequential::new();
/// model.add(Rnn::new(cell).return_sequences(true).input_shape([4, 3]))?;
/// let y = model.predict(&ndarray::Array3::<f32>::ones((1, 4, 3)))?;
/// assert_eq!(y[[0, 0, 0]], 0.5);
/// assert_eq!(y[[0, 1, 0]], 0.75);
/// # Ok::<(), Error>(())
/// ```
pub trait Cell: std::fmt::Debug + Send + Sync {
    /// The name of the class in Keras and in files, as `LSTMCell`.
    fn class_name(&self) -> &str;

    /// The name of the Rust type, as errors show it; by default that of the class.
    fn type_name(&self) -> &str {
        self.class_name()
    }

    /// The options that every layer has.
    fn options(&self) -> &LayerOptions;

    /// The options that every layer has.
    fn options_mut(&mut self) -> &mut LayerOptions;

    /// The sizes of its states: each is `[batch, size]`. There is at least one.
    fn state_sizes(&self) -> Vec<usize>;

    /// What the states are called in errors, in their order.
    fn state_names(&self) -> Vec<&'static str> {
        vec!["state"; self.state_sizes().len()]
    }

    /// The size of its output; by default that of its first state.
    fn output_size(&self) -> usize {
        self.state_sizes().first().copied().unwrap_or_default()
    }

    /// Which state stands for the output at masked steps before the first one that counts.
    fn output_state(&self) -> usize {
        0
    }

    /// The number of features that its weights were made for; `None` before it is built.
    fn features(&self) -> Option<usize>;

    /// Creates the weights for inputs `[batch, features]`. Called once.
    ///
    /// # Errors
    ///
    /// Whatever makes the weights impossible.
    fn build(&mut self, features: usize, weights: &mut WeightBuilder<'_>) -> Result<()>;

    /// Draws what the cell multiplies its input `[batch, features]` and states by at every step of one training pass;
    /// by default nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Context::dropout_mask`].
    fn draw_masks(
        &self,
        shape: [usize; 2],
        place: (&Device, DType),
        context: &mut Context,
    ) -> Result<DropoutMasks> {
        let _ = (shape, place, context);
        Ok(DropoutMasks::default())
    }

    /// One step: the output and the new states.
    ///
    /// `x` is `[batch, features]`; each state is `[batch, size]`; the output is `[batch, output_size]`. `masks` are those
    /// that [`Cell::draw_masks`] gave, or none when predicting.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the cell has weights.
    fn step(
        &self,
        x: Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>)>;

    /// Runs the cell over a whole sequence; by default step by step, in [`steps::run`].
    ///
    /// # Errors
    ///
    /// Those of [`Cell::step`]; [`Error::Data`] for a sequence without timesteps.
    fn run(&self, sequence: Sequence<'_>) -> Result<Run> {
        steps::run(self, sequence)
    }

    /// How [`Cell::run`] computes, for `summary`.
    fn run_words(&self) -> &'static str {
        "Run step by step"
    }

    /// Why [`Cell::run_fused`] cannot compute the cell on this device; `None` when it can.
    fn not_fused(&self, device: &Device, dtype: DType) -> Option<String> {
        let _ = (device, dtype);
        Some("no fused operation for this cell, only for LSTM, GRU and SimpleRNN".to_string())
    }

    /// The values of the largest tensor that [`Cell::run_fused`] makes of `[batch, timesteps, features]`; 0 where it
    /// cannot compute the cell.
    #[doc(hidden)]
    fn largest_fused(&self, sizes: [usize; 3], training: bool) -> u64 {
        let _ = (sizes, training);
        0
    }

    /// Runs the cell over a whole sequence as one operation.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] where [`Cell::not_fused`] gives a reason.
    fn run_fused(&self, sequence: Sequence<'_>) -> Result<Run> {
        let x = &sequence.x;
        let reason = self.not_fused(&x.device(), x.dtype()).unwrap_or_default();
        Err(Error::argument(
            self.type_name().to_string(),
            "implementation",
            format!("Fused cannot be used: {reason}"),
        ))
    }

    /// The cell's own keys of Keras' configuration; `name`, `trainable` and `dtype` are added for it.
    fn config(&self) -> Map<String, Value>;

    /// What training does for single weights besides updating them: penalties and constraints.
    fn weight_rules(&self) -> Vec<WeightRule> {
        Vec::new()
    }

    /// How the names of those weights begin that are not trained because they belong to a frozen cell inside.
    #[doc(hidden)]
    fn frozen_inside(&self) -> Vec<String> {
        Vec::new()
    }

    /// The cells that it holds as parts of itself: freezing it freezes them too.
    #[doc(hidden)]
    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        Vec::new()
    }
}

/// Reports a penalty on a cell's outputs: in Keras it is lost, or an error, depending on how the loop runs.
pub(super) fn refuse_activity_regularizer(options: &mut LayerOptions, cell: &impl Cell) {
    if Cell::options(cell).activity_regularizer().is_some() {
        let problem = format!(
            "is {}, which has an `activity_regularizer`; give it to the layer around the cell, where it counts once",
            Cell::type_name(cell)
        );
        options.accept::<()>("cell", Err(Error::argument("", "", problem)));
    }
}

/// The initial states that a call gives, checked: none, or as many as the cell has.
pub(super) fn check_state_dims(
    place: &str,
    cell: &(impl Cell + ?Sized),
    states: &[Dims],
) -> Result<()> {
    let sizes = cell.state_sizes();
    if states.is_empty() {
        return Ok(());
    }
    if states.len() != sizes.len() {
        let names = cell.state_names();
        let needs: Vec<String> = names
            .iter()
            .zip(&sizes)
            .map(|(name, size)| format!("{name} [batch, units = {size}]"))
            .collect();
        let names: Vec<String> = names.iter().map(|name| format!("&{name}")).collect();
        return Err(Error::shape(
            place,
            format!(
                "{}, {}, or none",
                match sizes.len() {
                    1 => "its initial state".to_string(),
                    2 => "both initial states".to_string(),
                    count => format!("all {count} initial states"),
                },
                needs.join(", ")
            ),
            format!("{} {}", states.len(), plural(states.len(), "state")),
            format!(
                "Call it with `(&x, {})`; an `Input::new([{}])` gives a state from outside.",
                names.join(", "),
                sizes[0]
            ),
        ));
    }
    for ((state, size), name) in states.iter().zip(sizes).zip(cell.state_names()) {
        if state.rank() != 2 || state.last() != Some(size) {
            return Err(Error::shape(
                place,
                format!("an initial state {name} of shape [batch, units = {size}]"),
                match state.rank() {
                    2 => state.named(&["batch", "units"]),
                    _ => state.in_words(),
                },
                state_fix(place, cell, state, size),
            ));
        }
    }
    Ok(())
}

/// How a state comes to have the size of the units of the layer that it starts.
fn state_fix(place: &str, cell: &(impl Cell + ?Sized), state: &Dims, size: usize) -> String {
    let layer = place.split_whitespace().next().unwrap_or(place);
    let made = |units: usize| match (layer, cell.state_sizes().len()) {
        ("Rnn", _) if Cell::class_name(cell) == "StackedRNNCells" => {
            format!("make the cell of this state {units} units wide")
        }
        ("Rnn", _) => format!(
            "make it `Rnn::new({}::new({units}))`",
            Cell::type_name(cell)
        ),
        _ => format!("make it `{layer}::new({units})`"),
    };
    match (state.rank(), state.last()) {
        (2, Some(given)) => format!(
            "A state has as many numbers as the layer has units: {}, or take the state from a layer with {size} units.",
            made(given)
        ),
        (3, _) => "That is a whole sequence: take the states that the layer in front returns behind it, `let [sequence, h, c] \
                   = ..`."
            .to_string(),
        _ => format!("Give one vector of {size} numbers for each sample, as `Input::new([{size}])`."),
    }
}

/// Refuses features that a cell was not built for.
pub(super) fn check_features(
    place: &str,
    cell: &(impl Cell + ?Sized),
    x: &Dims,
    axes: &[&str],
) -> Result<()> {
    match cell.features() {
        Some(built) if x.last() != Some(built) => {
            let mut wanted: Vec<String> = axes.iter().map(|axis| axis.to_string()).collect();
            if let Some(last) = wanted.last_mut() {
                *last = format!("{last} = {built}");
            }
            Err(Error::shape(
                place,
                format!("[{}], which its kernel was built for", wanted.join(", ")),
                x.named(axes),
                "Give it an input with that many features, or use another layer there (a clone has its own weights).",
            ))
        }
        _ => Ok(()),
    }
}

/// The tensors of initial states, checked against a batch.
pub(super) fn given_states(
    place: &str,
    cell: &(impl Cell + ?Sized),
    batch: usize,
    states: &[AnyTensor],
) -> Result<Option<Vec<Tensor<2>>>> {
    if states.is_empty() {
        return Ok(None);
    }
    let sizes = cell.state_sizes();
    if states.len() != sizes.len() {
        return Err(Error::tensor(
            place,
            format!(
                "has {} states, but {} were given",
                sizes.len(),
                states.len()
            ),
        ));
    }
    let checked = states.iter().zip(sizes).map(|(state, size)| {
        let state = state.float::<2>()?;
        if state.dims() != [batch, size] {
            return Err(Error::tensor(
                place,
                format!(
                    "got an initial state of shape {:?}; with this input it must be [{batch}, {size}]",
                    state.dims()
                ),
            ));
        }
        Ok(state)
    });
    checked.collect::<Result<_>>().map(Some)
}

/// States to begin with where none are given: zeros.
pub(super) fn zero_states(
    cell: &(impl Cell + ?Sized),
    batch: usize,
    place: (&Device, DType),
) -> Vec<Tensor<2>> {
    cell.state_sizes()
        .into_iter()
        .map(|size| Tensor::zeros([batch, size], place))
        .collect()
}

/// A cell as a layer takes one step: from `[batch, features]` and the states (zeros if they are left out) to the output
/// and the new states.
impl<C: Cell> Layer for C {
    fn class_name(&self) -> &str {
        Cell::class_name(self)
    }

    fn type_name(&self) -> &str {
        Cell::type_name(self)
    }

    fn options(&self) -> &LayerOptions {
        Cell::options(self)
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        Cell::options_mut(self)
    }

    fn input_count(&self) -> RangeInclusive<usize> {
        1..=1 + self.state_sizes().len()
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = one_step(&describe(self), crate::layers::only(inputs)?)?;
        Cell::build(self, features, weights)
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let place = describe(self);
        let x = crate::layers::only(inputs)?;
        one_step(&place, x)?;
        check_features(&place, self, x, &["batch", "features"])?;
        check_state_dims(&place, self, &inputs[1..])?;
        let sizes = std::iter::once(self.output_size()).chain(self.state_sizes());
        Ok(sizes
            .map(|size| Dims::new([x.axis(0), Some(size)]))
            .collect())
    }

    fn output_names(&self) -> Vec<&'static str> {
        std::iter::once("output")
            .chain(self.state_names())
            .collect()
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let place = describe(self);
        let x = crate::layers::only(inputs)?.float::<2>()?;
        check_features(
            &place,
            self,
            &Dims::known(&x.dims()),
            &["batch", "features"],
        )?;
        let [batch, _] = x.dims();
        let (device, dtype) = (x.device(), x.dtype());
        let states = given_states(&place, self, batch, &inputs[1..])?
            .unwrap_or_else(|| zero_states(self, batch, (&device, dtype)));
        let masks = if context.is_training() {
            self.draw_masks(x.dims(), (&device, dtype), context)?
        } else {
            DropoutMasks::default()
        };
        let (output, states) = self.step(x, &states, &masks)?;
        Ok(std::iter::once(output)
            .chain(states)
            .map(AnyTensor::from)
            .collect())
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        Cell::weight_rules(self)
    }

    fn config(&self) -> Map<String, Value> {
        Cell::config(self)
    }

    fn frozen_inside(&self) -> Vec<String> {
        Cell::frozen_inside(self)
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        Cell::parts_mut(self)
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

/// Checks the input of a cell: `[batch, features]` with known features.
fn one_step(place: &str, x: &Dims) -> Result<usize> {
    match (x.rank(), x.last()) {
        (2, Some(features)) if features > 0 => Ok(features),
        _ => Err(Error::shape(
            place,
            "one step, [batch, features] with known features",
            x.in_words(),
            "A cell computes one step; `Rnn::new(cell)` runs it over sequences [batch, timesteps, features].",
        )),
    }
}
