//! Training a model: what comes in is checked, and handed to the loop over epochs.

use std::thread::{self, Scope};

use super::check;
use super::data::{IntoData, Values};
use super::epochs::Epochs;
use super::feed::{Feed, Source};
use super::fit_options::{Fit, Shuffle, ValidationData};
use super::history::History;
use super::options::batch_size_for;
use super::set::{Names, Room, Samples, Set};
use super::stream::Stream;
use crate::callbacks::CallbackList;
use crate::dims::Dims;
use crate::models::Model;
use crate::random::{Generator, next_seed};
use crate::{Error, Result};

impl Model {
    /// Trains the model on samples `x` with labels `y`.
    ///
    /// `x` is `[samples, ..]` with the model's input shape after the first axis, `y` what the loss asks for; see
    /// [`IntoData`] for the types. A model that does not know its input shape yet is built for that of `x`.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`]; [`Error::Shape`] and [`Error::Data`] when the data do not fit, before anything runs;
    /// [`Error::Device`] when the device fails; what a callback returns. The model keeps the weights of the last
    /// complete step; a GPU that fails costs those trained since the last save (`ModelCheckpoint`, `BackupAndRestore`).
    pub fn fit<'a>(
        &mut self,
        x: impl IntoData<'a>,
        y: impl IntoData<'a>,
        mut options: Fit<'a>,
    ) -> Result<History> {
        options.check()?;
        self.compiled_for("fit")?;
        let x = x.into_data()?;
        let y = y.into_data()?;
        self.build_for_data(&x)?;
        let weights = std::mem::take(&mut options.sample_weight);
        let all = Set { x, y, weights }.check(self, Names::TRAINING)?;
        let split = self.validation_split(&mut options, all.samples())?;
        let mut train = all.part(0, split)?;
        // Classes are weighed where the model trains only: validation figures stay comparable.
        train.weigh_classes(self, options.class_weight.as_ref())?;
        let kept = all.part(split, all.samples())?;
        let (arrays, stream) = self.validation_data(&mut options)?;
        let validation: Option<&dyn Samples> = match &arrays {
            Some(set) => Some(set),
            None => (kept.samples() > 0).then_some(&kept as &dyn Samples),
        };

        let samples = train.samples();
        let batch_size =
            batch_size_for(options.common.batch_size, options.steps_per_epoch, samples);
        let source = Source::Arrays {
            set: &train,
            batch_size: self.batch_size("fit", batch_size, &train, true)?,
            shuffle: options.shuffle.unwrap_or(Shuffle::Samples),
        };
        self.run_fit(source, validation, stream, options)
    }

    /// Trains the model on batches that are made while it trains; see [`Stream`].
    ///
    /// The model must know its input shape. What orders or cuts samples (`batch_size`, `shuffle`, `sample_weight`,
    /// `validation_split`) belongs where the batches are made.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`], and what the stream returns; a batch is checked when its turn comes.
    pub fn fit_stream<'a>(&mut self, stream: Stream<'a>, mut options: Fit<'a>) -> Result<History> {
        options.check()?;
        options.check_for_stream()?;
        self.compiled_for("fit_stream")?;
        self.graph()?;
        let (arrays, validation_stream) = self.validation_data(&mut options)?;
        self.run_fit(
            Source::Stream(stream),
            arrays.as_ref().map(|set| set as &dyn Samples),
            validation_stream,
            options,
        )
    }

    /// The number of samples that are trained on, those kept for validation left out.
    fn validation_split(&self, options: &mut Fit<'_>, samples: usize) -> Result<usize> {
        if options.validation_split == 0.0 || options.validation.is_some() {
            return Ok(samples);
        }
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
        Ok(split_at)
    }

    /// The checked data to validate on, where they are given.
    fn validation_data<'a>(
        &self,
        options: &mut Fit<'a>,
    ) -> Result<(Option<Set<'a>>, Option<Stream<'a>>)> {
        Ok(match options.validation.take() {
            None => (None, None),
            Some(ValidationData::Stream(stream)) => (None, Some(stream)),
            Some(ValidationData::Arrays(x, y)) => {
                let weights = std::mem::take(&mut options.validation_sample_weight);
                let set = Set { x, y, weights }.check(self, Names::VALIDATION)?;
                (Some(set), None)
            }
        })
    }

    /// Trains on checked data.
    fn run_fit<'env, 'a: 'env>(
        &mut self,
        source: Source<'env>,
        validation: Option<&'env dyn Samples>,
        validation_stream: Option<Stream<'env>>,
        mut options: Fit<'a>,
    ) -> Result<History> {
        let validation = match (validation, validation_stream) {
            (_, Some(stream)) => Some(Source::Stream(stream)),
            (Some(set), None) => Some(self.in_order(
                set,
                options.validation_batch_size.or(options.common.batch_size),
                options.validation_steps,
                "fit, validation",
            )?),
            (None, None) => None,
        };
        let callbacks = std::mem::take(&mut options.common.callbacks);
        let mut callbacks = CallbackList::new(callbacks, options.common.verbose);
        let device = self.placement()?;
        thread::scope(|scope: &Scope<'_, 'env>| {
            let mut room = Room::on(&device);
            let mut feed =
                |source, steps| Feed::new(scope, source, steps, device.clone(), &mut room);
            let epochs = Epochs {
                feed: feed(source, options.steps_per_epoch),
                validation: validation.map(|source| {
                    let feed = feed(source, options.validation_steps);
                    (feed, options.validation_freq.as_ref())
                }),
                class_weights: options.class_weight.as_ref(),
                range: options.initial_epoch..options.epochs,
                generator: Generator::new(options.seed.unwrap_or_else(next_seed)),
                interrupted: &|| options.interrupted(),
            };
            let result = epochs.run(self, &mut callbacks);
            if result.is_err() {
                callbacks.on_failure(self);
            }
            result
        })
    }

    /// The samples of a set as they come.
    pub(super) fn in_order<'env>(
        &self,
        set: &'env dyn Samples,
        batch_size: Option<usize>,
        steps: Option<usize>,
        place: &str,
    ) -> Result<Source<'env>> {
        let batch_size = batch_size_for(batch_size, steps, set.count());
        Ok(Source::Arrays {
            set,
            batch_size: self.batch_size(place, batch_size, set, false)?,
            shuffle: Shuffle::Never,
        })
    }

    /// The number of samples of a batch, for which the device has the memory.
    fn batch_size(
        &self,
        place: &str,
        asked: Option<usize>,
        set: &dyn Samples,
        training: bool,
    ) -> Result<usize> {
        let batch_size = check::batch_size(self, place, asked)?;
        let samples = batch_size.min(set.count());
        let (device, sized) = (self.placement()?, check::BatchSize::By(place));
        check::batch_fits(self, &device, sized, samples, || set.inputs(), training)?;
        Ok(batch_size)
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
}
