//! Inference on plain slices: weights packed once, no tensors, no allocation per call.
//!
//! [`PackedLayer`] holds a recurrent layer's weights in the order the kernels read them, immutable and
//! shared between threads; [`PackedState`] holds one user's states and working memory.
//! [`PackedLayer::step_into`] feeds one time step, [`PackedLayer::sequence_into`] whole sequences.
//! [`PackedDense`] is the dense layer that usually follows.
//!
//! ```
//! use burn_recurrent::packed::{Layer, PackedLayer};
//!
//! let (features, units) = (2, 3);
//! let layer = PackedLayer::new(&Layer {
//!     kind: burn_recurrent::Kind::Lstm,
//!     features,
//!     units,
//!     kernel: &[0.1f32; 2 * 12],
//!     recurrent_kernel: &[0.2; 3 * 12],
//!     bias: Some(&[0.0; 12]),
//! })?;
//! let mut state = layer.state(1);
//! for x in [[1.0, 2.0], [3.0, 4.0]] {
//!     layer.step_into(&x, &mut state)?;
//! }
//! let mut stepped = [0.0; 3];
//! state.h_into(&mut stepped)?;
//!
//! // The same as one sequence of two steps.
//! let mut state = layer.state(1);
//! let mut y = [0.0; 6];
//! layer.sequence_into(&[1.0, 2.0, 3.0, 4.0], None, &mut state, Some(&mut y), false)?;
//! assert!(stepped.iter().zip(&y[3..]).all(|(a, b)| (a - b).abs() < 1e-6));
//! # Ok::<(), burn_recurrent::Error>(())
//! ```

mod activation;
mod dense;
mod layer;
mod state;

pub use activation::Activation;
pub use dense::PackedDense;
pub use layer::{Layer, PackedLayer};
pub use state::PackedState;

use crate::error::{Error, Result};
use crate::simd::Real;

/// A float that the kernels have: `f32` or `f64`.
#[allow(private_bounds)]
pub trait Float: Real {}
impl Float for f32 {}
impl Float for f64 {}

/// Refuses a slice of another length.
fn check_len(
    tensor: &'static str,
    given: usize,
    needed: &[usize],
    meaning: &'static str,
) -> Result<()> {
    match given == needed.iter().product::<usize>() {
        true => Ok(()),
        false => Err(Error::Shape {
            tensor,
            given: vec![given],
            needed: needed.to_vec(),
            meaning,
            hint: "the slice's length, which is the product of those sizes",
        }),
    }
}
