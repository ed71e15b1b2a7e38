//! Adaptive moments.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// Adam (Kingma and Ba, 2015), in the form of `keras/src/optimizers/adam.py`: epsilon is added to the root of the
    /// uncorrected `v`.
    ///
    /// ```text
    /// alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)
    /// m = m + (g - m)(1 - beta_1)
    /// v = v + (g² - v)(1 - beta_2)
    /// w = w - alpha m / (sqrt(v) + epsilon)          (amsgrad: the largest v so far)
    /// ```
    pub struct Adam(0.001) {
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

/// What a step of [`Adam`] needs.
#[derive(Clone, Copy, Debug)]
pub struct AdamConstants {
    alpha: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
}

impl AdamConstants {
    pub(super) fn new(learning_rate: f32, betas: (f32, f32), epsilon: f32, step: u64) -> Self {
        let (beta_1, beta_2) = betas;
        let step = step as f32;
        Self {
            alpha: learning_rate * (1.0 - beta_2.powf(step)).sqrt() / (1.0 - beta_1.powf(step)),
            beta_1,
            beta_2,
            epsilon,
        }
    }

    /// A step of Adam; `slots` are momentum, velocity and, with amsgrad, the largest velocity.
    #[inline(always)]
    pub(super) fn apply<E: Elementwise>(&self, weight: E, gradient: E, slots: &mut [E]) -> E {
        let [momentum, velocity, rest @ ..] = slots else {
            return weight;
        };
        let (m, mut v) = moments(momentum, velocity, &gradient, self.beta_1, self.beta_2);
        if let [largest] = rest {
            v = largest.clone().larger(v);
            *largest = v.clone();
        }
        weight - m.scale(self.alpha) / v.root().plus(self.epsilon)
    }
}

/// The running means of a gradient and of its square, moved on by one step.
#[inline(always)]
pub(super) fn moments<E: Elementwise>(
    momentum: &mut E,
    velocity: &mut E,
    gradient: &E,
    beta_1: f32,
    beta_2: f32,
) -> (E, E) {
    *momentum = momentum.clone() + (gradient.clone() - momentum.clone()).scale(1.0 - beta_1);
    *velocity = velocity.clone()
        + (gradient.clone() * gradient.clone() - velocity.clone()).scale(1.0 - beta_2);
    (momentum.clone(), velocity.clone())
}

/// The slots of Adam and its kin.
pub(super) fn adam_slots(shape: &[usize], amsgrad: bool) -> Vec<Slot> {
    let mut slots = vec![Slot::like("momentum", shape), Slot::like("velocity", shape)];
    if amsgrad {
        slots.push(Slot::like("velocity_hat", shape).in_group(1));
    }
    slots
}

impl ElementRule for Adam {
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

impl Rule for Adam {
    rule_basics!("Adam");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        adam_slots(shape, self.amsgrad)
    }
}
