//! A learning rate that falls to another along a power.

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// `(initial - end) * (1 - step / decay_steps) ^ power + end`, and `end_learning_rate` after `decay_steps`.
    ///
    /// ```
    /// use burn_keras::optimizers::schedules::{PolynomialDecay, Schedule};
    /// use burn_keras::prelude::*;
    ///
    /// let schedule = PolynomialDecay::new(0.1, 1000).end_learning_rate(0.0);
    /// for (step, rate) in [(0, 0.1), (500, 0.05), (1000, 0.0)] {
    ///     assert!((schedule.rate(step) - rate).abs() < 1e-6_f32, "{step}");
    /// }
    /// let optimizer = Adam::new().learning_rate(schedule);
    /// # Ok::<(), Error>(())
    /// ```
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
