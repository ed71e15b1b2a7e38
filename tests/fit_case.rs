//! Trainings as the fixtures have them: their arrays, and the options of `fit` by Keras' names.

use std::collections::HashMap;
use std::sync::Arc;

use burn_keras::prelude::*;
use burn_keras::training::data::{IntoValues, Values};
use ndarray::{ArrayD, Axis, Slice};
use serde_json::Value;

use crate::TestResult;

/// A training of a fixture.
pub struct FitCase {
    /// Its name, which the names of its arrays begin with.
    pub name: String,
    /// Its entry in the JSON file.
    pub spec: Value,
    /// The arrays of all cases.
    pub arrays: Arc<HashMap<String, ArrayD<f32>>>,
}

impl FitCase {
    fn array(&self, name: &str) -> TestResult<&ArrayD<f32>> {
        let key = format!("{}/{name}", self.name);
        self.arrays
            .get(&key)
            .ok_or_else(|| format!("{key} is missing").into())
    }

    /// The first `count` samples of arrays, all without a count.
    pub fn values(
        &self,
        names: &[String],
        count: Option<usize>,
    ) -> TestResult<Vec<Values<'static>>> {
        let first = Slice::new(0, count.map(|n| n as isize), 1);
        names
            .iter()
            .map(|name| {
                Ok(self
                    .array(name)?
                    .slice_axis(Axis(0), first)
                    .to_owned()
                    .into_values()?)
            })
            .collect()
    }

    /// The same of the labels of each output, `y0`, `y1`, … for the prefix `y`.
    pub fn labels(&self, prefix: &str, count: Option<usize>) -> TestResult<Vec<Values<'static>>> {
        let outputs = self.spec["outputs"]
            .as_u64()
            .ok_or("no number of outputs")?;
        let names: Vec<String> = (0..outputs).map(|i| format!("{prefix}{i}")).collect();
        self.values(&names, count)
    }

    /// The weights under this prefix, in the order of `get_weights`.
    pub fn weights(&self, prefix: &str) -> TestResult<Vec<ArrayD<f32>>> {
        let count = self.spec["weights"]
            .as_u64()
            .ok_or("no number of weights")?;
        (0..count)
            .map(|i| Ok(self.array(&format!("{prefix}{i}"))?.clone()))
            .collect()
    }

    /// The options of `fit`; shuffling off, nothing shown.
    pub fn fit_options(&self) -> TestResult<Fit<'static>> {
        let mut fit = Fit::new().shuffle(false).verbose(0);
        for (option, value) in self.spec["fit"].as_object().ok_or("no options")? {
            let count = number(value).unwrap_or_default();
            fit = match option.as_str() {
                "epochs" => fit.epochs(count),
                "initial_epoch" => fit.initial_epoch(count),
                "batch_size" => fit.batch_size(count),
                "steps_per_epoch" => fit.steps_per_epoch(count),
                "validation_batch_size" => fit.validation_batch_size(count),
                "validation_steps" => fit.validation_steps(count),
                "validation_freq" => match value.as_array() {
                    None => fit.validation_freq(count),
                    Some(epochs) => {
                        fit.validation_freq(epochs.iter().filter_map(number).collect::<Vec<_>>())
                    }
                },
                "validation_split" => {
                    fit.validation_split(value.as_f64().ok_or("the split is no number")?)
                }
                "validation" => fit.validation_data(
                    self.values(&["xv".to_string()], None)?,
                    self.labels("yv", None)?,
                ),
                "sample_weight" => fit.sample_weight(self.values(&names(value)?, None)?),
                "validation_sample_weight" => {
                    fit.validation_sample_weight(self.values(&names(value)?, None)?)
                }
                "class_weight" => fit.class_weight(class_weights(value)?),
                other => return Err(format!("the test does not know the option {other}").into()),
            };
        }
        Ok(fit)
    }
}

/// A list of texts.
pub fn names(value: &Value) -> TestResult<Vec<String>> {
    Ok(serde_json::from_value(value.clone())?)
}

/// A whole number.
pub fn number(value: &Value) -> Option<usize> {
    value.as_u64().map(|n| n as usize)
}

/// Classes with their weights.
pub fn class_weights(value: &Value) -> TestResult<Vec<(usize, f32)>> {
    let weights = value.as_object().ok_or("class weights are no object")?;
    weights
        .iter()
        .map(|(class, weight)| {
            Ok((
                class.parse()?,
                weight.as_f64().ok_or("a weight is no number")? as f32,
            ))
        })
        .collect()
}
