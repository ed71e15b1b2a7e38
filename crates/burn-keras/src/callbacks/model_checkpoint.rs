//! Saves the model while it trains.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::monitor::{Monitor, float_state, monitor_options, read_float};
use super::python_text::{self, Number};
use super::save_freq::{IntoSaveFreq, SaveFreq};
use super::{Callback, RunningLogs, Training};
use crate::models::Model;
use crate::training::Logs;
use crate::{Error, Result};

/// Saves the model, or its weights, after each epoch or every so many batches, as Keras' `ModelCheckpoint`.
///
/// The file's name may hold the epoch (counted from 1), with `save_freq` in batches the batch, and any figure, in
/// Python's formats. A file is whole or not there: it is written aside and then put in place.
///
/// ```
/// use burn_keras::callbacks::ModelCheckpoint;
///
/// let best = ModelCheckpoint::new("best.keras").monitor("val_accuracy").save_best_only(true);
/// let all = ModelCheckpoint::new("epochs/{epoch:02d}-{val_loss:.2f}.weights.h5").save_weights_only(true);
/// ```
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    template: String,
    monitor: Monitor,
    save_best_only: bool,
    save_weights_only: bool,
    save_freq: SaveFreq,
    initial_value_threshold: Option<f64>,
    verbose: u8,
    problem: Option<Error>,
    seen: usize,
    epoch: usize,
    started: bool,
}

monitor_options!(ModelCheckpoint);

impl ModelCheckpoint {
    /// Saves the whole model after each epoch under this name (`.keras`).
    pub fn new(filepath: impl AsRef<Path>) -> Self {
        Self {
            template: filepath.as_ref().to_string_lossy().into_owned(),
            monitor: Monitor::new("ModelCheckpoint"),
            save_best_only: false,
            save_weights_only: false,
            save_freq: SaveFreq::Epoch,
            initial_value_threshold: None,
            verbose: 0,
            problem: None,
            seen: 0,
            epoch: 0,
            started: false,
        }
    }

    /// Whether only a model that is better than the best so far is saved.
    pub fn save_best_only(mut self, best_only: bool) -> Self {
        self.save_best_only = best_only;
        self
    }

    /// Whether the weights alone are saved (`.weights.h5`, `.safetensors`).
    pub fn save_weights_only(mut self, weights_only: bool) -> Self {
        self.save_weights_only = weights_only;
        self
    }

    /// `"epoch"` (the default), or a number of batches.
    pub fn save_freq(mut self, freq: impl IntoSaveFreq) -> Self {
        match freq.into_save_freq() {
            Ok(freq) => self.save_freq = freq,
            Err(error) => {
                self.problem
                    .get_or_insert(error.at("ModelCheckpoint, save_freq"));
            }
        }
        self
    }

    /// A value that the first model saved must be better than.
    pub fn initial_value_threshold(mut self, value: f64) -> Self {
        self.initial_value_threshold = Some(value);
        self
    }

    /// 1 to say on stderr what is saved.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// The best figure so far.
    pub fn best(&self) -> Option<f64> {
        self.monitor.best
    }

    fn check(&self) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.save_freq.check("ModelCheckpoint")?;
        let endings: &[&str] = if self.save_weights_only {
            &[".weights.h5", ".safetensors"]
        } else {
            &[".keras"]
        };
        if endings.iter().any(|ending| self.template.ends_with(ending)) {
            return Ok(());
        }
        let what = if self.save_weights_only {
            "weights alone"
        } else {
            "whole models"
        };
        Err(Error::argument(
            "ModelCheckpoint",
            "filepath",
            format!(
                "is \"{}\"; {what} are saved as `{}`",
                self.template,
                endings.join("` or `")
            ),
        ))
    }

    /// The file for an epoch (and batch) with these figures.
    fn path(&self, epoch: usize, batch: Option<usize>, logs: &Logs) -> Result<PathBuf> {
        let lookup = |name: &str| match name {
            "epoch" => Some(Number::Int(epoch + 1)),
            "batch" => batch.map(|batch| Number::Int(batch + 1)),
            figure => logs.get(figure).map(Number::Float),
        };
        let known: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
        python_text::fill(&self.template, lookup, |problem| {
            let problem = format!("{problem}; the figures are {}", known.join(", "));
            Error::argument("ModelCheckpoint", "filepath", problem)
        })
        .map(PathBuf::from)
    }

    /// Whether this model is to be saved.
    fn is_wanted(&mut self, model: &Model, logs: &Logs) -> bool {
        if !self.save_best_only {
            return true;
        }
        // A model too many is better than one too few, as in Keras.
        let Some(current) = self.monitor.value(model, logs) else {
            return true;
        };
        let better = self.monitor.improves(current, self.monitor.best);
        if better {
            self.monitor.best = Some(current);
        }
        better
    }

    fn save(&mut self, training: &Training<'_>, batch: Option<usize>, logs: &Logs) -> Result<()> {
        let path = self.path(self.epoch, batch, logs)?;
        if !self.is_wanted(training.model(), logs) {
            return Ok(());
        }
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Error::File {
                path: folder.display().to_string(),
                problem: format!("cannot make the folder: {e}"),
            })?;
        }
        if self.save_weights_only {
            training.model().save_weights(&path)?;
        } else {
            training.model().save(&path)?;
        }
        if self.verbose > 0 {
            eprintln!("Epoch {}: saved {}", self.epoch + 1, path.display());
        }
        Ok(())
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        self.check()?;
        if self.save_best_only {
            self.monitor.resolve(training.model(), None)?;
        }
        // A second training goes on with the best of the first, as in Keras.
        if !self.started {
            self.monitor.best = self.initial_value_threshold;
            self.started = true;
        }
        Ok(())
    }

    fn on_epoch_begin(&mut self, _: &mut Training<'_>, epoch: usize) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(
        &mut self,
        training: &mut Training<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        if self.save_freq.is_due(&mut self.seen) {
            self.save(training, Some(batch), &logs.read()?)?;
        }
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        training: &mut Training<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        self.epoch = epoch;
        if self.save_freq == SaveFreq::Epoch {
            self.save(training, None, logs)?;
        }
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        let best = self.monitor.best.map(float_state);
        Some(json!({"best": best, "seen": self.seen, "epoch": self.epoch}))
    }

    fn restore(&mut self, _: &mut Training<'_>, state: &Value) -> Result<()> {
        self.monitor.best = read_float(&state["best"]);
        self.seen = state["seen"].as_u64().unwrap_or(0) as usize;
        self.epoch = state["epoch"].as_u64().unwrap_or(0) as usize;
        Ok(())
    }
}
