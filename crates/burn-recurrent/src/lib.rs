//! LSTM, GRU and SimpleRNN over a whole sequence as one differentiable [burn] operation each, with
//! hand-written kernels for the CPU and for GPUs.
//!
//! burn's own `nn::Lstm` does eight small matrix products and a dozen element-wise operations at every
//! time step, each a node on the tape. Here a sequence is one node: one product for the input of many
//! steps, one per step on weights packed once, gates and cell in the same pass, and a backward pass by
//! hand that computes the gradients of the tensors that are tracked and no others.
//!
//! | | |
//! |---|---|
//! | [`lstm`], [`gru`], [`simple_rnn`] | the operations: initial and final states, masks, reversed time, dropout on input and state |
//! | [`softmax`], [`cross_entropy`] | what ends a classifier, an operation each |
//! | [`FusedLstm`] | a drop-in for [`burn::nn::Lstm`] |
//! | [`packed`] | inference on plain slices, without tensors and without allocations |
//! | [`activations`] | which activations are built in |
//! | [`largest_buffer`] | how much memory in one piece a call takes on a GPU |
//! | [`check_support`] | whether there are kernels for a device and type |
//!
//! Nothing panics on what a caller gives: every function returns an [`Error`] that says what to change,
//! so that a caller can fall back to burn's own operations.
//!
//! # Backends
//!
//! Kernels exist for `Flex` (feature `flex`, on by default) and `NdArray` (feature `ndarray`), in `f32`
//! and `f64`, and in `f32` for GPUs (features `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`), whether or not
//! burn's `fusion` is on. On other backends the functions return [`Error::UnsupportedBackend`].
//!
//! On a GPU a sequence is one product for the input of all steps and one launch, up to 256 units; beyond
//! that a product and a launch a step. Its gradients are one launch, or two a step, and a product for each
//! weight.
//!
//! # Instruction sets and threads
//!
//! AVX-512, AVX2 or plain Rust is chosen at run time ([`SimdLevel`]); no compiler flags are needed. On
//! 64-bit ARM the plain kernels compile to NEON; that is untested. Work is shared among the threads of
//! the current rayon pool where it is worth it. Results are the same, bit for bit, for any number of
//! threads; between instruction sets they differ in the last bits.
//!
//! # Example
//!
//! A training step's forward and backward pass:
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use burn_recurrent::{LstmWeights, Options, lstm};
//!
//! let device = Device::flex().autodiff();
//! let random = |rows, columns| {
//!     Tensor::<2>::random([rows, columns], Distribution::Uniform(-0.2, 0.2), &device).require_grad()
//! };
//! let weights = LstmWeights {
//!     kernel: random(16, 4 * 32),
//!     recurrent_kernel: random(32, 4 * 32),
//!     bias: Some(Tensor::zeros([4 * 32], &device).require_grad()),
//! };
//! let x = Tensor::<3>::random([64, 8, 16], Distribution::Default, &device);
//!
//! let last = lstm(x, weights.clone(), None, &Options::default())?.last.unwrap();
//! let gradients = last.sum().backward();
//! assert_eq!(weights.kernel.grad(&gradients).unwrap().dims(), [16, 128]);
//! # Ok::<(), burn_recurrent::Error>(())
//! ```

#![deny(missing_docs)]
#![cfg_attr(feature = "ndarray", allow(deprecated))]

pub mod activations;
mod buffers;
mod checks;
mod classes;
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

pub use buffers::largest_buffer;
pub use checks::check_support;
pub use classes::{Labels, cross_entropy, softmax};
pub use error::{Error, Result};
pub use fused_lstm::FusedLstm;
pub use gru::{GruWeights, gru};
pub use kernel::Kind;
pub use lstm::{LstmState, LstmWeights, lstm};
pub use sequence::{Options, Output};
pub use simd::{SimdLevel, force_simd_level};
pub use simple_rnn::{SimpleRnnWeights, simple_rnn};
pub use workspace::release_workspaces;
