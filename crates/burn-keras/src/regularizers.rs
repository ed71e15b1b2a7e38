//! Penalties on weights and on outputs, as Keras defines them (`keras.regularizers`): they are added to the loss.

use burn::tensor::Tensor;
use serde_json::{Value, json};

use crate::config::Config;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// A penalty that grows with a weight, or with a layer's output.
///
/// ```
/// use burn_keras::prelude::*;
/// use burn_keras::regularizers::Regularizer;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(4).kernel_regularizer("l2").activity_regularizer(Regularizer::l1(1e-4)).input_shape([3]))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Regularizer {
    /// `l1 · Σ|w|`.
    L1 {
        /// The factor.
        l1: f32,
    },
    /// `l2 · Σw²`.
    L2 {
        /// The factor.
        l2: f32,
    },
    /// `l1 · Σ|w| + l2 · Σw²`.
    L1L2 {
        /// The factor of the absolute values.
        l1: f32,
        /// The factor of the squares.
        l2: f32,
    },
    /// Keeps the rows (or columns) of a matrix at right angles: `factor / 2` times the mean absolute product of two
    /// different ones, each scaled to length 1.
    Orthogonal {
        /// The factor.
        factor: f32,
        /// Which vectors are meant.
        mode: OrthogonalMode,
    },
}

/// The vectors that [`Regularizer::Orthogonal`] keeps at right angles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrthogonalMode {
    /// The rows.
    Rows,
    /// The columns.
    Columns,
}

impl OrthogonalMode {
    fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Columns => "columns",
        }
    }
}

/// What keeps a length of 0 from dividing (`keras/src/backend/config.py`, `epsilon`).
const EPSILON: f32 = 1e-7;

/// Every name a regularizer goes by.
const NAMES: [&str; 8] = [
    "l1",
    "l2",
    "l1l2",
    "orthogonal_regularizer",
    "L1",
    "L2",
    "L1L2",
    "OrthogonalRegularizer",
];

impl Regularizer {
    /// `l1 · Σ|w|`.
    pub fn l1(l1: f32) -> Self {
        Self::L1 { l1 }
    }

    /// `l2 · Σw²`, without the half that some books put in front.
    pub fn l2(l2: f32) -> Self {
        Self::L2 { l2 }
    }

    /// `l1 · Σ|w| + l2 · Σw²`.
    pub fn l1_l2(l1: f32, l2: f32) -> Self {
        Self::L1L2 { l1, l2 }
    }

    /// Keeps the rows or columns of a matrix at right angles.
    pub fn orthogonal(factor: f32, mode: OrthogonalMode) -> Self {
        Self::Orthogonal { factor, mode }
    }

    /// The regularizer of this name with Keras' default arguments: `"l1"` and `"l2"` have a factor of 0.01, `"l1l2"`
    /// has 0 and 0.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn by_name(name: &str) -> Result<Self> {
        Ok(match name {
            "l1" | "L1" => Self::l1(0.01),
            "l2" | "L2" => Self::l2(0.01),
            "l1l2" | "L1L2" => Self::l1_l2(0.0, 0.0),
            "orthogonal_regularizer" | "OrthogonalRegularizer" => {
                Self::orthogonal(0.01, OrthogonalMode::Rows)
            }
            _ => return Err(Error::unknown("regularizer", name, NAMES)),
        })
    }

    /// Reads Keras' configuration: a name, or an object with `class_name` and `config`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`], [`Error::Config`] or [`Error::Argument`], naming what cannot be read.
    pub fn from_config(value: &Value) -> Result<Self> {
        if let Some(name) = value.as_str() {
            return Self::by_name(name);
        }
        let (class_name, config) = Config::of_object(value, "regularizer")?;
        let mut found = Self::by_name(&class_name)?;
        match &mut found {
            Self::L1 { l1 } => *l1 = config.f32_or("l1", *l1)?,
            Self::L2 { l2 } => *l2 = config.f32_or("l2", *l2)?,
            Self::L1L2 { l1, l2 } => {
                *l1 = config.f32_or("l1", *l1)?;
                *l2 = config.f32_or("l2", *l2)?;
            }
            Self::Orthogonal { factor, mode } => {
                *factor = config.f32_or("factor", *factor)?;
                *mode = match config.opt_str("mode")?.as_deref() {
                    None | Some("rows") => OrthogonalMode::Rows,
                    Some("columns") => OrthogonalMode::Columns,
                    Some(other) => {
                        return Err(Error::config(
                            config.place(),
                            format!("`mode` is \"{other}\"; it must be \"rows\" or \"columns\""),
                        ));
                    }
                };
            }
        }
        found.check()?;
        Ok(found)
    }

    /// Keras' configuration of it.
    pub fn to_config(&self) -> Value {
        let (class_name, config) = match self {
            Self::L1 { l1 } => ("L1", json!({"l1": l1})),
            Self::L2 { l2 } => ("L2", json!({"l2": l2})),
            Self::L1L2 { l1, l2 } => ("L1L2", json!({"l1": l1, "l2": l2})),
            Self::Orthogonal { factor, mode } => (
                "OrthogonalRegularizer",
                json!({"factor": factor, "mode": mode.name()}),
            ),
        };
        json!({
            "module": "keras.regularizers",
            "class_name": class_name,
            "config": config,
            "registered_name": null,
        })
    }

    /// Refuses factors that are no penalty.
    fn check(&self) -> Result<()> {
        let (name, factors) = match self {
            Self::L1 { l1 } => ("l1", [*l1, 0.0]),
            Self::L2 { l2 } => ("l2", [*l2, 0.0]),
            Self::L1L2 { l1, l2 } => ("l1 or l2", [*l1, *l2]),
            Self::Orthogonal { factor, .. } => ("factor", [*factor, 0.0]),
        };
        match factors.iter().find(|f| !(f.is_finite() && **f >= 0.0)) {
            None => Ok(()),
            Some(factor) => Err(Error::argument(
                "",
                "",
                format!("has {name} = {factor}; it must be a finite number of at least 0"),
            )),
        }
    }

    /// The penalty on `values`, one value.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the orthogonal penalty is asked of something that is no matrix.
    pub fn penalty(&self, values: &AnyTensor) -> Result<Tensor<1>> {
        let absolute = |factor: f32| Ok::<_, Error>(values.float_flat()?.abs().sum() * factor);
        let square = |factor: f32| {
            let flat = values.float_flat()?;
            Ok::<_, Error>((flat.clone() * flat).sum() * factor)
        };
        match self {
            Self::L1 { l1 } => absolute(*l1),
            Self::L2 { l2 } => square(*l2),
            Self::L1L2 { l1, l2 } => Ok(absolute(*l1)? + square(*l2)?),
            Self::Orthogonal { factor, mode } => {
                let matrix = values.float::<2>()?;
                let vectors = match mode {
                    OrthogonalMode::Rows => matrix,
                    OrthogonalMode::Columns => matrix.transpose(),
                };
                let count = vectors.dims()[0];
                let squares = (vectors.clone() * vectors.clone()).sum_dim(1);
                let unit = vectors / squares.clamp_min(EPSILON * EPSILON).sqrt();
                let products = unit.clone().matmul(unit.transpose());
                let device = products.device();
                let others =
                    Tensor::<2>::ones([count, count], &device) - Tensor::eye(count, &device);
                let pairs = (count * count.saturating_sub(1) / 2).max(1) as f32;
                Ok((products * others).abs().sum() * (0.5 * factor / pairs))
            }
        }
    }
}

/// What names a regularizer: a text such as `"l2"`, or a [`Regularizer`].
pub trait IntoRegularizer {
    /// The regularizer.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] or [`Error::Argument`].
    fn into_regularizer(self) -> Result<Regularizer>;
}

impl IntoRegularizer for Regularizer {
    fn into_regularizer(self) -> Result<Regularizer> {
        self.check()?;
        Ok(self)
    }
}

impl IntoRegularizer for &str {
    fn into_regularizer(self) -> Result<Regularizer> {
        Regularizer::by_name(self)
    }
}
