//! What is shown while a model trains: a bar on a terminal, a line an epoch elsewhere, nothing if not wanted.

use std::time::{Duration, Instant};

use indicatif::{ProgressDrawTarget, ProgressStyle};

use super::{Callback, Inference, RunningLogs, Training};
use crate::Result;
use crate::tensor::AnyTensor;
use crate::training::Logs;

/// Shows on stderr how far a run has come; `verbose` of `fit`, `evaluate` and `predict` adds one after all callbacks.
///
/// ```
/// use burn_keras::callbacks::ProgressBar;
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("sgd", "mse", ())?;
/// let (x, y) = (Array2::<f32>::zeros((64, 3)), Array2::<f32>::zeros((64, 1)));
/// model.fit(&x, &y, Fit::new().verbose(0).callbacks(ProgressBar::new(2)))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct ProgressBar {
    lines_only: bool,
    running: Option<Display>,
}

impl ProgressBar {
    /// A bar where there is a terminal and a line an epoch elsewhere (1), or always a line an epoch (2).
    pub fn new(verbose: u8) -> Self {
        Self {
            lines_only: verbose > 1,
            running: None,
        }
    }

    fn start(&mut self, heading: Option<&str>, total: Option<usize>) {
        self.running = Some(Display::start(!self.lines_only, heading, total));
    }

    /// Counts a batch, and shows the figures if it is time to.
    fn batch_done(&mut self, batch: usize, logs: impl FnOnce() -> Result<Logs>) -> Result<()> {
        if let Some(display) = &mut self.running {
            display.done = batch + 1;
            if display.is_due() {
                display.show(&logs()?);
            }
        }
        Ok(())
    }

    fn finish(&mut self, logs: &Logs) {
        if let Some(display) = self.running.take() {
            display.finish(logs);
        }
    }
}

impl Callback for ProgressBar {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        let epochs = training.epochs();
        let heading = (epochs > 1).then(|| format!("Epoch {}/{epochs}", epoch + 1));
        self.start(heading.as_deref(), training.steps());
        Ok(())
    }

    fn on_train_batch_end(
        &mut self,
        training: &mut Training<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        if self.running.is_none() {
            // A training that was resumed goes on inside an epoch.
            self.start(None, training.steps());
        }
        self.batch_done(batch, || logs.read())
    }

    fn on_epoch_end(&mut self, _: &mut Training<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        self.finish(logs);
        Ok(())
    }

    fn on_test_begin(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        if !inference.is_validation() {
            self.start(None, inference.steps());
        }
        Ok(())
    }

    fn on_test_batch_end(
        &mut self,
        inference: &mut Inference<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        if inference.is_validation() {
            return Ok(());
        }
        self.batch_done(batch, || logs.read())
    }

    fn on_test_end(&mut self, inference: &mut Inference<'_>, logs: &Logs) -> Result<()> {
        if !inference.is_validation() {
            self.finish(logs);
        }
        Ok(())
    }

    fn on_predict_begin(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        self.start(None, inference.steps());
        Ok(())
    }

    fn on_predict_batch_end(
        &mut self,
        _: &mut Inference<'_>,
        batch: usize,
        _: &[AnyTensor],
    ) -> Result<()> {
        self.batch_done(batch, || Ok(Logs::default()))
    }

    fn on_predict_end(&mut self, _: &mut Inference<'_>) -> Result<()> {
        self.finish(&Logs::default());
        Ok(())
    }
}

/// The display of one epoch (or of one evaluation).
#[derive(Debug)]
struct Display {
    bar: Option<indicatif::ProgressBar>,
    total: Option<usize>,
    done: usize,
    started: Instant,
    shown: Instant,
}

/// A bar is redrawn at most this often, and the figures are read from the device no more often than that.
const REFRESH: Duration = Duration::from_millis(50);

impl Display {
    /// The display of `total` batches under a heading such as `Epoch 1/5`.
    fn start(bar: bool, heading: Option<&str>, total: Option<usize>) -> Self {
        if let Some(heading) = heading {
            eprintln!("{heading}");
        }
        let bar = (bar && console::Term::stderr().is_term()).then(|| {
            let template = match total {
                Some(_) => "{pos:>4}/{len} {bar:20.green/dim} {msg}",
                None => "{pos:>4}/? {spinner} {msg}",
            };
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━━╌");
            indicatif::ProgressBar::with_draw_target(
                total.map(|n| n as u64),
                ProgressDrawTarget::stderr(),
            )
            .with_style(style)
        });
        let now = Instant::now();
        Self {
            bar,
            total,
            done: 0,
            started: now,
            shown: now,
        }
    }

    /// Whether enough time has passed for the figures to be shown again.
    fn is_due(&self) -> bool {
        self.bar.is_some() && self.shown.elapsed() >= REFRESH
    }

    fn per_step(&self) -> Duration {
        self.started.elapsed().div_f64(self.done.max(1) as f64)
    }

    /// Shows the figures, with the time left.
    fn show(&mut self, logs: &Logs) {
        self.shown = Instant::now();
        let Some(bar) = &self.bar else { return };
        let per_step = self.per_step();
        let left = self
            .total
            .map(|total| per_step.mul_f64(total.saturating_sub(self.done) as f64))
            .map(|left| format!("{} left - ", seconds(left)))
            .unwrap_or_default();
        bar.set_message(format!("{left}{} - {logs}", step_time(per_step)));
        bar.set_position(self.done as u64);
    }

    /// Shows the final figures, and leaves them standing.
    fn finish(self, logs: &Logs) {
        let elapsed = seconds(self.started.elapsed());
        let figures = if logs.is_empty() {
            String::new()
        } else {
            format!(" - {logs}")
        };
        let text = format!("{elapsed} - {}{figures}", step_time(self.per_step()));
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done as u64);
                bar.abandon_with_message(text);
            }
            None => {
                let total = self.total.unwrap_or(self.done);
                eprintln!("{}/{total} - {text}", self.done);
            }
        }
    }
}

fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{}:{:02}", seconds / 60, seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

fn step_time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.0}s/step")
    } else if seconds >= 1e-3 {
        format!("{:.0}ms/step", seconds * 1e3)
    } else {
        format!("{:.0}us/step", seconds * 1e6)
    }
}
