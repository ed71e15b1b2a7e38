//! The averages of the weights in the weights' place while a model is evaluated.

use ndarray::ArrayD;
use serde_json::Value;

use super::{Callback, Inference, Training, saved_weights};
use crate::models::Model;
use crate::training::{Logs, use_averages};
use crate::{Error, Result};

/// Evaluates, validates and predicts with the running averages of the weights that an optimizer with `use_ema` keeps, as
/// Keras' `SwapEMAWeights`.
///
/// ```
/// use burn_keras::callbacks::SwapEmaWeights;
///
/// // Checkpoints that come after it save the averages too.
/// let swap = SwapEmaWeights::new().swap_on_epoch(true);
/// ```
#[derive(Clone, Debug, Default)]
#[doc(alias = "SwapEMAWeights")]
pub struct SwapEmaWeights {
    swap_on_epoch: bool,
    /// The weights of the training while the averages are in their place.
    kept: Option<Vec<ArrayD<f32>>>,
}

impl SwapEmaWeights {
    /// Averages during evaluations and predictions only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the averages also stand in from the end of an epoch to the beginning of the next, for the callbacks
    /// after this one.
    pub fn swap_on_epoch(mut self, swap: bool) -> Self {
        self.swap_on_epoch = swap;
        self
    }

    fn swap_in(&mut self, model: &Model) -> Result<()> {
        if self.kept.is_some() {
            return Ok(());
        }
        let weights = model.get_weights()?;
        if use_averages(model)? {
            self.kept = Some(weights);
            Ok(())
        } else {
            Err(Error::argument(
                "SwapEmaWeights",
                "the optimizer",
                "keeps no averages: compile with `.use_ema(true)`, and train before evaluating",
            ))
        }
    }

    fn swap_out(&mut self, model: &Model) -> Result<()> {
        match self.kept.take() {
            Some(weights) => model.set_weights(&weights),
            None => Ok(()),
        }
    }
}

impl Callback for SwapEmaWeights {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, _: usize) -> Result<()> {
        self.swap_out(training.model())
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, _: usize, _: &mut Logs) -> Result<()> {
        if self.swap_on_epoch {
            self.swap_in(training.model())?;
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &mut Training<'_>, _: &Logs) -> Result<()> {
        // A training ends with the averages in the model.
        self.kept = None;
        Ok(())
    }

    fn on_test_begin(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        self.swap_in(inference.model())
    }

    fn on_test_end(&mut self, inference: &mut Inference<'_>, _: &Logs) -> Result<()> {
        self.swap_out(inference.model())
    }

    fn on_predict_begin(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        self.swap_in(inference.model())
    }

    fn on_predict_end(&mut self, inference: &mut Inference<'_>) -> Result<()> {
        self.swap_out(inference.model())
    }

    fn on_failure(&mut self, model: &Model) {
        // The error that ended the run is the one to report; these weights fit, they are the model's own.
        if let Err(error) = self.swap_out(model) {
            log::error!("SwapEmaWeights could not put the weights of the training back: {error}");
        }
    }

    fn state(&self) -> Option<Value> {
        self.kept.as_deref().map(saved_weights::state)
    }

    fn restore(&mut self, training: &mut Training<'_>, state: &Value) -> Result<()> {
        self.kept = Some(saved_weights::read(training.model(), state)?);
        Ok(())
    }
}
