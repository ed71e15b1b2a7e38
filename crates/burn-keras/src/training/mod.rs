//! Training and what surrounds it: `compile`, `fit`, `evaluate`, `predict`.

pub(crate) mod batches;
mod check;
mod compile;
pub mod data;
mod epochs;
mod evaluate;
mod feed;
mod fit;
mod fit_options;
mod history;
mod logs;
mod on_batch;
mod optimizer;
mod options;
mod predict;
mod recompile;
mod set;
mod step;
mod stream;
mod tracker;
mod weights;

pub(crate) use check::inputs as check_inputs;
pub(crate) use compile::Compiled;
pub use compile::{Compile, IntoLoss, IntoMetrics, IntoOptimizer};
pub use evaluate::{Evaluate, Scores};
pub use fit_options::{Fit, IntoShuffle, Shuffle, ValidationFreq};
pub use history::History;
pub use logs::Logs;
pub use on_batch::OnBatch;
pub use predict::{Predict, Predictions};
pub use stream::{Batch, Stream};
pub(crate) use tracker::Tracker;
