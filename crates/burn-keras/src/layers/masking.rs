//! Leaving steps out.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use serde_json::{Map, Value};

use super::basics::layer_basics;
use super::rescaling::Numbers;
use super::{Context, Layer, LayerOptions, MaskPolicy, check_three_axes, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::{AnyTensor, Mask};
use crate::{Error, Result};

/// Marks the steps whose values are all `mask_value` as absent: recurrent layers behind it skip them, losses and
/// metrics leave them out.
///
/// The input is `[batch, timesteps, features]`. The output is the input with 0 in the steps left out, and a mask
/// `[batch, timesteps]` that travels with it, true where a step counts. Of sequences of sequences, `[batch, timesteps,
/// inner steps, features]`, the inner steps are masked, for a layer inside [`TimeDistributed`](super::TimeDistributed).
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Masking::new().mask_value(-1.0).input_shape((None, 12)))?;
/// model.add(Lstm::new(32))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Masking {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    mask_value: Numbers,
}

impl Default for Masking {
    fn default() -> Self {
        Self::new()
    }
}

impl Masking {
    /// The layer that leaves out steps of zeros.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
            mask_value: Numbers::One(0.0),
        }
    }

    /// The value that all features of an absent step have (0), or one value for each feature.
    pub fn mask_value(mut self, mask_value: impl Into<Numbers>) -> Self {
        self.mask_value = mask_value.into();
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new().mask_value(Numbers::read(config, "mask_value", 0.0)?))
    }

    fn check_values(&self, features: usize) -> Result<()> {
        let count = self.mask_value.values().len();
        if [1, features].contains(&count) {
            return Ok(());
        }
        let problem = format!("has {count} values for {features} features");
        Err(Error::argument(describe(self), "mask_value", problem))
    }
}

impl Layer for Masking {
    layer_basics!("Masking");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        if dims.rank() != 4 {
            check_three_axes(&describe(self), dims)?;
        }
        if let Some(features) = dims.last() {
            self.check_values(features)?;
        }
        Ok(vec![dims.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let input = only(inputs)?;
        let rows: Tensor<2> = input.float_rows()?;
        self.check_values(rows.dims()[1])?;
        // A step counts if one of its features differs.
        let counts = match self.mask_value.values().as_slice() {
            [value] => rows.clone().not_equal_elem(*value),
            values => {
                let values = TensorData::new(values.to_vec(), [1, values.len()]);
                let values: Tensor<2> = Tensor::from_data(values, (&rows.device(), rows.dtype()));
                rows.clone().not_equal(values.expand(rows.dims()))
            }
        };
        let counts = counts.any_dim(1);
        let absent = counts.clone().bool_not().expand(rows.dims());
        let shape = input.shape();
        let y = AnyTensor::from_flat(rows.mask_fill(absent, 0.0), &shape)?;
        let mask = match *shape.as_slice() {
            [batch, timesteps, _] => Mask::Steps(counts.reshape([batch, timesteps])),
            [batch, timesteps, inner, _] => Mask::Nested(counts.reshape([batch, timesteps, inner])),
            _ => {
                return Err(Error::tensor(
                    describe(self),
                    format!("works on 3 or 4 axes, but got the shape {}", input.dims()),
                ));
            }
        };
        Ok(vec![y.with_any_mask(Some(mask))])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("mask_value".to_string(), self.mask_value.to_json())])
    }
}
