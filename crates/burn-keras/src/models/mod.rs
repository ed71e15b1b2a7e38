//! Models: layers put together, in a row ([`Sequential`]) or as a graph ([`Model`]).

mod from_config;
mod graph;
mod model;
mod module;
mod node;
mod sequential;
mod summary;

pub use model::Model;
pub(crate) use model::run;
pub use node::{Input, IntoNodes, Node, Outputs};
pub use sequential::Sequential;
pub use summary::Summary;
