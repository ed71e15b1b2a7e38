//! Steps by the sign of the momentum.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step, between};
use crate::Result;

rule_struct! {
    /// Lion (Chen et al., 2023; `keras/src/optimizers/lion.py`).
    ///
    /// ```text
    /// w = w - lr sign(beta_1 m + (1 - beta_1) g);  m = beta_2 m + (1 - beta_2) g
    /// ```
    pub struct Lion(0.001) {
        /// How much the momentum counts beside the gradient, above 0 and at most 1.
        beta_1: f32 = 0.9,
        /// How much of the momentum is kept each step.
        beta_2: f32 = 0.99,
    }
}

impl ElementRule for Lion {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let [momentum] = slots else {
            return weight;
        };
        let mix = |beta: f32| momentum.clone().scale(beta) + gradient.clone().scale(1.0 - beta);
        let (direction, kept) = (mix(self.beta_1).sign_of(), mix(self.beta_2));
        *momentum = kept;
        weight - direction.scale(*rate)
    }
}

impl Rule for Lion {
    rule_basics!("Lion");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        vec![Slot::like("momentum", shape)]
    }

    fn check(&self) -> Result<()> {
        // At 0 it would be the sign of the gradient alone.
        between("Lion", "beta_1", self.beta_1, f32::MIN_POSITIVE, 1.0)
    }
}
