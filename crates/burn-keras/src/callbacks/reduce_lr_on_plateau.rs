//! A smaller learning rate once a figure no longer gets better.

use serde_json::{Value, json};

use super::monitor::{Monitor, monitor_options};
use super::{Callback, Training};
use crate::training::Logs;
use crate::{Error, Result};

/// Multiplies the learning rate by `factor` once a figure has not become better for `patience` epochs, as Keras'
/// `ReduceLROnPlateau`. Puts `learning_rate`, as the epoch had it, into the logs.
///
/// ```
/// use burn_keras::callbacks::ReduceLROnPlateau;
///
/// let reduce = ReduceLROnPlateau::new().monitor("val_loss").factor(0.2).patience(5).min_lr(1e-5);
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    monitor: Monitor,
    factor: f64,
    patience: usize,
    cooldown: usize,
    min_lr: f64,
    verbose: u8,
    wait: usize,
    cooling: usize,
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        Self::new()
    }
}

monitor_options!(ReduceLROnPlateau);

impl ReduceLROnPlateau {
    /// Watches `val_loss`; a tenth of the rate after 10 epochs that are not better by 0.0001.
    pub fn new() -> Self {
        let mut monitor = Monitor::new("ReduceLROnPlateau");
        monitor.min_delta = 1e-4;
        Self {
            monitor,
            factor: 0.1,
            patience: 10,
            cooldown: 0,
            min_lr: 0.0,
            verbose: 0,
            wait: 0,
            cooling: 0,
        }
    }

    /// What the rate is multiplied by (0.1); less than 1.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// How many epochs without a better figure are put up with (10).
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// By how much a figure must be better to count (0.0001).
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.monitor.min_delta = delta.abs();
        self
    }

    /// How many epochs after a reduction are not watched (0).
    pub fn cooldown(mut self, epochs: usize) -> Self {
        self.cooldown = epochs;
        self
    }

    /// The smallest rate (0).
    pub fn min_lr(mut self, rate: f64) -> Self {
        self.min_lr = rate;
        self
    }

    /// 1 to say on stderr when the rate is reduced.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }
}

impl Callback for ReduceLROnPlateau {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        if !(self.factor > 0.0 && self.factor < 1.0) {
            return Err(Error::argument(
                "ReduceLROnPlateau",
                "factor",
                format!("is {}; it must be above 0 and less than 1", self.factor),
            ));
        }
        self.wait = 0;
        self.cooling = 0;
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
        let rate = f64::from(training.learning_rate()?);
        logs.set("learning_rate", rate);
        let Some(current) = self.monitor.value(training.model(), logs) else {
            return Ok(());
        };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if self.monitor.improves(current, self.monitor.best) {
            self.monitor.best = Some(current);
            self.wait = 0;
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience && rate > f64::from(self.min_lr as f32) {
                let reduced = (rate * self.factor).max(self.min_lr);
                training.set_learning_rate(reduced as f32)?;
                if self.verbose > 0 {
                    eprintln!(
                        "Epoch {}: the learning rate is reduced to {reduced}",
                        epoch + 1
                    );
                }
                self.cooling = self.cooldown;
                self.wait = 0;
            }
        }
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        Some(json!({"best": self.monitor.state(), "wait": self.wait, "cooling": self.cooling}))
    }

    fn restore(&mut self, _: &mut Training<'_>, state: &Value) -> Result<()> {
        self.monitor.restore(&state["best"]);
        self.wait = state["wait"].as_u64().unwrap_or(0) as usize;
        self.cooling = state["cooling"].as_u64().unwrap_or(0) as usize;
        Ok(())
    }
}
