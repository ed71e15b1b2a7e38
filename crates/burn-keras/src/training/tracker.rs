//! The running figures of an epoch.

use burn::tensor::Device;
use serde_json::{Value, json};

use super::logs::Logs;
use super::output_metrics::OutputMetrics;
use super::set::Targets;
use super::step::{Outcome, row_mask, row_weights};
use crate::Result;
use crate::dims::Dims;
use crate::metrics::{Mean, Metric};
use crate::models::Model;

/// The loss and the metrics over the batches since the last reset.
#[derive(Debug)]
pub(crate) struct Tracker {
    outputs: Vec<Dims>,
    names: Vec<String>,
    specs: OutputMetrics,
    weighted_specs: OutputMetrics,
    loss: Mean,
    /// Each output's own loss, where there are several outputs.
    losses: Vec<Mean>,
    /// For each output its metrics; made when the first labels show their shapes.
    metrics: Option<Vec<Vec<Tracked>>>,
    /// The shapes of the labels the metrics were made for.
    labels: Vec<Dims>,
}

/// A metric, the name it is reported under, and whether samples count by their weights.
#[derive(Debug)]
struct Tracked {
    name: String,
    metric: Box<dyn Metric>,
    weighted: bool,
}

impl Tracker {
    /// Figures for a compiled model.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`](crate::Error::NotCompiled), [`Error::NotBuilt`](crate::Error::NotBuilt).
    pub fn new(model: &Model) -> Result<Self> {
        let compiled = model.compiled_for("fit")?;
        let outputs = model.output_shapes()?;
        let names = model.output_names()?;
        compiled.metrics.check_outputs(&names)?;
        compiled.weighted_metrics.check_outputs(&names)?;
        let losses = if outputs.len() > 1 { outputs.len() } else { 0 };
        Ok(Self {
            names,
            specs: compiled.metrics.clone(),
            weighted_specs: compiled.weighted_metrics.clone(),
            loss: Mean::default(),
            losses: vec![Mean::default(); losses],
            metrics: None,
            labels: Vec::new(),
            outputs,
        })
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.loss = Mean::default();
        self.losses.iter_mut().for_each(|m| *m = Mean::default());
        let metrics = self.metrics.iter_mut().flatten().flatten();
        metrics.for_each(|tracked| tracked.metric.reset());
    }

    /// Takes a batch in.
    ///
    /// # Errors
    ///
    /// Those of the metrics.
    pub fn update(&mut self, outcome: &Outcome, targets: &Targets) -> Result<()> {
        self.loss
            .update_with_mean(outcome.loss.clone(), targets.samples);
        for (mean, loss) in self.losses.iter_mut().zip(&outcome.losses) {
            mean.update_with_mean(loss.clone(), targets.samples);
        }
        let metrics = match &mut self.metrics {
            Some(metrics) => metrics,
            None => {
                let labels = targets.y.iter().map(|y| y.dims()).collect();
                self.make_metrics(labels)?
            }
        };
        for (i, (metrics, output)) in metrics.iter_mut().zip(&outcome.outputs).enumerate() {
            let shape = output.shape();
            let rows = shape.iter().take(shape.len().saturating_sub(1)).product();
            let mask = row_mask(output, rows);
            let weights = row_weights(mask.clone(), targets.weights(i), rows)?;
            for tracked in metrics {
                let weights = if tracked.weighted { &weights } else { &mask };
                tracked
                    .metric
                    .update(&targets.y[i], output, weights.as_ref())?;
            }
        }
        Ok(())
    }

    /// Makes the metrics for labels of these shapes.
    fn make_metrics(&mut self, labels: Vec<Dims>) -> Result<&mut Vec<Vec<Tracked>>> {
        let metrics = resolve(
            &self.specs,
            &self.weighted_specs,
            &labels,
            &self.outputs,
            &self.names,
        )?;
        self.labels = labels;
        Ok(self.metrics.insert(metrics))
    }

    /// What was taken in, as JSON with every bit.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) when the device fails to hand it over.
    pub fn state(&self) -> Result<Value> {
        let losses = self.losses.iter().map(|m| Ok(bits(&m.state()?)));
        let metrics = self.metrics.iter().flatten().flatten().map(|tracked| {
            let state = tracked.metric.state()?;
            Ok(state.map_or(Value::Null, |state| bits(&state)))
        });
        Ok(json!({
            "loss": bits(&self.loss.state()?),
            "losses": losses.collect::<Result<Vec<_>>>()?,
            "metrics": metrics.collect::<Result<Vec<_>>>()?,
            "labels": self.labels.iter().map(|dims| dims.axes().to_vec()).collect::<Vec<_>>(),
        }))
    }

    /// Takes back what [`Tracker::state`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) when it is of another model.
    pub fn restore(&mut self, state: &Value, device: &Device) -> Result<()> {
        if let Some(loss) = numbers(&state["loss"]) {
            self.loss.restore(&loss, device)?;
        }
        for (mean, saved) in self.losses.iter_mut().zip(list(&state["losses"])) {
            if let Some(saved) = numbers(saved) {
                mean.restore(&saved, device)?;
            }
        }
        let labels = list(&state["labels"]);
        if labels.is_empty() {
            return Ok(());
        }
        let axis = |axis: &Value| axis.as_u64().map(|n| n as usize);
        let labels = labels
            .iter()
            .map(|axes| Dims::new(list(axes).iter().map(axis).collect::<Vec<_>>()))
            .collect();
        let metrics = self.make_metrics(labels)?;
        for (tracked, saved) in metrics.iter_mut().flatten().zip(list(&state["metrics"])) {
            if let Some(state) = numbers(saved) {
                tracked.metric.restore(&state, device)?;
            }
        }
        Ok(())
    }

    /// The loss so far.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) when the device fails to hand it over.
    pub fn loss(&self) -> Result<f64> {
        self.loss.result()
    }

    /// The figures so far, in alphabetical order.
    ///
    /// # Errors
    ///
    /// As [`Tracker::loss`].
    pub fn logs(&self) -> Result<Logs> {
        let mut logs = Logs::default();
        logs.set("loss", self.loss.result()?);
        for (name, mean) in self.names.iter().zip(&self.losses) {
            logs.set(format!("{name}_loss"), mean.result()?);
        }
        for tracked in self.metrics.iter().flatten().flatten() {
            match tracked.metric.results()?.as_slice() {
                [one] => logs.set(tracked.name.clone(), *one),
                several => {
                    for (i, value) in several.iter().enumerate() {
                        logs.set(format!("{}_{i}", tracked.name), *value);
                    }
                }
            }
        }
        Ok(logs.sorted())
    }
}

/// Floats as the numbers of their bits, which JSON keeps exactly.
fn bits(values: &[f64]) -> Value {
    json!(values.iter().map(|v| v.to_bits()).collect::<Vec<_>>())
}

/// What [`bits`] wrote.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    let bits = value.as_array()?.iter();
    bits.map(|v| v.as_u64().map(f64::from_bits)).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The metrics of each output under names that differ, as `keras/src/trainers/compile_utils.py` names them: with the
/// output in front where there are several, `weighted_` before the second of two of one name, numbers after that.
fn resolve(
    specs: &OutputMetrics,
    weighted_specs: &OutputMetrics,
    labels: &[Dims],
    outputs: &[Dims],
    output_names: &[String],
) -> Result<Vec<Vec<Tracked>>> {
    let several = outputs.len() > 1;
    let mut taken: Vec<String> = Vec::new();
    let mut metrics: Vec<Vec<Tracked>> = outputs.iter().map(|_| Vec::new()).collect();
    for (specs, weighted) in [(specs, false), (weighted_specs, true)] {
        for (i, (labels, output)) in labels.iter().zip(outputs).enumerate() {
            let name = output_names.get(i).map_or("", String::as_str);
            for spec in specs.of(name) {
                let metric = spec.resolve(labels, output)?;
                let prefixed = |name: &str| match output_names.get(i) {
                    Some(output) if several => format!("{output}_{name}"),
                    _ => name.to_string(),
                };
                let plain = prefixed(metric.name());
                let apart = prefixed(&format!("weighted_{}", metric.name()));
                let base = if weighted && taken.contains(&plain) {
                    apart
                } else {
                    plain
                };
                let numbered = (1..).map(|n| format!("{base}_{n}"));
                let name = std::iter::once(base.clone())
                    .chain(numbered)
                    .find(|name| !taken.contains(name))
                    .unwrap_or_default();
                taken.push(name.clone());
                metrics[i].push(Tracked {
                    name,
                    metric,
                    weighted,
                });
            }
        }
    }
    Ok(metrics)
}
