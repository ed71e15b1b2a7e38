//! Trainings with whatever can be combined, drawn at random, give Keras' figures and weights.
//!
//! The fixtures are made by `tests/keras/make_training_random.py` with keras==3.15.1 on JAX.

use std::sync::Arc;

use burn_keras::callbacks::Callback;
use burn_keras::layers::Implementation;
use burn_keras::losses::{self, Loss};
use burn_keras::metrics::{self, MetricSpec};
use burn_keras::models::Model;
use burn_keras::optimizers::Optimizer;
use burn_keras::prelude::*;
use burn_keras_tests::differences::{Differences, FORWARD};
use burn_keras_tests::fit_case::{FitCase, names, number};
use burn_keras_tests::keras_callbacks::callback;
use burn_keras_tests::{TestResult, devices, read_arrays, read_json, registry};
use ndarray::ArrayD;
use serde_json::Value;

fn list(value: &Value) -> TestResult<&Vec<Value>> {
    Ok(value.as_array().ok_or("no list")?)
}

fn specs(of_output: &Value) -> TestResult<Vec<MetricSpec>> {
    let spec = |metric: &Value| match metric.as_str() {
        Some(name) => Ok(MetricSpec::Named(name.to_string())),
        None => Ok(MetricSpec::Given(metrics::from_config(metric)?)),
    };
    list(of_output)?.iter().map(spec).collect()
}

/// The model of a case, compiled and with its initial weights.
fn model(case: &FitCase) -> TestResult<Model> {
    let spec = &case.spec;
    let mut model = Model::from_config(&spec["model"], &registry(Implementation::Auto))?;
    model.set_weights(&case.weights("w")?)?;
    let losses = list(&spec["losses"])?.iter().map(losses::from_config);
    let losses = losses.collect::<Result<Vec<Box<dyn Loss>>>>()?;
    let mut compile = Compile::new(Optimizer::from_config(&spec["optimizer"])?, losses)?;
    let outputs = model.output_names()?;
    for (i, output) in outputs.iter().enumerate() {
        compile = compile
            .metrics_of(output, specs(&spec["metrics"][i])?)?
            .weighted_metrics_of(output, specs(&spec["weighted_metrics"][i])?)?;
    }
    if let Some(weights) = spec["loss_weights"].as_array() {
        let weights = weights.iter().filter_map(Value::as_f64).map(|w| w as f32);
        compile = compile.loss_weights(weights.collect::<Vec<_>>());
    }
    model.compile_with(compile)?;
    Ok(model)
}

/// One number an epoch as an array.
fn column(values: &[f64]) -> ArrayD<f32> {
    values
        .iter()
        .map(|v| *v as f32)
        .collect::<ndarray::Array1<f32>>()
        .into_dyn()
}

fn run(case: &FitCase) -> TestResult<Differences> {
    let mut differences = Differences::default();
    let spec = &case.spec;
    let mut model = model(case)?;
    let folder = tempfile::tempdir()?;
    let mut callbacks: Vec<Box<dyn Callback>> = Vec::new();
    for given in list(&spec["callbacks"])? {
        let class = given[0].as_str().ok_or("no class")?;
        let arguments = given[1].as_object().ok_or("no arguments")?;
        callbacks.push(callback(class, arguments, folder.path())?);
    }
    let x = || case.values(&["x".to_string()], None);
    let history = model.fit(
        x()?,
        case.labels("y", None)?,
        case.fit_options()?.callbacks(callbacks),
    )?;

    let epochs: Vec<usize> = serde_json::from_value(spec["epochs"].clone())?;
    if history.epochs() != epochs {
        differences.wrong(format!(
            "epochs {:?}, Keras has {epochs:?}",
            history.epochs()
        ));
    }
    let wanted = spec["history"].as_object().ok_or("no history")?;
    let mut own = history.names();
    own.sort_unstable();
    let mut keras: Vec<&str> = wanted.keys().map(String::as_str).collect();
    keras.sort_unstable();
    if own != keras {
        differences.wrong(format!("figures {own:?}, Keras has {keras:?}"));
    }
    // Keras on JAX loses the mask of an output before the metrics of a training step see it.
    let lost = |figure: &str| {
        spec["mask"] == true && !figure.starts_with("val_") && !figure.ends_with("loss")
    };
    for (figure, values) in wanted {
        if lost(figure) && figure != "learning_rate" {
            continue;
        }
        let values: Vec<f64> = serde_json::from_value(values.clone())?;
        differences.compare(
            figure,
            &column(history.get(figure)),
            &column(&values),
            FORWARD,
        );
    }
    for (i, (got, wanted)) in model
        .get_weights()?
        .iter()
        .zip(case.weights("final")?)
        .enumerate()
    {
        differences.compare(&format!("weight {i}"), got, &wanted, FORWARD);
    }

    let mut evaluate = Evaluate::new();
    for (option, value) in spec["evaluate_options"].as_object().ok_or("no options")? {
        let count = number(value).unwrap_or_default();
        evaluate = match option.as_str() {
            "batch_size" => evaluate.batch_size(count),
            "steps" => evaluate.steps(count),
            "sample_weight" => evaluate.sample_weight(case.values(&names(value)?, None)?),
            other => return Err(format!("the test does not know the option {other}").into()),
        };
    }
    let scores = model.evaluate_with(x()?, case.labels("y", None)?, evaluate)?;
    let wanted = spec["evaluate"].as_object().ok_or("no scores")?;
    if scores.logs().iter().count() != wanted.len() {
        differences.wrong(format!("evaluate gives {scores}"));
    }
    for (figure, value) in wanted {
        let value = value.as_f64().ok_or("a figure is no number")?;
        let got = scores.get(figure).unwrap_or(f64::NAN);
        differences.compare(
            &format!("evaluate: {figure}"),
            &column(&[got]),
            &column(&[value]),
            FORWARD,
        );
    }
    Ok(differences)
}

#[test]
fn trainings_drawn_at_random_are_those_of_keras() -> TestResult {
    let json = read_json("training_random.json")?;
    let arrays = Arc::new(read_arrays("training_random.npz")?);
    let cases = json["cases"].as_object().ok_or("no cases")?;
    assert!(cases.len() >= 35, "only {} cases", cases.len());
    let mut report = Vec::new();
    for (name, spec) in cases {
        let case = FitCase {
            name: name.clone(),
            spec: spec.clone(),
            arrays: Arc::clone(&arrays),
        };
        for (backend, device) in devices()? {
            set_device(&device);
            match run(&case) {
                Ok(differences) => report.extend(
                    differences
                        .worst()
                        .map(|d| format!("{name} on {backend}: {d}")),
                ),
                Err(error) => report.push(format!("{name} on {backend}: {error}")),
            }
        }
    }
    assert!(report.is_empty(), "{}", report.join("\n"));
    Ok(())
}
