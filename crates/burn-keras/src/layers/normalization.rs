//! Normalization by the statistics of data seen before.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::any_weight::AnyWeight;
use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, WeightBuilder, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::tensor::AnyTensor;
use crate::training::data::{IntoData, Values};
use crate::{Error, Result};

/// The least a deviation counts for (`keras/src/backend/config.py`, `epsilon`).
const EPSILON: f32 = 1e-7;

/// Shifts and scales each feature by a mean and a variance taken from data: `(x - mean) / √variance`.
///
/// They come from [`adapt`](Normalization::adapt), which is called before the layer goes into a model, or are given.
///
/// ```
/// use burn_keras::ndarray::array;
/// use burn_keras::prelude::*;
///
/// let mut normalization = Normalization::new();
/// normalization.adapt(&array![[0.0_f32, 10.0], [2.0, 30.0]])?;
/// let mut model = Sequential::new();
/// model.add(normalization.input_shape([2]))?;
/// assert_eq!(model.predict(&array![[2.0_f32, 20.0]])?, array![[1.0, 0.0]].into_dyn());
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Normalization {
    mean: Option<AnyWeight>,
    variance: Option<AnyWeight>,
    count: Option<AnyWeight>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    axis: Vec<i64>,
    #[module(skip)]
    invert: bool,
    #[module(skip)]
    statistics: Statistics,
}

/// Where mean and variance come from.
#[derive(Clone, Debug)]
enum Statistics {
    /// Nobody said: 0 and 1.
    Unknown,
    /// Arguments of the layer, stored in its configuration; the layer then has no weights.
    Given { mean: Vec<f32>, variance: Vec<f32> },
    /// Computed from data of this shape; they become the layer's weights.
    Adapted {
        sizes: Vec<usize>,
        mean: Vec<f32>,
        variance: Vec<f32>,
    },
}

impl Default for Normalization {
    fn default() -> Self {
        Self::new()
    }
}

impl Normalization {
    /// The layer with a mean and a variance for each entry of the last axis.
    pub fn new() -> Self {
        Self {
            mean: None,
            variance: None,
            count: None,
            options: LayerOptions::default(),
            axis: vec![-1],
            invert: false,
            statistics: Statistics::Unknown,
        }
    }

    /// The axes along which each entry has statistics of its own (`[-1]`); none for one mean over everything.
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> Self {
        self.axis = axis.into();
        self
    }

    /// Whether the layer undoes the normalization: `mean + x √variance`.
    pub fn invert(mut self, invert: bool) -> Self {
        self.invert = invert;
        self
    }

    /// Gives mean and variance, one number or one for each entry of the axis.
    ///
    /// Two lists of different lengths are reported by `add` or `call`.
    pub fn mean_and_variance(
        mut self,
        mean: impl Into<Vec<f32>>,
        variance: impl Into<Vec<f32>>,
    ) -> Self {
        let (mean, variance) = (mean.into(), variance.into());
        let valid = if mean.len() == variance.len() && !mean.is_empty() {
            Ok(Statistics::Given { mean, variance })
        } else {
            let problem = format!(
                "has {} numbers and `variance` {}; give as many of both, at least one",
                mean.len(),
                variance.len()
            );
            Err(Error::argument("", "", problem))
        };
        if let Some(statistics) = self.options.accept("mean", valid) {
            self.statistics = statistics;
        }
        self
    }

    /// Takes mean and variance from data, `[samples, ..]`; the variance is the biased one.
    ///
    /// To be called before the layer goes into a model, which takes a copy.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] for data without samples; [`Error::Argument`] when the data lack an axis of `axis`, or mean and
    /// variance were given already.
    pub fn adapt<'a>(&mut self, data: impl IntoData<'a>) -> Result<()> {
        if matches!(self.statistics, Statistics::Given { .. }) {
            return Err(Error::argument(
                describe(self),
                "mean",
                "was given, so there is nothing to adapt; leave out one of the two",
            ));
        }
        let data = data.into_data()?;
        let [values] = data.as_slice() else {
            return Err(Error::data(
                "data",
                format!("has {} arrays; adapt takes one", data.len()),
            ));
        };
        let shape = values.shape().to_vec();
        if values.samples() == 0 {
            return Err(Error::data("data", "has no samples to take a mean of"));
        }
        let axes = self.axes(shape.len())?;
        let sizes: Vec<usize> = axes.iter().map(|a| shape[*a]).collect();
        let groups = sizes.iter().product::<usize>().max(1);
        // Which statistic a value belongs to: its place along the kept axes.
        let mut groups_of = Vec::new();
        let mut flat = Vec::new();
        let mut take = |index: &[usize], value: f64| {
            groups_of.push(
                axes.iter()
                    .zip(&sizes)
                    .fold(0, |g, (a, n)| g * n + index[*a]),
            );
            flat.push(value);
        };
        match values {
            Values::Float(array) => array.indexed_iter().for_each(|(i, v)| {
                take(ndarray::Dimension::slice(&i), f64::from(*v));
            }),
            Values::Int(array) => array.indexed_iter().for_each(|(i, v)| {
                take(ndarray::Dimension::slice(&i), f64::from(*v));
            }),
            Values::File(_) => values.to_f32()?.indexed_iter().for_each(|(i, v)| {
                take(ndarray::Dimension::slice(&i), f64::from(*v));
            }),
        }
        let count = (flat.len() / groups).max(1) as f64;
        let mut mean = vec![0.0; groups];
        groups_of
            .iter()
            .zip(&flat)
            .for_each(|(g, v)| mean[*g] += v / count);
        let mut variance = vec![0.0; groups];
        for (group, value) in groups_of.iter().zip(&flat) {
            variance[*group] += (value - mean[*group]).powi(2) / count;
        }
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        self.statistics = Statistics::Adapted {
            sizes,
            mean: single(mean),
            variance: single(variance),
        };
        // Weights of an earlier build are out of date.
        (self.mean, self.variance, self.count) = (None, None, None);
        Ok(())
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let default = if config.keys().any(|k| k == "axis") {
            vec![]
        } else {
            vec![-1]
        };
        let layer = Self::new()
            .axis(config.opt_integers("axis")?.unwrap_or(default))
            .invert(config.bool_or("invert", false)?);
        match (config.opt_numbers("mean")?, config.opt_numbers("variance")?) {
            (Some(mean), Some(variance)) => Ok(layer.mean_and_variance(mean, variance)),
            (None, None) => Ok(layer),
            _ => Err(Error::config(
                config.place(),
                "has only one of `mean` and `variance`; it needs both or none",
            )),
        }
    }

    /// The axes with statistics of their own, counted from the front and in order.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let axes: Option<Vec<usize>> = self
            .axis
            .iter()
            .map(|axis| super::axis_from_front(*axis, rank))
            .collect();
        let mut axes = axes.ok_or_else(|| {
            Error::argument(
                describe(self),
                "axis",
                format!("is {:?}, but there are {rank} axes", self.axis),
            )
        })?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    fn sizes(&self, dims: &Dims) -> Result<Vec<usize>> {
        let axes = self.axes(dims.rank())?;
        let sizes: Option<Vec<usize>> = axes.iter().map(|axis| dims.axis(*axis)).collect();
        sizes.ok_or_else(|| {
            Error::shape(
                describe(self),
                format!("known sizes of the axes {axes:?}, which have statistics of their own"),
                dims.in_words(),
                "Give those axes of `input_shape` a size.",
            )
        })
    }

    /// Mean and deviation under a shape that goes with an input of this one.
    fn moments(&self, input: &AnyTensor) -> Result<[AnyTensor; 2]> {
        let axes = self.axes(input.rank())?;
        let sizes = self.sizes(&input.dims())?;
        let mut shape = vec![1; input.rank()];
        axes.iter()
            .zip(&sizes)
            .for_each(|(axis, size)| shape[*axis] = *size);
        let (mean, variance) = match (&self.statistics, &self.mean, &self.variance) {
            (Statistics::Given { mean, variance }, ..) => {
                let stretched = |values: &[f32]| {
                    let count = sizes.iter().product::<usize>();
                    // Fewer numbers than entries are those of the last axes, repeated along the others.
                    let all = values.iter().copied().cycle().take(count).collect();
                    AnyTensor::from_f32(all, &shape, &input.device())
                };
                (stretched(mean)?, stretched(variance)?)
            }
            (_, Some(mean), Some(variance)) => {
                let shaped = |w: &AnyWeight| AnyTensor::from_flat(w.value().float_flat()?, &shape);
                (shaped(mean)?, shaped(variance)?)
            }
            _ => {
                return Err(Error::NotBuilt {
                    needed_for: describe(self),
                });
            }
        };
        Ok([mean, variance.map(|v| v.sqrt().clamp_min(EPSILON))?])
    }
}

impl Layer for Normalization {
    layer_basics!("Normalization");

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let sizes = self.sizes(only(inputs)?)?;
        let filled = |values: &[f32], weights: &mut WeightBuilder<'_>| -> Result<AnyWeight> {
            let weight = AnyWeight::from_values(weights, &sizes, values.to_vec())?;
            Ok(weight.non_trainable())
        };
        let count = sizes.iter().product::<usize>();
        let (mean, variance) = match &self.statistics {
            Statistics::Given { .. } => return Ok(()),
            Statistics::Unknown => (vec![0.0; count], vec![1.0; count]),
            Statistics::Adapted { mean, variance, .. } => (mean.clone(), variance.clone()),
        };
        self.mean = Some(filled(&mean, weights)?);
        self.variance = Some(filled(&variance, weights)?);
        // Keras keeps it for files of older releases.
        self.count = Some(AnyWeight::new(weights, &[], &Initializer::Zeros)?.non_trainable());
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        let sizes = self.sizes(dims)?;
        let fits = match &self.statistics {
            Statistics::Unknown => true,
            Statistics::Adapted { sizes: adapted, .. } => *adapted == sizes,
            Statistics::Given { mean, .. } => {
                // From the last axis backwards, as many as the numbers fill.
                let mut filled = 1;
                mean.len() == 1
                    || sizes.iter().rev().any(|size| {
                        filled *= size;
                        filled == mean.len()
                    })
            }
        };
        if fits {
            return Ok(vec![dims.clone()]);
        }
        Err(Error::shape(
            describe(self),
            "an input with the sizes that its mean and variance are for",
            dims.in_words(),
            "Adapt it to data of this shape, or give as many numbers as the normalized axes have entries.",
        ))
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let [mean, deviation] = self.moments(x)?;
        let same = |t: AnyTensor| -> Result<AnyTensor> {
            let dtype = x.float_flat()?.dtype();
            t.map(|t| t.cast(dtype))
        };
        let (mean, deviation) = (same(mean)?, same(deviation)?);
        Ok(vec![if self.invert {
            x.zip(&deviation, |x, d| x * d)?.zip(&mean, |x, m| x + m)?
        } else {
            x.zip(&mean, |x, m| x - m)?.zip(&deviation, |x, d| x / d)?
        }])
    }

    fn config(&self) -> Map<String, Value> {
        let axis = if self.axis.is_empty() {
            Value::Null
        } else {
            json!(self.axis)
        };
        let (mean, variance) = match &self.statistics {
            Statistics::Given { mean, variance } if mean.len() == 1 => {
                (json!(mean[0]), json!(variance[0]))
            }
            Statistics::Given { mean, variance } => (json!(mean), json!(variance)),
            _ => (Value::Null, Value::Null),
        };
        Map::from_iter([
            ("axis".to_string(), axis),
            ("invert".to_string(), json!(self.invert)),
            ("mean".to_string(), mean),
            ("variance".to_string(), variance),
        ])
    }
}
