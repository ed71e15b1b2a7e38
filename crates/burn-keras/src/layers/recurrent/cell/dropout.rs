//! Dropout inside cells: masks that stay the same from step to step.

use burn::tensor::{DType, Device, Tensor};

use crate::Result;
use crate::layers::Context;

/// What a cell multiplies its input and its recurrent state by in one training pass, the same at every step.
///
/// Both lists are empty (nothing is dropped), hold one mask for all gates, or one for each gate. As in Keras, and after
/// Gal and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks" (2016), a mask is
/// drawn for each sample and feature once a call.
#[derive(Clone, Debug, Default)]
pub struct DropoutMasks {
    /// Factors of the input, `[batch, features]` each.
    pub input: Vec<Tensor<2>>,
    /// Factors of the state in the recurrent products, `[batch, units]` each; the state that is carried on is not
    /// dropped.
    pub recurrent: Vec<Tensor<2>>,
    /// The masks of the cells inside, for a stack of cells.
    pub cells: Vec<DropoutMasks>,
}

impl DropoutMasks {
    /// Draws `count` masks for `[batch, size]`.
    ///
    /// # Errors
    ///
    /// Those of [`Context::dropout_mask`].
    pub fn draw(
        count: usize,
        shape: [usize; 2],
        (rate, seed): (f32, Option<u64>),
        (device, dtype): (&Device, DType),
        context: &mut Context,
    ) -> Result<Vec<Tensor<2>>> {
        (0..count)
            .map(|_| {
                let mask = context.dropout_mask(&shape, rate, seed, device)?;
                Ok(mask.float::<2>()?.cast(dtype))
            })
            .collect()
    }

    /// `x` times the weights of all `gates` side by side, with `x` masked for each as `masks` say:
    /// `[batch, size]` to `[batch, gates * units]`.
    pub(in crate::layers::recurrent) fn product(
        x: &Tensor<2>,
        weights: &Tensor<2>,
        gates: usize,
        masks: &[Tensor<2>],
    ) -> Tensor<2> {
        match masks {
            [] => x.clone().matmul(weights.clone()),
            [mask] => (x.clone() * mask.clone()).matmul(weights.clone()),
            several => {
                let units = weights.dims()[1] / gates.max(1);
                let parts = several.iter().take(gates).enumerate().map(|(gate, mask)| {
                    let weights = weights.clone().narrow(1, gate * units, units);
                    (x.clone() * mask.clone()).matmul(weights)
                });
                Tensor::cat(parts.collect(), 1)
            }
        }
    }
}
