//! Loss and metrics on data that are not trained on.

use std::fmt;
use std::thread;

use super::data::{IntoData, Values};
use super::feed::{Feed, Source};
use super::logs::Logs;
use super::options::{Common, check_steps, common_options};
use super::set::{Names, Room, Set};
use super::step;
use super::stream::Stream;
use super::tracker::Tracker;
use crate::callbacks::{CallbackList, Inference, RunningLogs};
use crate::models::Model;
use crate::{Error, Result};

/// The options of [`Model::evaluate_with`].
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("sgd", "mse", ["mae"])?;
/// let (x, y) = (Array2::<f32>::zeros((64, 3)), Array2::<f32>::zeros((64, 1)));
/// let scores = model.evaluate_with(&x, &y, Evaluate::new().batch_size(16))?;
/// assert_eq!(scores.get("mae"), Some(0.0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Evaluate<'a> {
    common: Common<'a>,
    sample_weight: Vec<Values<'a>>,
    steps: Option<usize>,
}

common_options!(Evaluate);

impl<'a> Evaluate<'a> {
    /// Batches of 32, nothing shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much each sample counts; see [`Fit::sample_weight`](super::Fit::sample_weight).
    pub fn sample_weight(mut self, weights: impl IntoData<'a>) -> Self {
        if let Some(weights) = self.common.accept(weights.into_data()) {
            self.sample_weight = weights;
        }
        self
    }

    /// How many batches are evaluated (all there are).
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }
}

/// What an evaluation came to.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("sgd", "mse", ["mae"])?;
/// let (x, y) = (Array2::<f32>::zeros((64, 3)), Array2::<f32>::zeros((64, 1)));
/// let scores = model.evaluate(&x, &y)?;
/// assert_eq!((scores.loss(), scores.get("mae")), (0.0, Some(0.0)));
/// println!("{scores}");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scores(pub(super) Logs);

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
    pub fn evaluate<'a>(&self, x: impl IntoData<'a>, y: impl IntoData<'a>) -> Result<Scores> {
        self.evaluate_with(x, y, Evaluate::new())
    }

    /// Loss and metrics, with options.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn evaluate_with<'a>(
        &self,
        x: impl IntoData<'a>,
        y: impl IntoData<'a>,
        mut options: Evaluate<'a>,
    ) -> Result<Scores> {
        options.common.check()?;
        self.compiled_for("evaluate")?;
        let set = Set {
            x: x.into_data()?,
            y: y.into_data()?,
            weights: std::mem::take(&mut options.sample_weight),
        }
        .check(self, Names::TRAINING)?;
        let source = self.in_order(&set, options.common.batch_size, options.steps, "evaluate")?;
        self.run_evaluate(source, options)
    }

    /// Loss and metrics on batches that are made while they are evaluated.
    ///
    /// # Errors
    ///
    /// As [`Model::fit_stream`].
    pub fn evaluate_stream<'a>(
        &self,
        stream: Stream<'a>,
        mut options: Evaluate<'a>,
    ) -> Result<Scores> {
        options.common.check()?;
        self.compiled_for("evaluate_stream")?;
        if options.common.batch_size.is_some() || !options.sample_weight.is_empty() {
            return Err(Error::argument(
                "evaluate_stream",
                "batch_size and sample_weight",
                "cannot be used with a stream, whose batches come as they are: do it where the batches are made",
            ));
        }
        self.run_evaluate(Source::Stream(stream), options)
    }

    fn run_evaluate<'env>(&self, source: Source<'env>, options: Evaluate<'_>) -> Result<Scores> {
        check_steps("evaluate", "steps", options.steps)?;
        let mut callbacks = CallbackList::new(options.common.callbacks, options.common.verbose);
        thread::scope(|scope| {
            let device = self.placement()?;
            let mut room = Room::on(&device);
            let mut feed = Feed::new(scope, source, options.steps, device, &mut room);
            let result = run_test(self, &mut feed, &mut callbacks, false);
            if result.is_err() {
                callbacks.on_failure(self);
            }
            result.map(Scores)
        })
    }
}

/// The figures of a model on all batches of an epoch of `feed`, from the first one on.
pub(super) fn run_test(
    model: &Model,
    feed: &mut Feed<'_, '_>,
    callbacks: &mut CallbackList<'_>,
    validation: bool,
) -> Result<Logs> {
    let device = model.placement()?;
    let mut tracker = Tracker::new(model)?;
    let mut inference = Inference::new(model, feed.steps(), validation);
    callbacks.on_test_begin(&mut inference)?;
    feed.begin_anew();
    let mut batch = 0;
    while let Some(set) = feed.next()? {
        callbacks.on_test_batch_begin(&mut inference, batch)?;
        let (inputs, targets) = feed.checked(set, model, None, false)?.into_batch(&device)?;
        let outcome = step::test(model, inputs, &targets)?;
        tracker.update(&outcome, &targets)?;
        callbacks.on_test_batch_end(&mut inference, batch, &RunningLogs(&tracker))?;
        batch += 1;
        if inference.is_stopped() {
            break;
        }
    }
    let logs = tracker.logs()?;
    callbacks.on_test_end(&mut inference, &logs)?;
    Ok(logs)
}
