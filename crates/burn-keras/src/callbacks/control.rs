//! What a callback is given: the run it is part of.

use crate::Result;
use crate::models::Model;
use crate::training::{Backup, BackupRequest, Logs, Tracker};

/// A training in progress.
#[derive(Debug)]
pub struct Training<'m> {
    model: &'m mut Model,
    epochs: usize,
    steps: Option<usize>,
    stopped: bool,
    interrupted: bool,
    /// Where the state of the training is to be saved once all callbacks have been called.
    pub(crate) backup: Option<BackupRequest>,
    /// Where it is to be saved when the training is interrupted.
    pub(crate) backup_at_interrupt: Option<BackupRequest>,
    /// The state to go on from.
    pub(crate) resume: Option<Box<Backup>>,
}

impl<'m> Training<'m> {
    pub(crate) fn new(model: &'m mut Model, epochs: usize, steps: Option<usize>) -> Self {
        Self {
            model,
            epochs,
            steps,
            stopped: false,
            interrupted: false,
            backup: None,
            backup_at_interrupt: None,
            resume: None,
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.model
    }

    /// The model, to change it.
    pub fn model_mut(&mut self) -> &mut Model {
        self.model
    }

    /// The number of epochs asked for.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// The number of batches of an epoch, where it is known.
    pub fn steps(&self) -> Option<usize> {
        self.steps
    }

    /// Ends the training: after the running batch, with that epoch's validation and `on_epoch_end`.
    pub fn stop_training(&mut self) {
        self.stopped = true;
    }

    /// Whether a callback has ended the training.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether the flag of [`Fit::stop_when`](crate::training::Fit::stop_when) has ended the training, which another
    /// one may go on with.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    pub(crate) fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// The learning rate of the next step.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled), which cannot be while the model trains.
    pub fn learning_rate(&self) -> Result<f32> {
        self.model.learning_rate()
    }

    /// Changes the learning rate.
    ///
    /// # Errors
    ///
    /// Those of [`Model::set_learning_rate`].
    pub fn set_learning_rate(&mut self, learning_rate: f32) -> Result<()> {
        self.model.set_learning_rate(learning_rate)
    }
}

/// An evaluation, a validation or a prediction in progress.
#[derive(Debug)]
pub struct Inference<'m> {
    model: &'m Model,
    steps: Option<usize>,
    validation: bool,
    stopped: bool,
}

impl<'m> Inference<'m> {
    pub(crate) fn new(model: &'m Model, steps: Option<usize>, validation: bool) -> Self {
        Self {
            model,
            steps,
            validation,
            stopped: false,
        }
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.model
    }

    /// The number of batches, where it is known.
    pub fn steps(&self) -> Option<usize> {
        self.steps
    }

    /// Whether this is the validation of a training.
    pub fn is_validation(&self) -> bool {
        self.validation
    }

    /// Ends the run after the running batch; what was computed so far is returned.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

/// The figures of an epoch or an evaluation so far, over all its batches up to now.
#[derive(Clone, Copy, Debug)]
pub struct RunningLogs<'t>(pub(crate) &'t Tracker);

impl RunningLogs<'_> {
    /// All figures; waits for the device to have computed them.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) when it fails to.
    pub fn read(&self) -> Result<Logs> {
        self.0.logs()
    }

    /// The loss alone.
    ///
    /// # Errors
    ///
    /// As [`RunningLogs::read`].
    pub fn loss(&self) -> Result<f64> {
        self.0.loss()
    }
}
