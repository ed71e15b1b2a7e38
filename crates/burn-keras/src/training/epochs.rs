//! Training over epochs: the one loop.

use serde_json::Value;

use super::backup::{Backup, Point};
use super::evaluate::run_test;
use super::feed::Feed;
use super::fit_options::ValidationFreq;
use super::history::History;
use super::logs::Logs;
use super::step;
use super::tracker::Tracker;
use super::weights::ClassWeights;
use crate::callbacks::{CallbackList, RunningLogs, Training};
use crate::models::Model;
use crate::random::Generator;
use crate::{Error, Result};

/// What a training goes through.
pub(super) struct Epochs<'r, 'scope, 'env> {
    pub feed: Feed<'scope, 'env>,
    /// What is validated on, and after which epochs, unless it is every one.
    pub validation: Option<(Feed<'scope, 'env>, Option<&'r ValidationFreq>)>,
    pub class_weights: Option<&'r ClassWeights>,
    /// The first epoch, and the one before which the training ends.
    pub range: std::ops::Range<usize>,
    pub generator: Generator,
    /// Whether the training was asked from outside to end.
    pub interrupted: &'r dyn Fn() -> bool,
}

impl Epochs<'_, '_, '_> {
    /// Trains the model.
    ///
    /// # Errors
    ///
    /// Those of the batches, the steps and the callbacks; the model keeps the weights of the last complete step,
    /// except after an error of a GPU, which shows late: its weights since the last save are lost.
    pub fn run(mut self, model: &mut Model, callbacks: &mut CallbackList<'_>) -> Result<History> {
        let mut tracker = Tracker::new(model)?;
        let mut training = Training::new(model, self.range.end, self.feed.steps());
        let mut history = History::default();
        let mut logs = Logs::default();
        callbacks.on_train_begin(&mut training)?;
        let (mut done, mut was_stopped) = (None, false);
        if let Some(backup) = training.resume.take() {
            let point = self.resume(&backup, &mut training, callbacks, &mut tracker)?;
            history = point.history.clone();
            logs = history.last_logs();
            done = point.batch;
            was_stopped = point.stopped;
        }
        for epoch in self.range.clone() {
            let first_batch = match done.take() {
                Some(batch) => batch,
                // Stopped at the end of an epoch, in the training that this one goes on with.
                None if was_stopped => break,
                None => {
                    tracker.reset();
                    callbacks.on_epoch_begin(&mut training, epoch)?;
                    self.feed.begin_epoch(&mut self.generator);
                    0
                }
            };
            for batch in first_batch.. {
                // As above, inside an epoch.
                if was_stopped
                    || !self.train_batch(&mut training, callbacks, &mut tracker, batch)?
                {
                    break;
                }
                if (self.interrupted)() {
                    training.interrupt();
                    training.backup = training.backup_at_interrupt.take();
                }
                if let Some(request) = training.backup.take() {
                    let figures = tracker.state()?;
                    let point = self.point(epoch, Some(batch + 1), figures, &history);
                    Backup::of(&training, callbacks, point)?.write(&request)?;
                }
                if training.is_stopped() || training.was_interrupted() {
                    break;
                }
            }
            self.feed.end_epoch();
            logs = tracker.logs()?;
            if let Some((validation, freq)) = &mut self.validation
                && freq.is_none_or(|freq| freq.is_due(epoch))
            {
                let figures = run_test(training.model(), validation, callbacks, true)?;
                logs.extend_prefixed("val_", &figures);
                logs = logs.sorted();
            }
            callbacks.on_epoch_end(&mut training, epoch, &mut logs)?;
            history.push(epoch, &logs);
            let mut request = training.backup.take();
            if training.was_interrupted() {
                // The backup made then is of the batches up to there, not of a whole epoch.
                request = None;
            } else if (self.interrupted)() {
                training.interrupt();
                request = training.backup_at_interrupt.take();
            }
            if let Some(request) = request {
                let point = self.point(epoch + 1, None, Value::Null, &history);
                Backup::of(&training, callbacks, point)?.write(&request)?;
            }
            if training.was_interrupted() {
                history.interrupt();
                break;
            }
            if training.is_stopped() {
                break;
            }
        }
        step::use_averages(training.model())?;
        callbacks.on_train_end(&mut training, &logs)?;
        Ok(history)
    }

    /// One step; `false` when the epoch has no batch left.
    fn train_batch(
        &mut self,
        training: &mut Training<'_>,
        callbacks: &mut CallbackList<'_>,
        tracker: &mut Tracker,
        batch: usize,
    ) -> Result<bool> {
        let Some(set) = self.feed.next()? else {
            return Ok(false);
        };
        callbacks.on_train_batch_begin(training, batch)?;
        let model = training.model_mut();
        let set = self.feed.checked(set, model, self.class_weights, true)?;
        let (inputs, targets) = set.into_batch(&model.placement()?)?;
        let outcome = step::train(model, inputs, &targets, &mut self.generator)?;
        tracker.update(&outcome, &targets)?;
        callbacks.on_train_batch_end(training, batch, &RunningLogs(tracker))?;
        Ok(true)
    }

    /// Where the training stands, but for what [`Backup::of`] adds.
    fn point(
        &self,
        epoch: usize,
        batch: Option<usize>,
        figures: Value,
        history: &History,
    ) -> Point {
        Point {
            epoch,
            batch,
            generator: self.generator.state(),
            position: self.feed.position().cloned(),
            pass: self.feed.pass(),
            steps: self.feed.steps(),
            history: history.clone(),
            figures,
            stopped: false,
            callbacks: Vec::new(),
        }
    }

    /// Brings everything to where a training stood.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] and [`Error::Weights`] when the backup is of another training.
    fn resume<'b>(
        &mut self,
        backup: &'b Backup,
        training: &mut Training<'_>,
        callbacks: &mut CallbackList<'_>,
        tracker: &mut Tracker,
    ) -> Result<&'b Point> {
        let point = &backup.point;
        if point.steps != self.feed.steps() {
            let told = |steps: Option<usize>| {
                steps.map_or("an unknown number of".to_string(), |n| n.to_string())
            };
            return Err(Error::config(
                "BackupAndRestore",
                format!(
                    "the backup is of a training with {} batches an epoch, this one has {}; give the same data and \
                     batch size, or delete the backup to start anew",
                    told(point.steps),
                    told(self.feed.steps())
                ),
            ));
        }
        backup.apply(training.model_mut())?;
        self.generator = Generator::from_state(&point.generator);
        match &point.position {
            Some(position) => self.feed.resume(position, point.batch.unwrap_or(0)),
            None => self.feed.set_pass(point.pass),
        }
        tracker.restore(&point.figures, &training.model().placement()?)?;
        callbacks.restore(training, &point.callbacks)?;
        if point.stopped {
            training.stop_training();
        }
        // As in Keras, the backup decides where it goes on, not `initial_epoch`.
        self.range.start = point.epoch;
        log::info!(
            "the training goes on with epoch {}, after {} of its batches",
            point.epoch + 1,
            point.batch.unwrap_or(0)
        );
        Ok(point)
    }
}
