//! What `fit`, `evaluate` and `predict` can all be told.

use crate::callbacks::{Callback, IntoCallbacks};
use crate::{Error, Result};

/// The options that [`Fit`](super::Fit), [`Evaluate`](super::Evaluate) and [`Predict`](super::Predict) share.
#[derive(Default)]
pub(crate) struct Common<'a> {
    pub batch_size: Option<usize>,
    pub verbose: u8,
    pub callbacks: Vec<Box<dyn Callback + 'a>>,
    /// The first argument that could not be read.
    problem: Option<Error>,
}

impl<'a> Common<'a> {
    pub fn verbose(verbose: u8) -> Self {
        Self {
            verbose,
            ..Self::default()
        }
    }

    pub fn add_callbacks(&mut self, callbacks: impl IntoCallbacks<'a>) {
        callbacks.add_to(&mut self.callbacks);
    }

    /// Gives the value where there is one, and remembers the first error.
    pub fn accept<T>(&mut self, value: Result<T>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem.get_or_insert(error);
                None
            }
        }
    }

    /// The first argument that could not be read.
    pub fn check(&mut self) -> Result<()> {
        self.problem.take().map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for Common<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Common")
            .field("batch_size", &self.batch_size)
            .field("verbose", &self.verbose)
            .field("callbacks", &self.callbacks.len())
            .field("problem", &self.problem)
            .finish()
    }
}

/// The setters of [`Common`], as methods of the type that holds it.
macro_rules! common_options {
    ($name:ident) => {
        impl<'a> $name<'a> {
            /// How many samples make up a batch: 32 unless told otherwise, or the model's fixed batch size; where a
            /// number of steps is given, as many as make that number of steps.
            pub fn batch_size(mut self, batch_size: usize) -> Self {
                self.common.batch_size = Some(batch_size);
                self
            }

            /// What is shown on stderr: 0 nothing, 1 a bar (a line where there is no terminal), 2 a line.
            pub fn verbose(mut self, verbose: u8) -> Self {
                self.common.verbose = verbose;
                self
            }

            /// What is called at each point of the run: one [callback](crate::callbacks), a tuple, an array or a `Vec`.
            ///
            /// A callback given as `&mut callback` can be asked afterwards what it did. Called again, this adds more.
            pub fn callbacks(
                mut self,
                callbacks: impl $crate::callbacks::IntoCallbacks<'a>,
            ) -> Self {
                self.common.add_callbacks(callbacks);
                self
            }
        }
    };
}
pub(super) use common_options;

/// How many samples make up a step where `steps` is given and no batch size is, as in
/// `keras/src/trainers/data_adapters/array_data_adapter.py`.
pub(crate) fn batch_size_for(
    asked: Option<usize>,
    steps: Option<usize>,
    samples: usize,
) -> Option<usize> {
    asked.or_else(|| steps.map(|steps| samples.div_ceil(steps.max(1)).max(1)))
}

/// A number of steps that must not be 0.
pub(crate) fn check_steps(place: &str, argument: &str, steps: Option<usize>) -> Result<()> {
    match steps {
        Some(0) => Err(Error::argument(
            place,
            argument,
            "is 0; it must be at least 1, or left out for all batches",
        )),
        _ => Ok(()),
    }
}
