//! Recurrent layers: they read `[batch, timesteps, features]` one step at a time and carry states from step to step.
//!
//! A *cell* ([`Cell`]) is what happens at one step. [`Recurrent`] is the layer around any cell: it draws the cell's
//! dropout masks, starts from zeros, given or carried states, and runs the cell over the sequence. [`Lstm`], [`Gru`] and
//! [`SimpleRnn`] are that layer around the cells of the same name, and [`Rnn`] around a cell of your own or a stack of
//! cells. [`steps`] is the one loop over time that serves all of them where they are not run as a single fused operation.
//!
//! | file | what it holds |
//! |---|---|
//! | `cell/` | the trait [`Cell`], stacks of cells, cells of any class, dropout masks |
//! | `standard/` | what the cells with `kernel`, `recurrent_kernel` and `bias` share: options, setters, weights |
//! | `lstm/`, `gru.rs`, `simple_rnn.rs` | the equations of each |
//! | `layer.rs`, `rnn.rs` | the layer around a cell |
//! | `bidirectional/`, `time_distributed.rs` | layers around layers |

mod bidirectional;
pub mod cell;
mod gru;
mod layer;
mod lstm;
mod options;
mod rnn;
mod shape;
mod simple_rnn;
pub mod standard;
pub mod steps;
mod three_ways;
mod time_distributed;

pub use bidirectional::{Bidirectional, IntoMergeMode, MergeMode};
pub use cell::{AnyCell, Cell, DropoutMasks, IntoCell, StackedRnnCells};
pub use gru::{Gru, GruCell, GruGates};
pub use layer::{LayerCell, Recurrent};
pub use lstm::{Lstm, LstmCell, LstmGates};
pub use options::{Implementation, RecurrentOptions};
pub use rnn::Rnn;
pub use shape::check_sequence;
pub(crate) use shape::{check_three_axes, ways_to_add_features};
pub use simple_rnn::{SimpleRnn, SimpleRnnCell, SimpleRnnGate};
pub use standard::{CellExt, StandardCell};
pub(crate) use three_ways::ThreeWays;
pub use time_distributed::TimeDistributed;
