//! The options of `fit`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::data::{IntoData, Values};
use super::options::{Common, check_steps, common_options};
use super::stream::Stream;
use super::weights::ClassWeights;
use crate::{Error, Result};

/// The options of [`Model::fit`](crate::models::Model::fit), with Keras' names and defaults: batches of 32, one epoch,
/// shuffled, a progress bar.
///
/// An argument that cannot be read (validation data with unequal rows, say) is reported by `fit`.
///
/// ```
/// use burn_keras::prelude::*;
/// # use burn_keras::ndarray::{Array1, Array2};
/// # let (x, y) = (Array2::<f32>::ones((8, 3)), Array1::<i32>::zeros(8));
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(2).activation("softmax").input_shape([3]))?;
/// model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
/// let history = model.fit(
///     &x,
///     &y,
///     Fit::new().batch_size(4).epochs(3).class_weight([(0, 1.0), (1, 3.5)]).validation_split(0.25).verbose(0),
/// )?;
/// assert_eq!(history.get("val_accuracy").len(), 3);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Fit<'a> {
    pub(super) common: Common<'a>,
    pub(super) epochs: usize,
    pub(super) initial_epoch: usize,
    pub(super) steps_per_epoch: Option<usize>,
    pub(super) shuffle: Option<Shuffle>,
    pub(super) sample_weight: Vec<Values<'a>>,
    pub(super) class_weight: Option<ClassWeights>,
    pub(super) validation: Option<ValidationData<'a>>,
    pub(super) validation_sample_weight: Vec<Values<'a>>,
    pub(super) validation_split: f64,
    pub(super) validation_batch_size: Option<usize>,
    pub(super) validation_steps: Option<usize>,
    pub(super) validation_freq: Option<ValidationFreq>,
    pub(super) seed: Option<u64>,
    stop: Option<Arc<AtomicBool>>,
}

/// What is validated on.
#[derive(Debug)]
pub(super) enum ValidationData<'a> {
    Arrays(Vec<Values<'a>>, Vec<Values<'a>>),
    Stream(Stream<'a>),
}

/// How training orders the samples of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// As they come.
    Never,
    /// All samples in a new random order each epoch.
    Samples,
    /// Batches as they come, the samples within each in random order: Keras' `shuffle="batch"`.
    Batch,
}

/// What [`Fit::shuffle`] takes: `true`, `false`, `"batch"` or a [`Shuffle`].
pub trait IntoShuffle {
    /// The order.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for a word other than `batch`.
    fn into_shuffle(self) -> Result<Shuffle>;
}

impl IntoShuffle for bool {
    fn into_shuffle(self) -> Result<Shuffle> {
        Ok(if self {
            Shuffle::Samples
        } else {
            Shuffle::Never
        })
    }
}

impl IntoShuffle for Shuffle {
    fn into_shuffle(self) -> Result<Shuffle> {
        Ok(self)
    }
}

impl IntoShuffle for &str {
    fn into_shuffle(self) -> Result<Shuffle> {
        match self {
            "batch" => Ok(Shuffle::Batch),
            _ => Err(Error::unknown("way to shuffle", self, ["batch"]).at("fit, shuffle")),
        }
    }
}

/// After which epochs the model is validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationFreq {
    /// After every so many epochs.
    Every(usize),
    /// After the epochs with these numbers, counted from 1.
    After(Vec<usize>),
}

impl ValidationFreq {
    fn check(&self) -> Result<()> {
        let problem = match self {
            Self::Every(0) => "is 0; it must be at least 1",
            Self::After(epochs) if epochs.is_empty() => {
                "names no epoch; name some, or leave the validation out"
            }
            Self::After(epochs) if epochs.contains(&0) => {
                "names epoch 0, but they are counted from 1"
            }
            _ => return Ok(()),
        };
        Err(Error::argument("fit", "validation_freq", problem))
    }

    /// Whether epoch number `epoch`, counted from 0, is followed by a validation.
    pub(super) fn is_due(&self, epoch: usize) -> bool {
        match self {
            Self::Every(epochs) => (epoch + 1).is_multiple_of(*epochs),
            Self::After(epochs) => epochs.contains(&(epoch + 1)),
        }
    }
}

impl From<usize> for ValidationFreq {
    fn from(epochs: usize) -> Self {
        Self::Every(epochs)
    }
}

impl From<Vec<usize>> for ValidationFreq {
    fn from(epochs: Vec<usize>) -> Self {
        Self::After(epochs)
    }
}

impl<const N: usize> From<[usize; N]> for ValidationFreq {
    fn from(epochs: [usize; N]) -> Self {
        Self::After(epochs.to_vec())
    }
}

impl Default for Fit<'_> {
    fn default() -> Self {
        Self::new()
    }
}

common_options!(Fit);

impl<'a> Fit<'a> {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            common: Common::verbose(1),
            epochs: 1,
            initial_epoch: 0,
            steps_per_epoch: None,
            shuffle: None,
            sample_weight: Vec::new(),
            class_weight: None,
            validation: None,
            validation_sample_weight: Vec::new(),
            validation_split: 0.0,
            validation_batch_size: None,
            validation_steps: None,
            validation_freq: None,
            seed: None,
            stop: None,
        }
    }

    /// The number of the last epoch, counted from 1: how often all samples are gone through (1), unless
    /// [`Fit::initial_epoch`] is given. Where none is left to do, `fit` trains nothing and logs a warning.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// The epoch to go on with, counted from 0: that many of [`Fit::epochs`] are held to be done already.
    pub fn initial_epoch(mut self, initial_epoch: usize) -> Self {
        self.initial_epoch = initial_epoch;
        self
    }

    /// How many batches make up an epoch (all there are).
    ///
    /// The next epoch goes on where the last one stopped. One in which the data run out ends there, with a warning, and
    /// the next starts from the beginning, as in Keras.
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.steps_per_epoch = Some(steps);
        self
    }

    /// In which order the samples come: `true` (the default) for a new random order each epoch, `false` as they are,
    /// `"batch"` for batches as they are with the samples within each in random order.
    pub fn shuffle(mut self, shuffle: impl IntoShuffle) -> Self {
        if let Some(shuffle) = self.common.accept(shuffle.into_shuffle()) {
            self.shuffle = Some(shuffle);
        }
        self
    }

    /// How much each sample counts in the loss and in `weighted_metrics`: `[samples]`, or `[samples, timesteps]` where
    /// the output has timesteps. For several outputs one array for all, or one each.
    ///
    /// The loss of a batch is `sum(loss * weight) / number of losses`, as in Keras: it is not divided by the weights.
    pub fn sample_weight(mut self, weights: impl IntoData<'a>) -> Self {
        if let Some(weights) = self.common.accept(weights.into_data()) {
            self.sample_weight = weights;
        }
        self
    }

    /// How much the samples of each class count in the loss; a class that is not named counts 1.
    ///
    /// For models with one output; cannot be combined with [`Fit::sample_weight`]. Where each step has a label, the
    /// weight is that of the step.
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (usize, f32)>) -> Self {
        self.class_weight = Some(ClassWeights::new(weights));
        self
    }

    /// Data that are not trained on; their figures are reported after each epoch with `val_` in front.
    pub fn validation_data(mut self, x: impl IntoData<'a>, y: impl IntoData<'a>) -> Self {
        let data = x.into_data().and_then(|x| Ok((x, y.into_data()?)));
        if let Some((x, y)) = self.common.accept(data) {
            self.validation = Some(ValidationData::Arrays(x, y));
        }
        self
    }

    /// How much each sample of [`Fit::validation_data`] counts, as in [`Fit::sample_weight`].
    pub fn validation_sample_weight(mut self, weights: impl IntoData<'a>) -> Self {
        if let Some(weights) = self.common.accept(weights.into_data()) {
            self.validation_sample_weight = weights;
        }
        self
    }

    /// A stream of batches that are not trained on; see [`Fit::validation_data`].
    pub fn validation_stream(mut self, stream: Stream<'a>) -> Self {
        self.validation = Some(ValidationData::Stream(stream));
        self
    }

    /// Keeps this share of the samples for validation: the last ones, before any shuffling, as in Keras.
    ///
    /// Ignored in favour of [`Fit::validation_data`] when both are given, as in Keras, with a warning.
    pub fn validation_split(mut self, share: f64) -> Self {
        self.validation_split = share;
        self
    }

    /// How many samples are validated at once (as many as are trained on).
    pub fn validation_batch_size(mut self, batch_size: usize) -> Self {
        self.validation_batch_size = Some(batch_size);
        self
    }

    /// How many batches a validation takes (all there are); each starts from the beginning.
    pub fn validation_steps(mut self, steps: usize) -> Self {
        self.validation_steps = Some(steps);
        self
    }

    /// After which epochs the model is validated: every so many, or an array of their numbers, counted from 1.
    pub fn validation_freq(mut self, freq: impl Into<ValidationFreq>) -> Self {
        self.validation_freq = Some(freq.into());
        self
    }

    /// Makes order and dropout repeatable; without it they follow [`set_random_seed`](crate::random::set_random_seed).
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Ends the training after the running batch once `flag` is true; the history so far is returned.
    /// [`BackupAndRestore`](crate::callbacks::BackupAndRestore) keeps what is needed to go on with the next batch.
    ///
    /// The library installs no signal handler: connect Ctrl-C to the flag in your program.
    pub fn stop_when(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = Some(flag);
        self
    }

    /// Whether the training was asked from outside to end.
    pub(super) fn interrupted(&self) -> bool {
        self.stop
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    pub(super) fn check(&mut self) -> Result<()> {
        self.common.check()?;
        check_steps("fit", "steps_per_epoch", self.steps_per_epoch)?;
        check_steps("fit", "validation_steps", self.validation_steps)?;
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
        if let Some(freq) = &self.validation_freq {
            freq.check()?;
        }
        if self.class_weight.is_some() && !self.sample_weight.is_empty() {
            return Err(Error::argument(
                "fit",
                "class_weight",
                "and sample_weight were both given; multiply the class' weight into sample_weight instead",
            ));
        }
        let for_validation = [
            (
                "validation_batch_size",
                self.validation_batch_size.is_some(),
            ),
            ("validation_steps", self.validation_steps.is_some()),
            ("validation_freq", self.validation_freq.is_some()),
            (
                "validation_sample_weight",
                !self.validation_sample_weight.is_empty()
                    && !matches!(self.validation, Some(ValidationData::Arrays(..))),
            ),
        ];
        let validates = self.validation.is_some() || self.validation_split > 0.0;
        for (argument, given) in for_validation {
            if given && (!validates || argument == "validation_sample_weight") {
                return Err(Error::argument(
                    "fit",
                    argument,
                    "was given without anything to use it for: give `validation_data` too",
                ));
            }
        }
        if self.validation_batch_size.is_some()
            && matches!(self.validation, Some(ValidationData::Stream(_)))
        {
            return Err(Error::argument(
                "fit",
                "validation_batch_size",
                "cannot be used with `validation_stream`, whose batches come as they are",
            ));
        }
        self.warn();
        Ok(())
    }

    /// Says what Keras lets pass silently: options that leave nothing to do.
    fn warn(&self) {
        if self.initial_epoch >= self.epochs {
            log::warn!(
                "fit trains nothing: `epochs` is the number of the last epoch, {}, and {} are held to be done \
                 (`initial_epoch`)",
                self.epochs,
                self.initial_epoch
            );
            return;
        }
        if self.validation.is_some() && self.validation_split > 0.0 {
            log::warn!("fit: `validation_split` is ignored, since `validation_data` is given");
        }
        if let Some(freq) = &self.validation_freq
            && !(self.initial_epoch..self.epochs).any(|epoch| freq.is_due(epoch))
        {
            log::warn!(
                "fit: no epoch is followed by a validation, since `validation_freq` names none of epochs {} to {}",
                self.initial_epoch + 1,
                self.epochs
            );
        }
    }

    /// Refuses what makes no sense for batches that come from outside.
    pub(super) fn check_for_stream(&self) -> Result<()> {
        let given = [
            ("batch_size", self.common.batch_size.is_some()),
            ("shuffle", self.shuffle.is_some_and(|s| s != Shuffle::Never)),
            ("sample_weight", !self.sample_weight.is_empty()),
            ("validation_split", self.validation_split > 0.0),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((argument, _)) => Err(Error::argument(
                "fit_stream",
                argument,
                "cannot be used with a stream, whose batches come as they are: do it where the batches are made",
            )),
        }
    }
}
