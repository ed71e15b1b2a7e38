//! A learning rate that falls by a factor.

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// `initial_learning_rate * decay_rate ^ (step / decay_steps)`.
    ///
    /// ```
    /// use burn_keras::optimizers::schedules::{ExponentialDecay, Schedule};
    /// use burn_keras::prelude::*;
    ///
    /// let schedule = ExponentialDecay::new(0.1, 1000, 0.5);
    /// for (step, rate) in [(0, 0.1), (1000, 0.05), (2000, 0.025)] {
    ///     assert!((schedule.rate(step) - rate).abs() < 1e-6_f32, "{step}");
    /// }
    /// let optimizer = Adam::new().learning_rate(schedule);
    /// # Ok::<(), Error>(())
    /// ```
    pub struct ExponentialDecay(initial_learning_rate: f32, decay_steps: u64, decay_rate: f32) {
        /// Whether the exponent is rounded down, so that the rate falls in steps.
        staircase: bool = false,
    }
}

impl Schedule for ExponentialDecay {
    schedule_basics!("ExponentialDecay");

    fn rate(&self, step: u64) -> f32 {
        let periods = step as f32 / self.decay_steps as f32;
        let periods = if self.staircase {
            periods.floor()
        } else {
            periods
        };
        self.initial_learning_rate * self.decay_rate.powf(periods)
    }

    fn check(&self) -> Result<()> {
        check_steps("ExponentialDecay", "decay_steps", self.decay_steps)
    }
}
