//! One behind the other.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::{Bool, Tensor};
use serde_json::{Map, Value, json};

use super::{common_batch, mismatch};
use crate::config::Config;
use crate::dims::Dims;
use crate::layers::basics::layer_basics;
use crate::layers::{Context, Layer, LayerOptions, MaskPolicy, axis_from_front, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Its inputs one behind the other along an axis, the last unless told otherwise; the other axes must agree.
///
/// If any input has a mask, so has the output: an input without one counts in all its steps.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let a = Lstm::new(32).call(&input)?;
/// let b = Lstm::new(8).go_backwards(true).call(&input)?;
/// assert_eq!(Concatenate::new().call([&a, &b])?.dims().to_string(), "(None, 40)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Concatenate {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    axis: i64,
}

impl Default for Concatenate {
    fn default() -> Self {
        Self::new()
    }
}

impl Concatenate {
    /// The layer along the last axis.
    pub fn new() -> Self {
        Self {
            options: LayerOptions::default(),
            axis: -1,
        }
    }

    /// The axis along which the inputs are joined (-1, the last; 1 for timesteps).
    pub fn axis(mut self, axis: i64) -> Self {
        self.axis = axis;
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        match config.opt_integers("axis")?.as_deref() {
            None => Ok(Self::new()),
            Some(&[axis]) => Ok(Self::new().axis(axis)),
            Some(several) => Err(Error::config(
                config.place(),
                format!("`axis` is {several:?}; it must be one number"),
            )),
        }
    }

    fn place(&self, rank: usize) -> Result<usize> {
        axis_from_front(self.axis, rank)
            .filter(|axis| *axis > 0)
            .ok_or_else(|| {
                Error::argument(
                    describe(self),
                    "axis",
                    format!(
                        "is {}, which is no axis of samples with {rank} axes",
                        self.axis
                    ),
                )
            })
    }

    /// The mask of the output: `[batch, timesteps]`.
    fn joined_mask(&self, inputs: &[AnyTensor], axis: usize) -> Option<Tensor<2, Bool>> {
        inputs.iter().find(|x| x.mask().is_some())?;
        let along_time = axis == 1;
        if !along_time && inputs.iter().any(|x| x.mask().is_none()) {
            // An input that counts everywhere makes every step of the output count.
            let first = inputs.iter().find_map(AnyTensor::mask)?;
            return Some(first.clone().bool_or(first.clone().bool_not()));
        }
        let masks = inputs.iter().map(|x| match x.mask() {
            Some(mask) => mask.clone().float(),
            None => Tensor::ones([x.shape()[0], x.shape()[1]], &x.device()),
        });
        let joined = if along_time {
            Tensor::cat(masks.collect(), 1)
        } else {
            masks.reduce(|a, b| a + b)?
        };
        Some(joined.greater_elem(0.0))
    }
}

impl Layer for Concatenate {
    layer_basics!("Concatenate");

    fn input_count(&self) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let first = crate::layers::only(inputs)?;
        let rank = first.rank();
        let axis = self.place(rank)?;
        let mut axes = first.axes().to_vec();
        axes[0] = common_batch(self, inputs)?;
        for dims in &inputs[1..] {
            let fits = dims.rank() == rank
                && (1..rank).all(|i| {
                    i == axis
                        || axes[i].is_none()
                        || dims.axis(i).is_none()
                        || axes[i] == dims.axis(i)
                });
            if !fits {
                let needs = format!("inputs that differ along axis {axis} only");
                return Err(mismatch(self, &needs, inputs));
            }
            for (i, size) in axes.iter_mut().enumerate().skip(1) {
                *size = if i == axis {
                    size.zip(dims.axis(i)).map(|(a, b)| a.saturating_add(b))
                } else {
                    size.or(dims.axis(i))
                };
            }
        }
        Ok(vec![Dims::new(axes)])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let rank = crate::layers::only(inputs)?.rank();
        let axis = self.place(rank)?;
        let mask = if rank > 2 {
            self.joined_mask(inputs, axis)
        } else {
            None
        };
        Ok(vec![AnyTensor::concat(inputs, axis)?.with_mask(mask)])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("axis".to_string(), json!(self.axis))])
    }
}
