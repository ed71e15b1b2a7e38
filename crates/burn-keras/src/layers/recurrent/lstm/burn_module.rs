//! The LSTM as burn's own module: taken over from it, handed to it, run by it.

use burn::module::{Param, ParamId};
use burn::nn::LstmConfig;
use burn::tensor::{Bool, DType, Tensor};

use super::{GATES, Lstm, Settings};
use crate::activations::Activation;
use crate::layers::describe;
use crate::layers::recurrent::steps::{self, Run, Step};
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
        let settings = &self.settings;
        if (settings.activation, settings.recurrent_activation)
            != (Activation::Tanh, Activation::Sigmoid)
        {
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
        self.gates()
    }

    /// burn's module over slices of the weights, whatever the activations.
    fn gates(&self) -> Result<burn::nn::Lstm> {
        let (Some(kernel), Some(recurrent)) = (&self.kernel, &self.recurrent_kernel) else {
            return Err(Error::NotBuilt {
                needed_for: describe(self),
            });
        };
        let (kernel, recurrent) = (kernel.val(), recurrent.val());
        let units = self.settings.units;
        let features = kernel.dims()[0];
        let mut lstm = LstmConfig::new(features, units, false).init(&kernel.device().inner());
        let bias = self.bias.as_ref().map(Param::val);
        let slice = |from: &Tensor<2>, gate: usize| {
            Param::initialized(ParamId::new(), from.clone().narrow(1, gate * units, units))
        };
        let fill = |controller: &mut burn::nn::GateController, gate: usize| {
            controller.input_transform.weight = slice(&kernel, gate);
            controller.hidden_transform.weight = slice(&recurrent, gate);
            controller.input_transform.bias = bias.as_ref().map(|b| {
                Param::initialized(ParamId::new(), b.clone().narrow(0, gate * units, units))
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
        let mut layer = Self::new(lstm.d_hidden).return_sequences(true);
        layer.kernel = Some(Param::from_tensor(joined(&|g| {
            g.input_transform.weight.val()
        })));
        layer.recurrent_kernel = Some(Param::from_tensor(joined(&|g| {
            g.hidden_transform.weight.val()
        })));
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
        if !biases.is_empty() && biases.len() != GATES {
            return refuse(
                "bias",
                "is missing in some of the gates; all or none must have one",
            );
        }
        layer.settings.use_bias = !biases.is_empty();
        layer.bias = layer
            .settings
            .use_bias
            .then(|| Param::from_tensor(Tensor::cat(biases, 0)));
        Ok(layer)
    }

    /// Runs the layer by burn's module: its own `forward` where that is all that is asked, else our loop over its
    /// gates.
    pub(super) fn run_burn(
        &self,
        x: Tensor<3>,
        states: Option<[Tensor<2>; 2]>,
        mask: Option<Tensor<2, Bool>>,
    ) -> Result<Run> {
        let gates = self.gates()?;
        let settings = &self.settings;
        let plain = (settings.activation, settings.recurrent_activation)
            == (Activation::Tanh, Activation::Sigmoid);
        let [batch, timesteps, _] = x.dims();
        // burn's module makes its output in the device's own float type.
        if plain && mask.is_none() && timesteps > 0 && x.dtype() == DType::F32 {
            let x = if self.recurrent.go_backwards {
                x.flip([1])
            } else {
                x
            };
            let state = states.map(|[h, c]| burn::nn::LstmState::new(c, h));
            let (sequence, state) = gates.forward(x, state);
            let output = if self.recurrent.return_sequences {
                AnyTensor::from(sequence)
            } else {
                AnyTensor::from(state.hidden.clone())
            };
            return Ok(Run {
                output,
                states: vec![state.hidden, state.cell],
            });
        }
        let states = states.map_or_else(
            || vec![Tensor::zeros([batch, settings.units], (&x.device(), x.dtype())); 2],
            Vec::from,
        );
        let cell = BurnCell { gates, settings };
        steps::run(&cell, x, states, mask, &self.recurrent)
    }
}

/// One step computed by the gates of burn's module, with any activation.
struct BurnCell<'a> {
    gates: burn::nn::Lstm,
    settings: &'a Settings,
}

impl Step for BurnCell<'_> {
    fn step(&self, x: Tensor<2>, states: &[Tensor<2>]) -> (Tensor<2>, Vec<Tensor<2>>) {
        let [h, c] = [&states[0], &states[1]];
        let (outer, inner) = (self.settings.activation, self.settings.recurrent_activation);
        let product = |gate: &burn::nn::GateController| gate.gate_product(x.clone(), h.clone());
        let i = inner.apply_rows(product(&self.gates.input_gate));
        let candidate = outer.apply_rows(product(&self.gates.cell_gate));
        let o = inner.apply_rows(product(&self.gates.output_gate));
        let kept = match &self.gates.forget_gate {
            Some(forget) => inner.apply_rows(product(forget)) * c.clone(),
            None => c.zeros_like(),
        };
        let c = kept + i * candidate;
        let h = o * outer.apply_rows(c.clone());
        (h.clone(), vec![h, c])
    }
}
