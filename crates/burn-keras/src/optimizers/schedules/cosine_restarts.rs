//! A learning rate that falls along half a cosine, again and again.

use std::f32::consts::PI;

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// A cosine that starts anew after `first_decay_steps`, each time `t_mul` times longer and from `m_mul` times the
    /// height (SGDR: Loshchilov and Hutter, 2017).
    ///
    /// ```
    /// use burn_keras::optimizers::schedules::{CosineDecayRestarts, Schedule};
    /// use burn_keras::prelude::*;
    ///
    /// let schedule = CosineDecayRestarts::new(0.1, 1000);
    /// for (step, rate) in [(0, 0.1), (500, 0.05), (1000, 0.1)] {
    ///     assert!((schedule.rate(step) - rate).abs() < 1e-6_f32, "{step}");
    /// }
    /// let optimizer = Adam::new().learning_rate(schedule);
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CosineDecayRestarts(initial_learning_rate: f32, first_decay_steps: u64) {
        /// How much longer each fall is than the one before.
        t_mul: f32 = 2.0,
        /// How much higher each fall starts than the one before.
        m_mul: f32 = 1.0,
        /// The share of `initial_learning_rate` that is left at the end of a fall.
        alpha: f32 = 0.0,
    }
}

impl Schedule for CosineDecayRestarts {
    schedule_basics!("CosineDecayRestarts");

    fn rate(&self, step: u64) -> f32 {
        let periods = step as f32 / self.first_decay_steps as f32;
        let (restarts, part) = if self.t_mul == 1.0 {
            (periods.floor(), periods - periods.floor())
        } else {
            let restarts = ((1.0 - periods * (1.0 - self.t_mul)).ln() / self.t_mul.ln()).floor();
            let length = self.t_mul.powf(restarts);
            let before = (1.0 - length) / (1.0 - self.t_mul);
            (restarts, (periods - before) / length)
        };
        let cosine = 0.5 * self.m_mul.powf(restarts) * (1.0 + (PI * part).cos());
        self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)
    }

    fn check(&self) -> Result<()> {
        check_steps(
            "CosineDecayRestarts",
            "first_decay_steps",
            self.first_decay_steps,
        )
    }
}
