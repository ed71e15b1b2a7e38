//! A learning rate that falls along half a cosine, after a warm-up if asked for.

use std::f32::consts::PI;

use super::{Schedule, check_steps, schedule_basics, settings};
use crate::Result;

settings! {
    /// `peak * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)` (Loshchilov and Hutter, 2017).
    ///
    /// The peak is `initial_learning_rate`. With a warm-up it is `warmup_target`, which the rate reaches in a straight
    /// line over the first `warmup_steps`; the cosine starts there.
    ///
    /// ```
    /// use burn_keras::optimizers::schedules::{CosineDecay, Schedule};
    /// use burn_keras::prelude::*;
    ///
    /// let schedule = CosineDecay::new(0.1, 1000);
    /// for (step, rate) in [(0, 0.1), (500, 0.05), (1000, 0.0)] {
    ///     assert!((schedule.rate(step) - rate).abs() < 1e-6_f32, "{step}");
    /// }
    /// let optimizer = Adam::new().learning_rate(schedule);
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CosineDecay(initial_learning_rate: f32, decay_steps: u64) {
        /// The share of the peak that is left at the end.
        alpha: f32 = 0.0,
        /// What the warm-up rises to; none without it.
        warmup_target: Option<f32> = None,
        /// How long the warm-up takes.
        warmup_steps: u64 = 0,
    }
}

impl Schedule for CosineDecay {
    schedule_basics!("CosineDecay");

    fn rate(&self, step: u64) -> f32 {
        let (warmup, peak) = match self.warmup_target {
            Some(target) => (self.warmup_steps, target),
            None => (0, self.initial_learning_rate),
        };
        if step < warmup {
            let rise = peak - self.initial_learning_rate;
            return rise * (step as f32 / warmup as f32) + self.initial_learning_rate;
        }
        let part = (step - warmup).min(self.decay_steps) as f32 / self.decay_steps as f32;
        let cosine = 0.5 * (1.0 + (PI * part).cos());
        peak * ((1.0 - self.alpha) * cosine + self.alpha)
    }

    fn check(&self) -> Result<()> {
        check_steps("CosineDecay", "decay_steps", self.decay_steps)
    }
}
