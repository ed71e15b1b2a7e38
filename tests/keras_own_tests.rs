//! Every value that Keras' own tests of optimizers, schedules, losses and metrics expect, with their tolerances.
//!
//! The fixture is made by `tests/keras/make_own_tests.py`, which runs the tests that come with keras==3.15.1.

use burn::module::ParamId;
use burn::tensor::{Tensor, TensorData};
use burn_keras::backend::Device;
use burn_keras::losses::{self, batch_loss};
use burn_keras::metrics;
use burn_keras::optimizers::{Change, Optimizer, OptimizerState, RuleExt, schedules};
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::{TestResult, devices, read_json};
use serde_json::Value;

/// An array of the fixture.
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    fn read(value: &Value) -> TestResult<Self> {
        let values: Vec<f64> = serde_json::from_value(value["values"].clone())?;
        Ok(Self {
            shape: serde_json::from_value(value["shape"].clone())?,
            values: values.into_iter().map(|v| v as f32).collect(),
        })
    }

    fn tensor(&self, device: &Device) -> TestResult<AnyTensor> {
        Ok(AnyTensor::from_f32(
            self.values.clone(),
            &self.shape,
            device,
        )?)
    }

    fn flat(&self, device: &Device) -> Tensor<1> {
        let data = TensorData::new(self.values.clone(), [self.values.len()]);
        Tensor::from_data(data, device)
    }

    /// The number of rows of an output.
    fn rows(&self) -> usize {
        let front = self.shape.len().saturating_sub(1);
        self.shape[..front].iter().product()
    }

    /// Weights or a mask with a value for each of `rows` rows.
    fn of_rows(value: &Value, rows: usize, device: &Device) -> TestResult<Option<Tensor<1>>> {
        if value.is_null() {
            return Ok(None);
        }
        let mut own = Self::read(value)?;
        let each = rows / own.values.len().max(1);
        own.values = own
            .values
            .iter()
            .flat_map(|v| std::iter::repeat_n(*v, each))
            .collect();
        Ok(Some(own.flat(device)))
    }
}

fn loss(case: &Value, device: &Device) -> TestResult<Vec<f32>> {
    let loss = losses::from_config(&case["config"])?;
    let (y_true, y_pred) = (Array::read(&case["y_true"])?, Array::read(&case["y_pred"])?);
    let rows = y_pred.rows();
    let weights = Array::of_rows(&case["weights"], rows, device)?;
    let mask = Array::of_rows(&case["mask"], rows, device)?;
    let ends = (y_true.tensor(device)?, y_pred.tensor(device)?);
    let value = batch_loss(&*loss, &ends.0, &ends.1, weights.as_ref(), mask.as_ref())?;
    Ok(AnyTensor::from(value).to_vec()?)
}

fn metric(case: &Value, device: &Device) -> TestResult<Vec<f32>> {
    let mut metric = metrics::from_config(&case["config"])?;
    for update in case["updates"].as_array().ok_or("no updates")? {
        let (y_true, y_pred) = (Array::read(&update[0])?, Array::read(&update[1])?);
        let weights = Array::of_rows(&update[2], y_pred.rows(), device)?;
        metric.update(
            &y_true.tensor(device)?,
            &y_pred.tensor(device)?,
            weights.as_ref(),
        )?;
    }
    Ok(metric.results()?.into_iter().map(|v| v as f32).collect())
}

fn schedule(case: &Value) -> TestResult<Vec<f32>> {
    let schedule = schedules::from_config(&case["config"])?;
    let step = case["step"].as_f64().ok_or("no step")?;
    Ok(vec![schedule.rate(step as u64)])
}

fn optimizer(case: &Value, device: &Device) -> TestResult<Vec<f32>> {
    let exclude: Vec<String> = serde_json::from_value(case["exclude"].clone())?;
    let optimizer = Optimizer::from_config(&case["config"])?.exclude_from_weight_decay(exclude);
    let mut state = OptimizerState::new(optimizer);
    let names: Vec<String> = serde_json::from_value(case["names"].clone())?;
    let initial = case["initial"].as_array().ok_or("no weights")?;
    let initial = initial
        .iter()
        .map(Array::read)
        .collect::<TestResult<Vec<_>>>()?;
    let mut weights: Vec<Tensor<1>> = initial.iter().map(|w| w.flat(device)).collect();
    let ids: Vec<ParamId> = initial.iter().map(|_| ParamId::new()).collect();
    for step in case["gradients"].as_array().ok_or("no gradients")? {
        let mut changes = Vec::new();
        for (i, gradient) in step.as_array().ok_or("no step")?.iter().enumerate() {
            // A weight without a gradient stays as it is.
            if gradient.is_null() {
                continue;
            }
            changes.push(Change {
                id: ids[i],
                path: names[i].clone(),
                shape: initial[i].shape.clone(),
                weight: weights[i].clone(),
                gradient: Array::read(gradient)?.flat(device),
            });
        }
        for (id, updated) in state.step(changes)? {
            let place = ids.iter().position(|own| *own == id);
            weights[place.ok_or("a weight that there is not")?] = updated;
        }
    }
    if case["finalized"] == true {
        for (id, average) in state.averages() {
            let place = ids.iter().position(|own| *own == id);
            weights[place.ok_or("an average of no weight")?] = average;
        }
    }
    let compared = case["weight"].as_u64().ok_or("no weight")? as usize;
    Ok(AnyTensor::from(weights[compared].clone()).to_vec()?)
}

/// Runs every case of a kind on every backend.
fn run(
    kind: &str,
    least: usize,
    compute: fn(&Value, &Device) -> TestResult<Vec<f32>>,
) -> TestResult {
    let json = read_json("own_tests.json")?;
    let all = json["cases"].as_object().ok_or("no cases")?;
    let cases: Vec<_> = all
        .iter()
        .filter(|(_, case)| case["kind"] == kind)
        .collect();
    assert!(cases.len() >= least, "only {} cases", cases.len());
    let mut problems = Vec::new();
    for (backend, device) in devices()? {
        for (name, case) in &cases {
            let wanted = Array::read(&case["expected"])?.values;
            let number = |key: &str| case[key].as_f64().ok_or("no tolerance").map(|v| v as f32);
            // The tests' own tolerance, or that of this project where it is wider.
            let (absolute, relative) =
                (number("absolute")?.max(1e-5), number("relative")?.max(1e-5));
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= absolute + relative * b.abs();
            match compute(case, &device) {
                Ok(got) if got.len() == wanted.len() && got.iter().zip(&wanted).all(near) => {}
                Ok(got) => problems.push(format!(
                    "{name} on {backend}: {got:?}, Keras expects {wanted:?}"
                )),
                Err(error) => problems.push(format!("{name} on {backend}: {error}")),
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} differ:\n{}",
        problems.len(),
        problems.join("\n")
    );
    Ok(())
}

#[test]
fn losses_pass_keras_own_tests() -> TestResult {
    run("loss", 120, loss)
}

#[test]
fn metrics_pass_keras_own_tests() -> TestResult {
    run("metric", 200, metric)
}

#[test]
fn schedules_pass_keras_own_tests() -> TestResult {
    run("schedule", 100, |case, _| schedule(case))
}

#[test]
fn optimizers_pass_keras_own_tests() -> TestResult {
    run("optimizer", 100, optimizer)
}
