//! What is shown while a model trains: a bar on a terminal, a line an epoch elsewhere, nothing if not wanted.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::logs::Logs;

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verbosity {
    Silent,
    /// A bar where there is a terminal, else a line for each epoch.
    Bar,
    /// A line for each epoch.
    Line,
}

impl Verbosity {
    /// Keras' numbers: 0, 1, 2.
    pub fn from_number(verbose: u8) -> Self {
        match verbose {
            0 => Self::Silent,
            1 => Self::Bar,
            _ => Self::Line,
        }
    }
}

/// The display of one epoch (or of one evaluation).
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    verbosity: Verbosity,
    total: usize,
    started: Instant,
    shown: Instant,
}

/// A bar is redrawn at most this often, and the figures are read from the device no more often than that.
const REFRESH: Duration = Duration::from_millis(50);

impl Progress {
    /// The display of `total` batches under a heading such as `Epoch 1/5`.
    pub fn start(verbosity: Verbosity, heading: Option<&str>, total: usize) -> Self {
        let terminal = console::Term::stderr().is_term();
        let mut bar = None;
        if verbosity != Verbosity::Silent {
            if let Some(heading) = heading {
                eprintln!("{heading}");
            }
            if verbosity == Verbosity::Bar && terminal {
                let style = ProgressStyle::with_template("{pos:>4}/{len} {bar:20.green/dim} {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("━━╌");
                let target = ProgressDrawTarget::stderr();
                bar = Some(
                    ProgressBar::with_draw_target(Some(total as u64), target).with_style(style),
                );
            }
        }
        let now = Instant::now();
        Self {
            bar,
            verbosity,
            total,
            started: now,
            shown: now,
        }
    }

    /// Whether enough time has passed for the figures to be shown again.
    pub fn is_due(&self) -> bool {
        self.bar.is_some() && self.shown.elapsed() >= REFRESH
    }

    /// Shows the figures after `done` batches, with the time left.
    pub fn show(&mut self, done: usize, logs: &Logs) {
        self.shown = Instant::now();
        if let Some(bar) = &self.bar {
            let elapsed = self.started.elapsed();
            let per_step = elapsed.div_f64(done.max(1) as f64);
            let left = per_step.mul_f64((self.total - done.min(self.total)) as f64);
            bar.set_message(format!(
                "{} left - {} - {logs}",
                seconds(left),
                step_time(per_step)
            ));
            bar.set_position(done as u64);
        }
    }

    /// Shows the final figures, and leaves them standing.
    pub fn finish(self, done: usize, logs: &Logs) {
        let elapsed = self.started.elapsed();
        let per_step = elapsed.div_f64(done.max(1) as f64);
        let text = format!("{} - {} - {logs}", seconds(elapsed), step_time(per_step));
        match &self.bar {
            Some(bar) => {
                bar.set_position(done as u64);
                bar.abandon_with_message(text);
            }
            None if self.verbosity != Verbosity::Silent => {
                eprintln!("{done}/{} - {text}", self.total)
            }
            None => {}
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
