//! LSTM, GRU and SimpleRNN over a whole sequence as one differentiable [burn](burn) operation each.
#![cfg_attr(feature = "ndarray", allow(deprecated))]

pub mod activations;
mod error;
mod fused_lstm;
mod gru;
mod kernel;
mod lstm;
mod ops;
pub mod packed;
mod sequence;
mod simd;
mod simple_rnn;
mod team;
mod workspace;

pub use error::{Error, Result};
pub use fused_lstm::FusedLstm;
pub use gru::{GruWeights, gru};
pub use kernel::Kind;
pub use lstm::{LstmState, LstmWeights, lstm};
pub use sequence::{Options, Output, check_support};
pub use simd::{SimdLevel, force_simd_level};
pub use simple_rnn::{SimpleRnnWeights, simple_rnn};
pub use workspace::release_workspaces;
