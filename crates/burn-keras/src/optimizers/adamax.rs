//! Adam with the largest gradient in place of their mean square.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// Adamax (Kingma and Ba, 2015, section 7; `keras/src/optimizers/adamax.py`).
    ///
    /// ```text
    /// m = m + (g - m)(1 - beta_1);  u = max(beta_2 u, |g|)
    /// w = w - lr m / ((1 - beta_1^t)(u + epsilon))
    /// ```
    pub struct Adamax(0.001) {
        /// How much of the running mean of gradients is kept each step.
        beta_1: f32 = 0.9,
        /// How much of the largest gradient so far is kept each step.
        beta_2: f32 = 0.999,
        /// What keeps the division finite.
        epsilon: f32 = 1e-7,
    }
}

impl ElementRule for Adamax {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate / (1.0 - self.beta_1.powf(step.number as f32))
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let [momentum, norm] = slots else {
            return weight;
        };
        *momentum =
            momentum.clone() + (gradient.clone() - momentum.clone()).scale(1.0 - self.beta_1);
        *norm = norm.clone().scale(self.beta_2).larger(gradient.size());
        weight - momentum.clone().scale(*rate) / norm.clone().plus(self.epsilon)
    }
}

impl Rule for Adamax {
    rule_basics!("Adamax");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        vec![Slot::like("momentum", shape), Slot::like("norm", shape)]
    }
}
