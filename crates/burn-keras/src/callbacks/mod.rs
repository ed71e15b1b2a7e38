//! What is called while a model trains, evaluates or predicts: to watch it, to stop it, to save it, to change the
//! learning rate.
//!
//! The callbacks of Keras have a file each here. Your own is a type with those methods of [`Callback`] that it needs:
//!
//! ```
//! use burn_keras::callbacks::{Callback, Training};
//! use burn_keras::prelude::*;
//! use burn_keras::training::Logs;
//! # use burn_keras::ndarray::Array2;
//!
//! /// Stops as soon as the loss is good enough.
//! struct GoodEnough(f64);
//!
//! impl Callback for GoodEnough {
//!     fn on_epoch_end(&mut self, training: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
//!         if logs.get("loss").is_some_and(|loss| loss <= self.0) {
//!             println!("good enough after epoch {}", epoch + 1);
//!             training.stop_training();
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut model = Sequential::new();
//! model.add(Dense::new(1).input_shape([1]))?;
//! model.compile(Sgd::new().learning_rate(0.1), "mse", ())?;
//! let (x, y) = (Array2::from_elem((8, 1), 0.5f32), Array2::from_elem((8, 1), 1.0f32));
//! let history = model.fit(&x, &y, Fit::new().epochs(500).callbacks(GoodEnough(0.01)).verbose(0))?;
//! assert!(history.epochs().len() < 500);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Order
//!
//! `on_train_begin`; for each epoch `on_epoch_begin`, for each batch `on_train_batch_begin` and `on_train_batch_end`,
//! then the validation's `on_test_begin`, `on_test_batch_begin`, `on_test_batch_end`, `on_test_end`, then
//! `on_epoch_end`; at last `on_train_end`. Epochs and batches count from 0. Callbacks are called in the order in which
//! they were given, the progress bar after them, and what they add to an epoch's logs is shown and stands in the
//! history.
//!
//! An error from a callback ends the training and is returned by `fit`; the model keeps the weights of the last
//! complete step, `on_train_end` is not called, and [`Callback::on_failure`] is.

mod backup_and_restore;
mod control;
mod csv_logger;
mod early_stopping;
mod event_file;
mod lambda_callback;
mod learning_rate_scheduler;
mod list;
mod model_checkpoint;
mod monitor;
mod progress_bar;
mod python_format;
mod python_text;
mod reduce_lr_on_plateau;
mod save_freq;
mod saved_weights;
mod swap_ema_weights;
mod tensor_board;
mod terminate_on_nan;

use crate::Result;
use crate::models::Model;
use crate::tensor::AnyTensor;
use crate::training::Logs;

pub use backup_and_restore::BackupAndRestore;
pub use control::{Inference, RunningLogs, Training};
pub use csv_logger::CsvLogger;
pub use early_stopping::EarlyStopping;
pub use lambda_callback::LambdaCallback;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use list::IntoCallbacks;
pub(crate) use list::{CallbackList, CallbackState};
pub use model_checkpoint::ModelCheckpoint;
pub use progress_bar::ProgressBar;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
pub use save_freq::{IntoSaveFreq, SaveFreq};
pub use swap_ema_weights::SwapEmaWeights;
pub use tensor_board::{IntoUpdateFreq, TensorBoard, UpdateFreq};
pub use terminate_on_nan::TerminateOnNaN;

/// What is called at the points of a run; every method does nothing unless it is written.
#[allow(unused_variables)]
pub trait Callback {
    /// Before the first epoch.
    ///
    /// # Errors
    ///
    /// Whatever should end the training; the same for all methods.
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        Ok(())
    }

    /// After the last epoch, with its figures; not after an error.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_train_end(&mut self, training: &mut Training<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before an epoch.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        Ok(())
    }

    /// After an epoch and its validation; what is put into `logs` reaches the callbacks after this one and the history.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_epoch_end(
        &mut self,
        training: &mut Training<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        Ok(())
    }

    /// Before a step.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_train_batch_begin(&mut self, training: &mut Training<'_>, batch: usize) -> Result<()> {
        Ok(())
    }

    /// After a step. `logs` are the epoch's figures so far, which wait for the device when they are read.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_train_batch_end(
        &mut self,
        training: &mut Training<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        Ok(())
    }

    /// Before an evaluation, or the validation of an epoch.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_test_begin(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        Ok(())
    }

    /// After an evaluation, with its figures (without `val_`).
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_test_end(&mut self, inference: &mut Inference<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }

    /// Before a batch of an evaluation.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_test_batch_begin(&mut self, inference: &mut Inference<'_>, batch: usize) -> Result<()> {
        Ok(())
    }

    /// After a batch of an evaluation.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_test_batch_end(
        &mut self,
        inference: &mut Inference<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        Ok(())
    }

    /// Before a prediction.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_predict_begin(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        Ok(())
    }

    /// After a prediction.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_predict_end(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        Ok(())
    }

    /// Before a batch of a prediction.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_predict_batch_begin(
        &mut self,
        inference: &mut Inference<'_>,
        batch: usize,
    ) -> Result<()> {
        Ok(())
    }

    /// After a batch of a prediction, with its outputs.
    ///
    /// # Errors
    ///
    /// As [`Callback::on_train_begin`].
    fn on_predict_batch_end(
        &mut self,
        inference: &mut Inference<'_>,
        batch: usize,
        outputs: &[AnyTensor],
    ) -> Result<()> {
        Ok(())
    }

    /// After an error that ends a training, an evaluation or a prediction, whoever caused it: brings back what the
    /// callback has changed for a while only. Keras has no such hook.
    fn on_failure(&mut self, model: &Model) {}

    /// What a backup calls the callback, so that a resumed training can tell whether it has the same ones: the type's
    /// name.
    fn kind(&self) -> String {
        list::short_name(std::any::type_name::<Self>())
    }

    /// What the callback has to remember for a training that was killed to go on as if it had not been; `None` when
    /// there is nothing. `BackupAndRestore` saves it.
    fn state(&self) -> Option<serde_json::Value> {
        None
    }

    /// Takes back what [`Callback::state`] gave, after `on_train_begin`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) when it cannot be read.
    fn restore(&mut self, training: &mut Training<'_>, state: &serde_json::Value) -> Result<()> {
        Ok(())
    }
}
