//! A learning rate that changes at given steps.

use super::{Schedule, schedule_basics, settings};
use crate::{Error, Result};

settings! {
    /// `values[i]` up to and including step `boundaries[i]`, and the last value after the last boundary.
    ///
    /// There is one value more than boundaries, which rise.
    ///
    /// ```
    /// use burn_keras::optimizers::schedules::{PiecewiseConstantDecay, Schedule};
    /// use burn_keras::prelude::*;
    ///
    /// let schedule = PiecewiseConstantDecay::new(vec![1000, 2000], vec![0.1, 0.05, 0.01]);
    /// for (step, rate) in [(0, 0.1), (1500, 0.05), (2500, 0.01)] {
    ///     assert!((schedule.rate(step) - rate).abs() < 1e-6_f32, "{step}");
    /// }
    /// let optimizer = Adam::new().learning_rate(schedule);
    /// # Ok::<(), Error>(())
    /// ```
    pub struct PiecewiseConstantDecay(boundaries: Vec<u64>, values: Vec<f32>) {}
}

impl Schedule for PiecewiseConstantDecay {
    schedule_basics!("PiecewiseConstantDecay");

    fn rate(&self, step: u64) -> f32 {
        let passed = self.boundaries.partition_point(|boundary| *boundary < step);
        self.values.get(passed).copied().unwrap_or_default()
    }

    fn check(&self) -> Result<()> {
        let (boundaries, values) = (self.boundaries.len(), self.values.len());
        if values != boundaries + 1 {
            return Err(Error::argument(
                "PiecewiseConstantDecay",
                "values",
                format!("has {values} values for {boundaries} boundaries; it must have one more"),
            ));
        }
        if !self.boundaries.is_sorted() {
            return Err(Error::argument(
                "PiecewiseConstantDecay",
                "boundaries",
                format!(
                    "is {:?}; each must be at least the one before",
                    self.boundaries
                ),
            ));
        }
        Ok(())
    }
}
