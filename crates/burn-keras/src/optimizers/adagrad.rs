//! Steps divided by the root of all squared gradients so far.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step, at_least};
use crate::Result;

rule_struct! {
    /// Adagrad (Duchi et al., 2011; `keras/src/optimizers/adagrad.py`).
    ///
    /// ```text
    /// a = a + g²;  w = w - lr g / sqrt(a + epsilon)
    /// ```
    pub struct Adagrad(0.001) {
        /// What the sum of squared gradients starts from.
        initial_accumulator_value: f32 = 0.1,
        /// What keeps the division finite; it stands inside the square root.
        epsilon: f32 = 1e-7,
    }
}

impl ElementRule for Adagrad {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let [sum] = slots else {
            return weight;
        };
        *sum = sum.clone() + gradient.clone() * gradient.clone();
        weight - gradient.scale(*rate) / sum.clone().plus(self.epsilon).root()
    }
}

impl Rule for Adagrad {
    rule_basics!("Adagrad");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        vec![Slot::like("accumulator", shape).starting_at(self.initial_accumulator_value)]
    }

    fn check(&self) -> Result<()> {
        let initial = self.initial_accumulator_value;
        at_least("Adagrad", "initial_accumulator_value", initial, 0.0)
    }
}
