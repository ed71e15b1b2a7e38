//! The LSTM as one fused operation over the whole sequence.

use burn::tensor::{Bool, DType, Device, Tensor};
use burn_recurrent::{LstmState, LstmWeights, Options, lstm};

use super::Lstm;
use crate::layers::describe;
use crate::layers::recurrent::steps::Run;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

impl Lstm {
    /// Why the fused operation cannot compute this layer on this device; `None` when it can.
    pub(super) fn not_fused(&self, device: &Device, dtype: DType) -> Option<String> {
        let settings = &self.settings;
        burn_recurrent::activations::check(
            settings.activation.name(),
            Some(settings.recurrent_activation.name()),
        )
        .and_then(|()| burn_recurrent::check_support(device, dtype))
        .err()
        .map(|refusal| refusal.to_string())
    }

    /// Runs the layer by the fused operation.
    pub(super) fn run_fused(
        &self,
        x: Tensor<3>,
        states: Option<[Tensor<2>; 2]>,
        mask: Option<Tensor<2, Bool>>,
    ) -> Result<Run> {
        let place = describe(self);
        if let Some(reason) = self.not_fused(&x.device(), x.dtype()) {
            return Err(Error::argument(
                place,
                "implementation",
                format!("Fused cannot be used: {reason}"),
            ));
        }
        let (Some(kernel), Some(recurrent_kernel)) = (&self.kernel, &self.recurrent_kernel) else {
            return Err(Error::NotBuilt { needed_for: place });
        };
        let weights = LstmWeights {
            kernel: kernel.val(),
            recurrent_kernel: recurrent_kernel.val(),
            bias: self.bias.as_ref().map(|b| b.val()),
        };
        let options = Options {
            return_sequences: self.recurrent.return_sequences,
            return_state: self.recurrent.return_state,
            reverse: self.recurrent.go_backwards,
            zero_output_for_mask: self.recurrent.zero_output_for_mask,
            mask,
            ..Options::default()
        };
        let state = states.map(|[h, c]| LstmState { h, c });
        let run =
            lstm(x, weights, state, &options).map_err(|e| Error::tensor(&place, e.to_string()))?;
        let output = match (run.sequence, run.last) {
            (Some(sequence), _) => AnyTensor::from(sequence),
            (None, Some(last)) => AnyTensor::from(last),
            (None, None) => {
                return Err(Error::tensor(
                    place,
                    "the fused operation returned no output",
                ));
            }
        };
        Ok(Run {
            output,
            states: run.state.map(|s| vec![s.h, s.c]).unwrap_or_default(),
        })
    }
}
