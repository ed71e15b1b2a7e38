//! A fully connected layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn_recurrent::packed::PackedDense;
use serde_json::{Map, Value, json};

use super::weight_options::weight_setters;
use super::{
    Context, Layer, LayerOptions, Packed, WeightBuilder, WeightOptions, WeightRule, describe, only,
};
use crate::activations::{Activation, IntoActivation};
use crate::config::Config;
use crate::dims::Dims;
use crate::error::Cause;
use crate::initializers::Initializer;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// `activation(x · kernel + bias)` along the last axis: `[batch, …, features]` becomes `[batch, …, units]`.
///
/// With `x` of size `features` and the output `y` of size `units`:
///
/// ```text
/// y = activation(x W + b)      W: [features, units]   b: [units]
/// ```
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(10).activation("softmax").input_shape([32]))?;
/// assert_eq!(model.count_params()?, 330);
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Dense {
    kernel: Option<Param<Tensor<2>>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    units: usize,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    use_bias: bool,
    #[module(skip)]
    kernel_options: WeightOptions,
    #[module(skip)]
    bias_options: WeightOptions,
}

impl Dense {
    /// A layer with this many outputs; 0 is reported by `add` or `call`.
    pub fn new(units: usize) -> Self {
        let mut options = LayerOptions::default();
        let units = options.at_least_1("units", units);
        Self {
            kernel: None,
            bias: None,
            options,
            units,
            activation: Activation::Linear,
            use_bias: true,
            kernel_options: WeightOptions::new(Initializer::glorot_uniform()),
            bias_options: WeightOptions::new(Initializer::Zeros),
        }
    }

    /// The function applied to the result (none by default).
    pub fn activation(mut self, activation: impl IntoActivation) -> Self {
        if let Some(found) = self
            .options
            .accept("activation", activation.into_activation())
        {
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

    /// The number of outputs.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_neutral(&["quantization_config", "lora_rank"])?;
        let mut layer = Self::new(config.usize("units")?)
            .activation(config.activation("activation", Activation::Linear)?)
            .use_bias(config.bool_or("use_bias", true)?);
        layer.kernel_options =
            WeightOptions::read(config, "kernel", layer.kernel_options.initializer)?;
        layer.bias_options = WeightOptions::read(config, "bias", layer.bias_options.initializer)?;
        Ok(layer)
    }
}

impl Layer for Dense {
    fn class_name(&self) -> &str {
        "Dense"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = only(inputs)?.last().unwrap_or_default();
        self.kernel =
            Some(weights.weight([features, self.units], &self.kernel_options.initializer)?);
        if self.use_bias {
            self.bias = Some(weights.weight([self.units], &self.bias_options.initializer)?);
        }
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        if dims.rank() < 2 {
            return Err(Error::shape(
                describe(self),
                "at least 2 axes, [batch, features]",
                format!("1 axis, {}", dims.in_words()),
                "Give each sample an axis for its features: for one number a sample, `.input_shape([1])`.",
            ));
        }
        self.activation.check_size(&describe(self), self.units)?;
        let built = self.kernel.as_ref().map(|k| k.lazy_shape()[0]);
        match (dims.last(), built) {
            (None, _) => Err(Error::shape(
                describe(self),
                "a known number of features (the last axis)",
                format!("{}, whose last axis is unknown", dims.in_words()),
                "Give the last axis of `input_shape` a size.",
            )
            .because(Cause::UnknownSize)),
            (Some(last), Some(features)) if last != features => Err(Error::shape(
                describe(self),
                format!(
                    "{}, which its kernel was built for",
                    dims.with_last(Some(features)).in_words()
                ),
                dims.in_words(),
                "Give it an input with that many features, or use another `Dense` there (a clone has its own weights).",
            )),
            _ => Ok(vec![
                dims.with_last(Some(self.activation.output_size(self.units))),
            ]),
        }
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let kernel = self
            .kernel
            .as_ref()
            .ok_or_else(|| Error::NotBuilt {
                needed_for: describe(self),
            })?
            .val();
        let mut shape = x.shape();
        // One GEMM over all rows: burn would otherwise run one for each sample.
        let rows = x.float_rows()?;
        if rows.dims()[1] != kernel.dims()[0] {
            return Err(Error::tensor(
                describe(self),
                format!(
                    "was built for {} features but got the shape {:?}",
                    kernel.dims()[0],
                    shape
                ),
            ));
        }
        let mut y = rows.matmul(kernel);
        if let Some(bias) = &self.bias {
            y = y + bias.val().unsqueeze::<2>();
        }
        let y = self.activation.apply_rows(y);
        if let Some(last) = shape.last_mut() {
            *last = y.dims()[1];
        }
        Ok(vec![AnyTensor::from_flat(y, &shape)?])
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let rules = [
            self.kernel_options.rule("kernel"),
            self.bias_options.rule("bias"),
        ];
        rules.into_iter().flatten().collect()
    }

    fn packed(&self) -> Result<Option<Packed>> {
        let (Some(kernel), Some(activation)) = (
            &self.kernel,
            burn_recurrent::packed::Activation::by_name(self.activation.name()),
        ) else {
            return Ok(None);
        };
        let bias = match &self.bias {
            Some(bias) => Some(AnyTensor::from(bias.val()).to_vec()?),
            None => None,
        };
        let features = kernel.lazy_shape()[0];
        let values = AnyTensor::from(kernel.val()).to_vec()?;
        let layer = PackedDense::new(features, self.units, &values, bias.as_deref())
            .map_err(|e| Error::tensor(describe(self), e.to_string()))?;
        Ok(Some(Packed::Dense { layer, activation }))
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::from_iter([
            ("units".to_string(), json!(self.units)),
            ("activation".to_string(), json!(self.activation.name())),
            ("use_bias".to_string(), json!(self.use_bias)),
        ]);
        self.kernel_options.write("kernel", &mut config);
        self.bias_options.write("bias", &mut config);
        config
    }
}
