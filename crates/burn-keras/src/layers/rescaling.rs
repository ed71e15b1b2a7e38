//! A fixed scale and offset.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// `x * scale + offset`, each one number or one for each feature (the last axis).
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Rescaling::new(1.0 / 16.0).offset(-0.5).input_shape([8, 8]))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Rescaling {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    scale: Numbers,
    #[module(skip)]
    offset: Numbers,
}

/// One number for all features, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// The same for all.
    One(f32),
    /// One for each entry of the last axis.
    Each(Vec<f32>),
}

impl Numbers {
    pub(super) fn values(&self) -> Vec<f32> {
        match self {
            Self::One(value) => vec![*value],
            Self::Each(values) => values.clone(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::One(value) => json!(value),
            Self::Each(values) => json!(values),
        }
    }

    pub(super) fn read(config: &Config, key: &str, default: f32) -> Result<Self> {
        Ok(match config.opt_numbers(key)? {
            None => Self::One(default),
            Some(values) => match (config.get(key), values.as_slice()) {
                (Some(Value::Number(_)), &[value]) => Self::One(value),
                _ => Self::Each(values),
            },
        })
    }
}

impl From<f32> for Numbers {
    fn from(value: f32) -> Self {
        Self::One(value)
    }
}

impl From<Vec<f32>> for Numbers {
    fn from(values: Vec<f32>) -> Self {
        Self::Each(values)
    }
}

impl<const N: usize> From<[f32; N]> for Numbers {
    fn from(values: [f32; N]) -> Self {
        Self::Each(values.to_vec())
    }
}

impl Rescaling {
    /// The layer for a scale, one number or one for each feature.
    pub fn new(scale: impl Into<Numbers>) -> Self {
        Self {
            options: LayerOptions::default(),
            scale: scale.into(),
            offset: Numbers::One(0.0),
        }
    }

    /// What is added after scaling (0).
    pub fn offset(mut self, offset: impl Into<Numbers>) -> Self {
        self.offset = offset.into();
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new(Numbers::read(config, "scale", 1.0)?)
            .offset(Numbers::read(config, "offset", 0.0)?))
    }
}

impl Layer for Rescaling {
    layer_basics!("Rescaling");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        for (name, numbers) in [("scale", &self.scale), ("offset", &self.offset)] {
            let count = numbers.values().len();
            if count != 1 && dims.last().is_some_and(|last| last != count) {
                return Err(Error::argument(
                    describe(self),
                    name,
                    format!("has {count} numbers, but the last axis of {dims} has another size"),
                ));
            }
        }
        Ok(vec![dims.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let along_last = |numbers: &Numbers| {
            let values = numbers.values();
            AnyTensor::from_f32(values.clone(), &[values.len()], &x.device())
        };
        let scaled = match &self.scale {
            Numbers::One(scale) => x.map(|x| x * *scale)?,
            each => x.zip(&along_last(each)?, |x, scale| {
                let dtype = x.dtype();
                x * scale.cast(dtype)
            })?,
        };
        Ok(vec![match &self.offset {
            Numbers::One(offset) => scaled.map(|x| x + *offset)?,
            each => scaled.zip(&along_last(each)?, |x, offset| {
                let dtype = x.dtype();
                x + offset.cast(dtype)
            })?,
        }])
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("scale".to_string(), self.scale.to_json()),
            ("offset".to_string(), self.offset.to_json()),
        ])
    }
}
