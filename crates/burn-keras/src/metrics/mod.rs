//! Metrics, as `keras.metrics` defines them: what training reports beside the loss.

use burn::tensor::Tensor;
use serde_json::Value;

use crate::dims::Dims;
use crate::losses::{Labels, Loss};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod accuracy;
mod mean;

pub use accuracy::{BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy};
pub use mean::{Mean, MeanOfRows, RowValues};

/// Something measured over all samples of an epoch.
pub trait Metric: std::fmt::Debug + Send + Sync {
    /// The name under which it is reported.
    fn name(&self) -> &str;

    /// The form of its labels.
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    /// Takes a batch in. `weights` has one value for each row of `y_pred`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when labels and output do not fit each other.
    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()>;

    /// The value over what was taken in since the last reset.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand it over.
    fn result(&self) -> Result<f64>;

    /// Forgets what was taken in.
    fn reset(&mut self);

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Metric>;
}

/// A metric as it is asked for: by name (and then made to fit labels and output), or as a value.
#[derive(Debug)]
pub enum MetricSpec {
    /// A Keras name, as `"accuracy"`.
    Named(String),
    /// The metric itself.
    Given(Box<dyn Metric>),
}

impl Clone for MetricSpec {
    fn clone(&self) -> Self {
        match self {
            Self::Named(name) => Self::Named(name.clone()),
            Self::Given(metric) => Self::Given(metric.boxed_clone()),
        }
    }
}

impl MetricSpec {
    /// Keras' form: the name.
    pub(crate) fn to_config(&self) -> Value {
        match self {
            Self::Named(name) => Value::from(name.as_str()),
            Self::Given(metric) => Value::from(metric.name()),
        }
    }

    /// The metric of Keras' form: a name, or `{"class_name": "BinaryAccuracy", "config": {..}}`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for a metric that does not exist.
    pub(crate) fn from_config(value: &Value) -> Result<Self> {
        let name = match value {
            Value::String(name) => name.clone(),
            object => crate::config::Config::of_object(object, "metric")?.0,
        };
        check_name(&name)?;
        Ok(Self::Named(name))
    }

    /// The metric for labels and an output of these shapes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub(crate) fn resolve(&self, y_true: &Dims, y_pred: &Dims) -> Result<Box<dyn Metric>> {
        match self {
            Self::Named(name) => resolve(name, y_true, y_pred),
            Self::Given(metric) => Ok(metric.boxed_clone()),
        }
    }
}

/// The names there are, for the error that lists the nearest.
const NAMES: [&str; 5] = [
    "accuracy",
    "acc",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
];

/// Whether a metric of this name exists, before labels and output are known.
///
/// # Errors
///
/// [`Error::UnknownName`] with the nearest names.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if NAMES.contains(&name)
        || crate::losses::by_name(name).is_ok()
        || accuracy::by_class_name(name).is_some()
    {
        return Ok(());
    }
    Err(Error::unknown(
        "metric",
        name,
        NAMES.into_iter().chain(crate::losses::names()),
    ))
}

/// The metric of this name for labels and an output of these shapes, as Keras resolves `"accuracy"`: binary where the
/// output has one value, sparse where the labels lack the last axis, else categorical.
///
/// # Errors
///
/// [`Error::UnknownName`] with the nearest names.
fn resolve(name: &str, y_true: &Dims, y_pred: &Dims) -> Result<Box<dyn Metric>> {
    let sparse = y_true.rank() < y_pred.rank() || (y_true.rank() > 1 && y_true.last() == Some(1));
    match name {
        "accuracy" | "acc" => {
            if y_pred.last() == Some(1) {
                Ok(Box::new(MeanOfRows::new(name, BinaryAccuracy::new())))
            } else if sparse {
                Ok(Box::new(MeanOfRows::new(name, SparseCategoricalAccuracy)))
            } else {
                Ok(Box::new(MeanOfRows::new(name, CategoricalAccuracy)))
            }
        }
        _ => match accuracy::by_class_name(name) {
            Some(metric) => Ok(metric),
            None => {
                check_name(name)?;
                of_loss(name, crate::losses::by_name(name)?)
            }
        },
    }
}

fn of_loss(name: &str, loss: Box<dyn Loss>) -> Result<Box<dyn Metric>> {
    Ok(Box::new(MeanOfRows::new(name, LossRows(loss))))
}

/// A loss reported as a metric.
#[derive(Debug)]
struct LossRows(Box<dyn Loss>);

impl Clone for LossRows {
    fn clone(&self) -> Self {
        Self(self.0.boxed_clone())
    }
}

impl RowValues for LossRows {
    fn labels(&self) -> Labels {
        self.0.labels()
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        self.0.rows(y_true, y_pred)
    }
}
