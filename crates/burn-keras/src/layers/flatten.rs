//! All axes of a sample in one.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::{Context, Layer, LayerOptions, MaskPolicy, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Makes one axis of all axes but the batch: `[batch, timesteps, features]` becomes `[batch, timesteps * features]`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Flatten::new().input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 128)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Flatten {
    #[module(skip)]
    options: LayerOptions,
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

impl Flatten {
    /// The layer.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
        }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_channels_last()?;
        Ok(Self::new())
    }
}

impl Layer for Flatten {
    fn class_name(&self) -> &str {
        "Flatten"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        // What is more than can be counted stays known to be too much.
        let values = dims.tail(1).to_known();
        let values = values.map(|axes| axes.into_iter().fold(1, usize::saturating_mul));
        Ok(vec![Dims::new([dims.axis(0), values])])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let shape = x.shape();
        let [batch, rest @ ..] = shape.as_slice() else {
            return Err(Error::tensor("Flatten", "got a tensor without axes"));
        };
        Ok(vec![AnyTensor::from(
            x.float_as([*batch, rest.iter().product()])?,
        )])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("data_format".to_string(), json!("channels_last"))])
    }
}
