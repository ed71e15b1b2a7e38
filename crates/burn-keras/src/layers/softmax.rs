//! Softmax along an axis, or over several.

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

/// `exp(x)` over its sum along an axis, or over several, the last unless told otherwise.
///
/// A mask on scores of shape `[batch, timesteps]` leaves its steps out: they get 0.
///
/// ```
/// use burn_keras::ndarray::array;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Softmax::new().input_shape([2]))?;
/// let y = model.predict(&array![[0.0, 0.0]])?;
/// assert_eq!(y.as_slice(), Some(&[0.5, 0.5][..]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Softmax {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    axes: Vec<i64>,
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
            axes: vec![-1],
        }
    }

    /// The axis whose values sum to 1 (-1, the last).
    pub fn axis(self, axis: i64) -> Self {
        self.axes([axis])
    }

    /// The axes over which the values sum to 1 together, in place of one.
    pub fn axes(mut self, axes: impl Into<Vec<i64>>) -> Self {
        self.axes = axes.into();
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        let axes = config.opt_integers("axis")?;
        Ok(axes.map_or_else(Self::new, |axes| Self::new().axes(axes)))
    }

    /// The axes from the front.
    fn places(&self, rank: usize) -> Result<Vec<usize>> {
        let places: Option<Vec<usize>> = self
            .axes
            .iter()
            .map(|axis| super::axis_from_front(*axis, rank))
            .collect();
        let apart = |places: &Vec<usize>| {
            let mut sorted = places.clone();
            sorted.sort_unstable();
            sorted.dedup();
            !places.is_empty() && sorted.len() == places.len()
        };
        places.filter(apart).ok_or_else(|| {
            let given = match self.axes.as_slice() {
                [axis] => axis.to_string(),
                several => format!("{several:?}"),
            };
            let problem = format!("is {given}, but there are {rank} axes, each to be named once");
            Error::argument(describe(self), "axis", problem)
        })
    }

    /// The softmax over several axes: they are brought to the end, as one.
    fn over(x: &AnyTensor, axes: &[usize]) -> Result<AnyTensor> {
        let mut order: Vec<usize> = (0..x.rank()).filter(|a| !axes.contains(a)).collect();
        let kept = order.len();
        order.extend(axes);
        let turned = x.permute(&order)?;
        let shape = turned.shape();
        let (rows, values) = shape.split_at(kept);
        let rows = turned.float_as([rows.iter().product(), values.iter().product()])?;
        let mut back = vec![0; order.len()];
        for (at, axis) in order.into_iter().enumerate() {
            back[axis] = at;
        }
        AnyTensor::from_flat(activation::softmax(rows, 1), &shape)?.permute(&back)
    }
}

impl Layer for Softmax {
    layer_basics!("Softmax");

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        self.places(dims.rank())?;
        Ok(vec![dims.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let input = only(inputs)?;
        let rank = input.rank();
        let places = self.places(rank)?;
        let mut x = input.wide()?;
        let mut absent = None;
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
            x = x.mask_fill(outside.clone(), MASKED);
            absent = Some(outside);
        }
        let y = match places.as_slice() {
            [axis] => AnyTensor::from_wide(activation::softmax(x, MOST_AXES - rank + axis), rank)?,
            several => Self::over(&AnyTensor::from_wide(x, rank)?, several)?,
        };
        // Where no value counts, all would get the same.
        Ok(vec![match absent {
            Some(absent) => AnyTensor::from_wide(y.wide()?.mask_fill(absent, 0.0), rank)?,
            None => y,
        }])
    }

    fn config(&self) -> Map<String, Value> {
        let axis = match self.axes.as_slice() {
            [axis] => json!(axis),
            several => json!(several),
        };
        Map::from_iter([("axis".to_string(), axis)])
    }
}
