//! A compiled model's optimizer, and what it has learned.

use crate::Result;
use crate::layers::collect_weights;
use crate::models::Model;
use crate::optimizers::{Optimizer, OptimizerVariables, TrainedWeight};

impl Model {
    /// The optimizer the model was compiled with.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled).
    pub fn optimizer(&self) -> Result<&Optimizer> {
        Ok(self.compiled_for("optimizer")?.optimizer.optimizer())
    }

    /// What the optimizer has learned about the weights, in the order in which Keras saves it.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled); [`Error::Device`](crate::Error::Device) when values cannot be
    /// read.
    pub fn optimizer_variables(&self) -> Result<OptimizerVariables> {
        let compiled = self.compiled_for("optimizer_variables")?;
        compiled.optimizer.variables(&self.trained_weights())
    }

    /// Takes over what an optimizer of the same kind has learned about the same weights: training goes on as if it had
    /// not been interrupted.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled); [`Error::Weights`](crate::Error::Weights) when the number of
    /// arrays or a shape differs, and nothing is changed then.
    pub fn set_optimizer_variables(&mut self, variables: &OptimizerVariables) -> Result<()> {
        let weights = self.trained_weights();
        let compiled = self.compiled_for_mut("set_optimizer_variables")?;
        compiled.optimizer.set_variables(&weights, variables)
    }

    /// The weights that training changes, in Keras' order.
    pub(crate) fn trained_weights(&self) -> Vec<TrainedWeight> {
        let mut found = Vec::new();
        for leaf in self.leaves() {
            let layer = leaf.read();
            let name = layer.options().name().unwrap_or_default();
            for weight in collect_weights(&**layer) {
                if weight.trainable {
                    found.push(TrainedWeight {
                        id: weight.id,
                        path: format!("{name}/{}", weight.name.replace('.', "/")),
                        shape: weight.value.shape(),
                        device: weight.value.device(),
                    });
                }
            }
        }
        found
    }
}
