//! Products summed along an axis.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::{common_batch, mismatch};
use crate::config::Config;
use crate::dims::Dims;
use crate::layers::basics::layer_basics;
use crate::layers::{Context, Layer, LayerOptions, MaskPolicy, axis_from_front, describe};
use crate::tensor::{AnyTensor, MOST_AXES};
use crate::{Error, Result};

/// What keeps a length of 0 from dividing (`keras.ops.normalize`).
const SHORTEST: f32 = 1e-12;

/// The scalar products of its two inputs along one axis of each, sample by sample.
///
/// Inputs `[batch, a, n]` and `[batch, b, n]` with `axes` 2 give `[batch, a, b]`; two inputs `[batch, n]` with `axes` 1
/// give `[batch, 1]`. The output has no mask.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let (a, b) = (Input::new([8, 16]), Input::new([3, 16]));
/// assert_eq!(Dot::new(2).normalize(true).call((&a, &b))?.dims().to_string(), "(None, 8, 3)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Dot {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    axes: DotAxes,
    #[module(skip)]
    normalize: bool,
}

/// The axes along which [`Dot`] sums: the same number for both inputs, or one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DotAxes {
    first: i64,
    second: i64,
    /// Whether one number was given, which is how it is written again.
    one: bool,
}

impl From<i64> for DotAxes {
    fn from(axis: i64) -> Self {
        Self {
            first: axis,
            second: axis,
            one: true,
        }
    }
}

impl From<(i64, i64)> for DotAxes {
    fn from((first, second): (i64, i64)) -> Self {
        Self {
            first,
            second,
            one: false,
        }
    }
}

impl Dot {
    /// The layer along this axis of both inputs, or along one of each: `Dot::new((2, 1))`.
    pub fn new(axes: impl Into<DotAxes>) -> Self {
        Self {
            options: LayerOptions::default(),
            axes: axes.into(),
            normalize: false,
        }
    }

    /// Whether vectors are scaled to length 1 before, which gives their cosine (they are not by default).
    pub fn normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let axes = match config.opt_integers("axes")?.as_deref() {
            Some(&[axis]) => DotAxes::from(axis),
            Some(&[first, second]) => DotAxes::from((first, second)),
            other => {
                return Err(Error::config(
                    config.place(),
                    format!("`axes` is {other:?}; it must be one number or two"),
                ));
            }
        };
        Ok(Self::new(axes).normalize(config.bool_or("normalize", false)?))
    }

    fn places(&self, ranks: [usize; 2]) -> Result<[usize; 2]> {
        let first = axis_from_front(self.axes.first, ranks[0]).filter(|axis| *axis > 0);
        let second = axis_from_front(self.axes.second, ranks[1]).filter(|axis| *axis > 0);
        match (first, second) {
            (Some(first), Some(second)) => Ok([first, second]),
            _ => Err(Error::argument(
                describe(self),
                "axes",
                format!(
                    "is {} and {}, but the inputs have {} and {} axes, the first of which is the batch",
                    self.axes.first, self.axes.second, ranks[0], ranks[1]
                ),
            )),
        }
    }
}

fn normalized(x: &AnyTensor, axis: usize) -> Result<AnyTensor> {
    let rank = x.rank();
    let wide = x.wide()?;
    let squares = (wide.clone() * wide.clone()).sum_dim(MOST_AXES - rank + axis);
    AnyTensor::from_wide(wide / squares.clamp_min(SHORTEST).sqrt(), rank)
}

/// All axes of `rank` but `axis`, the batch first, with `axis` at the place `at`.
fn moved(rank: usize, axis: usize, at: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).filter(|a| *a != axis).collect();
    order.insert(at.min(order.len()), axis);
    order
}

impl Layer for Dot {
    layer_basics!("Dot");

    fn input_count(&self) -> RangeInclusive<usize> {
        2..=2
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let [a, b] = inputs else {
            return Err(Error::tensor(describe(self), "takes two inputs"));
        };
        let batch = common_batch(self, inputs)?;
        let [first, second] = self.places([a.rank(), b.rank()])?;
        let (size_a, size_b) = (a.axis(first), b.axis(second));
        if size_a.is_some() && size_b.is_some() && size_a != size_b {
            let needs =
                format!("axis {first} of the first input as long as axis {second} of the second");
            return Err(mismatch(self, &needs, inputs));
        }
        let rest = |dims: &Dims, axis: usize| {
            let axes = dims.axes().iter().copied().enumerate().skip(1);
            axes.filter(|(i, _)| *i != axis)
                .map(|(_, size)| size)
                .collect::<Vec<_>>()
        };
        let mut axes = vec![batch];
        axes.extend(rest(a, first));
        axes.extend(rest(b, second));
        if axes.len() == 1 {
            axes.push(Some(1));
        }
        Ok(vec![Dims::new(axes)])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let dims: Vec<Dims> = inputs.iter().map(AnyTensor::dims).collect();
        let shape = self.output_dims(&dims)?.first().and_then(Dims::to_known);
        let ([a, b], Some(shape)) = (inputs, shape) else {
            return Err(Error::tensor(describe(self), "takes two inputs"));
        };
        let [first, second] = self.places([a.rank(), b.rank()])?;
        let (mut a, mut b) = (a.clone(), b.clone());
        if self.normalize {
            (a, b) = (normalized(&a, first)?, normalized(&b, second)?);
        }
        let (batch, size) = (a.shape()[0], a.shape()[first]);
        // [batch, rest of a, size] times [batch, size, rest of b].
        let rows = a.shape().iter().product::<usize>() / (batch * size).max(1);
        let columns = b.shape().iter().product::<usize>() / (batch * size).max(1);
        let a: Tensor<3> = a
            .permute(&moved(a.rank(), first, a.rank()))?
            .float_as([batch, rows, size])?;
        let b: Tensor<3> = b
            .permute(&moved(b.rank(), second, 1))?
            .float_as([batch, size, columns])?;
        Ok(vec![AnyTensor::from_flat(a.matmul(b), &shape)?])
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Consume
    }

    fn config(&self) -> Map<String, Value> {
        let axes = if self.axes.one {
            json!(self.axes.first)
        } else {
            json!([self.axes.first, self.axes.second])
        };
        Map::from_iter([
            ("axes".to_string(), axes),
            ("normalize".to_string(), json!(self.normalize)),
        ])
    }
}
