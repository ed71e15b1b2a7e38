//! Gradient descent.

use super::elementwise::{ElementRule, Elementwise};
use super::rule::{rule_basics, rule_by_elements, rule_struct};
use super::{Rule, Slot, Step, between};
use crate::Result;

rule_struct! {
    /// Gradient descent, with momentum if asked for (`keras/src/optimizers/sgd.py`).
    ///
    /// ```text
    /// without momentum:  w = w - lr g
    /// with momentum m:   v = m v - lr g;  w = w + v          (nesterov: w = w + m v - lr g)
    /// ```
    #[doc(alias = "SGD")]
    pub struct Sgd(0.01) {
        /// How much of the last step's movement is kept, between 0 and 1.
        momentum: f32 = 0.0,
        /// Whether momentum looks one step ahead; without momentum it changes nothing, as in Keras.
        nesterov: bool = false,
    }
}

impl ElementRule for Sgd {
    type Constants = f32;

    fn constants(&self, step: &Step<'_>) -> f32 {
        step.learning_rate
    }

    #[inline(always)]
    fn apply<E: Elementwise>(&self, rate: &f32, weight: E, gradient: E, slots: &mut [E]) -> E {
        let step = gradient.scale(*rate);
        let [velocity] = slots else {
            return weight - step;
        };
        let v = velocity.clone().scale(self.momentum) - step.clone();
        *velocity = v.clone();
        if self.nesterov {
            weight + v.scale(self.momentum) - step
        } else {
            weight + v
        }
    }
}

impl Rule for Sgd {
    rule_basics!("SGD");
    rule_by_elements!();

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        if self.momentum == 0.0 {
            vec![]
        } else {
            vec![Slot::like("momentum", shape)]
        }
    }

    fn check(&self) -> Result<()> {
        between("SGD", "momentum", self.momentum, 0.0, 1.0)
    }
}
