//! Random noise while training.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::dropout::check_rate;
use super::{Context, Layer, LayerOptions, Packed, only};
use crate::Result;
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;

/// Adds normally distributed noise with mean 0 while training; does nothing when predicting.
///
/// The input has any shape, and the output the same.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(GaussianNoise::new(0.1).input_shape([8, 16]))?;
/// model.add(Lstm::new(32))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct GaussianNoise {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    stddev: f32,
    #[module(skip)]
    seed: Option<u64>,
}

impl GaussianNoise {
    /// Noise of this standard deviation, between 0 and 1 as in Keras.
    ///
    /// Another value is reported by `add` or `call`.
    pub fn new(stddev: f32) -> Self {
        let mut options = LayerOptions::default();
        let stddev = check_rate(&mut options, "stddev", stddev);
        Self {
            options,
            stddev,
            seed: None,
        }
    }

    /// Seeds this layer's noise by itself, apart from the seed of `fit`.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut layer = Self::new(config.f32_or("stddev", 0.0)?);
        layer.seed = config.seed()?;
        Ok(layer)
    }
}

impl Layer for GaussianNoise {
    layer_basics!("GaussianNoise");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        if !context.is_training() || self.stddev == 0.0 {
            return Ok(vec![x.clone()]);
        }
        let noise = context.noise(&x.shape(), self.stddev, self.seed, &x.device())?;
        Ok(vec![x.zip(&noise, |x, noise| x + noise)?])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(Some(Packed::Nothing))
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("stddev".to_string(), json!(self.stddev)),
            ("seed".to_string(), json!(self.seed)),
        ])
    }
}
