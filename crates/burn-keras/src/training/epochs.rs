//! Training over epochs: the one loop.

use super::evaluate::run_test;
use super::feed::Feed;
use super::fit_options::ValidationFreq;
use super::history::History;
use super::logs::Logs;
use super::step;
use super::tracker::Tracker;
use super::weights::ClassWeights;
use crate::Result;
use crate::callbacks::{CallbackList, RunningLogs, Training};
use crate::models::Model;
use crate::random::Generator;

/// What a training goes through.
pub(super) struct Epochs<'r, 'scope, 'env> {
    pub feed: Feed<'scope, 'env>,
    /// What is validated on, and after which epochs.
    pub validation: Option<(Feed<'scope, 'env>, &'r ValidationFreq)>,
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
    /// Those of the batches, the steps and the callbacks; the model keeps the weights of the last complete step.
    pub fn run(mut self, model: &mut Model, callbacks: &mut CallbackList<'_>) -> Result<History> {
        let mut tracker = Tracker::new(model)?;
        let mut training = Training::new(model, self.range.end, self.feed.steps());
        let mut history = History::default();
        let mut logs = Logs::default();
        callbacks.on_train_begin(&mut training)?;
        for epoch in self.range.clone() {
            tracker.reset();
            callbacks.on_epoch_begin(&mut training, epoch)?;
            self.feed.begin_epoch(&mut self.generator);
            self.train_epoch(&mut training, callbacks, &mut tracker)?;
            logs = tracker.logs()?;
            if let Some((validation, freq)) = &mut self.validation
                && freq.is_due(epoch)
            {
                let figures = run_test(training.model(), validation, callbacks, true)?;
                logs.extend_prefixed("val_", &figures);
                logs = logs.sorted();
            }
            callbacks.on_epoch_end(&mut training, epoch, &mut logs)?;
            history.push(epoch, &logs);
            if (self.interrupted)() {
                history.interrupt();
                break;
            }
            if training.is_stopped() {
                break;
            }
        }
        step::finish(training.model_mut())?;
        callbacks.on_train_end(&mut training, &logs)?;
        Ok(history)
    }

    /// The batches of one epoch.
    fn train_epoch(
        &mut self,
        training: &mut Training<'_>,
        callbacks: &mut CallbackList<'_>,
        tracker: &mut Tracker,
    ) -> Result<()> {
        let device = training.model().placement()?;
        let mut batch = 0;
        while let Some(set) = self.feed.next()? {
            callbacks.on_train_batch_begin(training, batch)?;
            let set = self
                .feed
                .checked(set, training.model(), self.class_weights)?;
            let (inputs, targets) = set.into_batch(&device)?;
            let outcome = step::train(training.model_mut(), inputs, &targets, &mut self.generator)?;
            tracker.update(&outcome, &targets)?;
            callbacks.on_train_batch_end(training, batch, &RunningLogs(tracker))?;
            batch += 1;
            if training.is_stopped() || (self.interrupted)() {
                break;
            }
        }
        self.feed.end_epoch();
        Ok(())
    }
}
