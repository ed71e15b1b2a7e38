//! A callback made of closures.

use super::{Callback, RunningLogs, Training};
use crate::Result;
use crate::training::Logs;

type OnTrain<'a> = Box<dyn FnMut(&mut Training<'_>) -> Result<()> + 'a>;
type OnTrainEnd<'a> = Box<dyn FnMut(&mut Training<'_>, &Logs) -> Result<()> + 'a>;
type OnNumber<'a> = Box<dyn FnMut(&mut Training<'_>, usize) -> Result<()> + 'a>;
type OnEpochEnd<'a> = Box<dyn FnMut(&mut Training<'_>, usize, &mut Logs) -> Result<()> + 'a>;
type OnBatchEnd<'a> = Box<dyn FnMut(&mut Training<'_>, usize, &RunningLogs<'_>) -> Result<()> + 'a>;

/// Closures for the points of a training, as Keras' `LambdaCallback`. For the others write a [`Callback`].
///
/// ```
/// use burn_keras::callbacks::LambdaCallback;
///
/// let mut losses = Vec::new();
/// let collect = LambdaCallback::new().on_epoch_end(|_, _, logs| {
///     losses.extend(logs.get("loss"));
///     Ok(())
/// });
/// ```
#[derive(Default)]
pub struct LambdaCallback<'a> {
    on_train_begin: Option<OnTrain<'a>>,
    on_train_end: Option<OnTrainEnd<'a>>,
    on_epoch_begin: Option<OnNumber<'a>>,
    on_epoch_end: Option<OnEpochEnd<'a>>,
    on_train_batch_begin: Option<OnNumber<'a>>,
    on_train_batch_end: Option<OnBatchEnd<'a>>,
}

impl<'a> LambdaCallback<'a> {
    /// Nothing is done anywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`Callback::on_train_begin`].
    pub fn on_train_begin(mut self, f: impl FnMut(&mut Training<'_>) -> Result<()> + 'a) -> Self {
        self.on_train_begin = Some(Box::new(f));
        self
    }

    /// See [`Callback::on_train_end`].
    pub fn on_train_end(
        mut self,
        f: impl FnMut(&mut Training<'_>, &Logs) -> Result<()> + 'a,
    ) -> Self {
        self.on_train_end = Some(Box::new(f));
        self
    }

    /// See [`Callback::on_epoch_begin`].
    pub fn on_epoch_begin(
        mut self,
        f: impl FnMut(&mut Training<'_>, usize) -> Result<()> + 'a,
    ) -> Self {
        self.on_epoch_begin = Some(Box::new(f));
        self
    }

    /// See [`Callback::on_epoch_end`].
    pub fn on_epoch_end(
        mut self,
        f: impl FnMut(&mut Training<'_>, usize, &mut Logs) -> Result<()> + 'a,
    ) -> Self {
        self.on_epoch_end = Some(Box::new(f));
        self
    }

    /// See [`Callback::on_train_batch_begin`].
    pub fn on_train_batch_begin(
        mut self,
        f: impl FnMut(&mut Training<'_>, usize) -> Result<()> + 'a,
    ) -> Self {
        self.on_train_batch_begin = Some(Box::new(f));
        self
    }

    /// See [`Callback::on_train_batch_end`].
    pub fn on_train_batch_end(
        mut self,
        f: impl FnMut(&mut Training<'_>, usize, &RunningLogs<'_>) -> Result<()> + 'a,
    ) -> Self {
        self.on_train_batch_end = Some(Box::new(f));
        self
    }
}

impl Callback for LambdaCallback<'_> {
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.on_train_begin.as_mut().map_or(Ok(()), |f| f(training))
    }

    fn on_train_end(&mut self, training: &mut Training<'_>, logs: &Logs) -> Result<()> {
        self.on_train_end
            .as_mut()
            .map_or(Ok(()), |f| f(training, logs))
    }

    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        self.on_epoch_begin
            .as_mut()
            .map_or(Ok(()), |f| f(training, epoch))
    }

    fn on_epoch_end(
        &mut self,
        training: &mut Training<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        self.on_epoch_end
            .as_mut()
            .map_or(Ok(()), |f| f(training, epoch, logs))
    }

    fn on_train_batch_begin(&mut self, training: &mut Training<'_>, batch: usize) -> Result<()> {
        self.on_train_batch_begin
            .as_mut()
            .map_or(Ok(()), |f| f(training, batch))
    }

    fn on_train_batch_end(
        &mut self,
        training: &mut Training<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        self.on_train_batch_end
            .as_mut()
            .map_or(Ok(()), |f| f(training, batch, logs))
    }
}

impl std::fmt::Debug for LambdaCallback<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LambdaCallback").finish_non_exhaustive()
    }
}
