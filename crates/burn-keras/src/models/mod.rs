//! Models: layers put together, in a row ([`Sequential`]) or as a graph ([`Model`]).

mod call_config;
mod call_mask;
mod chain;
mod code;
mod explain;
mod from_config;
mod graph;
mod mask_flow;
mod mask_operations;
mod model;
mod module;
mod names;
mod node;
mod notes;
mod parts;
pub(crate) mod reader;
mod running;
mod sequential;
mod shapes;
mod summary;
mod to_config;

pub use call_mask::StepMask;
pub(crate) use call_mask::{CallMask, GivenMask};
pub(crate) use code::{code, plain_number};
pub(crate) use explain::{explained_call, with_every_step};
pub(crate) use from_config::{Builder, is_model};
pub(crate) use graph::{Graph, Step, StepMasks, recurrent_config, return_sequences};
pub(crate) use mask_flow::{MaskFlow, Merge};
pub use model::Model;
pub use node::{Input, IntoNodes, Node, Outputs};
pub use sequential::Sequential;
pub use shapes::Shapes;
pub use summary::Summary;
pub(crate) use summary::{bytes, thousands};
pub(crate) use to_config::{build_config, takes_mask};
