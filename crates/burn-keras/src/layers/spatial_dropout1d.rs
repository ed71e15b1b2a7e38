//! Randomly silenced features while training.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::dropout::check_rate;
use super::{Context, Layer, LayerOptions, Packed, check_three_axes, describe, only};
use crate::Result;
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;

/// Dropout of whole features: what is silenced in a sample is silenced at all of its timesteps.
///
/// The input is `[batch, timesteps, features]`. Neighbouring steps resemble each other, so silencing single values
/// would hardly hide anything (Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015).
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Embedding::new(25, 8).input_shape([31]))?;
/// model.add(SpatialDropout1d::new(0.2))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 31, 8)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "SpatialDropout1D")]
#[derive(Module, Debug)]
pub struct SpatialDropout1d {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    rate: f32,
    #[module(skip)]
    seed: Option<u64>,
}

impl SpatialDropout1d {
    /// The layer for a rate between 0 (nothing is silenced) and 1 (everything is).
    ///
    /// Another rate is reported by `add` or `call`.
    pub fn new(rate: f32) -> Self {
        let mut options = LayerOptions::default();
        let rate = check_rate(&mut options, "rate", rate);
        Self {
            options,
            rate,
            seed: None,
        }
    }

    /// Seeds this layer's masks by themselves, apart from the seed of `fit`.
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
        let mut layer = Self::new(config.f32_or("rate", 0.0)?);
        layer.seed = config.seed()?;
        Ok(layer)
    }
}

impl Layer for SpatialDropout1d {
    layer_basics!("SpatialDropout1D", "SpatialDropout1d");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        check_three_axes(&describe(self), dims)?;
        Ok(vec![dims.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        if !context.is_training() || self.rate == 0.0 {
            return Ok(vec![x.clone()]);
        }
        let mut shape = x.shape();
        if let Some(timesteps) = shape.get_mut(1) {
            *timesteps = 1;
        }
        let mask = context.dropout_mask(&shape, self.rate, self.seed, &x.device())?;
        Ok(vec![x.zip(&mask, |x, mask| x * mask)?])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(Some(Packed::Nothing))
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("rate".to_string(), json!(self.rate)),
            ("seed".to_string(), json!(self.seed)),
        ])
    }
}
