//! Long short-term memory.

use burn::tensor::Tensor;
use burn_recurrent::{Kind, LstmState, LstmWeights, Options, lstm};
use serde_json::{Map, Value, json};

use super::cell::DropoutMasks;
use super::standard::{Bias, CellSettings, CellWeights, FusedRun, Gated, Gates};
use super::steps::{Run, Sequence};
use super::{Recurrent, StandardCell};
use crate::Result;
use crate::config::Config;
use crate::layers::WeightBuilder;

mod burn_module;

/// Long short-term memory (Hochreiter and Schmidhuber, 1997), as Keras' `LSTM`.
///
/// For a step `x` of size `features` and states `h`, `c` of size `units`, with `W`, `R`, `b` the kernel, recurrent
/// kernel and bias of a gate, σ the recurrent activation (sigmoid) and `tanh` the activation:
///
/// ```text
/// i  = σ(x Wi + h Ri + bi)           input gate
/// f  = σ(x Wf + h Rf + bf)           forget gate
/// c' = f * c + i * tanh(x Wc + h Rc + bc)
/// o  = σ(x Wo + h Ro + bo)           output gate
/// h' = o * tanh(c')
/// ```
///
/// The input is `[batch, timesteps, features]`. What comes out:
///
/// | options | output | and |
/// |---|---|---|
/// | none | the last `h`: `[batch, units]` | |
/// | `return_sequences(true)` | every `h`: `[batch, timesteps, units]` | |
/// | `return_state(true)` | as above | the last `h` and `c`: `[batch, units]` each |
///
/// Weights, in Keras' order and layout: `kernel` `[features, 4 * units]`, `recurrent_kernel` `[units, 4 * units]`,
/// `bias` `[4 * units]`, the gates side by side as i, f, c, o.
///
/// [`Recurrent`] has the options of all recurrent layers, [`CellExt`](super::CellExt) those that it shares with its cell.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 8, 32)");
/// model.add(Lstm::new(32).dropout(0.2))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "LSTM")]
pub type Lstm = Recurrent<LstmCell>;

/// One step of an [`Lstm`]: from `x` `[batch, features]` and `h`, `c` `[batch, units]` to the new `h`, and `h` and `c`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let (x, h, c) = (Input::new([3]), Input::new([8]), Input::new([8]));
/// let [output, new_h, new_c] = LstmCell::new(8).call((&x, &h, &c))?.try_into()?;
/// assert_eq!(output.dims().to_string(), "(None, 8)");
/// # let _ = (new_h, new_c);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "LSTMCell")]
pub type LstmCell = StandardCell<LstmGates>;

/// The equations of an LSTM; see [`Lstm`].
#[derive(Clone, Debug)]
pub struct LstmGates {
    unit_forget_bias: bool,
}

impl Default for LstmGates {
    fn default() -> Self {
        Self {
            unit_forget_bias: true,
        }
    }
}

impl LstmCell {
    /// Whether the forget gate's bias starts at 1 (it does by default), as Jozefowicz et al. (2015) recommend.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.gates.unit_forget_bias = unit_forget_bias;
        self
    }
}

impl Lstm {
    /// Whether the forget gate's bias starts at 1 (it does by default), as Jozefowicz et al. (2015) recommend.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.cell.gates.unit_forget_bias = unit_forget_bias;
        self
    }
}

impl Gated for LstmGates {}

impl Gates for LstmGates {
    const CELL_CLASS: &'static str = "LSTMCell";
    const CELL_TYPE: &'static str = "LstmCell";
    const LAYER_CLASS: &'static str = "LSTM";
    const LAYER_TYPE: &'static str = "Lstm";
    const COUNT: usize = 4;
    const STATES: &'static [&'static str] = &["h", "c"];
    const GATED: bool = true;
    const RUN_WORDS: &'static str = "Run by burn's module";

    fn kind(&self) -> Kind {
        Kind::Lstm
    }

    fn build_bias(&self, settings: &CellSettings, weights: &mut WeightBuilder<'_>) -> Result<Bias> {
        let (units, initializer) = (settings.units, &settings.bias.initializer);
        let width = Self::COUNT * units;
        if !self.unit_forget_bias {
            return Ok(Bias::Joint(weights.weight([width], initializer)?));
        }
        // Keras draws twice: for the input gate, and for candidate and output together.
        let mut values = initializer.values(&[units], weights.generator())?;
        values.extend(vec![1.0; units]);
        values.extend(initializer.values(&[2 * units], weights.generator())?);
        Ok(Bias::Joint(weights.weight_from([width], values)))
    }

    fn step(
        &self,
        weights: &CellWeights,
        settings: &CellSettings,
        x: &Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Vec<Tensor<2>> {
        let [h, c] = [&states[0], &states[1]];
        let (outer, inner) = (settings.activation, settings.recurrent_activation);
        let recurrent = &weights.recurrent_kernel;
        let mut z = DropoutMasks::product(x, &weights.kernel, Self::COUNT, &masks.input)
            + DropoutMasks::product(h, recurrent, Self::COUNT, &masks.recurrent);
        if let Some(bias) = &weights.bias {
            z = z + bias.clone();
        }
        let gate = |i: usize| z.clone().narrow(1, i * settings.units, settings.units);
        let i = inner.apply_rows(gate(0));
        let f = inner.apply_rows(gate(1));
        let c = f * c.clone() + i * outer.apply_rows(gate(2));
        let o = inner.apply_rows(gate(3));
        let h = o * outer.apply_rows(c.clone());
        vec![h, c]
    }

    fn run(cell: &LstmCell, sequence: Sequence<'_>) -> Result<Run> {
        burn_module::run(cell, sequence)
    }

    fn run_fused(
        &self,
        x: Tensor<3>,
        weights: CellWeights,
        states: Option<Vec<Tensor<2>>>,
        options: &Options,
    ) -> burn_recurrent::Result<FusedRun> {
        let weights = LstmWeights {
            kernel: weights.kernel,
            recurrent_kernel: weights.recurrent_kernel,
            bias: weights.bias.map(|bias| bias.flatten(0, 1)),
        };
        let state = states.and_then(|states| match <[Tensor<2>; 2]>::try_from(states) {
            Ok([h, c]) => Some(LstmState { h, c }),
            Err(_) => None,
        });
        let run = lstm(x, weights, state, options)?;
        Ok(FusedRun {
            sequence: run.sequence,
            last: run.last,
            states: run.state.map(|s| vec![s.h, s.c]).unwrap_or_default(),
        })
    }

    fn write(&self, config: &mut Map<String, Value>) {
        config.insert("unit_forget_bias".into(), json!(self.unit_forget_bias));
    }

    fn read(config: &Config) -> Result<Self> {
        Ok(Self {
            unit_forget_bias: config.bool_or("unit_forget_bias", true)?,
        })
    }
}
