//! Training and what surrounds it: `compile`, `fit`, `evaluate`, `predict`.

pub(crate) mod batches;
mod check;
mod compile;
pub mod data;
mod evaluate;
mod fit;
mod history;
mod logs;
mod optimizer;
mod predict;
mod progress;
mod step;

pub(crate) use compile::Compiled;
pub use compile::{Compile, IntoLoss, IntoMetrics, IntoOptimizer};
pub use evaluate::{Evaluate, Scores};
pub use fit::Fit;
pub use history::History;
pub use logs::Logs;
pub use predict::{Predict, Predictions};
