//! Running a model, and what a pass leaves behind.

use burn::tensor::Tensor;

use super::Model;
use crate::Result;
use crate::layers::{Context, Layer, LayerHandle, penalize_weights};
use crate::tensor::AnyTensor;

impl Model {
    /// Computes the outputs for tensors on the model's device, for use with burn directly.
    ///
    /// On a model made by burn's `Module::train` this records the computation for `backward`.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`](crate::Error::NotBuilt), or [`Error::Tensor`](crate::Error::Tensor) when the tensors have shapes that the model was not built for.
    pub fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        Layer::forward(self, inputs, context)
    }

    /// [`Model::forward`] on tensors that it may use up.
    pub(crate) fn run(
        &self,
        inputs: Vec<AnyTensor>,
        context: &mut Context,
    ) -> Result<Vec<AnyTensor>> {
        self.graph()?.run(&self.layers, inputs, context)
    }

    /// Makes every stateful layer start from zeros again; nothing happens to others.
    pub fn reset_states(&self) {
        self.layers.iter().for_each(LayerHandle::reset_states);
    }

    /// The penalties of the pass that `context` went through: those of outputs, then those of weights, one value each.
    ///
    /// `fit` and `evaluate` add them to the loss themselves; this is for training with burn directly.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`](crate::Error::Argument) for a regularizer that a weight's shape does not fit.
    pub fn losses(&self, context: &mut Context) -> Result<Vec<Tensor<1>>> {
        let mut losses = context.take_losses();
        for leaf in self.leaves() {
            losses.extend(penalize_weights(&**leaf.read())?);
        }
        Ok(losses)
    }

    /// Keeps what a pass left behind in `context`: new moving averages, and the states of stateful layers.
    ///
    /// `fit`, `evaluate` and `predict` do it themselves; this is for running a model by [`Model::forward`].
    pub fn keep(&self, context: &mut Context) {
        let moved = context.take_updates();
        if !moved.is_empty() {
            self.leaves().iter().for_each(|leaf| leaf.apply(&moved));
        }
        self.keep_carried(context);
    }

    /// Keeps, for the next pass, the states that stateful layers left in the context of one that succeeded.
    pub(crate) fn keep_carried(&self, context: &mut Context) {
        let mut carried = context.take_carried();
        carried.retain(|_, states| !states.is_empty());
        if carried.is_empty() {
            return;
        }
        for leaf in self.leaves() {
            if let Some(states) = carried.remove(&leaf.identity()) {
                leaf.keep_carried(states);
            }
        }
    }
}
