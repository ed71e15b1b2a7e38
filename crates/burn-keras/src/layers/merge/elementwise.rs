//! Value by value: sum, difference, product, mean, largest, smallest.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::{Bool, Tensor};
use serde_json::{Map, Value};

use super::{any_mask, common_batch, mismatch};
use crate::Result;
use crate::config::Config;
use crate::dims::Dims;
use crate::layers::basics::layer_basics;
use crate::layers::{Context, Layer, LayerOptions, MaskPolicy};
use crate::tensor::{AnyTensor, MOST_AXES, wide_mask};

/// The shape that comes out: inputs with fewer axes get axes of size 1 behind the batch, and axes of size 1 stretch.
fn merged_dims(layer: &impl Layer, inputs: &[Dims]) -> Result<Dims> {
    let batch = common_batch(layer, inputs)?;
    let rank = inputs.iter().map(Dims::rank).max().unwrap_or(0);
    let mut axes = vec![batch; rank.min(1)];
    for axis in 1..rank {
        let sizes = inputs.iter().filter_map(|dims| {
            let missing = rank - dims.rank();
            (axis > missing).then(|| dims.axis(axis - missing))
        });
        let mut merged = Some(1);
        for size in sizes {
            merged = match (merged, size) {
                (Some(1), other) | (other, Some(1)) => other,
                (None, other) | (other, None) => other,
                (Some(a), Some(b)) if a == b => Some(a),
                _ => {
                    let needs = format!("inputs of the same shape (axis {axis} differs)");
                    return Err(mismatch(layer, &needs, inputs));
                }
            };
        }
        axes.push(merged);
    }
    Ok(Dims::new(axes))
}

/// The inputs as floats with their masks, all with as many axes as the one that has most.
struct Operand {
    values: Tensor<MOST_AXES>,
    /// True where the mask is, stretched over the values.
    mask: Option<Tensor<MOST_AXES, Bool>>,
}

fn operands(inputs: &[AnyTensor]) -> Result<(Vec<Operand>, usize)> {
    let rank = inputs.iter().map(AnyTensor::rank).max().unwrap_or(0);
    let operands = inputs.iter().map(|x| {
        let mut shape = x.shape();
        shape.splice(1..1, vec![1; rank - x.rank()]);
        let values = AnyTensor::from_flat(x.float_flat()?, &shape)?.wide()?;
        let mask = x
            .any_mask()
            .filter(|_| x.rank() > 1)
            .map(|mask| wide_mask(mask, rank).expand(values.dims()));
        Ok(Operand { values, mask })
    });
    Ok((operands.collect::<Result<_>>()?, rank))
}

/// One merging layer: its documentation, its names, how many inputs it takes, and what it computes of them.
macro_rules! merging_layer {
    ($(#[$doc:meta])* $name:ident, $class:literal, $inputs:expr, $compute:expr) => {
        $(#[$doc])*
        ///
        /// Called on several tensors, as `.call([&a, &b])`. An axis of size 1 is stretched to the others' size; an input
        /// with fewer axes gets axes of size 1 behind its batch axis. The output has a mask if every input has one:
        /// true where any of them is.
        #[derive(Module, Debug)]
        pub struct $name {
            #[module(skip)]
            options: LayerOptions,
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $name {
            /// The layer.
            pub fn new() -> Self {
                Self {
                    options: LayerOptions::default(),
                }
            }

            /// Reads the layer's own keys of Keras' configuration: there are none.
            ///
            /// # Errors
            ///
            /// None.
            pub fn from_config(_config: &Config) -> Result<Self> {
                Ok(Self::new())
            }
        }

        impl Layer for $name {
            layer_basics!($class);

            fn input_count(&self) -> RangeInclusive<usize> {
                $inputs
            }

            fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
                Ok(vec![merged_dims(self, inputs)?])
            }

            fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
                merged_dims(self, &inputs.iter().map(AnyTensor::dims).collect::<Vec<_>>())?;
                let (operands, rank) = operands(inputs)?;
                let merged = ($compute)(operands);
                let y = match merged {
                    Some(values) => AnyTensor::from_wide(values, rank)?,
                    None => return Err(crate::Error::tensor($class, "was called without an input")),
                };
                Ok(vec![y.with_any_mask(any_mask(inputs))])
            }

            fn mask_policy(&self) -> MaskPolicy {
                MaskPolicy::Own
            }

            fn config(&self) -> Map<String, Value> {
                Map::new()
            }
        }
    };
}

type Wide = Tensor<MOST_AXES>;

fn reduce(operands: Vec<Operand>, op: fn(Wide, Wide) -> Wide) -> Option<Wide> {
    operands.into_iter().map(|o| o.values).reduce(op)
}

/// Keras' rule for operations without a neutral value (`keras/src/layers/merging/base_merge.py`): a masked value takes
/// the other input's.
fn reduce_masked(operands: Vec<Operand>, op: fn(Wide, Wide) -> Wide) -> Option<Wide> {
    let mut operands = operands.into_iter();
    let Operand {
        mut values,
        mut mask,
    } = operands.next()?;
    for next in operands {
        let shape: [usize; MOST_AXES] =
            std::array::from_fn(|i| values.dims()[i].max(next.values.dims()[i]));
        let stretch = |mask: Tensor<MOST_AXES, Bool>| mask.expand(shape);
        let (mut a, mut b) = (values.expand(shape), next.values.expand(shape));
        let (mask_a, mask_b) = (mask.map(stretch), next.mask.map(stretch));
        if let Some(mask_b) = &mask_b {
            b = a.clone().mask_where(mask_b.clone(), b);
        }
        if let Some(mask_a) = &mask_a {
            a = b.clone().mask_where(mask_a.clone(), a);
        }
        mask = mask_a.zip(mask_b).map(|(a, b)| a.bool_or(b));
        values = op(a, b);
    }
    Some(values)
}

/// The product, a masked value counting as 1; what is masked in all inputs is 0.
fn product(operands: Vec<Operand>) -> Option<Wide> {
    let masks: Option<Vec<_>> = operands.iter().map(|o| o.mask.clone()).collect();
    let product = operands
        .into_iter()
        .map(|o| match o.mask {
            Some(mask) => o.values.mask_fill(mask.bool_not(), 1.0),
            None => o.values,
        })
        .reduce(|a, b| a * b)?;
    let shape = product.dims();
    let any = masks.and_then(|masks| {
        masks
            .into_iter()
            .map(|mask| mask.expand(shape))
            .reduce(Tensor::bool_or)
    });
    Some(match any {
        Some(any) => product.mask_fill(any.bool_not(), 0.0),
        None => product,
    })
}

merging_layer! {
    /// The sum of its inputs, value by value.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let input = Input::new([8, 16]);
    /// let x = Lstm::new(16).return_sequences(true).call(&input)?;
    /// let y = Add::new().call((&input, &x))?;
    /// assert_eq!(y.dims().to_string(), "(None, 8, 16)");
    /// # Ok::<(), Error>(())
    /// ```
    Add, "Add", 2..=usize::MAX, |operands| reduce(operands, |a, b| a + b)
}

merging_layer! {
    /// The first of its two inputs minus the second, value by value.
    ///
    /// ```
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// let (a, b) = (Input::new([2]), Input::new([2]));
    /// let model = Model::new([&a, &b], &Subtract::new().call((&a, &b))?)?;
    /// let y = model.predict((&array![[1.0, 2.0]], &array![[3.0, 4.0]]))?;
    /// assert_eq!(y.as_slice(), Some(&[-2.0, -2.0][..]));
    /// # Ok::<(), Error>(())
    /// ```
    Subtract, "Subtract", 2..=2, |operands| reduce(operands, |a, b| a - b)
}

merging_layer! {
    /// The product of its inputs, value by value. A masked value counts as 1.
    ///
    /// ```
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// let (a, b) = (Input::new([2]), Input::new([2]));
    /// let model = Model::new([&a, &b], &Multiply::new().call((&a, &b))?)?;
    /// let y = model.predict((&array![[1.0, 2.0]], &array![[3.0, 4.0]]))?;
    /// assert_eq!(y.as_slice(), Some(&[3.0, 8.0][..]));
    /// # Ok::<(), Error>(())
    /// ```
    Multiply, "Multiply", 2..=usize::MAX, product
}

merging_layer! {
    /// The mean of its inputs, value by value.
    ///
    /// ```
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// let (a, b) = (Input::new([2]), Input::new([2]));
    /// let model = Model::new([&a, &b], &Average::new().call((&a, &b))?)?;
    /// let y = model.predict((&array![[1.0, 2.0]], &array![[3.0, 4.0]]))?;
    /// assert_eq!(y.as_slice(), Some(&[2.0, 3.0][..]));
    /// # Ok::<(), Error>(())
    /// ```
    Average, "Average", 2..=usize::MAX, |operands: Vec<Operand>| {
        let count = operands.len() as f32;
        reduce(operands, |a, b| a + b).map(|sum| sum / count)
    }
}

merging_layer! {
    /// The largest of its inputs, value by value. A masked value does not compete.
    ///
    /// ```
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// let (a, b) = (Input::new([2]), Input::new([2]));
    /// let model = Model::new([&a, &b], &Maximum::new().call((&a, &b))?)?;
    /// let y = model.predict((&array![[1.0, 2.0]], &array![[3.0, 4.0]]))?;
    /// assert_eq!(y.as_slice(), Some(&[3.0, 4.0][..]));
    /// # Ok::<(), Error>(())
    /// ```
    Maximum, "Maximum", 2..=usize::MAX, |operands| reduce_masked(operands, Tensor::max_pair)
}

merging_layer! {
    /// The smallest of its inputs, value by value. A masked value does not compete.
    ///
    /// ```
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// let (a, b) = (Input::new([2]), Input::new([2]));
    /// let model = Model::new([&a, &b], &Minimum::new().call((&a, &b))?)?;
    /// let y = model.predict((&array![[1.0, 2.0]], &array![[3.0, 4.0]]))?;
    /// assert_eq!(y.as_slice(), Some(&[1.0, 2.0][..]));
    /// # Ok::<(), Error>(())
    /// ```
    Minimum, "Minimum", 2..=usize::MAX, |operands| reduce_masked(operands, Tensor::min_pair)
}
