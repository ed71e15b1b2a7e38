//! Training over epochs: the one loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::batches::Batches;
use super::check;
use super::data::{IntoData, Rows, Values};
use super::evaluate::evaluate_with;
use super::history::History;
use super::logs::Logs;
use super::progress::{Progress, Verbosity};
use super::step::{self, Tracker};
use crate::dims::Dims;
use crate::models::Model;
use crate::random::{Generator, next_seed};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// The options of [`Model::fit`], with Keras' defaults: batches of 32, one epoch, shuffled, a progress bar.
///
/// An argument that cannot be read (validation data with unequal rows, say) is reported by `fit`.
#[derive(Debug)]
pub struct Fit<'a> {
    batch_size: Option<usize>,
    epochs: usize,
    validation: Option<Result<(Vec<Values<'a>>, Vec<Values<'a>>)>>,
    validation_split: f64,
    shuffle: bool,
    seed: Option<u64>,
    verbose: u8,
    stop: Option<Arc<AtomicBool>>,
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Fit<'a> {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            batch_size: None,
            epochs: 1,
            validation: None,
            validation_split: 0.0,
            shuffle: true,
            seed: None,
            verbose: 1,
            stop: None,
        }
    }

    /// How many samples make up a step (32, or the model's fixed batch size).
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// How often all samples are gone through (1).
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Data that are not trained on; their figures are reported after each epoch with `val_` in front.
    pub fn validation_data(mut self, x: impl IntoData<'a>, y: impl IntoData<'a>) -> Self {
        self.validation = Some(x.into_data().and_then(|x| Ok((x, y.into_data()?))));
        self
    }

    /// Keeps this share of the samples for validation: the last ones, before any shuffling, as in Keras.
    ///
    /// Ignored in favour of [`Fit::validation_data`] when both are given, as in Keras.
    pub fn validation_split(mut self, share: f64) -> Self {
        self.validation_split = share;
        self
    }

    /// Whether the samples come in a new random order each epoch (they do).
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Makes order and dropout repeatable; without it they follow [`set_random_seed`](crate::random::set_random_seed).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What is shown on stderr: 0 nothing, 1 a bar (a line an epoch where there is no terminal), 2 a line an epoch.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// Ends the training after the running batch once `flag` is true; the history so far is returned.
    ///
    /// The library installs no signal handler: connect Ctrl-C to the flag in your program.
    pub fn stop_when(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = Some(flag);
        self
    }

    fn stopped(&self) -> bool {
        self.stop
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn check(&self) -> Result<()> {
        if !(0.0..1.0).contains(&self.validation_split) {
            return Err(Error::argument(
                "fit",
                "validation_split",
                format!(
                    "is {}; it must be at least 0 and less than 1",
                    self.validation_split
                ),
            ));
        }
        Ok(())
    }
}

/// Checked arrays with their labels.
struct Set<'a> {
    x: Vec<Values<'a>>,
    y: Vec<Values<'a>>,
}

impl Set<'_> {
    fn samples(&self) -> usize {
        self.x.first().map_or(0, Values::samples)
    }

    fn part(&self, start: usize, end: usize) -> Set<'_> {
        Set {
            x: self.x.iter().map(|a| a.slice(start, end)).collect(),
            y: self.y.iter().map(|a| a.slice(start, end)).collect(),
        }
    }
}

impl Model {
    /// Trains the model on samples `x` with labels `y`.
    ///
    /// `x` is `[samples, ..]` with the model's input shape after the first axis, `y` what the loss asks for; see
    /// [`IntoData`] for the types. A model that does not know its input shape yet is built for that of `x`.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`]; [`Error::Shape`] and [`Error::Data`] when the data do not fit, before anything runs;
    /// [`Error::Device`] when the device fails. The model keeps the weights of the last complete step.
    pub fn fit<'a>(
        &mut self,
        x: impl IntoData<'a>,
        y: impl IntoData<'a>,
        options: Fit<'a>,
    ) -> Result<History> {
        options.check()?;
        self.compiled_for("fit")?;
        let x = x.into_data()?;
        let y = y.into_data()?;
        self.build_for_data(&x)?;
        let x = check::inputs(self, "x", x)?;
        let samples = x.first().map_or(0, Values::samples);
        let y = check::labels(self, "y", y, "x", samples)?;
        let all = Set { x, y };

        let mut options = options;
        let given = options.validation.take().transpose()?;
        let given = match given {
            Some((x, y)) => {
                let x = check::inputs(self, "x_val", x)?;
                let samples = x.first().map_or(0, Values::samples);
                let y = check::labels(self, "y_val", y, "x_val", samples)?;
                Some(Set { x, y })
            }
            None => None,
        };
        if options.validation_split > 0.0 && given.is_none() {
            let split_at = (samples as f64 * (1.0 - options.validation_split)).floor() as usize;
            if split_at == 0 || split_at == samples {
                return Err(Error::argument(
                    "fit",
                    "validation_split",
                    format!(
                        "is {}, which leaves {split_at} of {samples} samples for training; both parts need at least one",
                        options.validation_split
                    ),
                ));
            }
            let train = all.part(0, split_at);
            let validation = all.part(split_at, samples);
            return self.run_epochs(&train, Some(&validation), &options);
        }
        self.run_epochs(&all, given.as_ref(), &options)
    }

    fn run_epochs(
        &mut self,
        train: &Set<'_>,
        validation: Option<&Set<'_>>,
        options: &Fit<'_>,
    ) -> Result<History> {
        let device = self.placement()?;
        let batch_size = check::batch_size(self, "fit", options.batch_size)?;
        let mut generator = Generator::new(options.seed.unwrap_or_else(next_seed));
        let label_dims: Vec<_> = train.y.iter().map(Values::dims).collect();
        let mut tracker = Tracker::new(self, &label_dims)?;
        let verbosity = Verbosity::from_number(options.verbose);
        let mut history = History::default();
        for epoch in 0..options.epochs {
            tracker.reset();
            let batches = if options.shuffle {
                Batches::shuffled(train.samples(), batch_size, &mut generator)
            } else {
                Batches::in_order(train.samples(), batch_size)
            };
            let heading =
                (options.epochs > 1).then(|| format!("Epoch {}/{}", epoch + 1, options.epochs));
            let mut progress = Progress::start(verbosity, heading.as_deref(), batches.count());
            let mut done = 0;
            for i in 0..batches.count() {
                let rows = batches.rows(i);
                let x = tensors(&train.x, &rows, &device)?;
                let y = tensors(&train.y, &rows, &device)?;
                let outcome = step::train(self, x, &y, &mut generator)?;
                tracker.update(&outcome, &y, rows.len())?;
                done = i + 1;
                if progress.is_due() {
                    progress.show(done, &tracker.logs()?);
                }
                if options.stopped() {
                    break;
                }
            }
            let mut logs = tracker.logs()?;
            if let Some(validation) = validation {
                let figures = evaluate_with(self, &validation.x, &validation.y, batch_size)?;
                logs.extend_prefixed("val_", &figures);
                logs = logs.sorted();
            }
            progress.finish(done, &logs);
            history.push(epoch, &logs);
            if options.stopped() {
                history.interrupt();
                break;
            }
        }
        step::finish(self)?;
        Ok(history)
    }

    /// Builds a model that does not know its input shape yet for that of the data.
    ///
    /// Only the last axis is taken over where the layers allow it, so that later sequences may have other lengths.
    pub(crate) fn build_for_data(&mut self, x: &[Values<'_>]) -> Result<()> {
        let [only] = x else { return Ok(()) };
        if self.is_built() || !self.is_sequential() {
            return Ok(());
        }
        let exact = only.dims().tail(1).with_batch(None);
        let open: Vec<Option<usize>> = match exact.axes().split_last() {
            Some((last, front)) if exact.rank() > 2 => {
                front.iter().map(|_| None).chain([*last]).collect()
            }
            _ => return self.build_for(&exact),
        };
        match self.build_for(&Dims::new(open)) {
            Err(Error::Shape(_)) => self.build_for(&exact),
            other => other,
        }
    }

    /// Trains on one batch and gives its figures: those before the update, as in Keras.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn train_on_batch<'x, 'y>(
        &mut self,
        x: impl IntoData<'x>,
        y: impl IntoData<'y>,
    ) -> Result<Logs> {
        self.compiled_for("train_on_batch")?;
        let x = x.into_data()?;
        self.build_for_data(&x)?;
        let x = check::inputs(self, "x", x)?;
        let samples = x.first().map_or(0, Values::samples);
        let y = check::labels(self, "y", y.into_data()?, "x", samples)?;
        let device = self.placement()?;
        let rows = Rows::Range(0, samples);
        let label_dims: Vec<_> = y.iter().map(Values::dims).collect();
        let mut tracker = Tracker::new(self, &label_dims)?;
        let y = tensors(&y, &rows, &device)?;
        let x = tensors(&x, &rows, &device)?;
        let outcome = step::train(self, x, &y, &mut Generator::unseeded())?;
        tracker.update(&outcome, &y, samples)?;
        tracker.logs()
    }
}

/// A batch of every array.
pub(super) fn tensors(
    arrays: &[Values<'_>],
    rows: &Rows<'_>,
    device: &crate::backend::Device,
) -> Result<Vec<AnyTensor>> {
    arrays.iter().map(|a| a.batch(rows, device)).collect()
}
