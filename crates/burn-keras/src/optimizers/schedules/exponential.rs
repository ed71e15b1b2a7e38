//! A learning rate that falls by a factor.

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// `initial_learning_rate * decay_rate ^ (step / decay_steps)`.
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
