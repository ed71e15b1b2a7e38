//! One thread's use of a predictor.

use std::sync::Arc;

use burn_recurrent::packed::PackedState;
use ndarray::{ArrayBase, ArrayViewD, CowArray, Data, DataMut, Dimension};

use super::Shared;
use super::plan::{Plan, RowWork, Stage, StageWork};
use crate::dims::Dims;
use crate::layers::Context;
use crate::models::Model;
use crate::training::data::Values;
use crate::training::{BatchSize, batch_fits, check_inputs};
use crate::{Error, Result};

/// Buffers and states for predictions on one thread, made by [`Predictor::session`](super::Predictor::session).
///
/// Arrays are `ndarray`'s, of any kind that lies in memory in standard order.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(4).input_shape([8, 16]))?;
/// let mut session = model.predictor()?.session();
/// // One step after the other, for one row; the states go on.
/// let mut y = Array2::zeros((1, 4));
/// for _ in 0..3 {
///     session.step(&Array2::<f32>::ones((1, 16)), &mut y)?;
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    /// Whole sequences.
    sequences: Option<Work>,
    /// The stream that [`Session::step`] goes along.
    stream: Option<Work>,
}

/// What a stack works in, for one size of batch.
#[derive(Debug)]
struct Work {
    batch: usize,
    /// The state of each recurrent stage.
    states: Vec<PackedState<f32>>,
    /// What goes from one stage to the next, in turn.
    buffers: [Vec<f32>; 2],
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            sequences: None,
            stream: None,
        }
    }

    /// Computes the outputs `y` for samples `x`, whole sequences from states of zeros.
    ///
    /// `x` is `[batch, ..]` with the model's input shape behind the batch, `y` likewise with its output shape. Once
    /// buffers have grown to this size, a packed predictor allocates nothing; a batch large enough to be shared among
    /// threads allocates a little for that.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when an array has another shape, [`Error::Data`] when it does not lie in memory in standard
    /// order, or a GPU does not have the memory for so many samples.
    pub fn predict_into<S, D, T, E>(
        &mut self,
        x: &ArrayBase<S, D>,
        y: &mut ArrayBase<T, E>,
    ) -> Result<()>
    where
        S: Data<Elem = f32>,
        D: Dimension,
        T: DataMut<Elem = f32>,
        E: Dimension,
    {
        let shared = &*self.shared;
        check_shape(&shared.name, "x", &shared.input, x.shape())?;
        let batch = x.shape().first().copied().unwrap_or(1);
        check_shape(&shared.name, "y", &shared.output, y.shape())?;
        check_batch(&shared.name, batch, y.shape())?;
        match &shared.plan {
            Plan::Packed(stages) => {
                // The axes between batch and features stay as they are, or are gone altogether.
                let inner = inner_axes(x.shape());
                if shared.output.rank() == shared.input.rank() && inner_axes(y.shape()) != inner {
                    return Err(wrong_shape(&shared.name, "y", &shared.output, y.shape()));
                }
                let rows = batch * inner.iter().product::<usize>();
                let from = contiguous("x", x.as_slice())?;
                let to = contiguous("y", y.as_slice_mut())?;
                let work = Work::of_batch(&mut self.sequences, stages, batch);
                work.restart();
                work.run(stages, from, rows, to)
            }
            Plan::Model(model) => {
                let shape = y.shape().to_vec();
                let to = contiguous("y", y.as_slice_mut())?;
                run_model(model, x.view().into_dyn(), &shape, to)
            }
        }
    }

    /// Computes one timestep: `x_t` is `[batch, features]`, and `y_t` what the model puts out for the sequence up to
    /// here, without the timesteps axis. States go on from step to step, for each row its own, until
    /// [`Session::reset`].
    ///
    /// Needs a stack of recurrent layers, `Dense`, `Activation` and `Dropout`; it runs on this thread and allocates
    /// nothing after the first step.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] for a model that cannot be run step by step, [`Error::Shape`] and [`Error::Data`] as for
    /// [`Session::predict_into`], [`Error::Data`] when the batch size differs from the step before.
    pub fn step<S, D, T, E>(
        &mut self,
        x_t: &ArrayBase<S, D>,
        y_t: &mut ArrayBase<T, E>,
    ) -> Result<()>
    where
        S: Data<Elem = f32>,
        D: Dimension,
        T: DataMut<Elem = f32>,
        E: Dimension,
    {
        let shared = &*self.shared;
        let stages = steppable(shared)?;
        let [input, output] = &shared.step;
        check_shape(&shared.name, "x_t", input, x_t.shape())?;
        let batch = x_t.shape().first().copied().unwrap_or(1);
        check_shape(&shared.name, "y_t", output, y_t.shape())?;
        check_batch(&shared.name, batch, y_t.shape())?;
        if let Some(before) = self.stream.as_ref().filter(|w| w.batch != batch) {
            return Err(Error::data(
                "x_t",
                format!(
                    "has {batch} rows, but the stream has states for {}: keep to that number, or call `reset()` to \
                     begin another stream",
                    before.batch
                ),
            ));
        }
        let from = contiguous("x_t", x_t.as_slice())?;
        let to = contiguous("y_t", y_t.as_slice_mut())?;
        Work::of_batch(&mut self.stream, stages, batch).step(stages, from, to)
    }

    /// Ends the stream of [`Session::step`]: the next step begins another one, from states of zeros.
    pub fn reset(&mut self) {
        self.stream = None;
    }
}

/// The stages of a model that can be run step by step.
fn steppable(shared: &Shared) -> Result<&[Stage]> {
    let refuse = |problem: &str| {
        Err(Error::Model(format!(
            "{} cannot be run step by step: {problem}",
            shared.name
        )))
    };
    let Plan::Packed(stages) = &shared.plan else {
        return refuse(
            "`step` needs a stack of recurrent layers (with tanh and sigmoid), Dense, Activation and Dropout",
        );
    };
    if shared.input.rank() != 3 {
        return refuse("its input has no timesteps");
    }
    for stage in stages {
        if let StageWork::Recurrent {
            go_backwards: true, ..
        } = stage.work
        {
            return refuse(&format!("{} reads the sequence from its end", stage.name));
        }
    }
    Ok(stages)
}

impl Work {
    /// The work in `slot`, made anew when it is for another number of rows.
    fn of_batch<'a>(slot: &'a mut Option<Self>, stages: &[Stage], batch: usize) -> &'a mut Self {
        if slot.as_ref().is_some_and(|w| w.batch != batch) {
            *slot = None;
        }
        slot.get_or_insert_with(|| Self {
            batch,
            states: stages
                .iter()
                .filter_map(|stage| match &stage.work {
                    StageWork::Recurrent { layer, .. } => Some(layer.state(batch)),
                    StageWork::ByRow(_) => None,
                })
                .collect(),
            buffers: [Vec::new(), Vec::new()],
        })
    }

    fn restart(&mut self) {
        self.states.iter_mut().for_each(PackedState::reset);
    }

    /// Whole sequences: `rows` vectors come in, one for each step of each sample.
    fn run(&mut self, stages: &[Stage], x: &[f32], rows: usize, y: &mut [f32]) -> Result<()> {
        let batch = self.batch;
        let mut rows = rows;
        self.pass(stages, x, y, |stage, states, from, to| match stage {
            StageWork::Recurrent {
                layer,
                return_sequences,
                go_backwards,
                state,
            } => {
                let state = &mut states[*state];
                if *return_sequences {
                    to.resize(rows * layer.units(), 0.0);
                    layer.sequence_into(from, None, state, Some(to), *go_backwards)
                } else {
                    rows = batch;
                    to.resize(rows * layer.units(), 0.0);
                    layer.sequence_into(from, None, state, None, *go_backwards)?;
                    state.h_into(to)
                }
            }
            StageWork::ByRow(work) => by_rows(work, rows, from, to),
        })
    }

    /// One step of every sequence.
    fn step(&mut self, stages: &[Stage], x: &[f32], y: &mut [f32]) -> Result<()> {
        let rows = self.batch;
        self.pass(stages, x, y, |stage, states, from, to| match stage {
            StageWork::Recurrent { layer, state, .. } => {
                let state = &mut states[*state];
                layer.step_into(from, state)?;
                to.resize(rows * layer.units(), 0.0);
                state.h_into(to)
            }
            StageWork::ByRow(work) => by_rows(work, rows, from, to),
        })
    }

    /// Sends `x` through the stages, each computing from one slice into the next buffer.
    fn pass(
        &mut self,
        stages: &[Stage],
        x: &[f32],
        y: &mut [f32],
        mut compute: impl FnMut(
            &StageWork,
            &mut [PackedState<f32>],
            &[f32],
            &mut Vec<f32>,
        ) -> burn_recurrent::Result<()>,
    ) -> Result<()> {
        let [a, b] = &mut self.buffers;
        let (mut from, mut to) = (a, b);
        for (i, stage) in stages.iter().enumerate() {
            let source = if i == 0 { x } else { from.as_slice() };
            compute(&stage.work, &mut self.states, source, to)
                .map_err(|e| Error::tensor(&stage.name, e.to_string()))?;
            std::mem::swap(&mut from, &mut to);
        }
        if from.len() != y.len() {
            return Err(wrong_count(from.len(), y.len()));
        }
        y.copy_from_slice(from);
        Ok(())
    }
}

fn by_rows(
    work: &RowWork,
    rows: usize,
    from: &[f32],
    to: &mut Vec<f32>,
) -> burn_recurrent::Result<()> {
    match work {
        RowWork::Dense { layer, activation } => {
            to.resize(rows * layer.units(), 0.0);
            layer.apply_into(from, to)?;
            activation.apply(to, layer.units());
        }
        RowWork::Activation(activation) => {
            to.resize(from.len(), 0.0);
            to.copy_from_slice(from);
            activation.apply(to, from.len() / rows.max(1));
        }
    }
    Ok(())
}

/// A model of other layers, by tensors.
fn run_model(model: &Model, x: ArrayViewD<'_, f32>, shape: &[usize], y: &mut [f32]) -> Result<()> {
    let x = Values::Float(CowArray::from(x));
    let x = check_inputs(model, "x", vec![x])?;
    let device = model.placement()?;
    let (samples, inputs) = (x.first().map_or(0, Values::samples), || {
        x.iter().map(Values::dims).collect()
    });
    batch_fits(
        model,
        &device,
        BatchSize::Given("x"),
        samples,
        inputs,
        false,
    )?;
    let inputs = x.into_iter().map(|values| values.into_tensor(&device));
    let outputs = model.forward(
        &inputs.collect::<Result<Vec<_>>>()?,
        &mut Context::inference(),
    )?;
    let output = crate::layers::only(&outputs)?;
    if output.shape() != shape {
        return Err(Error::shape(
            crate::layers::describe(model),
            format!(
                "an array `y` of shape {:?}, which comes out for this `x`",
                output.shape()
            ),
            format!("{shape:?}"),
            "Make `y` with that shape.",
        ));
    }
    y.copy_from_slice(&output.to_vec()?);
    Ok(())
}

/// The axes between the batch and the last one.
fn inner_axes(shape: &[usize]) -> &[usize] {
    match shape {
        [_, inner @ .., _] => inner,
        _ => &[],
    }
}

fn wrong_count(given: usize, room: usize) -> Error {
    Error::data(
        "y",
        format!(
            "has room for {room} values, but {given} come out: give it the model's output shape"
        ),
    )
}

fn contiguous<T>(array: &str, slice: Option<T>) -> Result<T> {
    slice.ok_or_else(|| {
        Error::data(
            array,
            "does not lie in memory in standard order: copy it with `as_standard_layout()`",
        )
    })
}

fn check_shape(place: &str, array: &str, wanted: &Dims, given: &[usize]) -> Result<()> {
    // Spelled out, since `Dims::known` would allocate.
    let fits = wanted.rank() == given.len()
        && wanted
            .axes()
            .iter()
            .zip(given)
            .all(|(wanted, given)| wanted.is_none_or(|size| size == *given) && *given > 0);
    if fits {
        Ok(())
    } else {
        Err(wrong_shape(place, array, wanted, given))
    }
}

fn check_batch(place: &str, batch: usize, y: &[usize]) -> Result<()> {
    if y.first() == Some(&batch) {
        return Ok(());
    }
    Err(Error::shape(
        place,
        format!("an array `y` of as many rows as `x` has: {batch}"),
        format!("{y:?}"),
        "Make `y` with the batch size of `x`.",
    ))
}

fn wrong_shape(place: &str, array: &str, wanted: &Dims, given: &[usize]) -> Error {
    let names: &[&str] = match wanted.rank() {
        3 => &["batch", "timesteps", "features"],
        2 => &["batch", "features"],
        _ => &["batch"],
    };
    Error::shape(
        place,
        format!("an array `{array}` of shape {}", wanted.named(names)),
        format!("{given:?}"),
        format!(
            "Give `{array}` that shape; the first axis is the number of sequences, 1 for a single one."
        ),
    )
}
