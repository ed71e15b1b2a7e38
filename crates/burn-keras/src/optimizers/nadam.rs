//! Adam with Nesterov's look ahead.

use super::adam::{adam_slots, moments};
use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// Nadam (Dozat, 2015; `keras/src/optimizers/nadam.py`).
    ///
    /// ```text
    /// u_t = beta_1 (1 - 0.5 0.96^t),  U_t = u_1 .. u_t;  m and v as in Adam
    /// m' = u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)
    /// w = w - lr m' / (sqrt(v / (1 - beta_2^t)) + epsilon)
    /// ```
    pub struct Nadam(0.001) {
        /// How much of the running mean of gradients is kept each step.
        beta_1: f32 = 0.9,
        /// How much of the running mean of squared gradients is kept each step.
        beta_2: f32 = 0.999,
        /// What keeps the division finite; it is added to the root.
        epsilon: f32 = 1e-7,
    }
}

impl Nadam {
    fn u(&self, step: u64) -> f32 {
        self.beta_1 * (1.0 - 0.5 * 0.96_f32.powf(step as f32))
    }

    /// `U_t`. It depends on the step alone, so it is worked out instead of kept.
    fn u_product(&self, step: u64) -> f32 {
        // From here on 0.96^t no longer changes 1 - 0.5 0.96^t in single precision.
        const SETTLED: u64 = 450;
        let start: f32 = (1..=step.min(SETTLED)).map(|t| self.u(t)).product();
        start * self.beta_1.powf(step.saturating_sub(SETTLED) as f32)
    }
}

/// What a step of [`Nadam`] needs.
#[derive(Clone, Copy, Debug)]
pub struct NadamConstants {
    learning_rate: f32,
    /// `u_{t+1} / (1 - U_{t+1})`
    of_momentum: f32,
    /// `(1 - u_t) / (1 - U_t)`
    of_gradient: f32,
    /// `1 - beta_2^t`
    correction: f32,
}

impl ElementRule for Nadam {
    type Constants = NadamConstants;

    fn constants(&self, step: &Step<'_>) -> NadamConstants {
        let (now, next) = (self.u(step.number), self.u(step.number + 1));
        let product = self.u_product(step.number);
        NadamConstants {
            learning_rate: step.learning_rate,
            of_momentum: next / (1.0 - product * next),
            of_gradient: (1.0 - now) / (1.0 - product),
            correction: 1.0 - self.beta_2.powf(step.number as f32),
        }
    }

    #[inline(always)]
    fn apply<E: Elementwise>(
        &self,
        c: &NadamConstants,
        weight: E,
        gradient: E,
        slots: &mut [E],
    ) -> E {
        let [momentum, velocity] = slots else {
            return weight;
        };
        let (m, v) = moments(momentum, velocity, &gradient, self.beta_1, self.beta_2);
        let ahead = m.scale(c.of_momentum) + gradient.scale(c.of_gradient);
        let spread = v.scale(1.0 / c.correction).root().plus(self.epsilon);
        weight - ahead.scale(c.learning_rate) / spread
    }
}

impl Rule for Nadam {
    rule_basics!("Nadam");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        adam_slots(shape, false)
    }

    fn scalars(&self, steps: u64) -> Vec<(&'static str, f32)> {
        vec![("u_product", self.u_product(steps))]
    }
}
