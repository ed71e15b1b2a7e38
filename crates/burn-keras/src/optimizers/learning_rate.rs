//! A learning rate that stays, or follows a schedule.

use serde_json::Value;

use super::schedules::{self, Schedule};
use crate::config::Config;
use crate::{Error, Result};

/// How far a step goes: a number, or a schedule over the steps.
///
/// Made from either: `Adam::new().learning_rate(1e-4)`, `Sgd::new().learning_rate(CosineDecay::new(0.1, 1000))`.
#[derive(Debug)]
pub enum LearningRate {
    /// The same at every step, until it is set to another.
    Fixed(f32),
    /// A function of the step.
    Scheduled(Box<dyn Schedule>),
}

impl Clone for LearningRate {
    fn clone(&self) -> Self {
        match self {
            Self::Fixed(rate) => Self::Fixed(*rate),
            Self::Scheduled(schedule) => Self::Scheduled(schedule.boxed_clone()),
        }
    }
}

impl From<f32> for LearningRate {
    fn from(rate: f32) -> Self {
        Self::Fixed(rate)
    }
}

/// What a literal is, where nothing says that it should be an `f32`.
impl From<f64> for LearningRate {
    fn from(rate: f64) -> Self {
        Self::Fixed(rate as f32)
    }
}

impl<S: Schedule + 'static> From<S> for LearningRate {
    fn from(schedule: S) -> Self {
        Self::Scheduled(Box::new(schedule))
    }
}

impl LearningRate {
    /// The rate of step number `step`, counted from 0.
    pub fn at(&self, step: u64) -> f32 {
        match self {
            Self::Fixed(rate) => *rate,
            Self::Scheduled(schedule) => schedule.rate(step),
        }
    }

    /// Whether a schedule gives it.
    pub fn is_scheduled(&self) -> bool {
        matches!(self, Self::Scheduled(_))
    }

    /// Keras' form: a number, or the schedule's object.
    pub fn config(&self) -> Value {
        match self {
            // Keras writes the single-precision number with all its digits.
            Self::Fixed(rate) => Value::from(f64::from(*rate)),
            Self::Scheduled(schedule) => schedules::to_config(&**schedule),
        }
    }

    /// Reads `learning_rate`, where it is there.
    pub(super) fn from_config(config: &Config) -> Result<Option<Self>> {
        match config.get("learning_rate") {
            Some(object @ Value::Object(_)) => {
                Ok(Some(Self::Scheduled(schedules::from_config(object)?)))
            }
            _ => Ok(config.opt_f32("learning_rate")?.map(Self::Fixed)),
        }
    }

    pub(super) fn check(&self, place: &str) -> Result<()> {
        match self {
            Self::Fixed(rate) if !(*rate >= 0.0 && rate.is_finite()) => Err(Error::argument(
                place,
                "learning_rate",
                format!("is {rate}; it must be a number of at least 0"),
            )),
            Self::Fixed(_) => Ok(()),
            Self::Scheduled(schedule) => schedule.check(),
        }
    }
}
