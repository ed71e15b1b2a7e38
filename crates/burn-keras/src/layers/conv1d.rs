//! Convolution over timesteps.

use burn::module::{Module, Param};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::weight_options::weight_setters;
use super::windows::{IntoPadding, Padding, Windows};
use super::{
    Context, Layer, LayerOptions, MaskPolicy, WeightBuilder, WeightOptions, WeightRule, describe,
    only,
};
use crate::activations::{Activation, IntoActivation};
use crate::config::Config;
use crate::dims::Dims;
use crate::error::Cause;
use crate::initializers::Initializer;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Slides filters over timesteps: `[batch, timesteps, features]` becomes `[batch, windows, filters]`.
///
/// For the window that begins at step `t`, with the kernel `W` of shape `[kernel_size, features, filters]`:
///
/// ```text
/// y[t] = activation(Σ_k x[t * strides + k * dilation_rate] W[k] + b)
/// ```
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Conv1d::new(8, 3).padding("causal").activation("relu").input_shape([31, 25]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 31, 8)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "Conv1D")]
#[derive(Module, Debug)]
pub struct Conv1d {
    kernel: Option<Param<Tensor<3>>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    filters: usize,
    #[module(skip)]
    windows: Windows,
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    use_bias: bool,
    #[module(skip)]
    kernel_options: WeightOptions,
    #[module(skip)]
    bias_options: WeightOptions,
}

impl Conv1d {
    /// The layer with this many filters over windows of `kernel_size` steps; 0 is reported by `add` or `call`.
    pub fn new(filters: usize, kernel_size: usize) -> Self {
        let mut options = LayerOptions::default();
        let filters = options.at_least_1("filters", filters);
        let size = options.at_least_1("kernel_size", kernel_size);
        Self {
            kernel: None,
            bias: None,
            options,
            filters,
            windows: Windows {
                size,
                strides: 1,
                dilation: 1,
                padding: Padding::Valid,
            },
            groups: 1,
            activation: Activation::Linear,
            use_bias: true,
            kernel_options: WeightOptions::new(Initializer::glorot_uniform()),
            bias_options: WeightOptions::new(Initializer::Zeros),
        }
    }

    /// How many steps lie between the beginnings of two windows (1).
    pub fn strides(mut self, strides: usize) -> Self {
        self.windows.strides = self.options.at_least_1("strides", strides);
        self
    }

    /// How many steps lie between two steps that a filter sees (1: it sees neighbours).
    pub fn dilation_rate(mut self, dilation_rate: usize) -> Self {
        self.windows.dilation = self.options.at_least_1("dilation_rate", dilation_rate);
        self
    }

    /// What happens at the ends: `"valid"` (the default), `"same"` or `"causal"`.
    pub fn padding(mut self, padding: impl IntoPadding) -> Self {
        if let Some(found) = self.options.accept("padding", padding.into_padding()) {
            self.windows.padding = found;
        }
        self
    }

    /// In how many groups features and filters are split, each filter seeing only its group's features (1).
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = self.options.at_least_1("groups", groups);
        self
    }

    /// The function applied to the result (none by default).
    pub fn activation(mut self, activation: impl IntoActivation) -> Self {
        let found = activation.into_activation();
        if let Some(found) = self.options.accept("activation", found) {
            self.activation = found;
        }
        self
    }

    /// Whether there is a bias (there is by default).
    pub fn use_bias(mut self, use_bias: bool) -> Self {
        self.use_bias = use_bias;
        self
    }

    weight_setters! {
        kernel_options, "the kernel", "glorot_uniform":
            kernel_initializer, kernel_regularizer, kernel_constraint;
        bias_options, "the bias", "zeros":
            bias_initializer, bias_regularizer, bias_constraint;
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_channels_last()?;
        config.must_be_neutral(&["quantization_config", "lora_rank"])?;
        let mut layer = Self::new(config.usize("filters")?, config.size_or("kernel_size", 0)?)
            .strides(config.size_or("strides", 1)?)
            .dilation_rate(config.size_or("dilation_rate", 1)?)
            .padding(Windows::read_padding(config)?)
            .groups(config.usize_or("groups", 1)?)
            .activation(config.activation("activation", Activation::Linear)?)
            .use_bias(config.bool_or("use_bias", true)?);
        layer.kernel_options =
            WeightOptions::read(config, "kernel", layer.kernel_options.initializer)?;
        layer.bias_options = WeightOptions::read(config, "bias", layer.bias_options.initializer)?;
        Ok(layer)
    }

    /// Checks what the arguments must be together.
    fn check(&self, features: usize) -> Result<()> {
        let place = describe(self);
        if self.windows.strides > 1 && self.windows.dilation > 1 {
            return Err(Error::argument(
                place,
                "strides",
                "and dilation_rate are both over 1; Keras allows only one of them to be",
            ));
        }
        if !self.filters.is_multiple_of(self.groups) || !features.is_multiple_of(self.groups) {
            let (filters, groups) = (self.filters, self.groups);
            return Err(Error::argument(
                place,
                "groups",
                format!(
                    "is {groups}; it must divide both the {filters} filters and the {features} features"
                ),
            ));
        }
        self.activation.check_size(&place, self.filters)
    }
}

impl Layer for Conv1d {
    layer_basics!("Conv1D", "Conv1d");

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = only(inputs)?.last().unwrap_or_default();
        let shape = [self.windows.size, features / self.groups, self.filters];
        self.kernel = Some(weights.weight(shape, &self.kernel_options.initializer)?);
        if self.use_bias {
            self.bias = Some(weights.weight([self.filters], &self.bias_options.initializer)?);
        }
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let place = describe(self);
        let size = self.activation.output_size(self.filters);
        let output = self.windows.output_dims(&place, dims, Some(size))?;
        let features = dims.last().ok_or_else(|| {
            Error::shape(
                &place,
                "a known number of features (the last axis)",
                dims.in_words(),
                "Give the last axis of `input_shape` a size; only timesteps may be `None`.",
            )
            .because(Cause::UnknownSize)
        })?;
        self.check(features)?;
        let built = self
            .kernel
            .as_ref()
            .map(|k| k.lazy_shape()[1] * self.groups);
        match built {
            Some(built) if built != features => Err(Error::shape(
                place,
                format!("[batch, timesteps, features = {built}], which its kernel was built for"),
                dims.in_words(),
                "Give it an input with that many features, or use another `Conv1d` there (a clone has its own weights).",
            )),
            _ => Ok(vec![output]),
        }
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let rules = [
            self.kernel_options.rule("kernel"),
            self.bias_options.rule("bias"),
        ];
        rules.into_iter().flatten().collect()
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let kernel = self.kernel.as_ref().ok_or_else(|| Error::NotBuilt {
            needed_for: describe(self),
        })?;
        let x: Tensor<3> = only(inputs)?.float()?;
        let [_, steps, features] = x.dims();
        if kernel.lazy_shape()[1] * self.groups != features {
            return Err(Error::tensor(
                describe(self),
                format!("was not built for {features} features"),
            ));
        }
        self.windows.count(&describe(self), steps)?;
        let options = ConvOptions::new_with_padding(
            [self.windows.strides],
            [self.windows.ends(steps)],
            [self.windows.dilation],
            self.groups,
        );
        // burn has features before timesteps, and filters first in the kernel.
        let kernel = kernel.val().permute([2, 1, 0]);
        let bias = self.bias.as_ref().map(Param::val);
        let y = module::conv1d(x.swap_dims(1, 2), kernel, bias, options).swap_dims(1, 2);
        Ok(vec![self.activation.apply(&y.into())?])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::from_iter([
            ("filters".to_string(), json!(self.filters)),
            ("kernel_size".to_string(), json!([self.windows.size])),
            ("strides".to_string(), json!([self.windows.strides])),
            ("padding".to_string(), json!(self.windows.padding.name())),
            ("data_format".to_string(), json!("channels_last")),
            ("dilation_rate".to_string(), json!([self.windows.dilation])),
            ("groups".to_string(), json!(self.groups)),
            ("activation".to_string(), json!(self.activation.name())),
            ("use_bias".to_string(), json!(self.use_bias)),
        ]);
        self.kernel_options.write("kernel", &mut config);
        self.bias_options.write("bias", &mut config);
        config
    }
}
