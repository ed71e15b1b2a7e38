//! Initial values of weights, as Keras defines them (`keras.initializers`), from our own seeded generator.
//!
//! A random initializer without a seed draws one when a layer is built. With a seed it gives the same values every
//! time it is used, as in Keras.

use crate::Result;
use crate::random::Generator;

mod config;
mod matrices;
mod names;

use matrices::{identity, orthogonal};
pub use names::IntoInitializer;

/// How a weight gets its first values.
///
/// ```
/// use burn_keras::initializers::Initializer;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(3).bias_initializer(Initializer::Constant { value: 0.5 }).input_shape([16]))?;
/// assert_eq!(model.get_weights()?[1].as_slice(), Some(&[0.5; 3][..]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Initializer {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All `value`.
    Constant {
        /// The value.
        value: f32,
    },
    /// `gain` on the diagonal of a matrix, else 0.
    Identity {
        /// The value on the diagonal.
        gain: f32,
    },
    /// Normally distributed.
    RandomNormal {
        /// The mean.
        mean: f32,
        /// The standard deviation.
        stddev: f32,
        /// The seed; `None` draws one at each use.
        seed: Option<u64>,
    },
    /// Normally distributed, values further than two deviations from the mean drawn again.
    TruncatedNormal {
        /// The mean.
        mean: f32,
        /// The standard deviation before truncation.
        stddev: f32,
        /// The seed; `None` draws one at each use.
        seed: Option<u64>,
    },
    /// Uniform in `[minval, maxval)`.
    RandomUniform {
        /// The lower bound.
        minval: f32,
        /// The upper bound.
        maxval: f32,
        /// The seed; `None` draws one at each use.
        seed: Option<u64>,
    },
    /// Variance `scale / n`, with `n` taken from the weight's shape.
    ///
    /// The Glorot, He and LeCun initializers are cases of it ([`glorot_uniform`](Initializer::glorot_uniform), …).
    VarianceScaling {
        /// The numerator of the variance.
        scale: f32,
        /// What `n` is.
        mode: FanMode,
        /// The distribution.
        distribution: Distribution,
        /// The seed; `None` draws one at each use.
        seed: Option<u64>,
        /// The name under which Keras knows this case.
        class_name: &'static str,
    },
    /// An orthogonal matrix times `gain`: the whole weight seen as `[rows, last axis]`, for an LSTM's recurrent kernel
    /// all four gates at once.
    Orthogonal {
        /// The factor.
        gain: f32,
        /// The seed; `None` draws one at each use.
        seed: Option<u64>,
    },
}

/// What the variance of [`Initializer::VarianceScaling`] is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// The number of inputs.
    FanIn,
    /// The number of outputs.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// The distribution of [`Initializer::VarianceScaling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Uniform.
    Uniform,
    /// Normal, cut off at two deviations and widened so that the variance is right.
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
}

/// The standard deviation of a standard normal variable cut off at ±2.
const TRUNCATED_STDDEV: f32 = 0.879_625_6;

impl Initializer {
    /// Values for a weight of `shape`, row after row.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`](crate::Error::Argument) for a shape the initializer is not made for (`Identity` needs two axes, `Orthogonal` at
    /// least two).
    pub fn values(&self, shape: &[usize], generator: &mut Generator) -> Result<Vec<f32>> {
        let count: usize = shape.iter().product();
        if let Some(zeros) = generator.take_placeholders(count)? {
            return Ok(zeros);
        }
        let mut seeded;
        // An unseeded initializer still takes exactly one number from the layer's generator, whatever its kind.
        let drawn = generator.next_u64();
        let random = match self.seed() {
            Some(seed) => {
                seeded = Generator::new(seed);
                &mut seeded
            }
            None => {
                seeded = Generator::new(drawn);
                &mut seeded
            }
        };
        Ok(match self {
            Self::Zeros => vec![0.0; count],
            Self::Ones => vec![1.0; count],
            Self::Constant { value } => vec![*value; count],
            Self::Identity { gain } => identity(shape, *gain)?,
            Self::RandomNormal { mean, stddev, .. } => (0..count)
                .map(|_| mean + stddev * random.normal())
                .collect(),
            Self::TruncatedNormal { mean, stddev, .. } => (0..count)
                .map(|_| mean + stddev * random.truncated_normal())
                .collect(),
            Self::RandomUniform { minval, maxval, .. } => (0..count)
                .map(|_| random.between(*minval, *maxval))
                .collect(),
            Self::VarianceScaling {
                scale,
                mode,
                distribution,
                ..
            } => {
                let variance = scale / fan(*mode, shape).max(1.0);
                match distribution {
                    Distribution::Uniform => {
                        let limit = (3.0 * variance).sqrt();
                        (0..count).map(|_| random.between(-limit, limit)).collect()
                    }
                    Distribution::TruncatedNormal => {
                        let stddev = variance.sqrt() / TRUNCATED_STDDEV;
                        (0..count)
                            .map(|_| stddev * random.truncated_normal())
                            .collect()
                    }
                    Distribution::UntruncatedNormal => {
                        let stddev = variance.sqrt();
                        (0..count).map(|_| stddev * random.normal()).collect()
                    }
                }
            }
            Self::Orthogonal { gain, .. } => orthogonal(shape, *gain, random)?,
        })
    }

    fn seed(&self) -> Option<u64> {
        match self {
            Self::RandomNormal { seed, .. }
            | Self::TruncatedNormal { seed, .. }
            | Self::RandomUniform { seed, .. }
            | Self::VarianceScaling { seed, .. }
            | Self::Orthogonal { seed, .. } => *seed,
            Self::Zeros | Self::Ones | Self::Constant { .. } | Self::Identity { .. } => None,
        }
    }
}

/// The number of inputs, outputs or their mean that a weight of `shape` connects.
fn fan(mode: FanMode, shape: &[usize]) -> f32 {
    let (fan_in, fan_out) = match *shape {
        [] => (1, 1),
        [n] => (n, n),
        [rows, columns] => (rows, columns),
        [ref receptive @ .., inputs, outputs] => {
            let receptive: usize = receptive.iter().product();
            (receptive * inputs, receptive * outputs)
        }
    };
    match mode {
        FanMode::FanIn => fan_in as f32,
        FanMode::FanOut => fan_out as f32,
        FanMode::FanAvg => (fan_in + fan_out) as f32 / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glorot_takes_its_limit_from_the_whole_kernel() -> Result<()> {
        // An LSTM(32) kernel for 16 features: limit √(6 / (16 + 128)).
        let values = Initializer::glorot_uniform().values(&[16, 128], &mut Generator::new(1))?;
        let limit = (6.0f32 / 144.0).sqrt();
        let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(
            largest <= limit && largest > 0.98 * limit,
            "{largest} {limit}"
        );
        Ok(())
    }

    #[test]
    fn a_seeded_initializer_gives_the_same_values_every_time() -> Result<()> {
        let seeded = Initializer::RandomNormal {
            mean: 0.0,
            stddev: 1.0,
            seed: Some(9),
        };
        let mut generator = Generator::new(1);
        assert_eq!(
            seeded.values(&[4], &mut generator)?,
            seeded.values(&[4], &mut generator)?
        );
        let unseeded = Initializer::uniform();
        assert_ne!(
            unseeded.values(&[4], &mut generator)?,
            unseeded.values(&[4], &mut generator)?
        );
        Ok(())
    }

    #[test]
    fn scaled_normals_have_the_stated_variance() -> Result<()> {
        for (name, wanted) in [("he_normal", 2.0 / 200.0), ("lecun_normal", 1.0 / 200.0)] {
            let values = Initializer::by_name(name)?.values(&[200, 300], &mut Generator::new(4))?;
            let variance = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
            assert!(
                (variance / wanted - 1.0).abs() < 0.03,
                "{name}: {variance} {wanted}"
            );
        }
        Ok(())
    }
}
