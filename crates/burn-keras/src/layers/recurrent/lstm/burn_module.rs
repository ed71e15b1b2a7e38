//! The LSTM as burn's own module: taken over from it, handed to it, run by it.

use burn::module::{Param, ParamId};
use burn::nn::LstmConfig;
use burn::tensor::{DType, Tensor};

use super::{Lstm, LstmCell, LstmGates};
use crate::activations::Activation;
use crate::layers::describe;
use crate::layers::recurrent::CellExt;
use crate::layers::recurrent::standard::{Bias, Gates};
use crate::layers::recurrent::steps::{self, Run, Sequence};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

impl Lstm {
    /// burn's own LSTM with this layer's weights.
    ///
    /// The gates are slices of `kernel`, `recurrent_kernel` and `bias`, so gradients computed through the result reach
    /// this layer; it is a snapshot all the same: later updates of this layer do not show in it. burn has two biases a
    /// gate; the hidden one is left out.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the layer has weights; [`Error::Argument`] for activations that burn's module would
    /// compute otherwise (it is built with sigmoid and tanh).
    pub fn as_burn(&self) -> Result<burn::nn::Lstm> {
        let place = describe(self);
        if !has_burns_activations(&self.cell) {
            return Err(Error::argument(
                place,
                "activation",
                "differs from tanh and sigmoid, which burn's Lstm is taken over with",
            ));
        }
        if self.recurrent.go_backwards {
            return Err(Error::argument(
                place,
                "go_backwards",
                "is set; burn's reverse gives outputs in another order",
            ));
        }
        module(&self.cell)
    }

    /// A layer with the weights of burn's own LSTM, both biases of a gate added up.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for what Keras' LSTM does not have: `clip`, `input_forget`, and for activations other than
    /// sigmoid and tanh.
    pub fn from_burn(lstm: &burn::nn::Lstm) -> Result<Self> {
        use burn::nn::activation::Activation as BurnActivation;
        let refuse = |argument: &str, problem: &str| {
            Err(Error::argument("burn::nn::Lstm", argument, problem))
        };
        if lstm.clip.is_some() {
            return refuse("clip", "is set; Keras' LSTM does not clip its cell state");
        }
        if lstm.reverse {
            return refuse(
                "reverse",
                "is set; it puts outputs back in the input's order, while Keras' go_backwards keeps them as computed",
            );
        }
        if !lstm.batch_first {
            return refuse(
                "batch_first",
                "is false; Keras' layers read [batch, timesteps, features]",
            );
        }
        let Some(forget) = lstm.forget_gate.as_ref().filter(|_| !lstm.input_forget) else {
            return refuse(
                "input_forget",
                "is set; Keras' LSTM has a forget gate of its own",
            );
        };
        if !matches!(
            (
                &lstm.gate_activation,
                &lstm.cell_activation,
                &lstm.hidden_activation
            ),
            (
                BurnActivation::Sigmoid(_),
                BurnActivation::Tanh(_),
                BurnActivation::Tanh(_)
            )
        ) {
            return refuse(
                "gate_activation",
                "or another activation is not sigmoid, tanh, tanh",
            );
        }
        let gates = [&lstm.input_gate, forget, &lstm.cell_gate, &lstm.output_gate];
        let joined = |pick: &dyn Fn(&burn::nn::GateController) -> Tensor<2>| {
            Tensor::cat(
                gates.iter().map(|g| pick(g).without_autodiff()).collect(),
                1,
            )
        };
        let kernel = joined(&|g| g.input_transform.weight.val());
        let recurrent_kernel = joined(&|g| g.hidden_transform.weight.val());
        let biases: Vec<Tensor<1>> = gates
            .iter()
            .filter_map(|g| {
                let both = [&g.input_transform.bias, &g.hidden_transform.bias];
                both.into_iter()
                    .flatten()
                    .map(|b| b.val().without_autodiff())
                    .reduce(|a, b| a + b)
            })
            .collect();
        if !biases.is_empty() && biases.len() != LstmGates::COUNT {
            return refuse(
                "bias",
                "is missing in some of the gates; all or none must have one",
            );
        }
        let mut layer = Self::new(lstm.d_hidden)
            .return_sequences(true)
            .use_bias(!biases.is_empty());
        layer.cell.kernel = Some(Param::from_tensor(kernel));
        layer.cell.recurrent_kernel = Some(Param::from_tensor(recurrent_kernel));
        layer.cell.bias =
            (!biases.is_empty()).then(|| Bias::Joint(Param::from_tensor(Tensor::cat(biases, 0))));
        Ok(layer)
    }
}

fn has_burns_activations(cell: &LstmCell) -> bool {
    let settings = &cell.settings;
    (settings.activation, settings.recurrent_activation) == (Activation::Tanh, Activation::Sigmoid)
}

/// burn's module over slices of the cell's weights, whatever the activations.
fn module(cell: &LstmCell) -> Result<burn::nn::Lstm> {
    let weights = cell.weights()?;
    let units = cell.units();
    let (kernel, recurrent) = (&weights.kernel, &weights.recurrent_kernel);
    let features = kernel.dims()[0];
    let mut lstm = LstmConfig::new(features, units, false).init(&kernel.device().inner());
    let slice = |from: &Tensor<2>, gate: usize| {
        Param::initialized(ParamId::new(), from.clone().narrow(1, gate * units, units))
    };
    let fill = |controller: &mut burn::nn::GateController, gate: usize| {
        controller.input_transform.weight = slice(kernel, gate);
        controller.hidden_transform.weight = slice(recurrent, gate);
        controller.input_transform.bias = weights.bias.as_ref().map(|bias| {
            let bias = bias.clone().narrow(1, gate * units, units);
            Param::initialized(ParamId::new(), bias.reshape([units]))
        });
    };
    fill(&mut lstm.input_gate, 0);
    if let Some(forget) = &mut lstm.forget_gate {
        fill(forget, 1);
    }
    fill(&mut lstm.cell_gate, 2);
    fill(&mut lstm.output_gate, 3);
    Ok(lstm)
}

/// Runs the cell by burn's module where that is all that is asked, else by our loop.
///
/// The loop does not step burn's gates: one product for all four is several times faster than theirs, one each.
pub(super) fn run(cell: &LstmCell, sequence: Sequence<'_>) -> Result<Run> {
    let dropped = !(sequence.dropout.input.is_empty() && sequence.dropout.recurrent.is_empty());
    let plain = has_burns_activations(cell) && sequence.mask.is_none() && !dropped;
    let x = sequence.x.clone();
    // burn's module makes its output in the device's own float type, and wants at least one step.
    if !plain || x.dims()[1] == 0 || x.dtype() != DType::F32 {
        return steps::run(cell, sequence);
    }
    let x = if sequence.options.go_backwards {
        x.flip([1])
    } else {
        x
    };
    let state = match sequence.states.as_deref() {
        Some([h, c]) => Some(burn::nn::LstmState::new(c.clone(), h.clone())),
        _ => None,
    };
    let (outputs, state) = module(cell)?.forward(x, state);
    let output = if sequence.options.return_sequences {
        AnyTensor::from(outputs)
    } else {
        AnyTensor::from(state.hidden.clone())
    };
    Ok(Run {
        output,
        states: vec![state.hidden, state.cell],
    })
}
