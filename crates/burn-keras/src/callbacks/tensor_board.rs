//! Figures and weights for TensorBoard.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::event_file::EventFile;
use super::{Callback, Inference, RunningLogs, Training};
use crate::layers::{LayerHandle, read_weights};
use crate::models::Model;
use crate::training::Logs;
use crate::{Error, Result};

/// Writes event files that TensorBoard shows, as Keras' `TensorBoard` does: `epoch_<figure>` under `train` and
/// `validation`, `evaluation_<figure>_vs_iterations`, `batch_<figure>`, and the weights' histograms.
///
/// ```
/// use burn_keras::callbacks::TensorBoard;
///
/// let board = TensorBoard::new("logs").histogram_freq(1).update_freq("batch");
/// ```
///
/// Then `tensorboard --logdir logs`.
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    histogram_freq: usize,
    write_graph: bool,
    write_steps_per_second: bool,
    update_freq: UpdateFreq,
    problem: Option<Error>,
    train: Option<EventFile>,
    validation: Option<EventFile>,
    batches: usize,
    epoch_started: Option<(Instant, usize)>,
    batch_started: Option<Instant>,
}

/// How often [`TensorBoard`] writes the figures of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateFreq {
    /// Never: those of epochs only.
    Epoch,
    /// After every so many batches.
    Batches(usize),
}

/// What [`TensorBoard::update_freq`] takes: `"epoch"`, `"batch"`, or a number of batches.
pub trait IntoUpdateFreq {
    /// How often.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for another word, [`Error::Argument`] for 0.
    fn into_update_freq(self) -> Result<UpdateFreq>;
}

impl IntoUpdateFreq for &str {
    fn into_update_freq(self) -> Result<UpdateFreq> {
        match self {
            "epoch" => Ok(UpdateFreq::Epoch),
            "batch" => Ok(UpdateFreq::Batches(1)),
            _ => Err(Error::unknown("update_freq", self, ["epoch", "batch"])),
        }
    }
}

impl IntoUpdateFreq for usize {
    fn into_update_freq(self) -> Result<UpdateFreq> {
        if self == 0 {
            return Err(Error::argument(
                "TensorBoard",
                "update_freq",
                "is 0; give a number of batches from 1, or \"epoch\"",
            ));
        }
        Ok(UpdateFreq::Batches(self))
    }
}

impl TensorBoard {
    /// Writes to the folders `train` and `validation` in this one; figures of epochs, and the model's structure.
    pub fn new(log_dir: impl AsRef<Path>) -> Self {
        Self {
            folder: log_dir.as_ref().to_path_buf(),
            histogram_freq: 0,
            write_graph: true,
            write_steps_per_second: false,
            update_freq: UpdateFreq::Epoch,
            problem: None,
            train: None,
            validation: None,
            batches: 0,
            epoch_started: None,
            batch_started: None,
        }
    }

    /// After every how many epochs the weights' histograms are written (0: never).
    pub fn histogram_freq(mut self, epochs: usize) -> Self {
        self.histogram_freq = epochs;
        self
    }

    /// Whether the model's structure is written (it is).
    pub fn write_graph(mut self, write: bool) -> Self {
        self.write_graph = write;
        self
    }

    /// Whether the speed is written: `epoch_steps_per_second`, and `batch_steps_per_second` where batches are.
    pub fn write_steps_per_second(mut self, write: bool) -> Self {
        self.write_steps_per_second = write;
        self
    }

    /// `"epoch"` (the default), `"batch"`, or after how many batches the figures so far are written.
    pub fn update_freq(mut self, freq: impl IntoUpdateFreq) -> Self {
        match freq.into_update_freq() {
            Ok(freq) => self.update_freq = freq,
            Err(error) => {
                self.problem.get_or_insert(error.at("TensorBoard"));
            }
        }
        self
    }

    fn train(&mut self) -> Result<&mut EventFile> {
        open(&mut self.train, &self.folder.join("train"))
    }

    fn validation(&mut self) -> Result<&mut EventFile> {
        open(&mut self.validation, &self.folder.join("validation"))
    }

    /// Whether this batch's figures are written.
    fn is_due(&self) -> bool {
        matches!(self.update_freq, UpdateFreq::Batches(n) if self.batches.is_multiple_of(n))
    }

    fn write_weights(&mut self, model: &Model, epoch: usize) -> Result<()> {
        for layer in model.layers() {
            for leaf in layer.leaves() {
                let weights = leaf.weights();
                for (info, value) in weights.iter().zip(read_weights(&weights)?) {
                    let tag = format!("{}/histogram", path_of(model, &leaf, &info.name));
                    let values: Vec<f32> = value.iter().copied().collect();
                    self.train()?.histogram(&tag, epoch as i64, &values)?;
                }
            }
        }
        Ok(())
    }
}

/// A weight's path as Keras has it: `sequential/lstm/lstm_cell/kernel`.
fn path_of(model: &Model, layer: &LayerHandle, weight: &str) -> String {
    let mut path = Vec::new();
    if model.is_sequential() {
        path.push(model.model_name().to_string());
    }
    path.push(layer.name());
    let cell = match layer.class_name().as_str() {
        "LSTM" => "lstm_cell",
        "GRU" => "gru_cell",
        "SimpleRNN" => "simple_rnn_cell",
        _ => "cell",
    };
    path.extend(weight.split('.').map(|part| match part {
        "cell" => cell.to_string(),
        other => other.to_string(),
    }));
    path.join("/")
}

fn open<'f>(file: &'f mut Option<EventFile>, folder: &Path) -> Result<&'f mut EventFile> {
    match file {
        Some(file) => Ok(file),
        None => Ok(file.insert(EventFile::create(folder)?)),
    }
}

impl Callback for TensorBoard {
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.batches = 0;
        self.train = None;
        self.validation = None;
        if self.write_graph {
            let json = training.model().to_json()?;
            self.train()?.model("keras", json)?;
        }
        Ok(())
    }

    fn on_epoch_begin(&mut self, _: &mut Training<'_>, _: usize) -> Result<()> {
        self.epoch_started = Some((Instant::now(), self.batches));
        Ok(())
    }

    fn on_train_batch_begin(&mut self, _: &mut Training<'_>, _: usize) -> Result<()> {
        self.batches += 1;
        self.batch_started = Some(Instant::now());
        Ok(())
    }

    fn on_train_batch_end(
        &mut self,
        _: &mut Training<'_>,
        _: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        if !self.is_due() {
            return Ok(());
        }
        let step = self.batches as i64;
        if let Some(started) = self.batch_started
            && self.write_steps_per_second
        {
            let speed = 1.0 / started.elapsed().as_secs_f64().max(1e-9);
            self.train()?
                .scalar("batch_steps_per_second", step, speed)?;
        }
        for (name, value) in logs.read()?.iter() {
            self.train()?
                .scalar(&format!("batch_{name}"), step, value)?;
        }
        Ok(())
    }

    fn on_test_end(&mut self, inference: &mut Inference<'_>, logs: &Logs) -> Result<()> {
        let steps = inference
            .model()
            .compiled_for("evaluate")?
            .optimizer
            .iterations();
        for (name, value) in logs.iter() {
            let tag = format!("evaluation_{name}_vs_iterations");
            self.validation()?.scalar(&tag, steps as i64, value)?;
        }
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        training: &mut Training<'_>,
        epoch: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        let step = epoch as i64;
        for (name, value) in logs.iter() {
            match name.strip_prefix("val_") {
                Some(name) => self
                    .validation()?
                    .scalar(&format!("epoch_{name}"), step, value)?,
                None => self
                    .train()?
                    .scalar(&format!("epoch_{name}"), step, value)?,
            }
        }
        if logs.get("learning_rate").is_none() {
            let rate = f64::from(training.learning_rate()?);
            self.train()?.scalar("epoch_learning_rate", step, rate)?;
        }
        if let Some((started, before)) = self.epoch_started
            && self.write_steps_per_second
        {
            let done = (self.batches - before.min(self.batches)) as f64;
            let speed = done / started.elapsed().as_secs_f64().max(1e-9);
            self.train()?
                .scalar("epoch_steps_per_second", step, speed)?;
        }
        if self.histogram_freq > 0 && epoch.is_multiple_of(self.histogram_freq) {
            self.write_weights(training.model(), epoch)?;
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Training<'_>, _: &Logs) -> Result<()> {
        self.train = None;
        self.validation = None;
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        Some(json!({"batches": self.batches}))
    }

    fn restore(&mut self, _: &mut Training<'_>, state: &Value) -> Result<()> {
        self.batches = state["batches"].as_u64().unwrap_or(0) as usize;
        Ok(())
    }
}
