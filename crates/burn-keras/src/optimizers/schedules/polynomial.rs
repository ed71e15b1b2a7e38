//! A learning rate that falls to another along a power.

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// `(initial - end) * (1 - step / decay_steps) ^ power + end`, and `end_learning_rate` after `decay_steps`.
    pub struct PolynomialDecay(initial_learning_rate: f32, decay_steps: u64) {
        /// What it falls to.
        end_learning_rate: f32 = 0.0001,
        /// The exponent; 1 is a straight line.
        power: f32 = 1.0,
        /// Whether it goes on after `decay_steps`, from a step back up: `decay_steps` is then the next multiple of
        /// itself.
        cycle: bool = false,
    }
}

impl Schedule for PolynomialDecay {
    schedule_basics!("PolynomialDecay");

    fn rate(&self, step: u64) -> f32 {
        let (step, decay_steps) = (step as f32, self.decay_steps as f32);
        let part = if self.cycle {
            step / (decay_steps * (step / decay_steps).ceil().max(1.0))
        } else {
            step.min(decay_steps) / decay_steps
        };
        let span = self.initial_learning_rate - self.end_learning_rate;
        span * (1.0 - part).powf(self.power) + self.end_learning_rate
    }

    fn check(&self) -> Result<()> {
        check_steps("PolynomialDecay", "decay_steps", self.decay_steps)
    }
}
