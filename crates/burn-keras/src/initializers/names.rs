//! The names that initializers go by.

use super::{Distribution, FanMode, Initializer};
use crate::{Error, Result};

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
}

impl FanMode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FanIn => "fan_in",
            Self::FanOut => "fan_out",
            Self::FanAvg => "fan_avg",
        }
    }

    pub(super) fn by_name(name: &str) -> Result<Self> {
        [Self::FanIn, Self::FanOut, Self::FanAvg]
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| Error::unknown("fan mode", name, ["fan_in", "fan_out", "fan_avg"]))
    }
}

impl Distribution {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::TruncatedNormal => "truncated_normal",
            Self::UntruncatedNormal => "untruncated_normal",
        }
    }

    pub(super) fn by_name(name: &str) -> Result<Self> {
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
}
