//! A figure that a callback watches, and whether it has become better.

use serde_json::{Value, json};

use crate::models::Model;
use crate::training::Logs;
use crate::{Error, Result};

/// Metrics of which more is better, as Keras' `_direction` says; of losses and errors less is better.
const UPWARD: [&str; 27] = [
    "acc",
    "accuracy",
    "auc",
    "binary_accuracy",
    "binary_io_u",
    "categorical_accuracy",
    "concordance_correlation",
    "cosine_similarity",
    "f1_score",
    "fbeta_score",
    "io_u",
    "mean_io_u",
    "one_hot_io_u",
    "one_hot_mean_io_u",
    "pearson_correlation",
    "precision",
    "precision_at_recall",
    "r2_score",
    "recall",
    "recall_at_precision",
    "sensitivity_at_specificity",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "specificity_at_sensitivity",
    "top_k_categorical_accuracy",
    "true_negatives",
    "true_positives",
];

/// Which of two values is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    /// To be found out from the figure's name.
    Auto,
    Smaller,
    Larger,
}

/// A figure of an epoch, the best it has been, and by how much it has to become better.
#[derive(Clone, Debug)]
pub(super) struct Monitor {
    callback: &'static str,
    pub name: String,
    better: Better,
    pub min_delta: f64,
    pub best: Option<f64>,
    problem: Option<Error>,
}

impl Monitor {
    /// Watches `val_loss` for a callback of this name.
    pub fn new(callback: &'static str) -> Self {
        Self {
            callback,
            name: "val_loss".to_string(),
            better: Better::Auto,
            min_delta: 0.0,
            best: None,
            problem: None,
        }
    }

    pub fn set_mode(&mut self, mode: &str) {
        self.better = match mode {
            "auto" => Better::Auto,
            "min" => Better::Smaller,
            "max" => Better::Larger,
            _ => {
                let unknown = Error::unknown("mode", mode, ["auto", "min", "max"]);
                self.problem
                    .get_or_insert(unknown.at(format!("{}, mode", self.callback)));
                Better::Auto
            }
        };
    }

    /// Reports a bad argument, and finds out which values are better. `logs` are an epoch's figures, where there was one.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] when the name alone does not tell; [`Error::UnknownName`] when the epoch has no such figure
    /// either.
    pub fn resolve(&mut self, model: &Model, logs: Option<&Logs>) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        if self.better != Better::Auto {
            return Ok(());
        }
        let name = self.name.strip_prefix("val_").unwrap_or(&self.name);
        let outputs = model.output_names()?;
        let bare = outputs
            .iter()
            .find_map(|output| name.strip_prefix(output.as_str())?.strip_prefix('_'))
            .unwrap_or(name);
        let bare = bare.strip_prefix("weighted_").unwrap_or(bare);
        let error_or_loss = bare == "loss"
            || bare == "root_mean_squared_error"
            || bare == "log_cosh_error"
            || bare.starts_with("false_")
            || crate::losses::by_name(bare).is_ok();
        self.better = if UPWARD.contains(&bare) {
            Better::Larger
        } else if error_or_loss {
            Better::Smaller
        } else if let Some(logs) = logs.filter(|logs| logs.get(&self.name).is_none()) {
            let known = logs.iter().map(|(name, _)| name);
            return Err(Error::unknown("figure", &self.name, known).at(self.callback));
        } else {
            return Err(Error::argument(
                self.callback,
                "mode",
                format!(
                    "must be given for \"{}\", whose name does not tell whether more is better: \"max\" or \"min\"",
                    self.name
                ),
            ));
        };
        Ok(())
    }

    /// The figure; the model says so once where there is none.
    pub fn value(&self, model: &Model, logs: &Logs) -> Option<f64> {
        let value = logs.get(&self.name);
        if value.is_none() {
            let topic = format!("{} {}", self.callback, self.name);
            model.notes.say_once(&topic, || {
                let known: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
                format!(
                    "{} watches \"{}\", which an epoch does not have; it has {}",
                    self.callback,
                    self.name,
                    known.join(", ")
                )
            });
        }
        value
    }

    /// Whether `value` is better than `reference` by more than the smallest change that counts. In 32 bits, as Keras
    /// compares.
    pub fn improves(&self, value: f64, reference: Option<f64>) -> bool {
        let Some(reference) = reference else {
            return true;
        };
        match self.better {
            Better::Larger => ((value - self.min_delta) as f32) > reference as f32,
            Better::Smaller | Better::Auto => ((value + self.min_delta) as f32) < reference as f32,
        }
    }

    /// What a resumed training needs of it.
    pub fn state(&self) -> Value {
        json!(self.best.map(float_state))
    }

    pub fn restore(&mut self, state: &Value) {
        self.best = read_float(state);
    }
}

/// A float that JSON may not have, as its bits.
pub(super) fn float_state(value: f64) -> u64 {
    value.to_bits()
}

/// What [`float_state`] wrote.
pub(super) fn read_float(state: &Value) -> Option<f64> {
    state.as_u64().map(f64::from_bits)
}

/// The setters of a callback that holds a [`Monitor`].
macro_rules! monitor_options {
    ($name:ident) => {
        impl $name {
            /// The figure to watch (`val_loss`).
            pub fn monitor(mut self, name: impl Into<String>) -> Self {
                self.monitor.name = name.into();
                self
            }

            /// `"min"` or `"max"`: which values are better; `"auto"` (the default) goes by the figure's name.
            pub fn mode(mut self, mode: &str) -> Self {
                self.monitor.set_mode(mode);
                self
            }
        }
    };
}
pub(super) use monitor_options;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{Dense, LayerExt};
    use crate::models::Sequential;

    fn monitor_of_epoch(name: &str, logs: Option<&Logs>) -> Result<Monitor> {
        let mut model = Sequential::new();
        model.add(Dense::new(1).name("price").input_shape([2]))?;
        let mut monitor = Monitor::new("EarlyStopping");
        monitor.name = name.to_string();
        monitor.resolve(&model, logs)?;
        Ok(monitor)
    }

    fn monitor(name: &str) -> Result<Monitor> {
        monitor_of_epoch(name, None)
    }

    #[test]
    fn the_name_tells_what_is_better() -> Result<()> {
        for name in [
            "val_accuracy",
            "acc",
            "price_accuracy",
            "val_price_weighted_accuracy",
            "auc",
        ] {
            assert!(monitor(name)?.improves(2.0, Some(1.0)), "{name}");
        }
        for name in [
            "val_loss",
            "loss",
            "price_loss",
            "mae",
            "val_price_mean_squared_error",
        ] {
            assert!(monitor(name)?.improves(1.0, Some(2.0)), "{name}");
        }
        let text = monitor("profit").unwrap_err().to_string();
        assert!(text.contains("\"max\" or \"min\""), "{text}");

        let mut logs = Logs::default();
        logs.set("val_accuracy", 0.5);
        let refused = monitor_of_epoch("val_acuracy", Some(&logs));
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("did you mean \"val_accuracy\"?"), "{text}");
        Ok(())
    }
}
