//! Batches that are made while the model trains: from a generator, a database, files larger than memory.

use std::fmt;

use super::data::IntoData;
use super::set::Set;
use crate::Result;

/// A batch that comes from outside: samples, their labels, and how much they count.
///
/// ```
/// use burn_keras::ndarray::{Array1, Array2};
/// use burn_keras::training::Batch;
///
/// let batch = Batch::new(Array2::<f32>::zeros((32, 4)), Array1::<i32>::zeros(32))?
///     .sample_weight(Array1::<f32>::ones(32))?;
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batch(pub(super) Set<'static>);

impl Batch {
    /// Samples with labels; a tuple of arrays where the model has several inputs or outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Data`](crate::Error::Data) for arrays that cannot be read.
    pub fn new(x: impl IntoData<'static>, y: impl IntoData<'static>) -> Result<Self> {
        Ok(Self(Set {
            x: x.into_data()?,
            y: y.into_data()?,
            weights: Vec::new(),
        }))
    }

    /// Samples without labels, for `predict_stream`.
    ///
    /// # Errors
    ///
    /// As [`Batch::new`].
    pub fn of_inputs(x: impl IntoData<'static>) -> Result<Self> {
        Ok(Self(Set {
            x: x.into_data()?,
            ..Set::default()
        }))
    }

    /// How much each sample counts; see [`Fit::sample_weight`](super::Fit::sample_weight).
    ///
    /// # Errors
    ///
    /// As [`Batch::new`].
    pub fn sample_weight(mut self, weights: impl IntoData<'static>) -> Result<Self> {
        self.0.weights = weights.into_data()?;
        Ok(self)
    }
}

/// Takes a stream's batches; says whether more are wanted.
pub(super) type Push<'p> = dyn FnMut(Result<Batch>) -> bool + 'p;

/// Makes the batches of a pass.
type Run<'a> = dyn FnMut(usize, &mut Push<'_>) + Send + 'a;

/// Batches that are made while the model trains, on a thread of their own.
///
/// Anything that can be iterated over is a stream: turn its items into [`Batch`]es with `map`. For burn's `Dataset` and
/// `DataLoader` see [`Stream::of_dataset`] and [`Stream::of_loader`]. The batches are checked as arrays are, one by one.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
/// use burn_keras::training::{Batch, Stream};
///
/// // Ten batches a pass, each made when it is needed.
/// let numbers = Stream::new(|_pass| {
///     (0..10).map(|i| Batch::new(Array2::from_elem((4, 1), i as f32), Array2::from_elem((4, 1), 2.0 * i as f32)))
/// });
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([1]))?;
/// model.compile("sgd", "mse", ())?;
/// let history = model.fit_stream(numbers, Fit::new().epochs(2).verbose(0))?;
/// assert!(history.get("loss")[1] < history.get("loss")[0]);
/// # Ok::<(), Error>(())
/// ```
pub struct Stream<'a> {
    run: Box<Run<'a>>,
    batches: Option<usize>,
}

impl<'a> Stream<'a> {
    /// A stream that can be gone through several times: `open` gives the batches of pass number 0, 1, ….
    ///
    /// Each epoch is a pass, unless `steps_per_epoch` ends it earlier.
    pub fn new<I>(mut open: impl FnMut(usize) -> I + Send + 'a) -> Self
    where
        I: IntoIterator<Item = Result<Batch>>,
    {
        Self::from_run(move |pass, push| {
            open(pass).into_iter().all(push);
        })
    }

    /// A stream whose batches of a pass `run` pushes, until no more are wanted.
    pub(super) fn from_run(run: impl FnMut(usize, &mut Push<'_>) + Send + 'a) -> Self {
        Self {
            run: Box::new(run),
            batches: None,
        }
    }

    /// A stream that goes on from epoch to epoch: `steps_per_epoch` says where one ends.
    pub fn endless<I>(batches: I) -> Self
    where
        I: IntoIterator<Item = Result<Batch>>,
        I::IntoIter: Send + 'a,
    {
        let mut batches = batches.into_iter();
        Self::from_run(move |_, push| {
            batches.all(push);
        })
    }

    /// Says how many batches a pass has, for the progress bar.
    pub fn batches(mut self, batches: usize) -> Self {
        self.batches = Some(batches);
        self
    }

    pub(super) fn count(&self) -> Option<usize> {
        self.batches
    }

    /// Makes the batches of a pass until `push` wants no more.
    pub(super) fn run(&mut self, pass: usize, push: &mut Push<'_>) {
        (self.run)(pass, push);
    }
}

impl fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("batches", &self.batches)
            .finish_non_exhaustive()
    }
}
