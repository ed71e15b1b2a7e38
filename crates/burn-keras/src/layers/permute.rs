//! Another order of a sample's axes.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, MaskPolicy, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Puts the axes of each sample in another order, counted from 1: `Permute::new([2, 1])` swaps timesteps and features.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Permute::new([2, 1]).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 16, 8)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Permute {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    dims: Vec<usize>,
}

impl Permute {
    /// The layer for an order that has each of 1, 2, … once; another is reported by `add` or `call`.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        let dims = dims.into();
        let mut options = LayerOptions::default();
        let mut sorted = dims.clone();
        sorted.sort_unstable();
        if sorted != (1..=dims.len()).collect::<Vec<_>>() {
            let problem = format!(
                "is {dims:?}; it must have each number from 1 to {} once (the batch axis stays where it is)",
                dims.len()
            );
            options.accept::<()>("dims", Err(Error::argument("", "", problem)));
        }
        Self { options, dims }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let dims = config.opt_integers("dims")?.unwrap_or_default();
        let dims: Vec<usize> = dims
            .iter()
            .map(|n| usize::try_from(*n).unwrap_or(0))
            .collect();
        Ok(Self::new(dims))
    }
}

impl Layer for Permute {
    layer_basics!("Permute");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        if dims.rank() != self.dims.len() + 1 {
            return Err(Error::shape(
                describe(self),
                format!(
                    "{} axes after the batch axis, one for each entry of `dims`",
                    self.dims.len()
                ),
                dims.in_words(),
                "Name each axis of a sample once, counted from 1.",
            ));
        }
        let axes: Vec<_> = self.dims.iter().map(|i| dims.axis(*i)).collect();
        Ok(vec![Dims::new(axes).with_batch(dims.axis(0))])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let mut order = vec![0];
        order.extend(&self.dims);
        Ok(vec![only(inputs)?.permute(&order)?])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("dims".to_string(), json!(self.dims))])
    }
}
