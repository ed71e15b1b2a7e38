//! A learning rate that falls as one over time.

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// `initial_learning_rate / (1 + decay_rate * step / decay_steps)`.
    ///
    /// ```
    /// use burn_keras::optimizers::schedules::{InverseTimeDecay, Schedule};
    /// use burn_keras::prelude::*;
    ///
    /// let schedule = InverseTimeDecay::new(0.1, 1000, 1.0);
    /// for (step, rate) in [(0, 0.1), (1000, 0.05), (3000, 0.025)] {
    ///     assert!((schedule.rate(step) - rate).abs() < 1e-6_f32, "{step}");
    /// }
    /// let optimizer = Adam::new().learning_rate(schedule);
    /// # Ok::<(), Error>(())
    /// ```
    pub struct InverseTimeDecay(initial_learning_rate: f32, decay_steps: u64, decay_rate: f32) {
        /// Whether `step / decay_steps` is rounded down, so that the rate falls in steps.
        staircase: bool = false,
    }
}

impl Schedule for InverseTimeDecay {
    schedule_basics!("InverseTimeDecay");

    fn rate(&self, step: u64) -> f32 {
        let periods = step as f32 / self.decay_steps as f32;
        let periods = if self.staircase {
            periods.floor()
        } else {
            periods
        };
        self.initial_learning_rate / (1.0 + self.decay_rate * periods)
    }

    fn check(&self) -> Result<()> {
        check_steps("InverseTimeDecay", "decay_steps", self.decay_steps)
    }
}
