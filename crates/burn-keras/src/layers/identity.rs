//! Layers that let their input through.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, Packed, only};
use crate::Result;
use crate::config::Config;
use crate::dims::Dims;
use crate::regularizers::Regularizer;
use crate::tensor::AnyTensor;

/// Gives out what comes in: a place to hang a name on.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Identity::new().input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 8, 16)");
/// assert_eq!(model.count_params()?, 0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Identity {
    #[module(skip)]
    options: LayerOptions,
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// The layer.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
        }
    }

    /// Reads the layer's own keys of Keras' configuration: there are none.
    ///
    /// # Errors
    ///
    /// None.
    pub fn from_config(_config: &Config) -> Result<Self> {
        Ok(Self::new())
    }
}

impl Layer for Identity {
    layer_basics!("Identity");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(Some(Packed::Nothing))
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// Gives out what comes in and adds a penalty on it to the loss: `(l1 Σ|x| + l2 Σx²) / batch`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(32).input_shape([16]))?;
/// model.add(ActivityRegularization::new(0.0, 1e-3))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct ActivityRegularization {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    l1: f32,
    #[module(skip)]
    l2: f32,
}

impl ActivityRegularization {
    /// The layer with these factors of the absolute values and of the squares.
    pub fn new(l1: f32, l2: f32) -> Self {
        Self {
            options: LayerOptions::default(),
            l1,
            l2,
        }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new(
            config.f32_or("l1", 0.0)?,
            config.f32_or("l2", 0.0)?,
        ))
    }
}

impl Layer for ActivityRegularization {
    layer_basics!("ActivityRegularization");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let batch = x.shape().first().copied().unwrap_or(1).max(1);
        let penalty = Regularizer::l1_l2(self.l1, self.l2).penalty(x)?;
        context.add_loss(penalty / batch as f32);
        Ok(vec![x.clone()])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(Some(Packed::Nothing))
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("l1".to_string(), json!(self.l1)),
            ("l2".to_string(), json!(self.l2)),
        ])
    }
}
