//! What an optimizer does to one weight.

use burn::tensor::Tensor;
use serde_json::{Map, Value};

/// How a weight changes in one step.
pub trait Rule: std::fmt::Debug + Send + Sync {
    /// The class as Keras names it, as `RMSprop`.
    fn class_name(&self) -> &'static str;

    /// The learning rate.
    fn learning_rate(&self) -> f32;

    /// Sets the learning rate.
    fn set_learning_rate(&mut self, learning_rate: f32);

    /// The names of the values kept beside each weight, as `["momentum", "velocity"]`; all start at 0.
    fn slots(&self) -> Vec<&'static str>;

    /// The slots as Keras' files have them: those of one group stand together for one weight after the other, then come
    /// those of the next group (`build` of each optimizer in `keras/src/optimizers/`).
    fn slot_groups(&self) -> Vec<Vec<&'static str>> {
        vec![self.slots()]
    }

    /// The weight after a step. All tensors are flat and of one size; `step` counts from 1.
    fn update(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        learning_rate: f32,
        step: u64,
    ) -> Tensor<1>;

    /// The same step in place on host values, in one pass.
    fn update_values(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>],
        learning_rate: f32,
        step: u64,
    );

    /// Keras' configuration.
    fn config(&self) -> Map<String, Value>;

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Rule>;
}

/// The two update functions of a [`Rule`] that is an [`ElementRule`](elementwise::ElementRule).
macro_rules! rule_by_elements {
    () => {
        fn update(
            &self,
            weight: burn::tensor::Tensor<1>,
            gradient: burn::tensor::Tensor<1>,
            slots: &mut [burn::tensor::Tensor<1>],
            learning_rate: f32,
            step: u64,
        ) -> burn::tensor::Tensor<1> {
            self.apply(weight, gradient, slots, learning_rate, step)
        }

        fn update_values(
            &self,
            weight: &mut [f32],
            gradient: &[f32],
            slots: &mut [Vec<f32>],
            learning_rate: f32,
            step: u64,
        ) {
            super::elementwise::update_slices(self, weight, gradient, slots, learning_rate, step);
        }
    };
}
pub(super) use rule_by_elements;
