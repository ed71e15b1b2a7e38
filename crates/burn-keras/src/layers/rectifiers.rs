//! Layers that bend negative values: ReLU and its relatives.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::any_weight::AnyWeight;
use super::basics::layer_basics;
use super::weight_options::weight_setters;
use super::{
    Context, Layer, LayerOptions, WeightBuilder, WeightOptions, WeightRule, describe, only,
};
use crate::activations::{elu, relu};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// `x` above the threshold, `negative_slope (x - threshold)` below it, and never more than `max_value`.
///
/// For the plain `max(x, 0)` an `activation("relu")` on the layer before does the same.
///
/// ```
/// use burn_keras::ndarray::array;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Relu::new().input_shape([3]))?;
/// let y = model.predict(&array![[-2.0, 0.0, 3.0]])?;
/// for (y, wanted) in y.iter().zip([0.0, 0.0, 3.0]) {
///     assert!((y - wanted).abs() < 1e-4_f32, "{y} {wanted}");
/// }
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "ReLU")]
#[derive(Module, Debug)]
pub struct Relu {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    max_value: Option<f32>,
    #[module(skip)]
    negative_slope: f32,
    #[module(skip)]
    threshold: f32,
}

impl Default for Relu {
    fn default() -> Self {
        Self::new()
    }
}

impl Relu {
    /// The layer computing `max(x, 0)`.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
            max_value: None,
            negative_slope: 0.0,
            threshold: 0.0,
        }
    }

    /// The largest value that comes out (none by default); a negative one is reported by `add` or `call`.
    pub fn max_value(mut self, max_value: f32) -> Self {
        self.max_value = Some(not_negative(&mut self.options, "max_value", max_value));
        self
    }

    /// The slope below the threshold (0); a negative one is reported by `add` or `call`.
    pub fn negative_slope(mut self, negative_slope: f32) -> Self {
        self.negative_slope = not_negative(&mut self.options, "negative_slope", negative_slope);
        self
    }

    /// Where the bend is (0); a negative one is reported by `add` or `call`.
    pub fn threshold(mut self, threshold: f32) -> Self {
        self.threshold = not_negative(&mut self.options, "threshold", threshold);
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let layer = Self::new()
            .negative_slope(config.f32_or("negative_slope", 0.0)?)
            .threshold(config.f32_or("threshold", 0.0)?);
        Ok(match config.opt_f32("max_value")? {
            Some(max_value) => layer.max_value(max_value),
            None => layer,
        })
    }
}

fn not_negative(options: &mut LayerOptions, argument: &str, value: f32) -> f32 {
    let valid = if value >= 0.0 {
        Ok(value)
    } else {
        let problem = format!("is {value}; it must be at least 0");
        Err(Error::argument("", "", problem))
    };
    options.accept(argument, valid).unwrap_or_default()
}

impl Layer for Relu {
    layer_basics!("ReLU", "Relu");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let y = relu(
            x.float_rows()?,
            self.negative_slope,
            self.max_value,
            self.threshold,
        );
        Ok(vec![AnyTensor::from_flat(y, &x.shape())?])
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("max_value".to_string(), json!(self.max_value)),
            ("negative_slope".to_string(), json!(self.negative_slope)),
            ("threshold".to_string(), json!(self.threshold)),
        ])
    }
}

/// `x` above 0, `negative_slope x` below.
///
/// The layer's slope is 0.3 unless told otherwise; that of the activation `"leaky_relu"` is 0.2, as in Keras.
///
/// ```
/// use burn_keras::ndarray::array;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(LeakyRelu::new().input_shape([3]))?;
/// let y = model.predict(&array![[-2.0, 0.0, 3.0]])?;
/// for (y, wanted) in y.iter().zip([-0.6, 0.0, 3.0]) {
///     assert!((y - wanted).abs() < 1e-4_f32, "{y} {wanted}");
/// }
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "LeakyReLU")]
#[derive(Module, Debug)]
pub struct LeakyRelu {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    negative_slope: f32,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self::new()
    }
}

impl LeakyRelu {
    /// The layer with slope 0.3.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
            negative_slope: 0.3,
        }
    }

    /// The slope below 0; a negative one is reported by `add` or `call`.
    pub fn negative_slope(mut self, negative_slope: f32) -> Self {
        self.negative_slope = not_negative(&mut self.options, "negative_slope", negative_slope);
        self
    }

    /// Reads the layer's own keys of Keras' configuration; Keras 2 calls the slope `alpha`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let default = config.f32_or("alpha", 0.3)?;
        Ok(Self::new().negative_slope(config.f32_or("negative_slope", default)?))
    }
}

impl Layer for LeakyRelu {
    layer_basics!("LeakyReLU", "LeakyRelu");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let y = relu(x.float_rows()?, self.negative_slope, None, 0.0);
        Ok(vec![AnyTensor::from_flat(y, &x.shape())?])
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("negative_slope".to_string(), json!(self.negative_slope))])
    }
}

/// `x` above 0, `alpha (exp(x) - 1)` below.
///
/// ```
/// use burn_keras::ndarray::array;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Elu::new().input_shape([3]))?;
/// let y = model.predict(&array![[-2.0, 0.0, 3.0]])?;
/// for (y, wanted) in y.iter().zip([-0.8647, 0.0, 3.0]) {
///     assert!((y - wanted).abs() < 1e-4_f32, "{y} {wanted}");
/// }
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "ELU")]
#[derive(Module, Debug)]
pub struct Elu {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    alpha: f32,
}

impl Default for Elu {
    fn default() -> Self {
        Self::new()
    }
}

impl Elu {
    /// The layer with `alpha` 1.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
            alpha: 1.0,
        }
    }

    /// What negative values tend to, with a minus sign (1).
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new().alpha(config.f32_or("alpha", 1.0)?))
    }
}

impl Layer for Elu {
    layer_basics!("ELU", "Elu");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let y = elu(x.float_rows()?, self.alpha);
        Ok(vec![AnyTensor::from_flat(y, &x.shape())?])
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("alpha".to_string(), json!(self.alpha))])
    }
}

/// `x` above 0, `alpha x` below, where `alpha` is learned: one for each value of a sample, or shared along axes.
///
/// He et al., "Delving Deep into Rectifiers" (2015). The weight `alpha` has the shape of a sample, with 1 along shared
/// axes.
///
/// ```
/// use burn_keras::ndarray::array;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(PRelu::new().input_shape([3]))?;
/// let y = model.predict(&array![[-2.0, 0.0, 3.0]])?;
/// for (y, wanted) in y.iter().zip([0.0, 0.0, 3.0]) {
///     assert!((y - wanted).abs() < 1e-4_f32, "{y} {wanted}");
/// }
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "PReLU")]
#[derive(Module, Debug)]
pub struct PRelu {
    alpha: Option<AnyWeight>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    shared_axes: Option<Vec<usize>>,
    #[module(skip)]
    alpha_options: WeightOptions,
}

impl Default for PRelu {
    fn default() -> Self {
        Self::new()
    }
}

impl PRelu {
    /// The layer, its slopes starting at 0.
    pub fn new() -> Self {
        Self {
            alpha: None,
            options: LayerOptions::default(),
            shared_axes: None,
            alpha_options: WeightOptions::new(Initializer::Zeros),
        }
    }

    /// The axes along which a slope is shared, counted from 1: `[1]` shares it over timesteps.
    pub fn shared_axes(mut self, shared_axes: impl Into<Vec<usize>>) -> Self {
        self.shared_axes = Some(shared_axes.into());
        self
    }

    weight_setters! {
        alpha_options, "alpha", "zeros":
            alpha_initializer, alpha_regularizer, alpha_constraint;
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut layer = Self::new();
        if let Some(axes) = config.opt_integers("shared_axes")? {
            let axes: Vec<usize> = axes
                .iter()
                .map(|a| usize::try_from(*a).unwrap_or(0))
                .collect();
            layer = layer.shared_axes(axes);
        }
        layer.alpha_options = WeightOptions::read(config, "alpha", Initializer::Zeros)?;
        Ok(layer)
    }

    /// The shape of `alpha` for an input.
    fn slopes(&self, dims: &Dims) -> Result<Vec<usize>> {
        let shared = self.shared_axes.clone().unwrap_or_default();
        if shared.iter().any(|axis| *axis == 0 || *axis >= dims.rank()) {
            return Err(Error::argument(
                describe(self),
                "shared_axes",
                format!("is {shared:?}; it must name axes of a sample of {dims}, counted from 1"),
            ));
        }
        (1..dims.rank())
            .map(|axis| {
                if shared.contains(&axis) {
                    Some(1)
                } else {
                    dims.axis(axis)
                }
            })
            .collect::<Option<_>>()
            .ok_or_else(|| {
                Error::shape(
                    describe(self),
                    "known sizes of all axes along which slopes differ",
                    dims.in_words(),
                    "Give them a size in `input_shape`, or share them: `.shared_axes([1])`.",
                )
            })
    }
}

impl Layer for PRelu {
    layer_basics!("PReLU", "PRelu");

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let shape = self.slopes(only(inputs)?)?;
        self.alpha = Some(AnyWeight::new(
            weights,
            &shape,
            &self.alpha_options.initializer,
        )?);
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let slopes = self.slopes(dims)?;
        match self.alpha.as_ref().map(|w| w.value().shape()) {
            Some(built) if built != slopes => Err(Error::shape(
                describe(self),
                format!("samples that its slopes of shape {built:?} were built for"),
                dims.in_words(),
                "Use another `PRelu` there (a clone has its own weights).",
            )),
            _ => Ok(vec![dims.clone()]),
        }
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        self.alpha_options.rule("alpha").into_iter().collect()
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let alpha = self.alpha.as_ref().ok_or_else(|| Error::NotBuilt {
            needed_for: describe(self),
        })?;
        let y = x.zip(&alpha.value(), |x, alpha| {
            let above = burn::tensor::activation::relu(x.clone());
            above - alpha * burn::tensor::activation::relu(-x)
        })?;
        Ok(vec![y])
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::from_iter([("shared_axes".to_string(), json!(self.shared_axes))]);
        self.alpha_options.write("alpha", &mut config);
        config
    }
}
