//! What weights are held to after each training step, as Keras defines it (`keras.constraints`).

use burn::tensor::Tensor;
use serde_json::{Value, json};

use crate::config::Config;
use crate::{Error, Result};

/// A condition that a weight is brought back to after each step of the optimizer; initial values are left alone.
///
/// Norms are taken over `axis`: 0 for the kernel of a `Dense` or recurrent layer means each output's column.
///
/// ```
/// use burn_keras::constraints::Constraint;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(4).kernel_constraint(Constraint::max_norm(2.0)).bias_constraint("non_neg").input_shape([3]))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// Norms of at most `max_value`.
    MaxNorm {
        /// The largest norm.
        max_value: f32,
        /// The axes the norm is taken over.
        axis: Vec<usize>,
    },
    /// Negative values become 0.
    NonNeg,
    /// Norms of 1.
    UnitNorm {
        /// The axes the norm is taken over.
        axis: Vec<usize>,
    },
    /// Norms between two bounds, approached at a rate.
    MinMaxNorm {
        /// The smallest norm.
        min_value: f32,
        /// The largest norm.
        max_value: f32,
        /// The share of the way to go in a step: 1 holds the bounds strictly.
        rate: f32,
        /// The axes the norm is taken over.
        axis: Vec<usize>,
    },
}

/// What keeps a norm of 0 from dividing (`keras/src/backend/config.py`, `epsilon`).
const EPSILON: f32 = 1e-7;

/// Every name a constraint goes by.
const NAMES: [&str; 8] = [
    "max_norm",
    "non_neg",
    "unit_norm",
    "min_max_norm",
    "MaxNorm",
    "NonNeg",
    "UnitNorm",
    "MinMaxNorm",
];

impl Constraint {
    /// Norms over axis 0 of at most `max_value`.
    pub fn max_norm(max_value: f32) -> Self {
        Self::MaxNorm {
            max_value,
            axis: vec![0],
        }
    }

    /// Norms over axis 0 of 1.
    pub fn unit_norm() -> Self {
        Self::UnitNorm { axis: vec![0] }
    }

    /// Norms over axis 0 between the bounds.
    pub fn min_max_norm(min_value: f32, max_value: f32) -> Self {
        Self::MinMaxNorm {
            min_value,
            max_value,
            rate: 1.0,
            axis: vec![0],
        }
    }

    /// The constraint of this name with Keras' default arguments: a `"max_norm"` of 2, a `"min_max_norm"` of 0 to 1.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn by_name(name: &str) -> Result<Self> {
        Ok(match name {
            "max_norm" | "MaxNorm" => Self::max_norm(2.0),
            "non_neg" | "NonNeg" => Self::NonNeg,
            "unit_norm" | "UnitNorm" => Self::unit_norm(),
            "min_max_norm" | "MinMaxNorm" => Self::min_max_norm(0.0, 1.0),
            _ => return Err(Error::unknown("constraint", name, NAMES)),
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
        let (class_name, config) = Config::of_object(value, "constraint")?;
        let mut found = Self::by_name(&class_name)?;
        match &mut found {
            Self::NonNeg => {}
            Self::MaxNorm { max_value, axis } => {
                *max_value = config.f32_or("max_value", *max_value)?;
                *axis = axes(&config)?;
            }
            Self::UnitNorm { axis } => *axis = axes(&config)?,
            Self::MinMaxNorm {
                min_value,
                max_value,
                rate,
                axis,
            } => {
                *min_value = config.f32_or("min_value", *min_value)?;
                *max_value = config.f32_or("max_value", *max_value)?;
                *rate = config.f32_or("rate", *rate)?;
                *axis = axes(&config)?;
            }
        }
        Ok(found)
    }

    /// Keras' configuration of it.
    pub fn to_config(&self) -> Value {
        let (class_name, config) = match self {
            Self::MaxNorm { max_value, axis } => (
                "MaxNorm",
                json!({"max_value": max_value, "axis": axis_value(axis)}),
            ),
            Self::NonNeg => ("NonNeg", json!({})),
            Self::UnitNorm { axis } => ("UnitNorm", json!({"axis": axis_value(axis)})),
            Self::MinMaxNorm {
                min_value,
                max_value,
                rate,
                axis,
            } => (
                "MinMaxNorm",
                json!({
                    "min_value": min_value,
                    "max_value": max_value,
                    "rate": rate,
                    "axis": axis_value(axis),
                }),
            ),
        };
        json!({
            "module": "keras.constraints",
            "class_name": class_name,
            "config": config,
            "registered_name": null,
        })
    }

    /// The weight brought back to the condition.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for an axis that the weight does not have.
    pub fn apply<const D: usize>(&self, weight: Tensor<D>) -> Result<Tensor<D>> {
        Ok(match self {
            Self::NonNeg => weight.clamp_min(0.0),
            Self::MaxNorm { max_value, axis } => {
                let norm = norm(&weight, axis)?;
                let desired = norm.clone().clamp(0.0, *max_value);
                weight * (desired / (norm + EPSILON))
            }
            Self::UnitNorm { axis } => {
                let norm = norm(&weight, axis)?;
                weight / (norm + EPSILON)
            }
            Self::MinMaxNorm {
                min_value,
                max_value,
                rate,
                axis,
            } => {
                let norm = norm(&weight, axis)?;
                let bounded = norm.clone().clamp(*min_value, *max_value);
                let desired = bounded * *rate + norm.clone() * (1.0 - rate);
                weight * (desired / (norm + EPSILON))
            }
        })
    }
}

/// The norm over the axes, which stay with size 1.
fn norm<const D: usize>(weight: &Tensor<D>, axis: &[usize]) -> Result<Tensor<D>> {
    let mut squares = weight.clone() * weight.clone();
    for axis in axis {
        if *axis >= D {
            return Err(Error::argument(
                "a constraint",
                "axis",
                format!("is {axis}, but the weight has {D} axes, counted from 0"),
            ));
        }
        squares = squares.sum_dim(*axis);
    }
    Ok(squares.sqrt())
}

fn axes(config: &Config) -> Result<Vec<usize>> {
    match config.get("axis") {
        Some(Value::Array(_)) => Ok(config
            .opt_dims("axis")?
            .map(|dims| dims.axes().iter().flatten().copied().collect())
            .unwrap_or_default()),
        _ => Ok(vec![config.usize_or("axis", 0)?]),
    }
}

fn axis_value(axis: &[usize]) -> Value {
    match axis {
        [only] => json!(only),
        several => json!(several),
    }
}

/// What names a constraint: a text such as `"max_norm"`, or a [`Constraint`].
pub trait IntoConstraint {
    /// The constraint.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`].
    fn into_constraint(self) -> Result<Constraint>;
}

impl IntoConstraint for Constraint {
    fn into_constraint(self) -> Result<Constraint> {
        Ok(self)
    }
}

impl IntoConstraint for &str {
    fn into_constraint(self) -> Result<Constraint> {
        Constraint::by_name(self)
    }
}
