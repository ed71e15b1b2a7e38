//! A learning rate for each epoch.

use super::{Callback, Training};
use crate::training::Logs;
use crate::{Error, Result};

/// Sets the learning rate at the beginning of each epoch, as Keras' `LearningRateScheduler`. Puts `learning_rate` into
/// the logs.
///
/// ```
/// use burn_keras::callbacks::LearningRateScheduler;
///
/// let halve_every_ten = LearningRateScheduler::new(|epoch, rate| if epoch > 0 && epoch % 10 == 0 { rate / 2.0 } else { rate });
/// ```
pub struct LearningRateScheduler<'a> {
    schedule: Box<dyn FnMut(usize, f32) -> f32 + 'a>,
    verbose: u8,
}

impl<'a> LearningRateScheduler<'a> {
    /// `schedule` is given the epoch, counted from 0, and the rate so far.
    pub fn new(schedule: impl FnMut(usize, f32) -> f32 + 'a) -> Self {
        Self {
            schedule: Box::new(schedule),
            verbose: 0,
        }
    }

    /// 1 to say on stderr what the rate is.
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }
}

impl Callback for LearningRateScheduler<'_> {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        let rate = (self.schedule)(epoch, training.learning_rate()?);
        if !(rate >= 0.0 && rate.is_finite()) {
            return Err(Error::argument(
                "LearningRateScheduler",
                "schedule",
                format!("gave {rate} for epoch {epoch}; a rate is a number of at least 0"),
            ));
        }
        training.set_learning_rate(rate)?;
        if self.verbose > 0 {
            eprintln!("Epoch {}: the learning rate is {rate}", epoch + 1);
        }
        Ok(())
    }

    fn on_epoch_end(
        &mut self,
        training: &mut Training<'_>,
        _: usize,
        logs: &mut Logs,
    ) -> Result<()> {
        logs.set("learning_rate", f64::from(training.learning_rate()?));
        Ok(())
    }
}

impl std::fmt::Debug for LearningRateScheduler<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LearningRateScheduler")
            .finish_non_exhaustive()
    }
}
