//! Training from Keras' fixed weights gives Keras' losses, metrics and final weights.
//!
//! The fixtures are made by `tests/keras/make_training.py`, `make_training_more.py` and `make_training_all.py` with
//! keras==3.15.1 on JAX.

use std::collections::HashMap;

use burn_keras::losses::{self, Loss};
use burn_keras::metrics::{self, MetricSpec};
use burn_keras::optimizers::Optimizer;
use burn_keras::prelude::*;
use burn_keras_tests::{TestResult, assert_close, devices, read_arrays, read_json, sequential};
use ndarray::ArrayD;
use serde_json::Value;

/// The cases of one file with their arrays.
struct Fixture {
    json: Value,
    arrays: HashMap<String, ArrayD<f32>>,
}

impl Fixture {
    fn read(name: &str) -> TestResult<Self> {
        Ok(Self {
            json: read_json(&format!("{name}.json"))?,
            arrays: read_arrays(&format!("{name}.npz"))?,
        })
    }

    fn names(&self) -> TestResult<Vec<&String>> {
        Ok(self.json["cases"]
            .as_object()
            .ok_or("no cases")?
            .keys()
            .collect())
    }
}

/// A metric as `compile` takes it: a name, or Keras' object.
fn metric(spec: &Value) -> TestResult<MetricSpec> {
    Ok(match spec {
        Value::String(name) => MetricSpec::Named(name.clone()),
        object => MetricSpec::Given(metrics::from_config(object)?),
    })
}

/// Figures of the training data that are not compared: Keras on JAX loses the outputs' mask on their way out of the
/// gradient, so these count padded steps; its validation figures do not, nor do any on TensorFlow, nor ours.
const WITHOUT_MASK: [(&str, &str); 2] =
    [("masked_loss", "accuracy"), ("masked_loss_numbers", "mae")];

/// Runs one case on every backend.
fn run(fixture: &Fixture, case: &str, implementations: &[Implementation]) -> TestResult {
    let spec = &fixture.json["cases"][case];
    let array = |name: &str| -> TestResult<&ArrayD<f32>> {
        let found = fixture.arrays.get(&format!("{case}/{name}"));
        found.ok_or_else(|| format!("{case}/{name} is missing").into())
    };
    let count = spec["weights"].as_u64().ok_or("no number of weights")? as usize;
    let weights = |prefix: &str| -> TestResult<Vec<ArrayD<f32>>> {
        (0..count)
            .map(|i| Ok(array(&format!("{prefix}{i}"))?.clone()))
            .collect()
    };

    let runs = devices()?.into_iter().flat_map(|(backend, device)| {
        implementations
            .iter()
            .map(move |i| (backend, device.clone(), *i))
    });
    for (backend, device, implementation) in runs {
        let place = format!("{case} on {backend}, {implementation:?}");
        let mut model = sequential(&spec["layers"], &device, implementation)?;
        model.set_weights(&weights("w")?)?;
        let metrics = spec["metrics"].as_array().ok_or("no metrics")?;
        let metrics = metrics.iter().map(metric).collect::<TestResult<Vec<_>>>()?;
        let loss: Vec<Box<dyn Loss>> = vec![losses::from_config(&spec["loss"])?];
        model.compile(Optimizer::from_config(&spec["optimizer"])?, loss, metrics)?;
        let history = model.fit(
            array("x")?,
            array("y")?,
            Fit::new()
                .batch_size(spec["batch_size"].as_u64().ok_or("no batch size")? as usize)
                .epochs(spec["epochs"].as_u64().ok_or("no epochs")? as usize)
                .shuffle(false)
                .verbose(0)
                .validation_data(array("xv")?, array("yv")?),
        )?;

        let wanted = spec["history"].as_object().ok_or("no history")?;
        let mut names: Vec<&str> = wanted.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(history.names(), names, "{place}");
        for name in names {
            if WITHOUT_MASK.contains(&(case, name)) {
                continue;
            }
            let wanted: Vec<f64> = serde_json::from_value(wanted[name].clone())?;
            let got = history.get(name);
            assert_eq!(got.len(), wanted.len());
            for (epoch, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
                assert!(
                    (got - wanted).abs() <= 1e-5 + 1e-5 * wanted.abs(),
                    "{place}: {name} of epoch {epoch} is {got}, Keras' is {wanted}"
                );
            }
        }
        for (i, (got, wanted)) in model
            .get_weights()?
            .iter()
            .zip(weights("final")?)
            .enumerate()
        {
            assert_close(&format!("{place}: weight {i}"), got, &wanted, 1e-5, 0.0);
        }
    }
    Ok(())
}

/// A module of tests for one fixture, run by burn's modules and in another way, and a test that it names every case.
macro_rules! cases {
    ($fixture:ident, $way:expr => $($name:ident),+ $(,)?) => {
        mod $fixture {
            use super::*;

            $(
                #[test]
                fn $name() -> TestResult {
                    let both = [$way, Implementation::Burn];
                    run(&Fixture::read(stringify!($fixture))?, stringify!($name), &both)
                }
            )+

            #[test]
            fn every_case_of_the_fixture_is_tested() -> TestResult {
                let fixture = Fixture::read(stringify!($fixture))?;
                let tested = [$(stringify!($name)),+];
                let mut missing = fixture.names()?;
                missing.retain(|case| !tested.contains(&case.as_str()));
                assert!(missing.is_empty(), "not tested: {missing:?}");
                Ok(())
            }
        }
    };
}

cases!(training, Implementation::Fused =>
    stacked_rmsprop,
    stacked_adam,
    stacked_sgd,
    nesterov,
    momentum,
    rmsprop_centered,
    adam_amsgrad,
    sgd_weight_decay,
    rmsprop_global_clipnorm,
    sparse,
    reals,
    binary,
    regression,
);

cases!(training_more, Implementation::Auto =>
    masked,
    masked_loss,
    masked_loss_numbers,
    sequence_loss,
    embedding,
    regularized,
    constrained,
    batch_normalization,
    frozen,
    convolution,
);

/// Every case of `training_all` whose name begins so.
fn run_all(kind: &str) -> TestResult {
    let fixture = Fixture::read("training_all")?;
    let names = fixture.names()?;
    let own: Vec<_> = names.iter().filter(|name| name.starts_with(kind)).collect();
    assert!(!own.is_empty(), "no cases of {kind}");
    for case in own {
        run(&fixture, case, &[Implementation::Auto])?;
    }
    Ok(())
}

#[test]
fn every_optimizer_trains_as_in_keras() -> TestResult {
    run_all("optimizer_")
}

#[test]
fn every_schedule_trains_as_in_keras() -> TestResult {
    run_all("schedule_")
}

#[test]
fn every_loss_trains_as_in_keras() -> TestResult {
    run_all("loss_")
}

#[test]
fn every_metric_is_reported_as_in_keras() -> TestResult {
    run_all("metrics_")
}
