//! Normalization over the batch.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::weight_options::weight_setters;
use super::{
    Context, Layer, LayerOptions, WeightBuilder, WeightOptions, WeightRule, describe, only,
};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::{Initializer, IntoInitializer};
use crate::tensor::{AnyTensor, MOST_AXES, Mask, wide_mask};
use crate::{Error, Result};

/// Makes each feature have mean 0 and variance 1 over the batch (and over timesteps), then scales and shifts it.
///
/// ```text
/// y = gamma (x - mean) / √(variance + epsilon) + beta
/// ```
///
/// While training, mean and variance are the batch's own (masked steps left out), and moving averages are kept of them;
/// when predicting, and in a frozen layer, the moving averages are used. Ioffe and Szegedy, "Batch Normalization" (2015);
/// the variance is the biased one, in the moving average too, as in Keras.
///
/// Weights, in Keras' order: `gamma`, `beta`, then `moving_mean` and `moving_variance`, which the optimizer does not
/// train; all `[features]`.
#[derive(Module, Debug)]
pub struct BatchNormalization {
    gamma: Option<Param<Tensor<1>>>,
    beta: Option<Param<Tensor<1>>>,
    moving_mean: Option<Param<Tensor<1>>>,
    moving_variance: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    settings: Settings,
    #[module(skip)]
    gamma_options: WeightOptions,
    #[module(skip)]
    beta_options: WeightOptions,
}

#[derive(Clone, Debug)]
struct Settings {
    axis: i64,
    momentum: f32,
    epsilon: f32,
    center: bool,
    scale: bool,
    moving_mean_initializer: Initializer,
    moving_variance_initializer: Initializer,
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchNormalization {
    /// The layer over the last axis.
    pub fn new() -> Self {
        Self {
            gamma: None,
            beta: None,
            moving_mean: None,
            moving_variance: None,
            options: LayerOptions::default(),
            settings: Settings {
                axis: -1,
                momentum: 0.99,
                epsilon: 1e-3,
                center: true,
                scale: true,
                moving_mean_initializer: Initializer::Zeros,
                moving_variance_initializer: Initializer::Ones,
            },
            gamma_options: WeightOptions::new(Initializer::Ones),
            beta_options: WeightOptions::new(Initializer::Zeros),
        }
    }

    /// The axis whose entries are normalized each by themselves (-1, the last).
    pub fn axis(mut self, axis: i64) -> Self {
        self.settings.axis = axis;
        self
    }

    /// How much of a moving average stays at each step (0.99).
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.settings.momentum = momentum;
        self
    }

    /// What is added to the variance before dividing (0.001).
    pub fn epsilon(mut self, epsilon: f32) -> Self {
        self.settings.epsilon = epsilon;
        self
    }

    /// Whether `beta` is added (it is by default).
    pub fn center(mut self, center: bool) -> Self {
        self.settings.center = center;
        self
    }

    /// Whether it is multiplied by `gamma` (it is by default).
    pub fn scale(mut self, scale: bool) -> Self {
        self.settings.scale = scale;
        self
    }

    /// How the moving mean starts (`"zeros"`).
    pub fn moving_mean_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        let found = initializer.into_initializer();
        if let Some(found) = self.options.accept("moving_mean_initializer", found) {
            self.settings.moving_mean_initializer = found;
        }
        self
    }

    /// How the moving variance starts (`"ones"`).
    pub fn moving_variance_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        let found = initializer.into_initializer();
        if let Some(found) = self.options.accept("moving_variance_initializer", found) {
            self.settings.moving_variance_initializer = found;
        }
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
        config.must_be_neutral(&["renorm", "renorm_clipping", "synchronized"])?;
        let axis = match config.opt_integers("axis")?.as_deref() {
            None => -1,
            Some(&[axis]) => axis,
            Some(several) => {
                let problem = format!("`axis` is {several:?}; only one axis is supported");
                return Err(Error::config(config.place(), problem));
            }
        };
        let mut layer = Self::new()
            .axis(axis)
            .momentum(config.f32_or("momentum", 0.99)?)
            .epsilon(config.f32_or("epsilon", 1e-3)?)
            .center(config.bool_or("center", true)?)
            .scale(config.bool_or("scale", true)?)
            .moving_mean_initializer(
                config.initializer("moving_mean_initializer", Initializer::Zeros)?,
            )
            .moving_variance_initializer(
                config.initializer("moving_variance_initializer", Initializer::Ones)?,
            );
        layer.gamma_options = WeightOptions::read(config, "gamma", Initializer::Ones)?;
        layer.beta_options = WeightOptions::read(config, "beta", Initializer::Zeros)?;
        Ok(layer)
    }

    /// The normalized axis, counted from the front, and its size.
    fn features(&self, dims: &Dims) -> Result<(usize, usize)> {
        let axis = super::axis_from_front(self.settings.axis, dims.rank()).filter(|a| *a > 0);
        let Some(axis) = axis else {
            return Err(Error::argument(
                describe(self),
                "axis",
                format!(
                    "is {}, which is no axis of a sample of {dims}",
                    self.settings.axis
                ),
            ));
        };
        let size = dims.axis(axis).ok_or_else(|| {
            Error::shape(
                describe(self),
                format!("a known size of axis {axis}, which it normalizes"),
                dims.in_words(),
                "Give that axis of `input_shape` a size.",
            )
        })?;
        Ok((axis, size))
    }

    /// Mean and variance of each feature of `[outer, features, inner]`, those of masked steps left out: `[1, features, 1]`.
    fn batch_moments(x: Tensor<3>, counts: Option<Tensor<3>>) -> [Tensor<3>; 2] {
        let sum = |t: Tensor<3>| t.sum_dim(0).sum_dim(2);
        match counts {
            None => {
                let [outer, _, inner] = x.dims();
                let count = (outer * inner) as f32;
                let mean = sum(x.clone()) / count;
                let off = x - mean.clone();
                [mean, sum(off.clone() * off) / count]
            }
            Some(counts) => {
                // What Keras adds to a divisor (`keras/src/backend/config.py`, `epsilon`).
                let count = sum(counts.clone()) + 1e-7;
                let mean = sum(x.clone() * counts.clone()) / count.clone();
                let off = x - mean.clone();
                [mean, sum(off.clone() * off * counts) / count]
            }
        }
    }

    /// The mask as factors for `[outer, features, inner]`.
    fn counts(mask: &Mask, input: &AnyTensor, shape: [usize; 3]) -> Result<Tensor<3>> {
        let wide: Tensor<MOST_AXES> = input.wide()?;
        let mask = wide_mask(mask, input.rank()).expand(wide.dims());
        Ok(mask.float().cast(wide.dtype()).reshape(shape))
    }
}

impl Layer for BatchNormalization {
    layer_basics!("BatchNormalization");

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let (_, size) = self.features(only(inputs)?)?;
        if self.settings.scale {
            self.gamma = Some(weights.weight([size], &self.gamma_options.initializer)?);
        }
        if self.settings.center {
            self.beta = Some(weights.weight([size], &self.beta_options.initializer)?);
        }
        let settings = &self.settings;
        let (mean, variance) = (
            &settings.moving_mean_initializer,
            &settings.moving_variance_initializer,
        );
        self.moving_mean = Some(weights.non_trainable([size], mean)?);
        self.moving_variance = Some(weights.non_trainable([size], variance)?);
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let (axis, size) = self.features(dims)?;
        match self.moving_mean.as_ref().map(|w| w.lazy_shape()[0]) {
            Some(built) if built != size => Err(Error::shape(
                describe(self),
                format!("axis {axis} of size {built}, which it was built for"),
                dims.in_words(),
                "Use another `BatchNormalization` there (a clone has its own weights).",
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

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let (Some(moving_mean), Some(moving_variance)) = (&self.moving_mean, &self.moving_variance)
        else {
            return Err(Error::NotBuilt {
                needed_for: describe(self),
            });
        };
        let input = only(inputs)?;
        let shape = input.shape();
        let (axis, size) = self.features(&input.dims())?;
        if moving_mean.lazy_shape()[0] != size {
            return Err(Error::tensor(
                describe(self),
                format!("was not built for the shape {}", input.dims()),
            ));
        }
        let outer = shape[..axis].iter().product();
        let inner = shape[axis + 1..].iter().product();
        let x: Tensor<3> = input.float_as([outer, size, inner])?;
        let per_feature = |w: Tensor<1>| w.reshape([1, size, 1]);
        let [mean, variance] = if context.is_training() && self.options.trainable() {
            let mask = input.any_mask();
            let counts = mask
                .map(|mask| Self::counts(mask, input, x.dims()))
                .transpose()?;
            let moments = Self::batch_moments(x.clone(), counts);
            for (moving, of_batch) in [moving_mean, moving_variance].into_iter().zip(&moments) {
                let momentum = self.settings.momentum;
                let of_batch = of_batch.clone().without_autodiff().reshape([size]);
                let old = context.current(moving);
                context.update(moving, old * momentum + of_batch * (1.0 - momentum));
            }
            moments
        } else {
            [moving_mean, moving_variance].map(|w| per_feature(w.val()))
        };
        let mut factor = (variance + self.settings.epsilon).sqrt().recip();
        if let Some(gamma) = &self.gamma {
            factor = factor * per_feature(gamma.val());
        }
        let mut y = (x - mean) * factor;
        if let Some(beta) = &self.beta {
            y = y + per_feature(beta.val());
        }
        Ok(vec![AnyTensor::from_flat(y, &shape)?])
    }

    fn config(&self) -> Map<String, Value> {
        let settings = &self.settings;
        let mut config = Map::from_iter([
            ("axis".to_string(), json!(settings.axis)),
            ("momentum".to_string(), json!(settings.momentum)),
            ("epsilon".to_string(), json!(settings.epsilon)),
            ("center".to_string(), json!(settings.center)),
            ("scale".to_string(), json!(settings.scale)),
            (
                "moving_mean_initializer".to_string(),
                settings.moving_mean_initializer.to_config(),
            ),
            (
                "moving_variance_initializer".to_string(),
                settings.moving_variance_initializer.to_config(),
            ),
            ("synchronized".to_string(), json!(false)),
        ]);
        self.gamma_options.write("gamma", &mut config);
        self.beta_options.write("beta", &mut config);
        config
    }
}
