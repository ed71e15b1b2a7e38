//! Loss and metrics on data that are not trained on.

use std::fmt;

use super::batches::Batches;
use super::check;
use super::data::{IntoData, Values};
use super::fit::tensors;
use super::logs::Logs;
use super::progress::{Progress, Verbosity};
use super::step::{self, Tracker};
use crate::Result;
use crate::models::Model;

/// The options of [`Model::evaluate_with`].
#[derive(Clone, Debug)]
pub struct Evaluate {
    batch_size: Option<usize>,
    verbose: u8,
}

impl Default for Evaluate {
    fn default() -> Self {
        Self::new()
    }
}

impl Evaluate {
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

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores(Logs);

impl Scores {
    /// The loss.
    pub fn loss(&self) -> f64 {
        self.0.get("loss").unwrap_or(f64::NAN)
    }

    /// A figure by its name, as `"accuracy"`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name)
    }

    /// All figures.
    pub fn logs(&self) -> &Logs {
        &self.0
    }
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Model {
    /// Loss and metrics on samples `x` with labels `y`, without training.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn evaluate<'x, 'y>(&self, x: impl IntoData<'x>, y: impl IntoData<'y>) -> Result<Scores> {
        self.evaluate_with(x, y, &Evaluate::new())
    }

    /// Loss and metrics, with options.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn evaluate_with<'x, 'y>(
        &self,
        x: impl IntoData<'x>,
        y: impl IntoData<'y>,
        options: &Evaluate,
    ) -> Result<Scores> {
        self.compiled_for("evaluate")?;
        let x = check::inputs(self, "x", x.into_data()?)?;
        let samples = x.first().map_or(0, Values::samples);
        let y = check::labels(self, "y", y.into_data()?, "x", samples)?;
        run(self, &x, &y, options).map(Scores)
    }
}

/// The figures on checked data, nothing shown.
pub(super) fn evaluate_with(
    model: &Model,
    x: &[Values<'_>],
    y: &[Values<'_>],
    batch_size: usize,
) -> Result<Logs> {
    run(model, x, y, &Evaluate::new().batch_size(batch_size))
}

fn run(model: &Model, x: &[Values<'_>], y: &[Values<'_>], options: &Evaluate) -> Result<Logs> {
    let batch_size = check::batch_size(model, "evaluate", options.batch_size)?;
    let device = model.placement()?;
    let samples = x.first().map_or(0, Values::samples);
    let label_dims: Vec<_> = y.iter().map(Values::dims).collect();
    let mut tracker = Tracker::new(model, &label_dims)?;
    let batches = Batches::in_order(samples, batch_size);
    let mut progress = Progress::start(
        Verbosity::from_number(options.verbose),
        None,
        batches.count(),
    );
    for i in 0..batches.count() {
        let rows = batches.rows(i);
        let targets = tensors(y, &rows, &device)?;
        let outcome = step::test(model, tensors(x, &rows, &device)?, &targets)?;
        tracker.update(&outcome, &targets, rows.len())?;
        if progress.is_due() {
            progress.show(i + 1, &tracker.logs()?);
        }
    }
    let logs = tracker.logs()?;
    progress.finish(batches.count(), &logs);
    Ok(logs)
}
