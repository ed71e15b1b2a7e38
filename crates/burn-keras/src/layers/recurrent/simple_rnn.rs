//! The plain recurrent network.

use burn::tensor::Tensor;
use burn_recurrent::{Kind, Options, SimpleRnnWeights, simple_rnn};

use super::cell::DropoutMasks;
use super::standard::{CellSettings, CellWeights, FusedRun, Gates};
use super::{Recurrent, StandardCell};

/// The plain recurrent network (Elman, 1990), as Keras' `SimpleRNN`.
///
/// For a step `x` of size `features` and a state `h` of size `units`, with `tanh` the activation:
///
/// ```text
/// h' = tanh(x W + h R + b)
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
/// Weights, in Keras' order and layout: `kernel` `[features, units]`, `recurrent_kernel` `[units, units]`, `bias`
/// `[units]`. An `activity_regularizer` counts here; Keras' `SimpleRNN` takes one and forgets it.
///
/// [`Recurrent`] has the options of all recurrent layers, [`CellExt`](super::CellExt) those that it shares with its cell.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(SimpleRnn::new(32).activation("relu").input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "SimpleRNN")]
pub type SimpleRnn = Recurrent<SimpleRnnCell>;

/// One step of a [`SimpleRnn`]: from `x` `[batch, features]` and `h` `[batch, units]` to the new `h`, twice: as the
/// output and as the state.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Rnn::new(SimpleRnnCell::new(32)).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "SimpleRNNCell")]
pub type SimpleRnnCell = StandardCell<SimpleRnnGate>;

/// The equation of a plain recurrent network; see [`SimpleRnn`].
#[derive(Clone, Debug, Default)]
pub struct SimpleRnnGate;

impl Gates for SimpleRnnGate {
    const CELL_CLASS: &'static str = "SimpleRNNCell";
    const CELL_TYPE: &'static str = "SimpleRnnCell";
    const LAYER_CLASS: &'static str = "SimpleRNN";
    const LAYER_TYPE: &'static str = "SimpleRnn";
    const COUNT: usize = 1;
    const STATES: &'static [&'static str] = &["h"];
    const GATED: bool = false;

    fn kind(&self) -> Kind {
        Kind::SimpleRnn
    }

    fn step(
        &self,
        weights: &CellWeights,
        settings: &CellSettings,
        x: &Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Vec<Tensor<2>> {
        let (h, recurrent) = (&states[0], &weights.recurrent_kernel);
        let mut z = DropoutMasks::product(x, &weights.kernel, Self::COUNT, &masks.input)
            + DropoutMasks::product(h, recurrent, Self::COUNT, &masks.recurrent);
        if let Some(bias) = &weights.bias {
            z = z + bias.clone();
        }
        vec![settings.activation.apply_rows(z)]
    }

    fn run_fused(
        &self,
        x: Tensor<3>,
        weights: CellWeights,
        states: Option<Vec<Tensor<2>>>,
        options: &Options,
    ) -> burn_recurrent::Result<FusedRun> {
        let weights = SimpleRnnWeights {
            kernel: weights.kernel,
            recurrent_kernel: weights.recurrent_kernel,
            bias: weights.bias.map(|bias| bias.flatten(0, 1)),
        };
        let state = states.and_then(|states| states.into_iter().next());
        let run = simple_rnn(x, weights, state, options)?;
        Ok(FusedRun {
            sequence: run.sequence,
            last: run.last,
            states: run.state.into_iter().collect(),
        })
    }
}
