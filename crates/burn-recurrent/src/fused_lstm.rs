//! A drop-in for burn's own LSTM module.

use crate::error::{Error, Result};
use crate::lstm::{self, LstmWeights};
use crate::sequence::Options;
use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::activation::Activation;
use burn::nn::{GateController, Lstm, LstmState};

/// Does what a [`burn::nn::Lstm`] does, as one operation.
///
/// It has the same `forward`, and holds the same weights in fewer tensors: the gates side by side, in
/// the order `i, f, c, o`, and the two biases of each gate added up. A trained module converts with
/// `try_from`; training goes on from there.
///
/// ```
/// use burn::nn::LstmConfig;
/// use burn::tensor::{Device, Distribution, Tensor};
/// use burn_recurrent::FusedLstm;
///
/// let device = Device::flex();
/// let module = LstmConfig::new(3, 4, true).init(&device);
/// let fused = FusedLstm::try_from(&module)?;
///
/// let x = Tensor::<3>::random([2, 5, 3], Distribution::Default, &device);
/// let (theirs, _) = module.forward(x.clone(), None);
/// let (ours, state) = fused.forward(x, None);
/// theirs.into_data().assert_approx_eq::<f32>(&ours.into_data(), Default::default());
/// assert_eq!(state.hidden.dims(), [2, 4]);
/// # Ok::<(), burn_recurrent::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct FusedLstm {
    /// `[features, 4 * units]`
    pub kernel: Param<Tensor<2>>,
    /// `[units, 4 * units]`
    pub recurrent_kernel: Param<Tensor<2>>,
    /// `[4 * units]`
    pub bias: Option<Param<Tensor<1>>>,
    /// Whether the input is `[batch, timesteps, features]`, not `[timesteps, batch, features]`.
    pub batch_first: bool,
    /// Whether the last time step is processed first.
    pub reverse: bool,
}

impl FusedLstm {
    /// All outputs, in the input's time order and layout, and the final states `[batch, units]`.
    ///
    /// # Panics
    ///
    /// Where [`try_forward`](Self::try_forward) gives an error, as burn's module does.
    pub fn forward(
        &self,
        input: Tensor<3>,
        state: Option<LstmState<2>>,
    ) -> (Tensor<3>, LstmState<2>) {
        match self.try_forward(input, state) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// All outputs, in the input's time order and layout, and the final states `[batch, units]`.
    ///
    /// # Errors
    ///
    /// As for [`lstm`](crate::lstm).
    pub fn try_forward(
        &self,
        input: Tensor<3>,
        state: Option<LstmState<2>>,
    ) -> Result<(Tensor<3>, LstmState<2>)> {
        let swap = |tensor: Tensor<3>| match self.batch_first {
            true => tensor,
            false => tensor.swap_dims(0, 1),
        };
        let weights = LstmWeights {
            kernel: self.kernel.val(),
            recurrent_kernel: self.recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Param::val),
        };
        let state = state.map(|state| lstm::LstmState {
            h: state.hidden,
            c: state.cell,
        });
        let options = Options {
            return_sequences: true,
            return_state: true,
            reverse: self.reverse,
            restore_order: true,
            ..Options::default()
        };
        let output = lstm::lstm(swap(input), weights, state, &options)?;
        match (output.sequence, output.state) {
            (Some(sequence), Some(state)) => Ok((
                swap(sequence),
                LstmState {
                    cell: state.c,
                    hidden: state.h,
                },
            )),
            // Both were asked for.
            _ => Err(Error::Empty {
                dimension: "timesteps",
            }),
        }
    }
}

impl TryFrom<&Lstm> for FusedLstm {
    type Error = Error;

    /// Takes over a module's weights and settings.
    ///
    /// # Errors
    ///
    /// If the module uses `clip`, `input_forget`, or activations other than sigmoid and tanh.
    fn try_from(module: &Lstm) -> Result<Self> {
        if let Some(clip) = module.clip {
            return Err(Error::UnsupportedOption {
                option: "clip",
                value: clip.to_string(),
            });
        }
        let forget = match (&module.forget_gate, module.input_forget) {
            (Some(gate), false) => gate,
            _ => {
                let value = module.input_forget.to_string();
                return Err(Error::UnsupportedOption {
                    option: "input_forget",
                    value,
                });
            }
        };
        for (role, activation, fused) in [
            ("gate_activation", &module.gate_activation, "Sigmoid"),
            ("cell_activation", &module.cell_activation, "Tanh"),
            ("hidden_activation", &module.hidden_activation, "Tanh"),
        ] {
            let fits = match activation {
                Activation::Sigmoid(_) => fused == "Sigmoid",
                Activation::Tanh(_) => fused == "Tanh",
                _ => false,
            };
            if !fits {
                let full = format!("{activation:?}");
                let name = full.split(['(', ' ']).next().unwrap_or_default().to_owned();
                return Err(Error::UnsupportedActivation { role, name, fused });
            }
        }
        let gates = [
            &module.input_gate,
            forget,
            &module.cell_gate,
            &module.output_gate,
        ];
        let weights = |weight: fn(&GateController) -> Tensor<2>| {
            let weights = gates.map(|gate| weight(gate).detach());
            Param::from_tensor(Tensor::cat(weights.to_vec(), 1).detach())
        };
        let biases = gates.map(|gate| {
            let input = gate
                .input_transform
                .bias
                .as_ref()
                .map(|bias| bias.val().detach());
            let hidden = gate
                .hidden_transform
                .bias
                .as_ref()
                .map(|bias| bias.val().detach());
            match (input, hidden) {
                (Some(input), Some(hidden)) => Some(input + hidden),
                (one, other) => one.or(other),
            }
        });
        let bias = match biases {
            [Some(i), Some(f), Some(c), Some(o)] => Some(Param::from_tensor(
                Tensor::cat(vec![i, f, c, o], 0).detach(),
            )),
            _ => None,
        };
        Ok(Self {
            kernel: weights(|gate| gate.input_transform.weight.val()),
            recurrent_kernel: weights(|gate| gate.hidden_transform.weight.val()),
            bias,
            batch_first: module.batch_first,
            reverse: module.reverse,
        })
    }
}
