//! Softmax along an axis.

use burn::module::Module;
use burn::tensor::activation;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::{AnyTensor, MOST_AXES};
use crate::{Error, Result};

/// What a masked value counts as before the exponential.
const MASKED: f32 = -1e9;

/// `exp(x)` over its sum along an axis, the last unless told otherwise.
///
/// A mask on scores of shape `[batch, timesteps]` leaves its steps out: they get 0.
#[derive(Module, Debug)]
pub struct Softmax {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    axis: i64,
}

impl Default for Softmax {
    fn default() -> Self {
        Self::new()
    }
}

impl Softmax {
    /// The layer over the last axis.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
            axis: -1,
        }
    }

    /// The axis whose values sum to 1 (-1, the last).
    pub fn axis(mut self, axis: i64) -> Self {
        self.axis = axis;
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        match config.opt_integers("axis")?.as_deref() {
            None => Ok(Self::new()),
            Some(&[axis]) => Ok(Self::new().axis(axis)),
            Some(several) => Err(Error::config(
                config.place(),
                format!("`axis` is {several:?}; only one axis is supported"),
            )),
        }
    }

    fn place(&self, rank: usize) -> Result<usize> {
        super::axis_from_front(self.axis, rank).ok_or_else(|| {
            Error::argument(
                describe(self),
                "axis",
                format!("is {}, but there are {rank} axes", self.axis),
            )
        })
    }
}

impl Layer for Softmax {
    layer_basics!("Softmax");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        self.place(dims.rank())?;
        Ok(vec![dims.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let input = only(inputs)?;
        let rank = input.rank();
        let axis = MOST_AXES - rank + self.place(rank)?;
        let mut x = input.wide()?;
        if let Some(mask) = input.mask() {
            if input.shape() != mask.dims() {
                return Err(Error::tensor(
                    describe(self),
                    format!(
                        "got the shape {} with a mask [batch, timesteps], which does not say which of the values to \
                         leave out; use `Activation::new(\"softmax\")`, which hands the mask on",
                        input.dims()
                    ),
                ));
            }
            let outside = mask.clone().bool_not().reshape(x.dims());
            x = x.mask_fill(outside, MASKED);
        }
        Ok(vec![AnyTensor::from_wide(
            activation::softmax(x, axis),
            rank,
        )?])
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("axis".to_string(), json!(self.axis))])
    }
}
