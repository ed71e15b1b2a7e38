//! Layers as `burn-recurrent` runs them on slices: weights packed once, no tensor in between.

use burn_recurrent::packed::{Activation, PackedDense, PackedLayer};

/// A layer of a stack that needs no tensor operations.
#[derive(Debug)]
pub enum Packed {
    /// A recurrent layer: `[batch, timesteps, features]` to `[batch, timesteps, units]` or `[batch, units]`.
    Recurrent {
        /// The packed weights.
        layer: PackedLayer<f32>,
        /// Whether the outputs of all steps come out.
        return_sequences: bool,
        /// Whether the sequence is read from its end.
        go_backwards: bool,
    },
    /// A dense layer on the last axis, and what is applied to its outputs.
    Dense {
        /// The packed weights.
        layer: PackedDense<f32>,
        /// Applied to the outputs.
        activation: Activation,
    },
    /// A function applied to the output of the layer before.
    Activation(Activation),
    /// A layer that hands predictions on as they are (`Dropout`).
    Nothing,
}
