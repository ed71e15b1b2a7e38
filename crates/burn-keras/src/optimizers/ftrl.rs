//! Follow the regularized leader.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step, at_least, between};
use crate::Result;

rule_struct! {
    /// FTRL-Proximal (McMahan et al., 2013; `keras/src/optimizers/ftrl.py`).
    ///
    /// ```text
    /// p = -learning_rate_power;  n' = n + g²
    /// z = z + g + 2 shrinkage w - (n'^p - n^p) / lr w
    /// w = (clip(z, -l1, l1) - z) / (n'^p / lr + 2 (l2 + beta / (2 lr)));  n = n'
    /// ```
    #[doc(alias = "FTRL")]
    pub struct Ftrl(0.001) {
        /// How the learning rate falls with the sum of squared gradients: at most 0, and 0 for a fixed rate.
        learning_rate_power: f32 = -0.5,
        /// What the sum of squared gradients starts from.
        initial_accumulator_value: f32 = 0.1,
        /// The pull to exactly 0.
        l1_regularization_strength: f32 = 0.0,
        /// The pull towards 0.
        l2_regularization_strength: f32 = 0.0,
        /// The same applied to the gradient only.
        l2_shrinkage_regularization_strength: f32 = 0.0,
        /// The beta of the paper.
        beta: f32 = 0.0,
    }
}

impl ElementRule for Ftrl {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let [sum, linear] = slots else {
            return weight;
        };
        let power = -self.learning_rate_power;
        let l2 = self.l2_regularization_strength + self.beta / (2.0 * rate);
        let shrinkage = 2.0 * self.l2_shrinkage_regularization_strength;
        let pull = gradient.clone() + weight.clone().scale(shrinkage);
        let new_sum = sum.clone() + gradient.clone() * gradient;
        let powered = new_sum.clone().power(power);
        let rates = (powered.clone() - sum.clone().power(power)).scale(1.0 / rate);
        *sum = new_sum;
        *linear = linear.clone() + pull - rates * weight;
        let z = linear.clone();
        let held = z.clone().within(self.l1_regularization_strength);
        (held - z) / powered.scale(1.0 / rate).plus(2.0 * l2)
    }
}

impl Rule for Ftrl {
    rule_basics!("Ftrl");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        vec![
            Slot::like("accumulator", shape).starting_at(self.initial_accumulator_value),
            Slot::like("linear", shape),
        ]
    }

    fn check(&self) -> Result<()> {
        let power = self.learning_rate_power;
        between("Ftrl", "learning_rate_power", power, f32::MIN, 0.0)?;
        for (name, value) in [
            ("initial_accumulator_value", self.initial_accumulator_value),
            (
                "l1_regularization_strength",
                self.l1_regularization_strength,
            ),
            (
                "l2_regularization_strength",
                self.l2_regularization_strength,
            ),
            (
                "l2_shrinkage_regularization_strength",
                self.l2_shrinkage_regularization_strength,
            ),
        ] {
            at_least("Ftrl", name, value, 0.0)?;
        }
        Ok(())
    }
}
