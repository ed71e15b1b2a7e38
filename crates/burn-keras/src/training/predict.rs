//! Outputs for data, batch by batch.

use std::fmt;

use ndarray::{ArrayD, IxDyn};

use super::batches::Batches;
use super::check;
use super::data::{IntoData, Values};
use super::fit::tensors;
use super::logs::Logs;
use super::progress::{Progress, Verbosity};
use crate::layers::Context;
use crate::models::{Model, run};
use crate::{Error, Result};

/// The options of [`Model::predict_with`].
#[derive(Clone, Debug)]
pub struct Predict {
    batch_size: Option<usize>,
    verbose: u8,
}

impl Default for Predict {
    fn default() -> Self {
        Self::new()
    }
}

impl Predict {
    /// Batches of 32, nothing shown.
    pub fn new() -> Self {
        Self {
            batch_size: None,
            verbose: 0,
        }
    }

    /// How many samples are computed at once (32, or the model's fixed batch size).
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// What is shown on stderr: 0 nothing, 1 a bar (a line where there is no terminal), 2 a line.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }
}

/// The outputs of a model, each with the name of the layer that made it.
#[derive(Clone, Debug)]
pub struct Predictions(Vec<(String, ArrayD<f32>)>);

impl Predictions {
    /// Names and arrays in the model's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ArrayD<f32>)> {
        self.0.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// The arrays in the model's order.
    pub fn into_arrays(self) -> Vec<ArrayD<f32>> {
        self.0.into_iter().map(|(_, array)| array).collect()
    }
}

/// Each output with its name, its shape and its values.
impl fmt::Display for Predictions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, array)) in self.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{name} {:?}", array.shape())?;
            write!(f, "{array}")?;
        }
        Ok(())
    }
}

impl Model {
    /// The model's (first) output for samples `x`, `[samples, ..]`.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`]; [`Error::Shape`] and [`Error::Data`] when the data do not fit; [`Error::Device`] when the
    /// device fails.
    pub fn predict<'a>(&self, x: impl IntoData<'a>) -> Result<ArrayD<f32>> {
        self.predict_with(x, Predict::new())
    }

    /// The model's (first) output, with options.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    pub fn predict_with<'a>(&self, x: impl IntoData<'a>, options: Predict) -> Result<ArrayD<f32>> {
        first(self.predict_all_with(x, options)?)
    }

    /// The (first) output for all samples at once.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    pub fn predict_on_batch<'a>(&self, x: impl IntoData<'a>) -> Result<ArrayD<f32>> {
        let x = x.into_data()?;
        let samples = x.first().map_or(0, Values::samples);
        self.predict_with(x, Predict::new().batch_size(samples.max(1)))
    }

    /// All outputs for samples `x`, with their names.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    pub fn predict_all<'a>(&self, x: impl IntoData<'a>) -> Result<Predictions> {
        self.predict_all_with(x, Predict::new())
    }

    /// All outputs, with options.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`].
    pub fn predict_all_with<'a>(
        &self,
        x: impl IntoData<'a>,
        options: Predict,
    ) -> Result<Predictions> {
        let batch_size = check::batch_size(self, "predict", options.batch_size)?;
        let x = check::inputs(self, "x", x.into_data()?)?;
        let device = self.placement()?;
        let samples = x.first().map_or(0, Values::samples);
        let batches = Batches::in_order(samples, batch_size.min(samples));
        let mut progress = Progress::start(
            Verbosity::from_number(options.verbose),
            None,
            batches.count(),
        );
        let names = self.output_names()?;
        let mut collected: Vec<(Vec<usize>, Vec<f32>)> =
            vec![(Vec::new(), Vec::new()); names.len()];
        for i in 0..batches.count() {
            let inputs = tensors(&x, &batches.rows(i), &device)?;
            let mut context = Context::inference();
            let outputs = run(self, inputs, &mut context)?;
            self.keep_carried(&mut context);
            for ((shape, values), output) in collected.iter_mut().zip(&outputs) {
                *shape = output.shape();
                if values.is_empty() {
                    let row: usize = shape.iter().skip(1).product();
                    values.reserve_exact(row * samples);
                }
                values.extend(output.to_vec()?);
            }
            if progress.is_due() {
                progress.show(i + 1, &Logs::default());
            }
        }
        progress.finish(batches.count(), &Logs::default());
        let arrays = names
            .into_iter()
            .zip(collected)
            .map(|(name, (mut shape, values))| {
                if let Some(first) = shape.first_mut() {
                    *first = samples;
                }
                let array = ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|e| {
                    Error::tensor(&name, format!("its batches do not fit together: {e}"))
                })?;
                Ok((name, array))
            });
        Ok(Predictions(arrays.collect::<Result<_>>()?))
    }
}

/// The only output that most models have.
pub(super) fn first(predictions: Predictions) -> Result<ArrayD<f32>> {
    predictions
        .into_arrays()
        .into_iter()
        .next()
        .ok_or_else(|| Error::Model("the model has no output".to_string()))
}
