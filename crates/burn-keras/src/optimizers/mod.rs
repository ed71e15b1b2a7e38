//! Optimizers with Keras' arithmetic, which differs from burn's in where epsilon stands and what momentum holds.
//!
//! A [`Rule`] says how one weight changes; each rule is also a burn [`Optimizer`](burn::optim::Optimizer), so it can be
//! used in a burn training loop of one's own. [`RuleExt`] adds what all optimizers have: clipping, decay, averages of
//! the weights, gradients summed over several steps.

use crate::config::Config;
use crate::{Error, Result};

mod adadelta;
mod adafactor;
mod adagrad;
mod adam;
mod adamax;
mod adamw;
mod burn_optimizer;
mod clipping;
pub mod elementwise;
mod ftrl;
mod lamb;
mod learning_rate;
mod lion;
mod muon;
mod nadam;
#[cfg(feature = "cube")]
mod one_launch;
mod optimizer;
mod rmsprop;
mod rule;
pub mod schedules;
mod sgd;
mod state;
mod variables;

pub use adadelta::Adadelta;
pub use adafactor::Adafactor;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use adamw::AdamW;
pub use burn_optimizer::SlotState;
pub use ftrl::Ftrl;
pub use lamb::Lamb;
pub use learning_rate::LearningRate;
pub use lion::Lion;
pub use muon::Muon;
pub use nadam::Nadam;
pub use optimizer::{Optimizer, RuleExt};
pub use rmsprop::RmsProp;
pub use rule::{Rule, Slot, Step, ValueRule};
pub use sgd::Sgd;
pub use state::{Change, OptimizerState};
pub use variables::{OptimizerVariables, TrainedWeight};

/// The one list of rules: by name, from a configuration, and as burn optimizers.
macro_rules! rules {
    ($($name:literal => $rule:ident),+ $(,)?) => {
        /// The names there are: Keras' class names in lower case, as `compile` takes them.
        pub const NAMES: &[&str] = &[$($name),+];

        /// The optimizer of this name, upper or lower case, with Keras' default arguments.
        ///
        /// # Errors
        ///
        /// [`Error::UnknownName`] with the nearest names.
        pub fn by_name(name: &str) -> Result<Box<dyn Rule>> {
            match name.to_lowercase().as_str() {
                $($name => Ok(Box::new($rule::new())),)+
                _ => Err(unknown(name)),
            }
        }

        fn of_class(class_name: &str, config: &Config) -> Result<Box<dyn Rule>> {
            match class_name.to_lowercase().as_str() {
                $($name => Ok(Box::new($rule::from_config(config)?)),)+
                _ => Err(unknown(class_name)),
            }
        }

        burn_optimizer::burn_optimizers!($($rule),+);
    };
}

rules! {
    "adadelta" => Adadelta,
    "adafactor" => Adafactor,
    "adagrad" => Adagrad,
    "adam" => Adam,
    "adamax" => Adamax,
    "adamw" => AdamW,
    "ftrl" => Ftrl,
    "lamb" => Lamb,
    "lion" => Lion,
    "muon" => Muon,
    "nadam" => Nadam,
    "rmsprop" => RmsProp,
    "sgd" => Sgd,
}

fn unknown(name: &str) -> Error {
    Error::unknown("optimizer", name, NAMES.iter().copied())
}

/// Refuses an argument outside of `low..=high`.
fn between(place: &str, argument: &str, value: f32, low: f32, high: f32) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let allowed = match (low, high) {
        (f32::MIN, high) => format!("at most {high}"),
        (f32::MIN_POSITIVE, high) => format!("above 0 and at most {high}"),
        (low, f32::MAX) => format!("at least {low}"),
        _ => format!("between {low} and {high}"),
    };
    Err(Error::argument(
        place,
        argument,
        format!("is {value}; it must be {allowed}"),
    ))
}

/// Refuses an argument below `low`, infinite or not a number.
fn at_least(place: &str, argument: &str, value: f32, low: f32) -> Result<()> {
    between(place, argument, value, low, f32::MAX)
}
