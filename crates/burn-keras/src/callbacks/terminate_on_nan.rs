//! Ends a training whose loss is no number any more.

use super::{Callback, RunningLogs, Training};
use crate::{Error, Result};

/// Ends the training after the first batch that makes the loss NaN or infinite, as Keras' `TerminateOnNaN`.
///
/// It reads the loss after every batch, which waits for the device.
///
/// ```
/// use burn_keras::callbacks::TerminateOnNaN;
///
/// let strict = TerminateOnNaN::new().raise_error(true);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TerminateOnNaN {
    raise_error: bool,
}

impl TerminateOnNaN {
    /// The training ends, and `fit` returns its history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `fit` returns an error instead.
    pub fn raise_error(mut self, raise: bool) -> Self {
        self.raise_error = raise;
        self
    }
}

impl Callback for TerminateOnNaN {
    fn on_train_batch_end(
        &mut self,
        training: &mut Training<'_>,
        batch: usize,
        logs: &RunningLogs<'_>,
    ) -> Result<()> {
        let loss = logs.loss()?;
        if loss.is_finite() {
            return Ok(());
        }
        if self.raise_error {
            return Err(Error::Training(format!(
                "the loss is {loss} after batch {batch}: try a smaller learning rate, or clipnorm"
            )));
        }
        log::warn!("the loss is {loss} after batch {batch}; the training ends");
        training.stop_training();
        Ok(())
    }
}
