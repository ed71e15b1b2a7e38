//! Layers that change the number of timesteps: repeating, padding, cropping, stretching.

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, MaskPolicy, check_three_axes, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// The number of timesteps of `[batch, timesteps, features]`, for the layers here.
fn sequence(layer: &(impl Layer + ?Sized), dims: &Dims) -> Result<Option<usize>> {
    check_three_axes(&describe(layer), dims)?;
    Ok(dims.axis(1))
}

fn with_steps(dims: &Dims, steps: Option<usize>) -> Vec<Dims> {
    vec![Dims::new([dims.axis(0), steps, dims.axis(2)])]
}

/// Zeros in front of and behind the steps of `[batch, timesteps, features]`.
pub(super) fn pad_steps(x: Tensor<3>, front: usize, behind: usize) -> Tensor<3> {
    let [batch, _, features] = x.dims();
    let zeros = |steps| Tensor::zeros([batch, steps, features], (&x.device(), x.dtype()));
    let mut parts = Vec::new();
    if front > 0 {
        parts.push(zeros(front));
    }
    parts.push(x.clone());
    if behind > 0 {
        parts.push(zeros(behind));
    }
    if parts.len() == 1 {
        return x;
    }
    Tensor::cat(parts, 1)
}

/// Repeats each sample as a sequence: `[batch, features]` becomes `[batch, n, features]`.
///
/// It stands between an encoder and the decoder that unfolds its result:
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).input_shape([8, 16]))?;
/// model.add(RepeatVector::new(5))?;
/// model.add(Lstm::new(32).return_sequences(true))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 5, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct RepeatVector {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    n: usize,
}

impl RepeatVector {
    /// The layer for `n` steps; 0 is reported by `add` or `call`.
    pub fn new(n: usize) -> Self {
        let mut options = LayerOptions::default();
        let n = options.at_least_1("n", n);
        Self { options, n }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new(config.usize("n")?))
    }
}

impl Layer for RepeatVector {
    layer_basics!("RepeatVector");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        if dims.rank() != 2 {
            return Err(Error::shape(
                describe(self),
                "2 axes, [batch, features]",
                dims.in_words(),
                "A recurrent layer in front gives that without `return_sequences`; else flatten first.",
            ));
        }
        Ok(vec![Dims::new([dims.axis(0), Some(self.n), dims.axis(1)])])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x: Tensor<2> = only(inputs)?.float()?;
        let [batch, features] = x.dims();
        let y = x
            .reshape([batch, 1, features])
            .expand([batch, self.n, features]);
        Ok(vec![y.into()])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("n".to_string(), json!(self.n))])
    }
}

/// What [`ZeroPadding1d`] and [`Cropping1d`] take: one number for both ends, or one for each.
pub trait IntoEnds {
    /// How many steps in front and behind.
    fn into_ends(self) -> (usize, usize);
}

impl IntoEnds for usize {
    fn into_ends(self) -> (usize, usize) {
        (self, self)
    }
}

impl IntoEnds for (usize, usize) {
    fn into_ends(self) -> (usize, usize) {
        self
    }
}

/// Adds steps of zeros in front and behind: `[batch, timesteps, features]` grows along timesteps.
///
/// `ZeroPadding1d::new(1)` adds one at each end, `ZeroPadding1d::new((2, 0))` two in front.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(ZeroPadding1d::new((2, 0)).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 10, 16)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "ZeroPadding1D")]
#[derive(Module, Debug)]
pub struct ZeroPadding1d {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    padding: (usize, usize),
}

impl ZeroPadding1d {
    /// The layer for this many steps at both ends, or in front and behind.
    pub fn new(padding: impl IntoEnds) -> Self {
        let mut options = LayerOptions::default();
        let (front, behind) = padding.into_ends();
        let padding = (
            options.at_most("padding", front),
            options.at_most("padding", behind),
        );
        Self { options, padding }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        config.must_be_channels_last()?;
        Ok(Self::new(config.pair_or("padding", (1, 1))?))
    }
}

impl Layer for ZeroPadding1d {
    layer_basics!("ZeroPadding1D", "ZeroPadding1d");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let (front, behind) = self.padding;
        let added = front.saturating_add(behind);
        let steps = sequence(self, dims)?.map(|n| n.saturating_add(added));
        Ok(with_steps(dims, steps))
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let (front, behind) = self.padding;
        Ok(vec![
            pad_steps(only(inputs)?.float()?, front, behind).into(),
        ])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            (
                "padding".to_string(),
                json!([self.padding.0, self.padding.1]),
            ),
            ("data_format".to_string(), json!("channels_last")),
        ])
    }
}

/// Takes steps off in front and behind: `[batch, timesteps, features]` shrinks along timesteps.
///
/// `Cropping1d::new(1)` takes one off each end, `Cropping1d::new((0, 2))` two off the end.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Cropping1d::new((2, 1)).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 5, 16)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "Cropping1D")]
#[derive(Module, Debug)]
pub struct Cropping1d {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    cropping: (usize, usize),
}

impl Cropping1d {
    /// The layer for this many steps at both ends, or in front and behind.
    pub fn new(cropping: impl IntoEnds) -> Self {
        Self {
            options: LayerOptions::default(),
            cropping: cropping.into_ends(),
        }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new(config.pair_or("cropping", (1, 1))?))
    }

    /// What is left of `steps`.
    fn left(&self, steps: usize) -> Result<usize> {
        let (front, behind) = self.cropping;
        steps
            .checked_sub(front.saturating_add(behind))
            .filter(|left| *left > 0)
            .ok_or_else(|| {
                Error::shape(
                    describe(self),
                    format!("more than {front} + {behind} timesteps, which it takes off"),
                    format!("[batch, timesteps = {steps}, features]"),
                    "Crop less, or feed longer sequences.",
                )
            })
    }
}

impl Layer for Cropping1d {
    layer_basics!("Cropping1D", "Cropping1d");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let steps = sequence(self, dims)?.map(|n| self.left(n)).transpose()?;
        Ok(with_steps(dims, steps))
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x: Tensor<3> = only(inputs)?.float()?;
        let left = self.left(x.dims()[1])?;
        Ok(vec![x.narrow(1, self.cropping.0, left).into()])
    }

    fn mask_policy(&self) -> MaskPolicy {
        // Where nothing is taken off, the steps are those of the mask; Keras keeps it then too.
        match self.cropping {
            (0, 0) => MaskPolicy::Pass,
            _ => MaskPolicy::Lose,
        }
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([(
            "cropping".to_string(),
            json!([self.cropping.0, self.cropping.1]),
        )])
    }
}

/// Repeats each step `size` times: `[batch, timesteps, features]` becomes `[batch, timesteps * size, features]`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(UpSampling1d::new(3).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 24, 16)");
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "UpSampling1D")]
#[derive(Module, Debug)]
pub struct UpSampling1d {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    size: usize,
}

impl UpSampling1d {
    /// The layer for this many copies of each step; 0 is reported by `add` or `call`.
    pub fn new(size: usize) -> Self {
        let mut options = LayerOptions::default();
        let size = options.at_least_1("size", size);
        Self { options, size }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new(config.size_or("size", 2)?))
    }
}

impl Layer for UpSampling1d {
    layer_basics!("UpSampling1D", "UpSampling1d");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let steps = sequence(self, dims)?.map(|n| n.saturating_mul(self.size));
        Ok(with_steps(dims, steps))
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x: Tensor<3> = only(inputs)?.float()?;
        let [batch, steps, features] = x.dims();
        let copies = x
            .reshape([batch, steps, 1, features])
            .expand([batch, steps, self.size, features]);
        Ok(vec![
            copies.reshape([batch, steps * self.size, features]).into(),
        ])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Lose
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("size".to_string(), json!(self.size))])
    }
}
