//! Losses, as `keras.losses` defines them: what training makes small.
//!
//! A loss gives one value for each sample (for each step, where the output has timesteps); training takes their mean.

use burn::tensor::Tensor;
use serde_json::Value;

use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod crossentropy;
mod regression;

pub use crossentropy::{
    BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy,
};
pub use regression::{MeanAbsoluteError, MeanSquaredError};

/// Keras' `epsilon()`: what keeps probabilities away from 0 and 1.
pub(crate) const EPSILON: f32 = 1e-7;

/// How the labels of a loss or a metric look beside the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// The same shape as the output.
    SameShape,
    /// A 1 for the class and 0 elsewhere along the last axis: the same shape as the output.
    OneHot,
    /// The number of the class: the output's shape without its last axis, or with 1 there.
    ClassNumber,
}

/// A loss: one value for each sample.
pub trait Loss: std::fmt::Debug + Send + Sync {
    /// Its Keras name, as `categorical_crossentropy`.
    fn name(&self) -> &str;

    /// The form of its labels.
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    /// The values, one for each row of `y_pred` (`[.., classes]` has as many rows as its other axes multiply to).
    ///
    /// `y_true` has the shape that [`Loss::labels`] says; class numbers may be floats.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the two do not fit each other.
    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>>;

    /// Keras' form: the name, for a loss with its default arguments.
    fn to_config(&self) -> Value {
        Value::from(self.name())
    }

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Loss>;
}

/// Every name a loss goes by: the one that is written, then the others.
const NAMES: [(&str, &[&str]); 5] = [
    ("categorical_crossentropy", &["CategoricalCrossentropy"]),
    (
        "sparse_categorical_crossentropy",
        &["SparseCategoricalCrossentropy"],
    ),
    ("binary_crossentropy", &["BinaryCrossentropy", "bce", "BCE"]),
    ("mean_squared_error", &["MeanSquaredError", "mse", "MSE"]),
    ("mean_absolute_error", &["MeanAbsoluteError", "mae", "MAE"]),
];

/// The loss of this name, with its default arguments.
///
/// # Errors
///
/// [`Error::UnknownName`] with the nearest names.
pub fn by_name(name: &str) -> Result<Box<dyn Loss>> {
    let found = NAMES
        .iter()
        .find(|(own, others)| *own == name || others.contains(&name))
        .map(|(own, _)| *own);
    Ok(match found {
        Some("categorical_crossentropy") => Box::new(CategoricalCrossentropy::new()),
        Some("sparse_categorical_crossentropy") => Box::new(SparseCategoricalCrossentropy::new()),
        Some("binary_crossentropy") => Box::new(BinaryCrossentropy::new()),
        Some("mean_squared_error") => Box::new(MeanSquaredError),
        Some("mean_absolute_error") => Box::new(MeanAbsoluteError),
        _ => {
            return Err(Error::unknown("loss", name, names()));
        }
    })
}

/// The loss of Keras' form: a name, or `{"class_name": "MeanSquaredError", "config": {..}}`.
///
/// # Errors
///
/// [`Error::UnknownName`] for a loss that does not exist, [`Error::Config`] for an argument that is not supported.
pub fn from_config(value: &Value) -> Result<Box<dyn Loss>> {
    match value {
        Value::String(name) => by_name(name),
        object => {
            let (class_name, config) = crate::config::Config::of_object(object, "loss")?;
            config.must_be_neutral(&["from_logits", "label_smoothing", "ignore_class"])?;
            by_name(&class_name)
        }
    }
}

/// All names there are.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .flat_map(|(own, others)| std::iter::once(own).chain(others.iter()))
        .copied()
}

/// `y_true` and `y_pred` as `[rows, last axis]` each, checked to have the same shape.
pub(crate) fn paired_rows(
    place: &str,
    y_true: &AnyTensor,
    y_pred: &AnyTensor,
) -> Result<(Tensor<2>, Tensor<2>)> {
    if y_true.shape() != y_pred.shape() {
        return Err(Error::tensor(
            place,
            format!(
                "got labels of shape {} for an output of shape {}",
                y_true.dims(),
                y_pred.dims()
            ),
        ));
    }
    Ok((y_true.float_rows()?, y_pred.float_rows()?))
}

/// The mean along the last axis, one value a row.
pub(crate) fn row_means(values: Tensor<2>) -> Tensor<1> {
    let rows = values.dims()[0];
    values.mean_dim(1).reshape([rows])
}

/// The sum along the last axis, one value a row.
pub(crate) fn row_sums(values: Tensor<2>) -> Tensor<1> {
    let rows = values.dims()[0];
    values.sum_dim(1).reshape([rows])
}
