//! Metrics, as `keras.metrics` defines them: what training reports beside the loss.
//!
//! ```
//! use burn_keras::metrics::{Auc, Precision};
//! use burn_keras::prelude::*;
//!
//! let mut model = Sequential::new();
//! model.add(Dense::new(1).activation("sigmoid").input_shape([3]))?;
//! model.compile("adam", "binary_crossentropy", ("accuracy", Auc::new(), Precision::new().name("p")))?;
//! # Ok::<(), Error>(())
//! ```

use burn::tensor::{Device, Tensor};
use serde_json::Value;

use crate::config::Config;
use crate::dims::Dims;
use crate::losses::Labels;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod accuracy;
mod auc;
mod binary_accuracy;
mod categorical_accuracy;
mod confusion;
mod correlation;
mod cosine_similarity;
mod counts;
mod custom;
mod f_score;
mod iou;
mod kept;
mod loss_metric;
mod mean;
mod precision;
mod r2_score;
mod recall;
pub mod report;
mod root_mean_squared_error;
mod sparse_categorical_accuracy;
mod sum;
mod top_k;
mod trade_off;

pub use accuracy::Accuracy;
pub use auc::Auc;
pub use binary_accuracy::BinaryAccuracy;
pub use categorical_accuracy::CategoricalAccuracy;
pub use correlation::{ConcordanceCorrelation, PearsonCorrelation};
pub use cosine_similarity::CosineSimilarity;
pub use counts::{FalseNegatives, FalsePositives, TrueNegatives, TruePositives};
pub use custom::CustomMetric;
pub use f_score::{F1Score, FBetaScore};
pub use iou::{BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU};
pub use loss_metric::LossMetric;
pub use mean::{Mean, MeanOfRows, RowValues};
pub use precision::Precision;
pub use r2_score::R2Score;
pub use recall::Recall;
pub use report::{ClassificationReport, ConfusionMatrix};
pub use root_mean_squared_error::RootMeanSquaredError;
pub use sparse_categorical_accuracy::SparseCategoricalAccuracy;
pub use sum::Sum;
pub use top_k::{SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy};
pub use trade_off::{
    PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity,
};

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

    /// The value over what was taken in since the last reset; the mean of several.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand it over.
    fn result(&self) -> Result<f64>;

    /// All values, for a metric that has one for each class or threshold. `fit` reports them under the name and a
    /// number: `f1_score_0`, `f1_score_1`, …
    ///
    /// # Errors
    ///
    /// As [`Metric::result`].
    fn results(&self) -> Result<Vec<f64>> {
        Ok(vec![self.result()?])
    }

    /// What was taken in since the last reset as numbers, so that a training that was killed inside an epoch goes on with
    /// it; `None` where it cannot be told, and the epoch's value is that of its rest then.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand it over.
    fn state(&self) -> Result<Option<Vec<f64>>> {
        Ok(None)
    }

    /// Takes back what [`Metric::state`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when it is not of this metric.
    fn restore(&mut self, state: &[f64], device: &Device) -> Result<()> {
        let _ = (state, device);
        Ok(())
    }

    /// Forgets what was taken in.
    fn reset(&mut self);

    /// Keras' form, a name or an object; `None` for a metric that Keras does not have.
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
    fn boxed_clone(&self) -> Box<dyn Metric>;
}

/// Declares a metric: its options with Keras' defaults, the name it is reported under, and what it has taken in.
macro_rules! metric_struct {
    (
        $(#[$meta:meta])*
        pub struct $metric:ident($state:ty) ($($required:ident: $required_type:ty),*) { $($options:tt)* }
    ) => {
        crate::settings::settings! {
            $(#[$meta])*
            pub struct $metric($($required: $required_type),*) { $($options)* }
            hidden { name: Option<String> = None, state: $state = Default::default() }
        }

        impl $metric {
            /// The name it is reported under.
            pub fn name(mut self, name: impl Into<String>) -> Self {
                self.name = Some(name.into());
                self
            }

            pub(super) fn of_config(config: &crate::config::Config) -> crate::Result<Self> {
                let mut metric = Self::read(config)?;
                metric.name = config.opt_str("name")?;
                crate::settings::refuse_unknown(config, &metric.write())?;
                Ok(metric)
            }
        }
    };
}
use metric_struct;

/// The functions of [`Metric`] that follow from [`metric_struct`].
macro_rules! metric_basics {
    ($class_name:literal, $name:literal) => {
        fn name(&self) -> &str {
            self.name.as_deref().unwrap_or($name)
        }

        fn reset(&mut self) {
            self.state = Default::default();
        }

        fn state(&self) -> crate::Result<Option<Vec<f64>>> {
            super::kept::Kept::to_numbers(&self.state).map(Some)
        }

        fn restore(&mut self, state: &[f64], device: &burn::tensor::Device) -> crate::Result<()> {
            self.state = super::kept::Kept::of_numbers(state, device)?;
            Ok(())
        }

        fn to_config(&self) -> Option<serde_json::Value> {
            let name = super::Metric::name(self);
            let mut config = serde_json::Map::from_iter([("name".to_string(), name.into())]);
            config.extend(self.write());
            Some(super::object($class_name, config))
        }

        fn boxed_clone(&self) -> Box<dyn super::Metric> {
            Box::new(self.clone())
        }
    };
}
use metric_basics;

/// The functions of a [`Metric`] that is the mean of a [`RowValues`] over all rows.
macro_rules! metric_of_rows {
    ($class_name:literal, $name:literal) => {
        super::metric_basics!($class_name, $name);

        fn labels(&self) -> crate::losses::Labels {
            super::RowValues::labels(self)
        }

        fn update(
            &mut self,
            y_true: &crate::tensor::AnyTensor,
            y_pred: &crate::tensor::AnyTensor,
            weights: Option<&burn::tensor::Tensor<1>>,
        ) -> crate::Result<()> {
            let rows = super::RowValues::rows(self, y_true, y_pred)?;
            self.state.update(rows, weights);
            Ok(())
        }

        fn result(&self) -> crate::Result<f64> {
            self.state.result()
        }
    };
}
use metric_of_rows;

fn object(class_name: &str, config: serde_json::Map<String, Value>) -> Value {
    serde_json::json!({
        "module": "keras.metrics",
        "class_name": class_name,
        "config": config,
        "registered_name": null,
    })
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
    /// Keras' form: the name, or the metric's object.
    pub(crate) fn to_config(&self) -> Option<Value> {
        match self {
            Self::Named(name) => Some(Value::from(name.as_str())),
            Self::Given(metric) => metric.to_config(),
        }
    }

    /// The metric of Keras' form: a name, or `{"class_name": "BinaryAccuracy", "config": {..}}`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for a metric that does not exist.
    pub(crate) fn from_config(value: &Value) -> Result<Self> {
        match (value, value.get("class_name").and_then(Value::as_str)) {
            (Value::String(name), _) => {
                check_name(name)?;
                Ok(Self::Named(name.clone()))
            }
            (object, Some("function")) => {
                let name = object
                    .get("config")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                check_name(name)?;
                Ok(Self::Named(name.to_string()))
            }
            _ => Ok(Self::Given(from_config(value)?)),
        }
    }

    /// The first option that cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Named(_) => Ok(()),
            Self::Given(metric) => metric.check(),
        }
    }

    /// The metric for labels and an output of these shapes.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub(crate) fn resolve(&self, y_true: &Dims, y_pred: &Dims) -> Result<Box<dyn Metric>> {
        match self {
            Self::Named(name) if is_accuracy(name) => {
                Ok(match Labels::of_classifier(y_true, y_pred) {
                    Labels::SameShape => Box::new(BinaryAccuracy::new().name(name)),
                    Labels::ClassNumber => Box::new(SparseCategoricalAccuracy::new().name(name)),
                    _ => Box::new(CategoricalAccuracy::new().name(name)),
                })
            }
            Self::Named(name) => by_name(name),
            Self::Given(metric) => Ok(metric.boxed_clone()),
        }
    }
}

/// Keras chooses the accuracy that fits labels and output for these names, in any case.
fn is_accuracy(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "accuracy" | "acc")
}

/// The one list of metrics: class name and snake-case name; those with arguments that must be given have no name.
macro_rules! metrics {
    (
        $($class:literal, $name:literal => $metric:ident),+;
        with arguments: $($class_only:literal => $with_arguments:ident),+ $(,)?
    ) => {
        /// The classes there are beside the losses, each with the name by which `compile` takes it, if any.
        pub const NAMES: &[(&str, Option<&str>)] = &[
            $(($class, Some($name)),)+
            $(($class_only, None),)+
        ];

        /// The metric of this name, reported under it; a loss's name gives its mean over the rows.
        ///
        /// `"accuracy"` is the one of equal values here; `compile` chooses the one that fits labels and output.
        ///
        /// # Errors
        ///
        /// [`Error::UnknownName`] with the nearest names.
        pub fn by_name(name: &str) -> Result<Box<dyn Metric>> {
            match name {
                $($class | $name => Ok(Box::new($metric::new().name(name))),)+
                _ => match LossMetric::by_name(name) {
                    Some(metric) => Ok(Box::new(metric)),
                    None => Err(unknown(name)),
                },
            }
        }

        fn of_class(class_name: &str, config: &Config) -> Result<Box<dyn Metric>> {
            match class_name {
                $($class => Ok(Box::new($metric::of_config(config)?)),)+
                $($class_only => Ok(Box::new($with_arguments::of_config(config)?)),)+
                _ => match LossMetric::of_class(class_name, config) {
                    Some(metric) => Ok(Box::new(metric?)),
                    None => Err(unknown(class_name)),
                },
            }
        }
    };
}

metrics! {
    "AUC", "auc" => Auc,
    "Accuracy", "accuracy" => Accuracy,
    "BinaryAccuracy", "binary_accuracy" => BinaryAccuracy,
    "BinaryIoU", "binary_io_u" => BinaryIoU,
    "CategoricalAccuracy", "categorical_accuracy" => CategoricalAccuracy,
    "ConcordanceCorrelation", "concordance_correlation" => ConcordanceCorrelation,
    "CosineSimilarity", "cosine_similarity" => CosineSimilarity,
    "F1Score", "f1_score" => F1Score,
    "FBetaScore", "f_beta_score" => FBetaScore,
    "FalseNegatives", "false_negatives" => FalseNegatives,
    "FalsePositives", "false_positives" => FalsePositives,
    "PearsonCorrelation", "pearson_correlation" => PearsonCorrelation,
    "Precision", "precision" => Precision,
    "R2Score", "r2_score" => R2Score,
    "Recall", "recall" => Recall,
    "RootMeanSquaredError", "root_mean_squared_error" => RootMeanSquaredError,
    "SparseCategoricalAccuracy", "sparse_categorical_accuracy" => SparseCategoricalAccuracy,
    "SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"
        => SparseTopKCategoricalAccuracy,
    "TopKCategoricalAccuracy", "top_k_categorical_accuracy" => TopKCategoricalAccuracy,
    "TrueNegatives", "true_negatives" => TrueNegatives,
    "TruePositives", "true_positives" => TruePositives;
    with arguments:
    "IoU" => IoU,
    "MeanIoU" => MeanIoU,
    "OneHotIoU" => OneHotIoU,
    "OneHotMeanIoU" => OneHotMeanIoU,
    "PrecisionAtRecall" => PrecisionAtRecall,
    "RecallAtPrecision" => RecallAtPrecision,
    "SensitivityAtSpecificity" => SensitivityAtSpecificity,
    "SpecificityAtSensitivity" => SpecificityAtSensitivity,
}

/// The metric of Keras' form, `{"class_name": "AUC", "config": {..}}`.
///
/// # Errors
///
/// [`Error::UnknownName`] for a metric that does not exist, [`Error::Config`] for an argument that is not supported,
/// [`Error::Argument`] for a value that cannot work.
pub fn from_config(value: &Value) -> Result<Box<dyn Metric>> {
    let (class_name, config) = Config::of_object(value, "metric")?;
    let metric = of_class(&class_name, &config)?;
    metric.check()?;
    Ok(metric)
}

/// Whether a metric of this name exists, before labels and output are known.
///
/// # Errors
///
/// [`Error::UnknownName`] with the nearest names.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if is_accuracy(name) {
        return Ok(());
    }
    by_name(name).map(|_| ())
}

fn unknown(name: &str) -> Error {
    let own = NAMES
        .iter()
        .flat_map(|(class, name)| name.iter().copied().chain([*class]));
    Error::unknown(
        "metric",
        name,
        ["acc"].into_iter().chain(own).chain(crate::losses::names()),
    )
}
