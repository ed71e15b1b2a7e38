//! Categories to vectors.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use serde_json::{Map, Value, json};

use super::weight_options::weight_setters;
use super::{
    Context, Layer, LayerOptions, MaskPolicy, WeightBuilder, WeightOptions, WeightRule, describe,
    only,
};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::tensor::{AnyTensor, Mask};
use crate::{Error, Result};

/// Replaces each whole number by a vector that training learns: `[batch, timesteps]` becomes
/// `[batch, timesteps, output_dim]`.
///
/// This is the usual way to feed categories (characters, words) to a recurrent layer. The numbers must lie in
/// `0..input_dim`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Embedding::new(26, 8).input_shape([31]))?;
/// model.add(Lstm::new(32))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Embedding {
    embeddings: Option<Param<Tensor<2>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    input_dim: usize,
    #[module(skip)]
    output_dim: usize,
    #[module(skip)]
    embeddings_options: WeightOptions,
    #[module(skip)]
    mask_zero: bool,
}

impl Embedding {
    /// The layer for numbers below `input_dim`, each replaced by `output_dim` values.
    pub fn new(input_dim: usize, output_dim: usize) -> Self {
        let mut options = LayerOptions::default();
        let input_dim = options.at_least_1("input_dim", input_dim);
        let output_dim = options.at_least_1("output_dim", output_dim);
        Self {
            embeddings: None,
            options,
            input_dim,
            output_dim,
            embeddings_options: WeightOptions::new(Initializer::uniform()),
            mask_zero: false,
        }
    }

    weight_setters! {
        embeddings_options, "the table", "uniform":
            embeddings_initializer, embeddings_regularizer, embeddings_constraint;
    }

    /// Whether 0 means "no step here": a mask that leaves those steps out goes with the output.
    ///
    /// Of sequences of sequences `[batch, timesteps, inner steps]` (documents of sentences of words) the inner mask goes
    /// along: a layer inside [`TimeDistributed`](super::TimeDistributed) sees that of each step, and behind it a step
    /// counts if any inner step did. Numbers without steps, `[batch]`, have no mask.
    pub fn mask_zero(mut self, mask_zero: bool) -> Self {
        self.mask_zero = mask_zero;
        self
    }

    fn check_range(&self, numbers: Tensor<1, Int>) -> Result<()> {
        let numbers = numbers
            .try_into_vec_as::<i64>()
            .map_err(|e| Error::Device(format!("reading a tensor failed: {e}")))?;
        match numbers
            .iter()
            .find(|n| **n < 0 || **n >= self.input_dim as i64)
        {
            None => Ok(()),
            Some(wrong) => Err(Error::tensor(
                describe(self),
                format!(
                    "got the number {wrong}, but knows 0 to {} only",
                    self.input_dim - 1
                ),
            )),
        }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_neutral(&["quantization_config", "lora_rank"])?;
        let mut layer = Self::new(config.usize("input_dim")?, config.usize("output_dim")?)
            .mask_zero(config.bool_or("mask_zero", false)?);
        layer.embeddings_options =
            WeightOptions::read(config, "embeddings", Initializer::uniform())?;
        Ok(layer)
    }
}

impl Layer for Embedding {
    fn class_name(&self) -> &str {
        "Embedding"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn build(&mut self, _inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        self.embeddings = Some(weights.weight(
            [self.input_dim, self.output_dim],
            &self.embeddings_options.initializer,
        )?);
        Ok(())
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        self.embeddings_options
            .rule("embeddings")
            .into_iter()
            .collect()
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut axes = only(inputs)?.axes().to_vec();
        axes.push(Some(self.output_dim));
        Ok(vec![Dims::new(axes)])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let weight = self.embeddings.as_ref().ok_or_else(|| Error::NotBuilt {
            needed_for: describe(self),
        })?;
        let mut shape = x.shape();
        let count = shape.iter().product();
        let flat = x.int_as([count])?;
        // A lookup outside the table would be a panic in burn. On a GPU reading the numbers back would cost more than
        // the layer, so there only data handed to the model are checked, before they are uploaded; what the model itself
        // makes is kept within the table.
        let rows = if crate::backend::is_cpu(&x.device()) {
            self.check_range(flat.clone())?;
            flat
        } else {
            flat.clamp(0, self.input_dim.saturating_sub(1) as i32)
        };
        let y = weight.val().select(0, rows);
        let mask = match (self.mask_zero, shape.len()) {
            (true, 2) => Some(Mask::Steps(x.int::<2>()?.not_equal_elem(0))),
            (true, 3) => Some(Mask::Nested(x.int::<3>()?.not_equal_elem(0))),
            _ => None,
        };
        shape.push(self.output_dim);
        Ok(vec![AnyTensor::from_flat(y, &shape)?.with_any_mask(mask)])
    }

    fn input_range(&self, _index: usize) -> Option<std::ops::Range<usize>> {
        Some(0..self.input_dim)
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::from_iter([
            ("input_dim".to_string(), json!(self.input_dim)),
            ("output_dim".to_string(), json!(self.output_dim)),
            ("mask_zero".to_string(), json!(self.mask_zero)),
        ]);
        self.embeddings_options.write("embeddings", &mut config);
        config
    }
}
