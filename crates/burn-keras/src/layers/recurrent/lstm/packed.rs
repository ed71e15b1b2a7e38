//! The LSTM with packed weights, for predictors.

use burn_recurrent::Kind;
use burn_recurrent::packed::{Layer, PackedLayer};

use super::Lstm;
use crate::layers::packed::Packed;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

impl Lstm {
    /// The layer with packed weights; `None` when it has options that the packed one lacks.
    pub(super) fn pack(&self) -> Result<Option<Packed>> {
        let (Some(kernel), Some(recurrent_kernel)) = (&self.kernel, &self.recurrent_kernel) else {
            return Ok(None);
        };
        let settings = &self.settings;
        let activations = burn_recurrent::activations::check(
            settings.activation.name(),
            Some(settings.recurrent_activation.name()),
        );
        if self.recurrent.return_state || activations.is_err() {
            return Ok(None);
        }
        let features = kernel.lazy_shape()[0];
        let bias = match &self.bias {
            Some(bias) => Some(AnyTensor::from(bias.val()).to_vec()?),
            None => None,
        };
        let layer = PackedLayer::new(&Layer {
            kind: Kind::Lstm,
            features,
            units: settings.units,
            kernel: &AnyTensor::from(kernel.val()).to_vec()?,
            recurrent_kernel: &AnyTensor::from(recurrent_kernel.val()).to_vec()?,
            bias: bias.as_deref(),
        })
        .map_err(|e| Error::tensor(crate::layers::describe(self), e.to_string()))?;
        Ok(Some(Packed::Recurrent {
            layer,
            return_sequences: self.recurrent.return_sequences,
            go_backwards: self.recurrent.go_backwards,
        }))
    }
}
