//! Initializers in Keras' configuration.

use serde_json::{Map, Value, json};

use super::{Distribution, FanMode, Initializer};
use crate::Result;
use crate::config::Config;

impl Initializer {
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
    /// [`Error::UnknownName`](crate::Error::UnknownName) or [`Error::Config`](crate::Error::Config), naming what cannot be read.
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
