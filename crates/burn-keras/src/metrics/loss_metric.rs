//! A loss, reported as a metric.

use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value, json};

use super::{Mean, Metric, object};
use crate::Result;
use crate::config::Config;
use crate::losses::{self, Labels, Loss};
use crate::tensor::AnyTensor;

/// The mean of a loss over all rows: `mse`, `mae`, the cross-entropies, hinges and so on.
///
/// ```
/// use burn_keras::losses::Huber;
/// use burn_keras::metrics::LossMetric;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("adam", "mse", ("mae", LossMetric::new(Huber::new().delta(2.0)).name("huber_2")))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct LossMetric {
    loss: Box<dyn Loss>,
    name: Option<String>,
    mean: Mean,
}

/// Losses that `keras.metrics` has as classes, where the metric's class and the name it is reported under are others.
const RENAMED: [(&str, &str, &str); 1] = [("LogCosh", "LogCoshError", "logcosh")];

/// Losses that are metrics of the same class name in `keras.metrics`.
const CLASSES: [&str; 12] = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
];

impl Clone for LossMetric {
    fn clone(&self) -> Self {
        Self {
            loss: self.loss.boxed_clone(),
            name: self.name.clone(),
            mean: self.mean.clone(),
        }
    }
}

impl LossMetric {
    /// The metric of a loss, reported under its name.
    pub fn new(loss: impl Loss + 'static) -> Self {
        Self::of(Box::new(loss))
    }

    fn of(loss: Box<dyn Loss>) -> Self {
        Self {
            loss,
            name: None,
            mean: Mean::default(),
        }
    }

    /// The name it is reported under.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The metric of this name: that of a loss, or of a metric class that is a loss under another name.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let of_loss = match name {
            "LogCoshError" | "log_cosh_error" => "LogCosh",
            other => other,
        };
        let loss = losses::by_name(of_loss).ok()?;
        Some(Self::of(loss).name(name))
    }

    /// The metric of this class of `keras.metrics`; `None` if no loss is one.
    pub(super) fn of_class(class_name: &str, config: &Config) -> Option<Result<Self>> {
        let renamed = RENAMED.iter().find(|(_, metric, _)| *metric == class_name);
        let class = renamed.map_or(class_name, |(loss, _, _)| *loss);
        if renamed.is_none() && !CLASSES.contains(&class) {
            return None;
        }
        let read = || {
            let mut metric = Self::of(losses::of_class(class, config)?);
            metric.name = config.opt_str("name")?;
            Ok(metric)
        };
        Some(read())
    }

    fn loss_class(&self) -> Option<(String, Map<String, Value>)> {
        let config = self.loss.to_config()?;
        let class = config.get("class_name")?.as_str()?.to_string();
        let config = config.get("config")?.as_object()?.clone();
        Some((class, config))
    }
}

impl Metric for LossMetric {
    fn name(&self) -> &str {
        if let Some(name) = &self.name {
            return name;
        }
        match self.loss.name() {
            "log_cosh" => RENAMED[0].2,
            name => name,
        }
    }

    fn labels(&self) -> Labels {
        self.loss.labels()
    }

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        let rows = self.loss.rows(y_true, y_pred)?;
        // A loss of the whole batch has one value; weights of its rows say nothing about it.
        let weights = weights.filter(|w| w.dims() == rows.dims());
        // Rows that the loss leaves out are 0; Keras takes them out of the number too where there are weights, and only
        // there (`keras/src/metrics/reduction_metrics.py`, `reduce_to_samplewise_values`).
        let counted = match weights {
            Some(_) => self.loss.counted(y_true, y_pred)?,
            None => None,
        };
        match (weights, counted) {
            (Some(weights), Some(counted)) => {
                let weights = weights.clone() * counted;
                self.mean.update(rows, Some(&weights));
            }
            (weights, _) => self.mean.update(rows, weights),
        }
        Ok(())
    }

    fn result(&self) -> Result<f64> {
        self.mean.result()
    }

    fn state(&self) -> Result<Option<Vec<f64>>> {
        self.mean.state().map(Some)
    }

    fn restore(&mut self, state: &[f64], device: &Device) -> Result<()> {
        self.mean.restore(state, device)
    }

    fn reset(&mut self) {
        self.mean = Mean::default();
    }

    fn to_config(&self) -> Option<Value> {
        let (class, mut config) = self.loss_class()?;
        let renamed = RENAMED.iter().find(|(loss, _, _)| *loss == class);
        if renamed.is_none() && !CLASSES.contains(&class.as_str()) {
            // Keras wraps such a loss by its function, which has no options.
            let function = losses::function_name(&class)?;
            return Some(json!({
                "module": "keras.losses",
                "class_name": "function",
                "config": function,
                "registered_name": function,
            }));
        }
        config.shift_remove("reduction");
        config.insert("name".to_string(), Metric::name(self).into());
        Some(object(
            renamed.map_or(&class, |(_, metric, _)| metric),
            config,
        ))
    }

    fn check(&self) -> Result<()> {
        self.loss.check()
    }

    fn boxed_clone(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
}
