//! Cells with packed weights, for predictors.

use burn_recurrent::packed::{Layer, PackedLayer};

use super::{Gates, StandardCell};
use crate::layers::recurrent::{Implementation, RecurrentOptions};
use crate::layers::{Packed, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

impl<K: Gates> StandardCell<K> {
    /// The cell with packed weights, for a layer with these options; `None` when there are some that the packed one lacks.
    pub(super) fn pack(&self, options: &RecurrentOptions) -> Result<Option<Packed>> {
        let features = self.kernel.as_ref().map(|kernel| kernel.lazy_shape()[0]);
        let (Some(features), None) = (features, self.other_activation()) else {
            return Ok(None);
        };
        let stepped = options.implementation == Implementation::Burn;
        if stepped || options.return_state {
            return Ok(None);
        }
        let weights = self.weights()?;
        let bias = match weights.bias {
            Some(bias) => Some(AnyTensor::from(bias).to_vec()?),
            None => None,
        };
        let layer = PackedLayer::new(&Layer {
            kind: self.gates.kind(),
            features,
            units: self.units(),
            kernel: &AnyTensor::from(weights.kernel).to_vec()?,
            recurrent_kernel: &AnyTensor::from(weights.recurrent_kernel).to_vec()?,
            bias: bias.as_deref(),
        })
        .map_err(|e| Error::tensor(describe(self), e.to_string()))?;
        Ok(Some(Packed::Recurrent {
            layer,
            return_sequences: options.return_sequences,
            go_backwards: options.go_backwards,
        }))
    }
}
