//! Normalization of each sample by itself.

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::any_weight::AnyWeight;
use super::basics::layer_basics;
use super::weight_options::weight_setters;
use super::{
    Context, Layer, LayerOptions, WeightBuilder, WeightOptions, WeightRule, describe, only,
};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Makes the values along an axis (or several) have mean 0 and variance 1, in every sample and step by itself, then
/// scales and shifts them.
///
/// ```text
/// y = gamma (x - mean) / √(variance + epsilon) + beta
/// ```
///
/// Ba, Kiros and Hinton, "Layer Normalization" (2016). Training and predicting are the same. Weights: `gamma` and
/// `beta`, with the normalized axes as their shape.
#[derive(Module, Debug)]
pub struct LayerNormalization {
    gamma: Option<AnyWeight>,
    beta: Option<AnyWeight>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    axis: Vec<i64>,
    #[module(skip)]
    epsilon: f32,
    #[module(skip)]
    center: bool,
    #[module(skip)]
    scale: bool,
    #[module(skip)]
    gamma_options: WeightOptions,
    #[module(skip)]
    beta_options: WeightOptions,
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl LayerNormalization {
    /// The layer over the last axis.
    pub fn new() -> Self {
        Self {
            gamma: None,
            beta: None,
            options: LayerOptions::default(),
            axis: vec![-1],
            epsilon: 1e-3,
            center: true,
            scale: true,
            gamma_options: WeightOptions::new(Initializer::Ones),
            beta_options: WeightOptions::new(Initializer::Zeros),
        }
    }

    /// The axes that are normalized together (`[-1]`, the last).
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> Self {
        self.axis = axis.into();
        self
    }

    /// What is added to the variance before dividing (0.001).
    pub fn epsilon(mut self, epsilon: f32) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether `beta` is added (it is by default).
    pub fn center(mut self, center: bool) -> Self {
        self.center = center;
        self
    }

    /// Whether it is multiplied by `gamma` (it is by default).
    pub fn scale(mut self, scale: bool) -> Self {
        self.scale = scale;
        self
    }

    weight_setters! {
        gamma_options, "gamma", "ones":
            gamma_initializer, gamma_regularizer, gamma_constraint;
        beta_options, "beta", "zeros":
            beta_initializer, beta_regularizer, beta_constraint;
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_neutral(&["rms_scaling"])?;
        let mut layer = Self::new()
            .axis(config.opt_integers("axis")?.unwrap_or_else(|| vec![-1]))
            .epsilon(config.f32_or("epsilon", 1e-3)?)
            .center(config.bool_or("center", true)?)
            .scale(config.bool_or("scale", true)?);
        layer.gamma_options = WeightOptions::read(config, "gamma", Initializer::Ones)?;
        layer.beta_options = WeightOptions::read(config, "beta", Initializer::Zeros)?;
        Ok(layer)
    }

    /// The normalized axes, counted from the front and in order.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let axes: Option<Vec<usize>> = self
            .axis
            .iter()
            .map(|axis| super::axis_from_front(*axis, rank).filter(|a| *a > 0))
            .collect();
        let mut axes = axes.filter(|axes| !axes.is_empty()).ok_or_else(|| {
            Error::argument(
                describe(self),
                "axis",
                format!(
                    "is {:?}; it must name axes of a sample of {rank} axes",
                    self.axis
                ),
            )
        })?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    fn sizes(&self, dims: &Dims) -> Result<Vec<usize>> {
        let axes = self.axes(dims.rank())?;
        let sizes: Option<Vec<usize>> = axes.iter().map(|axis| dims.axis(*axis)).collect();
        sizes.ok_or_else(|| {
            Error::shape(
                describe(self),
                format!("known sizes of the axes {axes:?}, which it normalizes"),
                dims.in_words(),
                "Give those axes of `input_shape` a size.",
            )
        })
    }
}

impl Layer for LayerNormalization {
    layer_basics!("LayerNormalization");

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let sizes = self.sizes(only(inputs)?)?;
        if self.scale {
            self.gamma = Some(AnyWeight::new(
                weights,
                &sizes,
                &self.gamma_options.initializer,
            )?);
        }
        if self.center {
            self.beta = Some(AnyWeight::new(
                weights,
                &sizes,
                &self.beta_options.initializer,
            )?);
        }
        // As Keras writes it once the number of axes is known.
        let axes = self.axes(only(inputs)?.rank())?;
        self.axis = axes.into_iter().map(|a| a as i64).collect();
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let sizes = self.sizes(dims)?;
        let built = self
            .gamma
            .as_ref()
            .or(self.beta.as_ref())
            .map(|w| w.value().shape());
        match built {
            Some(built) if built != sizes => Err(Error::shape(
                describe(self),
                format!(
                    "sizes {built:?} along the axes {:?}, which it was built for",
                    self.axis
                ),
                dims.in_words(),
                "Use another `LayerNormalization` there (a clone has its own weights).",
            )),
            _ => Ok(vec![dims.clone()]),
        }
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let rules = [
            self.gamma_options.rule("gamma"),
            self.beta_options.rule("beta"),
        ];
        rules.into_iter().flatten().collect()
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let input = only(inputs)?;
        let rank = input.rank();
        let axes = self.axes(rank)?;
        // The normalized axes go last, and everything becomes [rows, values].
        let order: Vec<usize> = (0..rank)
            .filter(|a| !axes.contains(a))
            .chain(axes.iter().copied())
            .collect();
        let in_order = order.windows(2).all(|pair| pair[0] < pair[1]);
        let moved = if in_order {
            input.clone()
        } else {
            input.permute(&order)?
        };
        let shape = moved.shape();
        let size: usize = shape[rank - axes.len()..].iter().product();
        let rows: usize = shape[..rank - axes.len()].iter().product();
        let x: Tensor<2> = moved.float_as([rows, size])?;
        let off = x.clone() - x.mean_dim(1);
        let variance = (off.clone() * off.clone()).mean_dim(1);
        let mut y = off * (variance + self.epsilon).sqrt().recip();
        if let Some(gamma) = &self.gamma {
            y = y * gamma.value().float_as([1, size])?;
        }
        if let Some(beta) = &self.beta {
            y = y + beta.value().float_as([1, size])?;
        }
        let y = AnyTensor::from_flat(y, &shape)?;
        if in_order {
            return Ok(vec![y]);
        }
        let mut back = vec![0; rank];
        order
            .iter()
            .enumerate()
            .for_each(|(place, axis)| back[*axis] = place);
        Ok(vec![y.permute(&back)?])
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::from_iter([
            ("axis".to_string(), json!(self.axis)),
            ("epsilon".to_string(), json!(self.epsilon)),
            ("center".to_string(), json!(self.center)),
            ("scale".to_string(), json!(self.scale)),
            ("rms_scaling".to_string(), json!(false)),
        ]);
        self.gamma_options.write("gamma", &mut config);
        self.beta_options.write("beta", &mut config);
        config
    }
}
