//! Learning rates that change from step to step, as `keras.optimizers.schedules` defines them.
//!
//! ```
//! use burn_keras::optimizers::schedules::{CosineDecay, Schedule};
//! use burn_keras::prelude::*;
//!
//! let schedule = CosineDecay::new(0.0, 1000).warmup_target(Some(0.1)).warmup_steps(100);
//! assert_eq!(schedule.rate(50), 0.05);
//!
//! let mut model = Sequential::new();
//! model.add(Dense::new(1).input_shape([3]))?;
//! model.compile(Sgd::new().learning_rate(schedule), "mse", ())?;
//! # Ok::<(), Error>(())
//! ```

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::settings::{refuse_unknown, settings};
use crate::{Error, Result};

mod cosine;
mod cosine_restarts;
mod exponential;
mod inverse_time;
mod piecewise;
mod polynomial;

pub use cosine::CosineDecay;
pub use cosine_restarts::CosineDecayRestarts;
pub use exponential::ExponentialDecay;
pub use inverse_time::InverseTimeDecay;
pub use piecewise::PiecewiseConstantDecay;
pub use polynomial::PolynomialDecay;

/// A learning rate as a function of the step.
pub trait Schedule: std::fmt::Debug + Send + Sync {
    /// The class as Keras names it, as `CosineDecay`.
    fn class_name(&self) -> &'static str;

    /// The learning rate of step number `step`; the first step is number 0.
    fn rate(&self, step: u64) -> f32;

    /// Keras' configuration.
    fn config(&self) -> Map<String, Value>;

    /// The first argument that cannot work.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] naming it.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Schedule>;
}

/// The functions of [`Schedule`] that follow from its settings.
macro_rules! schedule_basics {
    ($class_name:literal) => {
        fn class_name(&self) -> &'static str {
            $class_name
        }

        fn config(&self) -> serde_json::Map<String, serde_json::Value> {
            self.write()
        }

        fn boxed_clone(&self) -> Box<dyn super::Schedule> {
            Box::new(self.clone())
        }
    };
}
use schedule_basics;

macro_rules! schedules {
    ($($class:ident),+ $(,)?) => {
        /// The classes there are.
        pub const NAMES: &[&str] = &[$(stringify!($class)),+];

        fn of_class(class_name: &str, config: &Config) -> Result<Box<dyn Schedule>> {
            match class_name {
                $(stringify!($class) => Ok(Box::new($class::read(config)?)),)+
                _ => Err(Error::unknown("learning-rate schedule", class_name, NAMES.iter().copied())),
            }
        }
    };
}

schedules!(
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
);

/// Keras' form of a schedule.
pub fn to_config(schedule: &dyn Schedule) -> Value {
    json!({
        "module": "keras.optimizers.schedules",
        "class_name": schedule.class_name(),
        "config": schedule.config(),
        "registered_name": null,
    })
}

/// The schedule of Keras' form, `{"class_name": "CosineDecay", "config": {..}}`.
///
/// # Errors
///
/// [`Error::UnknownName`] for a class that does not exist, [`Error::Config`] for a key that cannot be read,
/// [`Error::Argument`] for a value that cannot work.
pub fn from_config(object: &Value) -> Result<Box<dyn Schedule>> {
    let (class_name, config) = Config::of_object(object, "learning_rate")?;
    let schedule = of_class(&class_name, &config)?;
    refuse_unknown(&config, &schedule.config())?;
    schedule.check()?;
    Ok(schedule)
}

/// Steps that a schedule divides by.
fn check_steps(place: &str, argument: &str, steps: u64) -> Result<()> {
    if steps > 0 {
        return Ok(());
    }
    Err(Error::argument(
        place,
        argument,
        "is 0; it must be at least 1",
    ))
}
