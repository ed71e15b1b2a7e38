//! Long short-term memory.

use std::ops::RangeInclusive;

use burn::module::{Module, Param};
use burn::tensor::{Bool, DType, Tensor};
use serde_json::{Map, Value, json};

use super::steps::Run;
use super::{Implementation, RecurrentOptions, check_sequence};
use crate::activations::{Activation, IntoActivation};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::{Initializer, IntoInitializer};
use crate::layers::{Context, Layer, LayerOptions, MaskPolicy, Packed, WeightBuilder, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod burn_module;
mod fused;
mod packed;

/// The four gates in the order in which the weights hold them: input, forget, candidate, output.
const GATES: usize = 4;

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
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 8, 32)");
/// model.add(Lstm::new(32))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "LSTM")]
#[derive(Module, Debug)]
pub struct Lstm {
    kernel: Option<Param<Tensor<2>>>,
    recurrent_kernel: Option<Param<Tensor<2>>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    recurrent: RecurrentOptions,
    #[module(skip)]
    settings: Settings,
}

#[derive(Clone, Debug)]
struct Settings {
    units: usize,
    activation: Activation,
    recurrent_activation: Activation,
    use_bias: bool,
    unit_forget_bias: bool,
    kernel_initializer: Initializer,
    recurrent_initializer: Initializer,
    bias_initializer: Initializer,
    implementation: Implementation,
}

impl Lstm {
    /// A layer with states of this size; 0 is reported by `add` or `call`.
    pub fn new(units: usize) -> Self {
        let mut options = LayerOptions::default();
        let units = options.at_least_1("units", units);
        Self {
            kernel: None,
            recurrent_kernel: None,
            bias: None,
            options,
            recurrent: RecurrentOptions::default(),
            settings: Settings {
                units,
                activation: Activation::Tanh,
                recurrent_activation: Activation::Sigmoid,
                use_bias: true,
                unit_forget_bias: true,
                kernel_initializer: Initializer::glorot_uniform(),
                recurrent_initializer: Initializer::orthogonal(),
                bias_initializer: Initializer::Zeros,
                implementation: Implementation::Auto,
            },
        }
    }

    /// Whether every step's output comes out, `[batch, timesteps, units]`, instead of the last one's, `[batch, units]`.
    ///
    /// A recurrent layer that feeds another one needs it.
    pub fn return_sequences(mut self, return_sequences: bool) -> Self {
        self.recurrent.return_sequences = return_sequences;
        self
    }

    /// Whether the last states `h` and `c`, `[batch, units]` each, come out after the output.
    ///
    /// Such a layer has three outputs, so it goes into a functional [`Model`](crate::models::Model).
    pub fn return_state(mut self, return_state: bool) -> Self {
        self.recurrent.return_state = return_state;
        self
    }

    /// Whether the sequence is read from its last step to its first; outputs come in the order they were computed.
    pub fn go_backwards(mut self, go_backwards: bool) -> Self {
        self.recurrent.go_backwards = go_backwards;
        self
    }

    /// Whether masked steps put out zeros instead of the output before them.
    pub fn zero_output_for_mask(mut self, zero_output_for_mask: bool) -> Self {
        self.recurrent.zero_output_for_mask = zero_output_for_mask;
        self
    }

    /// The function of the candidate and of the output (`"tanh"`).
    pub fn activation(mut self, activation: impl IntoActivation) -> Self {
        if let Some(found) = self
            .options
            .accept("activation", same_size(activation.into_activation()))
        {
            self.settings.activation = found;
        }
        self
    }

    /// The function of the gates (`"sigmoid"`).
    pub fn recurrent_activation(mut self, activation: impl IntoActivation) -> Self {
        if let Some(found) = self.options.accept(
            "recurrent_activation",
            same_size(activation.into_activation()),
        ) {
            self.settings.recurrent_activation = found;
        }
        self
    }

    /// Whether there is a bias (there is by default).
    pub fn use_bias(mut self, use_bias: bool) -> Self {
        self.settings.use_bias = use_bias;
        self
    }

    /// Whether the forget gate's bias starts at 1 (it does by default), as Jozefowicz et al. (2015) recommend.
    pub fn unit_forget_bias(mut self, unit_forget_bias: bool) -> Self {
        self.settings.unit_forget_bias = unit_forget_bias;
        self
    }

    /// How the kernel starts (`"glorot_uniform"`, over the whole `[features, 4 * units]`).
    pub fn kernel_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        if let Some(found) = self
            .options
            .accept("kernel_initializer", initializer.into_initializer())
        {
            self.settings.kernel_initializer = found;
        }
        self
    }

    /// How the recurrent kernel starts (`"orthogonal"`, over the whole `[units, 4 * units]`).
    pub fn recurrent_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        if let Some(found) = self
            .options
            .accept("recurrent_initializer", initializer.into_initializer())
        {
            self.settings.recurrent_initializer = found;
        }
        self
    }

    /// How the bias starts (`"zeros"`, but 1 for the forget gate with `unit_forget_bias`).
    pub fn bias_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        if let Some(found) = self
            .options
            .accept("bias_initializer", initializer.into_initializer())
        {
            self.settings.bias_initializer = found;
        }
        self
    }

    /// Which implementation computes (the fastest that applies).
    pub fn implementation(mut self, implementation: Implementation) -> Self {
        self.settings.implementation = implementation;
        self
    }

    /// The size of its states.
    pub fn units(&self) -> usize {
        self.settings.units
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_neutral(&[
            "kernel_regularizer",
            "recurrent_regularizer",
            "bias_regularizer",
            "activity_regularizer",
            "kernel_constraint",
            "recurrent_constraint",
            "bias_constraint",
            "dropout",
            "recurrent_dropout",
        ])?;
        let mut layer = Self::new(config.usize("units")?)
            .activation(config.activation("activation", Activation::Tanh)?)
            .recurrent_activation(config.activation("recurrent_activation", Activation::Sigmoid)?)
            .use_bias(config.bool_or("use_bias", true)?)
            .unit_forget_bias(config.bool_or("unit_forget_bias", true)?)
            .kernel_initializer(
                config.initializer("kernel_initializer", Initializer::glorot_uniform())?,
            )
            .recurrent_initializer(
                config.initializer("recurrent_initializer", Initializer::orthogonal())?,
            )
            .bias_initializer(config.initializer("bias_initializer", Initializer::Zeros)?);
        layer.recurrent = RecurrentOptions::read(config)?;
        Ok(layer)
    }
}

/// Refuses an activation whose result has another size than what it is applied to.
fn same_size(activation: Result<Activation>) -> Result<Activation> {
    match activation {
        Ok(Activation::Glu) => Err(Error::argument(
            "",
            "",
            "is \"glu\", which halves its input; a gate needs one that keeps the size",
        )),
        other => other,
    }
}

impl Lstm {
    /// Runs the layer by the implementation that was asked for, or the fastest that applies.
    fn run(
        &self,
        x: Tensor<3>,
        states: Option<[Tensor<2>; 2]>,
        mask: Option<Tensor<2, Bool>>,
    ) -> Result<Run> {
        match self.settings.implementation {
            Implementation::Burn => self.run_burn(x, states, mask),
            Implementation::Fused => self.run_fused(x, states, mask),
            Implementation::Auto => {
                if self.not_fused(&x.device(), x.dtype()).is_none() {
                    self.run_fused(x, states, mask)
                } else {
                    self.run_burn(x, states, mask)
                }
            }
        }
    }
}

impl Layer for Lstm {
    fn class_name(&self) -> &str {
        "LSTM"
    }

    fn type_name(&self) -> &str {
        "Lstm"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn input_count(&self) -> RangeInclusive<usize> {
        1..=3
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = check_sequence(&describe(self), crate::layers::only(inputs)?)?;
        let settings = &self.settings;
        let units = settings.units;
        let width = GATES.saturating_mul(units);
        self.kernel = Some(weights.weight([features, width], &settings.kernel_initializer)?);
        self.recurrent_kernel =
            Some(weights.weight([units, width], &settings.recurrent_initializer)?);
        if settings.use_bias {
            let initializer = &settings.bias_initializer;
            let bias = if settings.unit_forget_bias {
                // Keras draws twice: for the input gate, and for candidate and output together.
                let mut values = initializer.values(&[units], weights.generator())?;
                values.extend(vec![1.0; units]);
                values.extend(initializer.values(&[2 * units], weights.generator())?);
                weights.weight_from([width], values)
            } else {
                weights.weight([width], initializer)?
            };
            self.bias = Some(bias);
        }
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let place = describe(self);
        let units = self.settings.units;
        let (x, states) = inputs
            .split_first()
            .ok_or_else(|| Error::tensor(&place, "was called without an input"))?;
        let features = check_sequence(&place, x)?;
        if let Some(kernel) = &self.kernel {
            let built = kernel.lazy_shape()[0];
            if built != features {
                return Err(Error::shape(
                    place,
                    format!(
                        "[batch, timesteps, features = {built}], which its kernel was built for"
                    ),
                    x.named(&["batch", "timesteps", "features"]),
                    "Give it an input with that many features, or use another `Lstm` there (a clone has its own weights).",
                ));
            }
        }
        if states.len() == 1 {
            return Err(Error::Model(format!(
                "{place} takes both initial states or none: call it with `(&x, &h, &c)`"
            )));
        }
        for (state, name) in states.iter().zip(["h", "c"]) {
            let fits = state.rank() == 2 && state.last() == Some(units);
            if !fits {
                return Err(Error::shape(
                    place,
                    format!("an initial state {name} of shape [batch, units = {units}]"),
                    state.to_string(),
                    format!(
                        "Use a layer with {units} units to make that state, or `Input::new([{units}])`."
                    ),
                ));
            }
        }
        Ok(self.recurrent.output_dims(x, units, &[units, units]))
    }

    fn output_names(&self) -> Vec<&'static str> {
        let output = if self.recurrent.return_sequences {
            "sequence"
        } else {
            "output"
        };
        if self.recurrent.return_state {
            vec![output, "h", "c"]
        } else {
            vec![output]
        }
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let (input, states) = inputs
            .split_first()
            .ok_or_else(|| Error::tensor(describe(self), "was called without an input"))?;
        let x = input.float::<3>()?;
        let built = self.kernel.as_ref().map(|k| k.lazy_shape()[0]);
        if built.is_some_and(|features| features != x.dims()[2]) {
            return Err(Error::tensor(
                describe(self),
                format!(
                    "was built for {} features but got the shape {:?}",
                    built.unwrap_or_default(),
                    x.dims()
                ),
            ));
        }
        let mask = input.mask().cloned();
        let states = match states {
            [h, c] => Some([h.float::<2>()?, c.float::<2>()?]),
            _ => None,
        };
        let Run { output, states } = self.run(x, states, mask.clone())?;
        let output = if self.recurrent.return_sequences {
            output.with_mask(mask)
        } else {
            output
        };
        let mut outputs = vec![output];
        if self.recurrent.return_state {
            outputs.extend(states.into_iter().map(AnyTensor::from));
        }
        Ok(outputs)
    }

    fn packed(&self) -> Result<Option<Packed>> {
        self.pack()
    }

    fn note(&self) -> Option<String> {
        let kernel = self.kernel.as_ref()?;
        Some(match self.settings.implementation {
            Implementation::Burn => "Run by burn's module, as asked for".to_string(),
            Implementation::Fused | Implementation::Auto => {
                match self.not_fused(&kernel.lazy_device(), DType::F32) {
                    None => "Run fused".to_string(),
                    Some(reason) => format!("Run by burn's module ({reason})"),
                }
            }
        })
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn config(&self) -> Map<String, Value> {
        let settings = &self.settings;
        let mut config = Map::new();
        self.recurrent.write(&mut config);
        config.extend([
            ("units".to_string(), json!(settings.units)),
            ("activation".to_string(), json!(settings.activation.name())),
            (
                "recurrent_activation".to_string(),
                json!(settings.recurrent_activation.name()),
            ),
            ("use_bias".to_string(), json!(settings.use_bias)),
            (
                "kernel_initializer".to_string(),
                settings.kernel_initializer.to_config(),
            ),
            (
                "recurrent_initializer".to_string(),
                settings.recurrent_initializer.to_config(),
            ),
            (
                "bias_initializer".to_string(),
                settings.bias_initializer.to_config(),
            ),
            (
                "unit_forget_bias".to_string(),
                json!(settings.unit_forget_bias),
            ),
            ("kernel_regularizer".to_string(), Value::Null),
            ("recurrent_regularizer".to_string(), Value::Null),
            ("bias_regularizer".to_string(), Value::Null),
            ("activity_regularizer".to_string(), Value::Null),
            ("kernel_constraint".to_string(), Value::Null),
            ("recurrent_constraint".to_string(), Value::Null),
            ("bias_constraint".to_string(), Value::Null),
            ("dropout".to_string(), json!(0.0)),
            ("recurrent_dropout".to_string(), json!(0.0)),
            ("seed".to_string(), Value::Null),
        ]);
        config
    }
}
