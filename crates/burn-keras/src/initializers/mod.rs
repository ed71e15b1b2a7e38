//! Initial values of weights, as Keras defines them (`keras.initializers`), from our own seeded generator.
//!
//! A random initializer without a seed draws one when a layer is built. With a seed it gives the same values every
//! time it is used, as in Keras.

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::random::Generator;
use crate::{Error, Result};

mod matrices;

use matrices::{identity, orthogonal};

/// How a weight gets its first values.
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

/// The named cases of variance scaling: class name, snake-case name, scale, mode, distribution.
const SCALED: [(&str, &str, f32, FanMode, Distribution); 6] = [
    (
        "GlorotUniform",
        "glorot_uniform",
        1.0,
        FanMode::FanAvg,
        Distribution::Uniform,
    ),
    (
        "GlorotNormal",
        "glorot_normal",
        1.0,
        FanMode::FanAvg,
        Distribution::TruncatedNormal,
    ),
    (
        "HeUniform",
        "he_uniform",
        2.0,
        FanMode::FanIn,
        Distribution::Uniform,
    ),
    (
        "HeNormal",
        "he_normal",
        2.0,
        FanMode::FanIn,
        Distribution::TruncatedNormal,
    ),
    (
        "LecunUniform",
        "lecun_uniform",
        1.0,
        FanMode::FanIn,
        Distribution::Uniform,
    ),
    (
        "LecunNormal",
        "lecun_normal",
        1.0,
        FanMode::FanIn,
        Distribution::TruncatedNormal,
    ),
];

/// Every name an initializer goes by, for the error that lists the nearest.
const NAMES: [&str; 18] = [
    "zeros",
    "ones",
    "constant",
    "identity",
    "random_normal",
    "truncated_normal",
    "random_uniform",
    "variance_scaling",
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "uniform",
    "normal",
    "orthogonal_initializer",
];

impl Initializer {
    /// Uniform in ±√(6 / (inputs + outputs)): Keras' default for kernels.
    pub fn glorot_uniform() -> Self {
        scaled(0)
    }

    /// An orthogonal matrix: Keras' default for recurrent kernels.
    pub fn orthogonal() -> Self {
        Self::Orthogonal {
            gain: 1.0,
            seed: None,
        }
    }

    /// Uniform in ±0.05: Keras' default for embeddings.
    pub fn uniform() -> Self {
        Self::RandomUniform {
            minval: -0.05,
            maxval: 0.05,
            seed: None,
        }
    }

    /// The initializer of this name with its default arguments: `"glorot_uniform"` or `"GlorotUniform"`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn by_name(name: &str) -> Result<Self> {
        let plain = |value| Self::Constant { value };
        let found = match name {
            "zeros" | "zero" | "Zeros" => Self::Zeros,
            "ones" | "one" | "Ones" => Self::Ones,
            "constant" | "Constant" => plain(0.0),
            "identity" | "Identity" | "IdentityInitializer" => Self::Identity { gain: 1.0 },
            "random_normal" | "RandomNormal" => Self::RandomNormal {
                mean: 0.0,
                stddev: 0.05,
                seed: None,
            },
            "truncated_normal" | "TruncatedNormal" | "normal" => Self::TruncatedNormal {
                mean: 0.0,
                stddev: 0.05,
                seed: None,
            },
            "random_uniform" | "RandomUniform" | "uniform" => Self::uniform(),
            "variance_scaling" | "VarianceScaling" => Self::VarianceScaling {
                scale: 1.0,
                mode: FanMode::FanIn,
                distribution: Distribution::TruncatedNormal,
                seed: None,
                class_name: "VarianceScaling",
            },
            "orthogonal" | "Orthogonal" | "OrthogonalInitializer" | "orthogonal_initializer" => {
                Self::orthogonal()
            }
            other => SCALED
                .iter()
                .position(|(class, snake, ..)| *class == other || *snake == other)
                .map(scaled)
                .ok_or_else(|| Error::unknown("initializer", name, NAMES))?,
        };
        Ok(found)
    }

    /// Values for a weight of `shape`, row after row.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for a shape the initializer is not made for (`Identity` needs two axes, `Orthogonal` at
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

    /// Keras' configuration of it.
    pub fn to_config(&self) -> Value {
        let (class_name, config) = match self {
            Self::Zeros => ("Zeros", json!({})),
            Self::Ones => ("Ones", json!({})),
            Self::Constant { value } => ("Constant", json!({"value": value})),
            Self::Identity { gain } => ("Identity", json!({"gain": gain})),
            Self::RandomNormal { mean, stddev, seed } => (
                "RandomNormal",
                json!({"mean": mean, "stddev": stddev, "seed": seed}),
            ),
            Self::TruncatedNormal { mean, stddev, seed } => (
                "TruncatedNormal",
                json!({"mean": mean, "stddev": stddev, "seed": seed}),
            ),
            Self::RandomUniform {
                minval,
                maxval,
                seed,
            } => (
                "RandomUniform",
                json!({"minval": minval, "maxval": maxval, "seed": seed}),
            ),
            Self::VarianceScaling {
                scale,
                mode,
                distribution,
                seed,
                class_name,
            } => {
                let mut config = Map::new();
                if *class_name == "VarianceScaling" {
                    config.insert("scale".into(), json!(scale));
                    config.insert("mode".into(), json!(mode.name()));
                    config.insert("distribution".into(), json!(distribution.name()));
                }
                config.insert("seed".into(), json!(seed));
                (*class_name, Value::Object(config))
            }
            Self::Orthogonal { gain, seed } => ("Orthogonal", json!({"gain": gain, "seed": seed})),
        };
        json!({
            "module": "keras.initializers",
            "class_name": class_name,
            "config": config,
            "registered_name": null,
        })
    }

    /// Reads Keras' configuration: a name, or an object with `class_name` and `config`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] or [`Error::Config`], naming what cannot be read.
    pub fn from_config(value: &Value) -> Result<Self> {
        if let Some(name) = value.as_str() {
            return Self::by_name(name);
        }
        let (class_name, config) = Config::of_object(value, "initializer")?;
        let mut found = Self::by_name(&class_name)?;
        match &mut found {
            Self::Zeros | Self::Ones => {}
            Self::Constant { value } => *value = config.f32_or("value", 0.0)?,
            Self::Identity { gain } => *gain = config.f32_or("gain", 1.0)?,
            Self::RandomNormal { mean, stddev, seed }
            | Self::TruncatedNormal { mean, stddev, seed } => {
                *mean = config.f32_or("mean", 0.0)?;
                *stddev = config.f32_or("stddev", 0.05)?;
                *seed = config.seed()?;
            }
            Self::RandomUniform {
                minval,
                maxval,
                seed,
            } => {
                *minval = config.f32_or("minval", -0.05)?;
                *maxval = config.f32_or("maxval", 0.05)?;
                *seed = config.seed()?;
            }
            Self::VarianceScaling {
                scale,
                mode,
                distribution,
                seed,
                ..
            } => {
                *scale = config.f32_or("scale", *scale)?;
                if let Some(name) = config.opt_str("mode")? {
                    *mode = FanMode::by_name(&name)?;
                }
                if let Some(name) = config.opt_str("distribution")? {
                    *distribution = Distribution::by_name(&name)?;
                }
                *seed = config.seed()?;
            }
            Self::Orthogonal { gain, seed } => {
                *gain = config.f32_or("gain", 1.0)?;
                *seed = config.seed()?;
            }
        }
        Ok(found)
    }
}

impl FanMode {
    fn name(self) -> &'static str {
        match self {
            Self::FanIn => "fan_in",
            Self::FanOut => "fan_out",
            Self::FanAvg => "fan_avg",
        }
    }

    fn by_name(name: &str) -> Result<Self> {
        [Self::FanIn, Self::FanOut, Self::FanAvg]
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| Error::unknown("fan mode", name, ["fan_in", "fan_out", "fan_avg"]))
    }
}

impl Distribution {
    fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::TruncatedNormal => "truncated_normal",
            Self::UntruncatedNormal => "untruncated_normal",
        }
    }

    fn by_name(name: &str) -> Result<Self> {
        match name {
            "uniform" => Ok(Self::Uniform),
            "truncated_normal" | "normal" => Ok(Self::TruncatedNormal),
            "untruncated_normal" => Ok(Self::UntruncatedNormal),
            _ => Err(Error::unknown(
                "distribution",
                name,
                ["uniform", "truncated_normal", "untruncated_normal"],
            )),
        }
    }
}

fn scaled(index: usize) -> Initializer {
    let (class_name, _, scale, mode, distribution) = SCALED[index];
    Initializer::VarianceScaling {
        scale,
        mode,
        distribution,
        seed: None,
        class_name,
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

/// What `.kernel_initializer(..)` and the like accept: a name or an [`Initializer`].
pub trait IntoInitializer {
    /// The initializer, or why there is none.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_initializer(self) -> Result<Initializer>;
}

impl IntoInitializer for Initializer {
    fn into_initializer(self) -> Result<Initializer> {
        Ok(self)
    }
}

impl IntoInitializer for &str {
    fn into_initializer(self) -> Result<Initializer> {
        Initializer::by_name(self)
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
    fn every_name_gives_an_initializer_whose_configuration_reads_back() -> Result<()> {
        for name in NAMES {
            let initializer = Initializer::by_name(name)?;
            assert_eq!(
                Initializer::from_config(&initializer.to_config())?,
                initializer
            );
        }
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
