//! One batch at a time, for loops of one's own.

use burn::tensor::Device;

use super::check;
use super::data::{IntoData, Values};
use super::evaluate::Scores;
use super::options::Common;
use super::set::{Names, Samples, Set};
use super::step;
use super::tracker::Tracker;
use super::weights::ClassWeights;
use crate::models::Model;
use crate::random::Generator;
use crate::{Error, Result};

/// The options of [`Model::train_on_batch_with`] and [`Model::test_on_batch_with`].
///
/// ```
/// use burn_keras::ndarray::{Array1, Array2};
/// use burn_keras::prelude::*;
/// use burn_keras::training::OnBatch;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(2).activation("softmax").input_shape([3]))?;
/// model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])?;
/// let (x, y) = (Array2::<f32>::ones((4, 3)), Array1::<i32>::zeros(4));
/// let before = model.train_on_batch_with(&x, &y, OnBatch::new().class_weight([(0, 2.0)]))?;
/// let after = model.test_on_batch(&x, &y)?;
/// assert!(2.0 * after.loss() < before.loss());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Default)]
pub struct OnBatch<'a> {
    common: Common<'a>,
    sample_weight: Vec<Values<'a>>,
    class_weight: Option<ClassWeights>,
}

impl<'a> OnBatch<'a> {
    /// All samples count alike.
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

    /// How much the samples of each class count; see [`Fit::class_weight`](super::Fit::class_weight).
    pub fn class_weight(mut self, weights: impl IntoIterator<Item = (usize, f32)>) -> Self {
        self.class_weight = Some(ClassWeights::new(weights));
        self
    }
}

impl Model {
    /// Trains on one batch and gives its figures: those before the update, as in Keras.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn train_on_batch<'a>(
        &mut self,
        x: impl IntoData<'a>,
        y: impl IntoData<'a>,
    ) -> Result<Scores> {
        self.train_on_batch_with(x, y, OnBatch::new())
    }

    /// Trains on one batch, with options.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn train_on_batch_with<'a>(
        &mut self,
        x: impl IntoData<'a>,
        y: impl IntoData<'a>,
        options: OnBatch<'a>,
    ) -> Result<Scores> {
        self.compiled_for("train_on_batch")?;
        let x = x.into_data()?;
        self.build_for_data(&x)?;
        let device = self.placement()?;
        let batch = self.single_batch(x, y.into_data()?, options, &device, true)?;
        let (inputs, targets) = batch.into_batch(&device)?;
        let mut tracker = Tracker::new(self)?;
        let outcome = step::train(self, inputs, &targets, &mut Generator::unseeded())?;
        tracker.update(&outcome, &targets)?;
        tracker.logs().map(Scores)
    }

    /// Loss and metrics on one batch, without training.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn test_on_batch<'a>(&self, x: impl IntoData<'a>, y: impl IntoData<'a>) -> Result<Scores> {
        self.test_on_batch_with(x, y, OnBatch::new())
    }

    /// Loss and metrics on one batch, with options.
    ///
    /// # Errors
    ///
    /// As [`Model::fit`].
    pub fn test_on_batch_with<'a>(
        &self,
        x: impl IntoData<'a>,
        y: impl IntoData<'a>,
        options: OnBatch<'a>,
    ) -> Result<Scores> {
        self.compiled_for("test_on_batch")?;
        let device = self.placement()?;
        let batch = self.single_batch(x.into_data()?, y.into_data()?, options, &device, false)?;
        let (inputs, targets) = batch.into_batch(&device)?;
        let mut tracker = Tracker::new(self)?;
        let outcome = step::test(self, inputs, &targets)?;
        tracker.update(&outcome, &targets)?;
        tracker.logs().map(Scores)
    }

    /// A checked batch, for which the device has the memory.
    fn single_batch<'a>(
        &self,
        x: Vec<Values<'a>>,
        y: Vec<Values<'a>>,
        mut options: OnBatch<'a>,
        device: &Device,
        training: bool,
    ) -> Result<Set<'a>> {
        options.common.check()?;
        if options.class_weight.is_some() && !options.sample_weight.is_empty() {
            return Err(Error::argument(
                "a single batch",
                "class_weight",
                "and sample_weight were both given; multiply the class' weight into sample_weight instead",
            ));
        }
        let weights = options.sample_weight;
        let mut batch = Set { x, y, weights }.check(self, Names::TRAINING)?;
        let sized = check::BatchSize::Given(Names::TRAINING.x);
        let (samples, inputs) = (batch.samples(), || batch.inputs());
        check::batch_fits(self, device, sized, samples, inputs, training)?;
        batch.weigh_classes(self, options.class_weight.as_ref())?;
        Ok(batch)
    }
}
