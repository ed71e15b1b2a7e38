//! Another shape for each sample.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, MaskPolicy, describe, only};
use crate::config::Config;
use crate::dims::{Dims, IntoDims};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Gives each sample another shape with the same values, row after row.
///
/// One axis of the target may be `None`: it takes what the others leave.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Reshape::new((2, None)).input_shape([6, 3]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 2, 9)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Reshape {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    target: Dims,
}

impl Reshape {
    /// The layer for a shape without the batch axis; two unknown axes are reported by `add` or `call`.
    pub fn new(target_shape: impl IntoDims) -> Self {
        let target = target_shape.into_dims();
        let mut options = LayerOptions::default();
        let unknown = target.axes().iter().filter(|axis| axis.is_none()).count();
        if unknown > 1 {
            let problem = format!("is {target}; only one axis can be worked out from the others");
            options.accept::<()>("target_shape", Err(Error::argument("", "", problem)));
        }
        Self { options, target }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let target = config.opt_integers("target_shape")?.ok_or_else(|| {
            Error::config(config.place(), "`target_shape` is missing".to_string())
        })?;
        let axes: Vec<Option<usize>> = target.iter().map(|n| usize::try_from(*n).ok()).collect();
        Ok(Self::new(axes))
    }

    /// The shape of each sample that comes out of `values` values.
    fn resolve(&self, values: usize) -> Result<Vec<usize>> {
        let mut known = self.target.axes().iter().flatten();
        // Sizes may come from a file: what cannot be counted fits nothing.
        let known = known.try_fold(1usize, |product, axis| product.checked_mul(*axis));
        let unknown = self.target.axes().contains(&None);
        let known = known.filter(|known| match unknown {
            true => *known > 0 && values.is_multiple_of(*known),
            false => *known == values,
        });
        let Some(known) = known else {
            return Err(Error::shape(
                describe(self),
                format!("samples that can take the shape {}", self.target),
                format!("{values} values a sample"),
                "Make the product of `target_shape` that number, or leave one axis `None`.",
            ));
        };
        let axes = self.target.axes().iter();
        Ok(axes
            .map(|axis| axis.unwrap_or(values / known.max(1)))
            .collect())
    }
}

impl Layer for Reshape {
    layer_basics!("Reshape");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let target = match dims.product(1) {
            Some(values) => Dims::known(&self.resolve(values)?),
            None => self.target.clone(),
        };
        Ok(vec![target.with_batch(dims.axis(0))])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let shape = x.shape();
        let [batch, rest @ ..] = shape.as_slice() else {
            return Err(Error::tensor(describe(self), "got a tensor without axes"));
        };
        let mut target = vec![*batch];
        target.extend(self.resolve(rest.iter().product())?);
        Ok(vec![AnyTensor::from_flat(x.float_flat()?, &target)?])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        let axes = self.target.axes().iter();
        let target: Vec<i64> = axes.map(|axis| axis.map_or(-1, |n| n as i64)).collect();
        Map::from_iter([("target_shape".to_string(), json!(target))])
    }
}
