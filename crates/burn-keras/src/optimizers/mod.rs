//! Optimizers with Keras' arithmetic, which differs from burn's in where epsilon stands and what momentum holds.
//!
//! A [`Rule`] says how one weight changes; each rule is also a burn [`Optimizer`](burn::optim::Optimizer), so it can be
//! used in a burn training loop of one's own.

use crate::{Error, Result};

mod adam;
mod burn_optimizer;
mod clipping;
pub mod elementwise;
mod optimizer;
mod rmsprop;
mod rule;
mod sgd;
mod state;
mod variables;

pub use adam::Adam;
pub use burn_optimizer::SlotState;
pub use optimizer::{Optimizer, RuleExt};
pub use rmsprop::RmsProp;
pub use rule::Rule;
use rule::rule_by_elements;
pub use sgd::Sgd;
pub(crate) use state::{Change, OptimizerState};
pub(crate) use variables::KeptBeside;

/// The names there are, for the error that lists the nearest.
const NAMES: [&str; 3] = ["rmsprop", "adam", "sgd"];

/// The optimizer of this name, upper or lower case, with Keras' default arguments.
///
/// # Errors
///
/// [`Error::UnknownName`] with the nearest names.
pub fn by_name(name: &str) -> Result<Box<dyn Rule>> {
    match name.to_lowercase().as_str() {
        "rmsprop" => Ok(Box::new(RmsProp::new())),
        "adam" => Ok(Box::new(Adam::new())),
        "sgd" => Ok(Box::new(Sgd::new())),
        _ => Err(Error::unknown("optimizer", name, NAMES)),
    }
}
