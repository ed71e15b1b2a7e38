//! Steps divided by a running root mean square of the gradients.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// RMSprop (`keras/src/optimizers/rmsprop.py`): Keras' default optimizer, and the usual one for recurrent models.
    ///
    /// ```text
    /// v = rho v + (1 - rho) g²
    /// w = w - lr g / sqrt(v + epsilon)          (centered: sqrt(v - a² + epsilon), a the running mean of g)
    /// with momentum:  m = momentum m + lr g / sqrt(..);  w = w - m
    /// ```
    #[doc(alias = "RMSprop")]
    pub struct RmsProp(0.001) {
        /// How much of the running mean of squared gradients is kept each step.
        rho: f32 = 0.9,
        /// How much of the last step's movement is kept.
        momentum: f32 = 0.0,
        /// What keeps the division finite; it stands inside the square root.
        epsilon: f32 = 1e-7,
        /// Whether gradients are divided by their deviation instead of their root mean square.
        centered: bool = false,
    }
}

impl ElementRule for RmsProp {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let rho = self.rho;
        let [velocity, rest @ ..] = slots else {
            return weight;
        };
        let (momentum, rest) = match rest {
            [first, others @ ..] if self.momentum > 0.0 => (Some(first), others),
            others => (None, others),
        };
        let v =
            velocity.clone().scale(rho) + (gradient.clone() * gradient.clone()).scale(1.0 - rho);
        *velocity = v.clone();
        let mut denominator = v;
        if let [average] = rest {
            let mean = average.clone().scale(rho) + gradient.clone().scale(1.0 - rho);
            *average = mean.clone();
            denominator = denominator - mean.clone() * mean;
        }
        let movement = gradient.scale(*rate) / denominator.plus(self.epsilon).root();
        match momentum {
            Some(momentum) => {
                let m = momentum.clone().scale(self.momentum) + movement;
                *momentum = m.clone();
                weight - m
            }
            None => weight - movement,
        }
    }
}

impl Rule for RmsProp {
    rule_basics!("RMSprop");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        let mut slots = vec![Slot::like("velocity", shape)];
        if self.momentum > 0.0 {
            slots.push(Slot::like("momentum", shape).in_group(1));
        }
        if self.centered {
            slots.push(Slot::like("average_gradient", shape).in_group(2));
        }
        slots
    }
}
