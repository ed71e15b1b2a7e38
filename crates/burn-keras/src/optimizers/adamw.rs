//! Adam with decay of the weights.

use super::adam::{AdamConstants, adam_slots};
use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// AdamW (Loshchilov and Hutter, 2019; `keras/src/optimizers/adamw.py`): first `w = w - lr weight_decay w`, then
    /// the step of [`Adam`](super::Adam).
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Dense::new(1).input_shape([3]))?;
    /// model.compile(AdamW::new().weight_decay(0.01), "mse", ())?;
    /// # Ok::<(), Error>(())
    /// ```
    pub struct AdamW(0.001) {
        /// The share of each weight, times the learning rate, that is taken away before each step.
        weight_decay: f32 = 0.004,
        /// How much of the running mean of gradients is kept each step.
        beta_1: f32 = 0.9,
        /// How much of the running mean of squared gradients is kept each step.
        beta_2: f32 = 0.999,
        /// What keeps the division finite; it is added to the root.
        epsilon: f32 = 1e-7,
        /// Whether the largest running mean of squared gradients so far is used (Reddi et al., 2018).
        amsgrad: bool = false,
    }
}

impl ElementRule for AdamW {
    type Constants = AdamConstants;

    fn constants(&self, step: &Step<'_>) -> AdamConstants {
        let betas = (self.beta_1, self.beta_2);
        AdamConstants::new(step.learning_rate, betas, self.epsilon, step.number)
    }

    #[inline(always)]
    fn apply<E: Elementwise>(
        &self,
        c: &AdamConstants,
        weight: E,
        gradient: E,
        slots: &mut [E],
    ) -> E {
        c.apply(weight, gradient, slots)
    }
}

impl Rule for AdamW {
    rule_basics!("AdamW");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        adam_slots(shape, self.amsgrad)
    }

    fn weight_decay(&self, _step: &Step<'_>, common: Option<f32>) -> Option<f32> {
        common.or(Some(self.weight_decay))
    }
}
