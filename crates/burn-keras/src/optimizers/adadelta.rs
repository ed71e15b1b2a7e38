//! Steps as long as the recent ones, divided by recent gradients.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// Adadelta (Zeiler, 2012; `keras/src/optimizers/adadelta.py`).
    ///
    /// ```text
    /// A = rho A + (1 - rho) g²
    /// d = -g sqrt(D + epsilon) / sqrt(A + epsilon)
    /// D = rho D + (1 - rho) d²;  w = w + lr d
    /// ```
    pub struct Adadelta(0.001) {
        /// How much of both running means is kept each step.
        rho: f32 = 0.95,
        /// What keeps the division finite; it stands inside both square roots.
        epsilon: f32 = 1e-7,
    }
}

impl ElementRule for Adadelta {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let [gradients, movements] = slots else {
            return weight;
        };
        let mean = |kept: &E, new: &E| {
            kept.clone().scale(self.rho) + (new.clone() * new.clone()).scale(1.0 - self.rho)
        };
        *gradients = mean(gradients, &gradient);
        let root = |mean: &E| mean.clone().plus(self.epsilon).root();
        let movement = root(movements).scale(-1.0) * gradient / root(gradients);
        *movements = mean(movements, &movement);
        weight + movement.scale(*rate)
    }
}

impl Rule for Adadelta {
    rule_basics!("Adadelta");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        vec![
            Slot::like("accumulated_grad", shape),
            Slot::like("accumulated_delta_var", shape),
        ]
    }
}
