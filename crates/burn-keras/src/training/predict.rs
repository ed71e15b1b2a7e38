//! Outputs for data, batch by batch.

use std::fmt;
use std::thread;

use ndarray::{ArrayD, IxDyn};

use super::check;
use super::data::{IntoData, Values};
use super::feed::{Feed, Source};
use super::options::{Common, check_steps, common_options};
use super::set::{Room, Set};
use super::stream::Stream;
use crate::callbacks::{CallbackList, Inference};
use crate::dims::Dims;
use crate::layers::Context;
use crate::models::Model;
use crate::random::Generator;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// The options of [`Model::predict_with`].
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("sgd", "mse", ["mae"])?;
/// let (x, y) = (Array2::<f32>::zeros((64, 3)), Array2::<f32>::zeros((64, 1)));
/// let y = model.predict_with(&x, Predict::new().batch_size(16))?;
/// assert_eq!(y.shape(), [64, 1]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Predict<'a> {
    common: Common<'a>,
    steps: Option<usize>,
}

common_options!(Predict);

impl Predict<'_> {
    /// Batches of 32, nothing shown.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many batches are computed (all there are).
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }
}

/// The outputs of a model, each with the name of the layer that made it.
///
/// ```
/// use burn_keras::ndarray::Array3;
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let [output, h, c] = Lstm::new(4).return_state(true).call(&input)?.try_into()?;
/// let model = Model::new(&input, [output, h, c])?;
/// for (name, array) in model.predict_all(&Array3::<f32>::zeros((2, 8, 16)))?.iter() {
///     println!("{name} {:?}", array.shape());
/// }
/// # Ok::<(), Error>(())
/// ```
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
    pub fn predict_with<'a>(
        &self,
        x: impl IntoData<'a>,
        options: Predict<'a>,
    ) -> Result<ArrayD<f32>> {
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
        mut options: Predict<'a>,
    ) -> Result<Predictions> {
        options.common.check()?;
        let set = Set {
            x: check::inputs(self, "x", x.into_data()?)?,
            ..Set::default()
        };
        let samples = set.samples();
        let source = self.in_order(&set, options.common.batch_size, options.steps, "predict")?;
        self.run_predict(source, samples, options)
    }

    /// All outputs for batches that are made while they are computed; labels in them are left aside.
    ///
    /// # Errors
    ///
    /// As [`Model::predict`], and what the stream returns.
    pub fn predict_stream<'a>(
        &self,
        stream: Stream<'a>,
        mut options: Predict<'a>,
    ) -> Result<Predictions> {
        options.common.check()?;
        if options.common.batch_size.is_some() {
            return Err(Error::argument(
                "predict_stream",
                "batch_size",
                "cannot be used with a stream, whose batches come as they are",
            ));
        }
        self.run_predict(Source::Stream(stream), 0, options)
    }

    /// Computes the outputs of about `samples` samples.
    fn run_predict<'env>(
        &self,
        source: Source<'env>,
        samples: usize,
        options: Predict<'_>,
    ) -> Result<Predictions> {
        check_steps("predict", "steps", options.steps)?;
        let device = self.placement()?;
        let names = self.output_names()?;
        let mut callbacks = CallbackList::new(options.common.callbacks, options.common.verbose);
        let mut collected: Vec<Collected> = vec![Collected::default(); names.len()];
        let result = thread::scope(|scope| {
            let mut feed = Feed::new(
                scope,
                source,
                options.steps,
                device.clone(),
                &mut Room::on(&device),
            );
            let mut inference = Inference::new(self, feed.steps(), false);
            callbacks.on_predict_begin(&mut inference)?;
            feed.begin_epoch(&mut Generator::new(0));
            let mut batch = 0;
            // Values are read one batch late, so that a GPU has the next one to work on meanwhile.
            let mut unread: Vec<AnyTensor> = Vec::new();
            let mut collect = |outputs: &[AnyTensor]| {
                let mut pairs = collected.iter_mut().zip(outputs);
                pairs.try_for_each(|(collected, output)| collected.add(output, samples))
            };
            while let Some(set) = feed.next()? {
                callbacks.on_predict_batch_begin(&mut inference, batch)?;
                let (inputs, _) = feed.checked_inputs(set, self)?.into_batch(&device)?;
                let mut context = Context::inference();
                let outputs = self.run(inputs, &mut context)?;
                self.keep_carried(&mut context);
                collect(&unread)?;
                callbacks.on_predict_batch_end(&mut inference, batch, &outputs)?;
                unread = outputs;
                batch += 1;
                if inference.is_stopped() {
                    break;
                }
            }
            collect(&unread)?;
            callbacks.on_predict_end(&mut inference)
        });
        if let Err(error) = result {
            callbacks.on_failure(self);
            return Err(error);
        }
        let arrays = names.into_iter().zip(collected).map(|(name, collected)| {
            let array = collected.into_array(&name)?;
            Ok((name, array))
        });
        Ok(Predictions(arrays.collect::<Result<_>>()?))
    }
}

/// An output's batches, one after the other.
#[derive(Clone, Default)]
struct Collected {
    samples: usize,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Collected {
    /// Takes a batch in; memory for `samples` samples is asked for once.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when its samples have another shape than those before.
    fn add(&mut self, output: &AnyTensor, samples: usize) -> Result<()> {
        let shape = output.shape();
        if self.shape.is_empty() {
            let row: usize = shape.iter().skip(1).product();
            self.values.reserve_exact(row * samples);
        } else if self.shape[1..] != shape[1..] {
            return Err(Error::data(
                "a stream",
                format!(
                    "gave a batch whose outputs are {}, after others with {}, which cannot stand in one array: make all \
                     batches of one length, or predict them one by one",
                    Dims::known(&shape).tail(1),
                    Dims::known(&self.shape).tail(1),
                ),
            ));
        }
        self.samples += shape.first().copied().unwrap_or(0);
        self.shape = shape;
        self.values.extend(output.to_vec()?);
        Ok(())
    }

    fn into_array(self, name: &str) -> Result<ArrayD<f32>> {
        let mut shape = self.shape;
        if let Some(first) = shape.first_mut() {
            *first = self.samples;
        }
        ArrayD::from_shape_vec(IxDyn(&shape), self.values)
            .map_err(|e| Error::tensor(name, format!("its batches do not fit together: {e}")))
    }
}

/// The only output that most models have.
fn first(predictions: Predictions) -> Result<ArrayD<f32>> {
    predictions
        .into_arrays()
        .into_iter()
        .next()
        .ok_or_else(|| Error::Model("the model has no output".to_string()))
}
