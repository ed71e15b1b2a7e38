//! Gated recurrent units.

use burn::tensor::Tensor;
use burn_recurrent::{GruWeights, Kind, Options, gru};
use serde_json::{Map, Value, json};

use super::cell::DropoutMasks;
use super::standard::{Bias, CellSettings, CellWeights, FusedRun, Gated, Gates};
use super::{Recurrent, StandardCell};
use crate::Result;
use crate::config::Config;
use crate::layers::WeightBuilder;

/// Gated recurrent units (Cho et al., 2014), as Keras' `GRU`.
///
/// For a step `x` of size `features` and a state `h` of size `units`, with `W`, `R` the kernel and recurrent kernel of a
/// gate, `b` and `d` its biases, σ the recurrent activation (sigmoid) and `tanh` the activation:
///
/// ```text
/// z  = σ(x Wz + bz + h Rz + dz)               update gate
/// r  = σ(x Wr + br + h Rr + dr)               reset gate
/// n  = tanh(x Wh + bh + r * (h Rh + dh))      candidate with reset_after (the default, as in cuDNN)
/// n  = tanh(x Wh + bh + (r * h) Rh)           candidate without; there is no d then
/// h' = z * h + (1 - z) * n
/// ```
///
/// The input is `[batch, timesteps, features]`. What comes out:
///
/// | options | output | and |
/// |---|---|---|
/// | none | the last `h`: `[batch, units]` | |
/// | `return_sequences(true)` | every `h`: `[batch, timesteps, units]` | |
/// | `return_state(true)` | as above | the last `h`: `[batch, units]` |
///
/// Weights, in Keras' order and layout: `kernel` `[features, 3 * units]`, `recurrent_kernel` `[units, 3 * units]`, and
/// `bias` `[2, 3 * units]` (rows b and d) or without `reset_after` `[3 * units]`, the gates side by side as z, r, h.
///
/// [`Recurrent`] has the options of all recurrent layers, [`CellExt`](super::CellExt) those that it shares with its cell.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Gru::new(32).return_sequences(true).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 8, 32)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "GRU")]
pub type Gru = Recurrent<GruCell>;

/// One step of a [`Gru`]: from `x` `[batch, features]` and `h` `[batch, units]` to the new `h`, twice: as the output and
/// as the state.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Rnn::new(GruCell::new(32)).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "GRUCell")]
pub type GruCell = StandardCell<GruGates>;

/// The equations of a GRU; see [`Gru`].
#[derive(Clone, Debug)]
pub struct GruGates {
    reset_after: bool,
}

impl Default for GruGates {
    fn default() -> Self {
        Self { reset_after: true }
    }
}

impl GruCell {
    /// Whether the reset gate applies after the recurrent product (it does by default).
    pub fn reset_after(mut self, reset_after: bool) -> Self {
        self.gates.reset_after = reset_after;
        self
    }
}

impl Gru {
    /// Whether the reset gate applies after the recurrent product (it does by default).
    pub fn reset_after(mut self, reset_after: bool) -> Self {
        self.cell.gates.reset_after = reset_after;
        self
    }
}

impl Gated for GruGates {}

impl Gates for GruGates {
    const CELL_CLASS: &'static str = "GRUCell";
    const CELL_TYPE: &'static str = "GruCell";
    const LAYER_CLASS: &'static str = "GRU";
    const LAYER_TYPE: &'static str = "Gru";
    const COUNT: usize = 3;
    const STATES: &'static [&'static str] = &["h"];
    const GATED: bool = true;

    fn kind(&self) -> Kind {
        if self.reset_after {
            Kind::Gru
        } else {
            Kind::GruResetBefore
        }
    }

    fn build_bias(&self, settings: &CellSettings, weights: &mut WeightBuilder<'_>) -> Result<Bias> {
        let width = Self::COUNT * settings.units;
        let initializer = &settings.bias.initializer;
        Ok(if self.reset_after {
            Bias::Separate(weights.weight([2, width], initializer)?)
        } else {
            Bias::Joint(weights.weight([width], initializer)?)
        })
    }

    fn step(
        &self,
        weights: &CellWeights,
        settings: &CellSettings,
        x: &Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Vec<Tensor<2>> {
        let h = &states[0];
        let units = settings.units;
        let (outer, inner) = (settings.activation, settings.recurrent_activation);
        let recurrent = &weights.recurrent_kernel;
        let with_bias = |product: Tensor<2>, row: usize| match &weights.bias {
            Some(bias) => product + bias.clone().narrow(0, row, 1),
            None => product,
        };
        let gate = |from: &Tensor<2>, i: usize| from.clone().narrow(1, i * units, units);

        let input = DropoutMasks::product(x, &weights.kernel, Self::COUNT, &masks.input);
        let input = with_bias(input, 0);
        let state = if self.reset_after {
            let state = DropoutMasks::product(h, recurrent, Self::COUNT, &masks.recurrent);
            with_bias(state, 1)
        } else {
            let first_two = recurrent.clone().narrow(1, 0, 2 * units);
            DropoutMasks::product(h, &first_two, 2, &masks.recurrent)
        };
        let z = inner.apply_rows(gate(&input, 0) + gate(&state, 0));
        let r = inner.apply_rows(gate(&input, 1) + gate(&state, 1));
        let reset = if self.reset_after {
            r * gate(&state, 2)
        } else {
            let dropped = match masks.recurrent.last() {
                Some(mask) => h.clone() * mask.clone(),
                None => h.clone(),
            };
            (r * dropped).matmul(gate(recurrent, 2))
        };
        let n = outer.apply_rows(gate(&input, 2) + reset);
        // z h + (1 - z) n with one product less.
        vec![n.clone() + z * (h.clone() - n)]
    }

    fn run_fused(
        &self,
        x: Tensor<3>,
        weights: CellWeights,
        states: Option<Vec<Tensor<2>>>,
        options: &Options,
    ) -> burn_recurrent::Result<FusedRun> {
        let weights = GruWeights {
            kernel: weights.kernel,
            recurrent_kernel: weights.recurrent_kernel,
            bias: weights.bias,
            reset_after: self.reset_after,
        };
        let state = states.and_then(|states| states.into_iter().next());
        let run = gru(x, weights, state, options)?;
        Ok(FusedRun {
            sequence: run.sequence,
            last: run.last,
            states: run.state.into_iter().collect(),
        })
    }

    fn write(&self, config: &mut Map<String, Value>) {
        config.insert("reset_after".into(), json!(self.reset_after));
    }

    fn read(config: &Config) -> Result<Self> {
        Ok(Self {
            reset_after: config.bool_or("reset_after", true)?,
        })
    }
}
