//! Ends a training that no longer gets better.

use ndarray::ArrayD;
use serde_json::{Value, json};

use super::monitor::{Monitor, monitor_options};
use super::{Callback, Training, saved_weights};
use crate::Result;
use crate::training::Logs;

/// Ends the training once a figure has not become better for some epochs, as Keras' `EarlyStopping`.
///
/// ```
/// use burn_keras::callbacks::EarlyStopping;
/// use burn_keras::prelude::*;
/// # use burn_keras::ndarray::Array2;
/// # let (x, y) = (Array2::<f32>::ones((8, 1)), Array2::<f32>::ones((8, 1)));
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([1]))?;
/// model.compile(Sgd::new().learning_rate(0.5), "mse", ())?;
/// let mut stopping = EarlyStopping::new().monitor("loss").patience(2).restore_best_weights(true);
/// let history = model.fit(&x, &y, Fit::new().epochs(1000).callbacks(&mut stopping).verbose(0))?;
/// assert_eq!(stopping.stopped_epoch(), history.epochs().last().copied());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: Monitor,
    patience: usize,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    verbose: u8,
    wait: usize,
    stopped_epoch: Option<usize>,
    best_epoch: usize,
    best_weights: Option<Vec<ArrayD<f32>>>,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self::new()
    }
}

monitor_options!(EarlyStopping);

impl EarlyStopping {
    /// Watches `val_loss`, and stops at the first epoch (after the very first) that is not better than the best one.
    pub fn new() -> Self {
        Self {
            monitor: Monitor::new("EarlyStopping"),
            patience: 0,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            verbose: 0,
            wait: 0,
            stopped_epoch: None,
            best_epoch: 0,
            best_weights: None,
        }
    }

    /// By how much a figure must be better to count (0).
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.monitor.min_delta = delta.abs();
        self
    }

    /// How many epochs without a better figure are put up with (0).
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// A value that must be reached too for the waiting to start anew.
    pub fn baseline(mut self, value: f64) -> Self {
        self.baseline = Some(value);
        self
    }

    /// Whether the model ends with the weights of the best epoch (of the last one, unless this is `true`).
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// How many epochs are let pass before the figure is watched (0).
    pub fn start_from_epoch(mut self, epoch: usize) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    /// 1 to say on stderr when the training is stopped.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// The epoch, counted from 0, after which the last training was stopped; `None` if it was not.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.stopped_epoch
    }

    /// The epoch with the best figure, counted from 0.
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }

    /// The best figure.
    pub fn best(&self) -> Option<f64> {
        self.monitor.best
    }
}

impl Callback for EarlyStopping {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.wait = 0;
        self.stopped_epoch = None;
        self.best_epoch = 0;
        self.best_weights = None;
        self.monitor.best = None;
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        training: &mut Training<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        self.monitor.resolve(training.model(), Some(logs))?;
        let Some(current) = self.monitor.value(training.model(), logs) else {
            return Ok(());
        };
        if epoch < self.start_from_epoch {
            return Ok(());
        }
        let better = self.monitor.improves(current, self.monitor.best);
        if self.restore_best_weights && (better || self.best_weights.is_none()) {
            self.best_weights = Some(training.model().get_weights()?);
            self.best_epoch = epoch;
        }
        self.wait += 1;
        if better {
            self.monitor.best = Some(current);
            self.best_epoch = epoch;
            if self.baseline.is_none() || self.monitor.improves(current, self.baseline) {
                self.wait = 0;
            }
        } else if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = Some(epoch);
            training.stop_training();
        }
        Ok(())
    }

    fn on_train_end(&mut self, training: &mut Training<'_>, _: &Logs) -> Result<()> {
        if self.verbose > 0
            && let Some(epoch) = self.stopped_epoch
        {
            eprintln!("Epoch {}: early stopping", epoch + 1);
        }
        if let Some(weights) = &self.best_weights {
            training.model().set_weights(weights)?;
            if self.verbose > 0 {
                eprintln!(
                    "The model has the weights of epoch {}, the best one.",
                    self.best_epoch + 1
                );
            }
        }
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        let weights = self.best_weights.as_deref().map(saved_weights::state);
        Some(json!({
            "best": self.monitor.state(),
            "wait": self.wait,
            "best_epoch": self.best_epoch,
            "stopped_epoch": self.stopped_epoch,
            "best_weights": weights,
        }))
    }

    fn restore(&mut self, training: &mut Training<'_>, state: &Value) -> Result<()> {
        let count = |key: &str| state[key].as_u64().map(|n| n as usize);
        self.monitor.restore(&state["best"]);
        self.wait = count("wait").unwrap_or(0);
        self.best_epoch = count("best_epoch").unwrap_or(0);
        self.stopped_epoch = count("stopped_epoch");
        if !state["best_weights"].is_null() {
            let weights = saved_weights::read(training.model(), &state["best_weights"])?;
            self.best_weights = Some(weights);
        }
        Ok(())
    }
}
