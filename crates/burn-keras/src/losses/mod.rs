//! Losses, as `keras.losses` defines them: what training makes small.
//!
//! A loss gives one value for each sample (for each step, where the output has timesteps); [`batch_loss`] makes one of
//! them, with weights and masks, as its [`Reduction`] says.

use burn::tensor::Tensor;
use serde_json::Value;

use crate::config::Config;
use crate::dims::Dims;
use crate::settings::refuse_unknown;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_crossentropy;
mod categorical_hinge;
mod circle;
mod cosine_similarity;
mod crossentropy;
mod ctc;
mod custom;
mod dice;
mod hinge;
mod huber;
mod kl_divergence;
mod labels;
mod log_cosh;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod poisson;
mod reduction;
mod rows;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod tversky;

pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_focal_crossentropy::BinaryFocalCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_focal_crossentropy::CategoricalFocalCrossentropy;
pub use categorical_generalized_crossentropy::CategoricalGeneralizedCrossEntropy;
pub use categorical_hinge::CategoricalHinge;
pub use circle::Circle;
pub use cosine_similarity::CosineSimilarity;
pub use crossentropy::Crossentropy;
pub use ctc::Ctc;
pub use custom::CustomLoss;
pub use dice::Dice;
pub use hinge::Hinge;
pub use huber::Huber;
pub use kl_divergence::KLDivergence;
pub use labels::Labels;
pub use log_cosh::LogCosh;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_absolute_percentage_error::MeanAbsolutePercentageError;
pub use mean_squared_error::MeanSquaredError;
pub use mean_squared_logarithmic_error::MeanSquaredLogarithmicError;
pub use poisson::Poisson;
pub(crate) use reduction::reduce;
pub use reduction::{Reduction, batch_loss};
pub(crate) use rows::{
    EPSILON, check_classes_on_cpu, class_numbers, kept_rows, labels_of_rows, last_axis,
    log_sigmoid, paired_rows, powf, row_means, row_sums, same_shape, share, smoothed, softplus,
    unit_length,
};
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;
pub use squared_hinge::SquaredHinge;
pub use tversky::Tversky;

/// A loss: one value for each sample.
pub trait Loss: std::fmt::Debug + Send + Sync {
    /// Its Keras name, as `categorical_crossentropy`.
    fn name(&self) -> &str;

    /// The form of its labels.
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    /// The form of its labels where that depends on the shapes.
    fn labels_for(&self, _y_true: &Dims, _y_pred: &Dims) -> Labels {
        self.labels()
    }

    /// A class number that no class has and that is allowed all the same: its rows do not count.
    fn ignored_class(&self) -> Option<i64> {
        None
    }

    /// The values, one for each row of `y_pred` (`[.., classes]` has as many rows as its other axes multiply to), or one
    /// for the whole batch.
    ///
    /// `y_true` has the shape that [`Loss::labels`] says; class numbers may be floats.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the two do not fit each other.
    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>>;

    /// 1 for each row that counts and 0 for those that do not, for a loss that leaves rows out.
    ///
    /// # Errors
    ///
    /// As [`Loss::rows`].
    fn counted(&self, _y_true: &AnyTensor, _y_pred: &AnyTensor) -> Result<Option<Tensor<1>>> {
        Ok(None)
    }

    /// How the values of a batch become one.
    fn reduction(&self) -> Reduction {
        Reduction::SumOverBatchSize
    }

    /// Keras' form, a name or an object; `None` for a loss that Keras does not have.
    fn to_config(&self) -> Option<Value> {
        None
    }

    /// The first option that cannot work.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] naming it.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Loss>;
}

/// Declares a loss: its options with Keras' defaults, and how its rows become one value.
macro_rules! loss_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($options:tt)* }
    ) => {
        crate::settings::settings! {
            $(#[$meta])*
            pub struct $name() {
                /// How the values of a batch become one.
                reduction: super::Reduction = super::Reduction::SumOverBatchSize,
                $($options)*
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}
use loss_struct;

/// The functions of [`Loss`] that follow from [`loss_struct`].
macro_rules! loss_basics {
    ($class_name:literal, $name:literal) => {
        fn name(&self) -> &str {
            $name
        }

        fn reduction(&self) -> super::Reduction {
            self.reduction
        }

        fn to_config(&self) -> Option<serde_json::Value> {
            let mut config = serde_json::Map::from_iter([("name".to_string(), $name.into())]);
            config.extend(self.write());
            Some(serde_json::json!({
                "module": "keras.losses",
                "class_name": $class_name,
                "config": config,
                "registered_name": null,
            }))
        }

        fn boxed_clone(&self) -> Box<dyn super::Loss> {
            Box::new(self.clone())
        }
    };
}
use loss_basics;

/// The one list of losses: class name, Keras' name of the function, and the other names.
macro_rules! losses {
    ($($class:literal, $name:literal $(| $alias:literal)* => $loss:ident),+ $(,)?) => {
        /// Every name a loss goes by: the class, the function, then the short ones.
        pub const NAMES: &[&[&str]] = &[
            $(&[$class, $name $(, $alias)*],)+
            &["crossentropy", "ce"],
        ];

        /// The loss of this name, with its default arguments.
        ///
        /// # Errors
        ///
        /// [`Error::UnknownName`] with the nearest names.
        pub fn by_name(name: &str) -> Result<Box<dyn Loss>> {
            match name {
                $($class | $name $(| $alias)* => Ok(Box::new($loss::new())),)+
                _ if matches!(name.to_lowercase().as_str(), "crossentropy" | "ce") => {
                    Ok(Box::new(Crossentropy))
                }
                _ => Err(Error::unknown("loss", name, names())),
            }
        }

        pub(crate) fn of_class(class_name: &str, config: &Config) -> Result<Box<dyn Loss>> {
            match class_name {
                $($class => {
                    let loss = $loss::read(config)?;
                    refuse_unknown(config, &loss.write())?;
                    Ok(Box::new(loss))
                })+
                _ => Err(Error::unknown("loss", class_name, names())),
            }
        }
    };
}

losses! {
    "BinaryCrossentropy", "binary_crossentropy" | "bce" | "BCE" => BinaryCrossentropy,
    "BinaryFocalCrossentropy", "binary_focal_crossentropy" => BinaryFocalCrossentropy,
    "CTC", "ctc" => Ctc,
    "CategoricalCrossentropy", "categorical_crossentropy" => CategoricalCrossentropy,
    "CategoricalFocalCrossentropy", "categorical_focal_crossentropy" => CategoricalFocalCrossentropy,
    "CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"
        => CategoricalGeneralizedCrossEntropy,
    "CategoricalHinge", "categorical_hinge" => CategoricalHinge,
    "Circle", "circle" => Circle,
    "CosineSimilarity", "cosine_similarity" => CosineSimilarity,
    "Dice", "dice" => Dice,
    "Hinge", "hinge" => Hinge,
    "Huber", "huber" | "huber_loss" => Huber,
    "KLDivergence", "kl_divergence" | "kld" | "KLD" | "kullback_leibler_divergence" => KLDivergence,
    "LogCosh", "log_cosh" | "logcosh" => LogCosh,
    "MeanAbsoluteError", "mean_absolute_error" | "mae" | "MAE" => MeanAbsoluteError,
    "MeanAbsolutePercentageError", "mean_absolute_percentage_error" | "mape" | "MAPE"
        => MeanAbsolutePercentageError,
    "MeanSquaredError", "mean_squared_error" | "mse" | "MSE" => MeanSquaredError,
    "MeanSquaredLogarithmicError", "mean_squared_logarithmic_error" | "msle" | "MSLE"
        => MeanSquaredLogarithmicError,
    "Poisson", "poisson" => Poisson,
    "SparseCategoricalCrossentropy", "sparse_categorical_crossentropy" => SparseCategoricalCrossentropy,
    "SquaredHinge", "squared_hinge" => SquaredHinge,
    "Tversky", "tversky" => Tversky,
}

/// The loss of Keras' form: a name, or `{"class_name": "MeanSquaredError", "config": {..}}`.
///
/// # Errors
///
/// [`Error::UnknownName`] for a loss that does not exist, [`Error::Config`] for an argument that is not supported.
pub fn from_config(value: &Value) -> Result<Box<dyn Loss>> {
    match (value, value.get("class_name").and_then(Value::as_str)) {
        (Value::String(name), _) => by_name(name),
        // A function of `keras.losses` instead of a class.
        (object, Some("function")) => match object.get("config") {
            Some(Value::String(name)) => by_name(name),
            other => Err(Error::config(
                "loss",
                format!("`config` is {other:?}; it must be a name"),
            )),
        },
        (object, _) => {
            let (class_name, config) = Config::of_object(object, "loss")?;
            of_class(&class_name, &config)
        }
    }
}

/// What Keras calls the function of a loss class.
pub(crate) fn function_name(class_name: &str) -> Option<&'static str> {
    let names = NAMES.iter().find(|names| names[0] == class_name)?;
    names.get(1).copied()
}

/// All names there are.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied().flatten().copied()
}
