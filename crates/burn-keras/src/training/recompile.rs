//! Changing how a compiled model is trained, without losing what its optimizer has learned.

use super::compile::{IntoLoss, IntoMetrics, IntoOptimizer};
use super::output_metrics::OutputMetrics;
use crate::Result;
use crate::models::Model;
use crate::optimizers::OptimizerState;

impl Model {
    /// Whether the model has an optimizer and a loss.
    pub fn is_compiled(&self) -> bool {
        self.compiled.is_some()
    }

    /// Starts with another optimizer, which has learned nothing yet; loss and metrics stay.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled), or an unknown name; as [`Model::compile`].
    pub fn set_optimizer(&mut self, optimizer: impl IntoOptimizer) -> Result<()> {
        let optimizer = optimizer.into_optimizer()?;
        optimizer.check()?;
        self.compiled_for_mut("set_optimizer")?.optimizer = OptimizerState::new(optimizer);
        Ok(())
    }

    /// Changes the loss; the optimizer goes on with what it has learned.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled), or an unknown name; as [`Model::compile`].
    pub fn set_loss(&mut self, loss: impl IntoLoss) -> Result<()> {
        let losses = loss.into_losses()?;
        let outputs = if self.is_built() {
            self.output_shapes()?.len()
        } else {
            0
        };
        let compiled = self.compiled_for_mut("set_loss")?;
        let before = std::mem::replace(&mut compiled.losses, losses);
        let fits = (0..outputs).try_for_each(|i| compiled.loss(i, outputs).map(|_| ()));
        if fits.is_err() {
            compiled.losses = before;
        }
        fits
    }

    /// Changes what is reported beside the loss; the optimizer goes on with what it has learned.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled), or an unknown name; as [`Model::compile`].
    pub fn set_metrics(&mut self, metrics: impl IntoMetrics) -> Result<()> {
        self.compiled_for_mut("set_metrics")?.metrics = OutputMetrics {
            of_all: metrics.into_metrics()?,
            of_some: Vec::new(),
        };
        Ok(())
    }
}
