//! Training from Keras' fixed weights gives Keras' losses, metrics and final weights.
//!
//! The fixtures are made by `tests/keras/make_training.py` with keras==3.15.1 on JAX.

use burn_keras::prelude::*;
use burn_keras_tests::{TestResult, assert_close, devices, read_arrays, read_json, sequential};
use ndarray::ArrayD;
use serde_json::Value;

fn text(value: &Value) -> TestResult<&str> {
    value
        .as_str()
        .ok_or_else(|| format!("{value} is no text").into())
}

/// Runs one case on both CPU backends.
fn run(case: &str) -> TestResult {
    let all = read_json("training.json")?;
    let arrays = read_arrays("training.npz")?;
    let spec = &all["cases"][case];
    let array = |name: &str| -> TestResult<&ArrayD<f32>> {
        arrays
            .get(&format!("{case}/{name}"))
            .ok_or_else(|| format!("{case}/{name} is missing").into())
    };
    let count = spec["weights"].as_u64().ok_or("no number of weights")? as usize;
    let weights = |prefix: &str| -> TestResult<Vec<ArrayD<f32>>> {
        (0..count)
            .map(|i| Ok(array(&format!("{prefix}{i}"))?.clone()))
            .collect()
    };

    let runs = devices()?.into_iter().flat_map(|(backend, device)| {
        [Implementation::Fused, Implementation::Burn].map(|i| (backend, device.clone(), i))
    });
    for (backend, device, implementation) in runs {
        let place = format!("{case} on {backend}, {implementation:?}");
        let mut model = sequential(&spec["layers"], &device, implementation)?;
        model.set_weights(&weights("w")?)?;
        let metrics = spec["metrics"].as_array().ok_or("no metrics")?;
        let metrics = metrics.iter().map(text).collect::<TestResult<Vec<_>>>()?;
        let optimizer = burn_keras::optimizers::Optimizer::from_config(&spec["optimizer"])?;
        model.compile(optimizer, text(&spec["loss"])?, metrics)?;
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
            let wanted: Vec<f64> = serde_json::from_value(wanted[name].clone())?;
            let got = history.get(name);
            assert_eq!(got.len(), wanted.len());
            for (epoch, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
                assert!(
                    (got - wanted).abs() <= 1e-5,
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

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() -> TestResult {
                run(stringify!($name))
            }
        )+

        #[test]
        fn every_case_of_the_fixtures_is_tested() -> TestResult {
            let all = read_json("training.json")?;
            let cases = all["cases"].as_object().ok_or("no cases")?;
            let tested = [$(stringify!($name)),+];
            let missing: Vec<_> = cases.keys().filter(|c| !tested.contains(&c.as_str())).collect();
            assert!(missing.is_empty(), "not tested: {missing:?}");
            Ok(())
        }
    };
}

cases!(
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
