//! Optimizers, schedules, losses and metrics, each by itself, give Keras' numbers.
//!
//! The fixtures are made by `tests/keras/make_training_arithmetic.py` with keras==3.15.1 on JAX.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::{Tensor, TensorData};
use burn_keras::backend::Device;
use burn_keras::losses::{self, batch_loss};
use burn_keras::metrics;
use burn_keras::optimizers::schedules::{self, PiecewiseConstantDecay, Schedule};
use burn_keras::optimizers::{
    self, Change, LearningRate, Optimizer, OptimizerState, Rule, TrainedWeight,
};
use burn_keras::prelude::*;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::{TestResult, assert_close, devices, read_arrays, read_json};
use ndarray::{Array1, ArrayD};
use serde_json::Value;

type Arrays = HashMap<String, ArrayD<f32>>;

struct Fixture {
    json: Value,
    arrays: Arrays,
}

impl Fixture {
    fn read() -> TestResult<Self> {
        Ok(Self {
            json: read_json("arithmetic.json")?,
            arrays: read_arrays("arithmetic.npz")?,
        })
    }

    /// The cases of one kind, with their whole names.
    fn cases(&self, kind: &str) -> TestResult<Vec<(&String, &Value)>> {
        let all = self.json["cases"].as_object().ok_or("no cases")?;
        let own: Vec<_> = all
            .iter()
            .filter(|(name, _)| name.starts_with(kind))
            .collect();
        assert!(!own.is_empty(), "no cases of {kind}");
        Ok(own)
    }

    fn array(&self, name: &str) -> TestResult<&ArrayD<f32>> {
        self.arrays
            .get(name)
            .ok_or_else(|| format!("{name} is missing").into())
    }

    /// The classes that some case of a kind is about.
    fn classes(&self, kind: &str) -> TestResult<Vec<String>> {
        let class = |case: &Value| case["config"]["class_name"].as_str().map(String::from);
        Ok(self
            .cases(kind)?
            .into_iter()
            .filter_map(|(_, case)| class(case))
            .collect())
    }
}

fn flat(array: &ArrayD<f32>, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = array.iter().copied().collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

fn tensor(array: &ArrayD<f32>, device: &Device) -> TestResult<AnyTensor> {
    Ok(AnyTensor::from_f32(
        array.iter().copied().collect(),
        array.shape(),
        device,
    )?)
}

fn like(values: Tensor<1>, shape: &[usize]) -> TestResult<ArrayD<f32>> {
    Ok(ArrayD::from_shape_vec(
        shape,
        AnyTensor::from(values).to_vec()?,
    )?)
}

fn text(value: &Value) -> TestResult<&str> {
    value
        .as_str()
        .ok_or_else(|| format!("{value} is no text").into())
}

fn whole(value: &Value) -> TestResult<usize> {
    Ok(value
        .as_u64()
        .ok_or_else(|| format!("{value} is no number"))? as usize)
}

/// Steps of Muon go through a matrix iteration that carries rounding on.
fn tolerance(case: &str) -> f32 {
    if case.contains("muon") { 3e-5 } else { 1e-5 }
}

#[test]
fn steps_of_every_optimizer_are_those_of_keras() -> TestResult {
    let fixture = Fixture::read()?;
    let names: Vec<String> = serde_json::from_value(fixture.json["names"].clone())?;
    let steps = whole(&fixture.json["steps"])?;
    for (backend, device) in devices()? {
        for (case, spec) in fixture.cases("optimizer/")? {
            let place = format!("{case} on {backend}");
            let exclude: Vec<String> = serde_json::from_value(spec["exclude"].clone())?;
            let optimizer =
                Optimizer::from_config(&spec["config"])?.exclude_from_weight_decay(exclude);
            let mut state = OptimizerState::new(optimizer);
            let mut places = Vec::new();
            let mut weights = Vec::new();
            for (i, name) in names.iter().enumerate() {
                let initial = fixture.array(&format!("optimizer/w{i}"))?;
                weights.push(flat(initial, &device));
                places.push(TrainedWeight {
                    id: ParamId::new(),
                    path: name.clone(),
                    shape: initial.shape().to_vec(),
                    device: device.clone(),
                });
            }
            for step in 0..steps {
                let mut changes = Vec::new();
                for (i, (place, weight)) in places.iter().zip(&weights).enumerate() {
                    changes.push(Change {
                        id: place.id,
                        path: place.path.clone(),
                        shape: place.shape.clone(),
                        weight: weight.clone(),
                        gradient: flat(fixture.array(&format!("optimizer/g{step}_{i}"))?, &device),
                    });
                }
                weights = state.step(changes)?.into_iter().map(|(_, w)| w).collect();
                for (i, weight) in weights.iter().enumerate() {
                    let wanted = fixture.array(&format!("{case}/y{step}_{i}"))?;
                    let got = like(weight.clone(), wanted.shape())?;
                    let what = format!("{place}: {} after step {step}", names[i]);
                    assert_close(&what, &got, wanted, tolerance(case), tolerance(case));
                }
                // What was learned can be taken out and put into another at any time.
                let kept = state.variables(&places)?;
                let mut other = OptimizerState::new(state.optimizer().clone());
                other.set_variables(&places, &kept)?;
                assert_eq!(other.variables(&places)?, kept, "{place}");
                state = other;
            }
            let kept = state.variables(&places)?;
            assert_eq!(kept.iterations, steps as u64);
            assert_eq!(kept.arrays.len(), whole(&spec["slots"])?, "{place}: arrays");
            for (i, (name, got)) in kept.arrays.iter().enumerate() {
                let wanted = fixture.array(&format!("{case}/s{i}"))?;
                let what = format!("{place}: array {i}, {name}");
                assert_close(&what, got, wanted, tolerance(case), tolerance(case));
            }
            let averages: HashMap<_, _> = state.averages().into_iter().collect();
            for (i, (place_of, weight)) in places.iter().zip(&weights).enumerate() {
                let last = averages.get(&place_of.id).unwrap_or(weight).clone();
                let wanted = fixture.array(&format!("{case}/final{i}"))?;
                let what = format!("{place}: {} in the end", names[i]);
                let got = like(last, wanted.shape())?;
                assert_close(&what, &got, wanted, tolerance(case), tolerance(case));
            }
        }
    }
    Ok(())
}

/// The optimizer cases whose rule runs without the common options.
#[test]
fn rules_are_optimizers_of_burn() -> TestResult {
    fn run<R: Rule + burn::optim::Optimizer>(rule: &R, case: &str, rate: f64) -> TestResult {
        let fixture = Fixture::read()?;
        let steps = whole(&fixture.json["steps"])?;
        for (backend, device) in devices()? {
            let initial = fixture.array("optimizer/w0")?;
            let mut weight: Tensor<2> = flat(initial, &device).reshape([4, 3]);
            let mut state = None;
            for step in 0..steps {
                let gradient = flat(fixture.array(&format!("optimizer/g{step}_0"))?, &device);
                let gradient = gradient.reshape([4, 3]);
                (weight, state) = rule.step(rate, weight, gradient, state);
                let wanted = fixture.array(&format!("optimizer/{case}/y{step}_0"))?;
                let got = like(weight.clone().reshape([12]), &[4, 3])?;
                let what = format!("{case} by burn on {backend}, step {step}");
                assert_close(&what, &got, wanted, tolerance(case), tolerance(case));
            }
        }
        Ok(())
    }
    run(&Sgd::new(), "sgd", 0.01)?;
    run(&Sgd::new().momentum(0.9), "sgd_momentum", 0.01)?;
    run(&RmsProp::new(), "rmsprop", 0.001)?;
    run(&Adam::new(), "adam", 0.001)?;
    run(&AdamW::new(), "adamw", 0.001)?;
    run(&Nadam::new(), "nadam", 0.001)?;
    run(&Adamax::new(), "adamax", 0.001)?;
    run(&Adagrad::new(), "adagrad", 0.001)?;
    run(&Adadelta::new(), "adadelta", 0.001)?;
    run(&Ftrl::new(), "ftrl", 0.001)?;
    run(&Lion::new(), "lion", 0.001)?;
    run(&Lamb::new(), "lamb", 0.001)?;
    run(&Adafactor::new(), "adafactor", 0.001)?;
    run(&Muon::new(), "muon", 0.001)
}

/// One step from `x = [1, 2, 3, 4]` along `g = [1, 6, 7, 2]` with the learning rate 0.5: the numbers of
/// `test_single_step` in `keras/src/optimizers/*_test.py`, which are written with four digits.
#[test]
fn single_steps_are_those_of_keras_own_tests() -> TestResult {
    let wanted: [(&str, [f32; 4]); 12] = [
        ("sgd", [0.5, -1.0, -0.5, 3.0]),
        ("rmsprop", [-0.5811, 0.4189, 1.4189, 2.4189]),
        ("adam", [0.5, 1.5, 2.5, 3.5]),
        ("adamw", [0.4980, 1.4960, 2.494, 3.492]),
        ("nadam", [0.4686, 1.4686, 2.4686, 3.4686]),
        ("adagrad", [0.5233, 1.5007, 2.5005, 3.5061]),
        ("adadelta", [0.9993, 1.9993, 2.9993, 3.9993]),
        ("adamax", [0.5, 1.5, 2.5, 3.5]),
        ("ftrl", [0.2218, 1.3954, 2.3651, 2.8814]),
        ("lion", [0.5, 1.5, 2.5, 3.5]),
        ("lamb", [-0.3693, 0.6306, 1.6306, 2.6306]),
        ("adafactor", [-0.3693, 0.6307, 1.6307, 2.6307]),
    ];
    for (_, device) in devices()? {
        for (name, wanted) in wanted {
            let mut rule = optimizers::by_name(name)?;
            rule.set_learning_rate(LearningRate::Fixed(0.5));
            let mut state = OptimizerState::new(rule.into());
            let updated = state.step(vec![Change {
                id: ParamId::new(),
                path: "x".to_string(),
                shape: vec![4],
                weight: Tensor::from_floats([1.0, 2.0, 3.0, 4.0], &device),
                gradient: Tensor::from_floats([1.0, 6.0, 7.0, 2.0], &device),
            }])?;
            let got = like(updated[0].1.clone(), &[4])?;
            let wanted = Array1::from(wanted.to_vec()).into_dyn();
            assert_close(name, &got, &wanted, 1e-4, 0.0);
        }
    }
    Ok(())
}

#[test]
fn schedules_give_the_rates_of_keras() -> TestResult {
    let fixture = Fixture::read()?;
    for (case, spec) in fixture.cases("schedule/")? {
        let schedule = schedules::from_config(&spec["config"])?;
        let again = schedules::from_config(&schedules::to_config(&*schedule))?;
        let steps: Vec<u64> = serde_json::from_value(spec["steps"].clone())?;
        let rates: Vec<f32> = serde_json::from_value(spec["rates"].clone())?;
        for (step, wanted) in steps.into_iter().zip(rates) {
            let got = schedule.rate(step);
            assert!(
                (got - wanted).abs() <= 1e-6 + 1e-5 * wanted.abs(),
                "{case}: {got} at step {step} where Keras has {wanted}"
            );
            assert_eq!(again.rate(step), got, "{case}: written and read again");
        }
    }
    // The boundary itself still belongs to the value before.
    let pieces = PiecewiseConstantDecay::new(vec![2], vec![1.0, 0.5]);
    assert_eq!([pieces.rate(2), pieces.rate(3)], [1.0, 0.5]);
    Ok(())
}

#[test]
fn losses_and_their_gradients_are_those_of_keras() -> TestResult {
    let fixture = Fixture::read()?;
    for (backend, device) in devices()? {
        for (case, spec) in fixture.cases("loss/")? {
            let place = format!("{case} on {backend}");
            let data = |key: &str| -> TestResult<Option<&ArrayD<f32>>> {
                let name = spec[key].as_str();
                name.map(|name| fixture.array(&format!("data/{name}")))
                    .transpose()
            };
            let loss = losses::from_config(&spec["config"])?;
            loss.check()?;
            let y_true = tensor(data("y_true")?.ok_or("no labels")?, &device)?;
            let outputs = data("y_pred")?.ok_or("no outputs")?;
            let y_pred = flat(outputs, &device.clone().autodiff()).require_grad();
            let output = AnyTensor::from_flat(y_pred.clone(), outputs.shape())?;
            let weights = data("weights")?.map(|w| flat(w, &device));
            let mask = data("mask")?.map(|m| flat(m, &device));
            let value = batch_loss(&*loss, &y_true, &output, weights.as_ref(), mask.as_ref())?;

            let wanted = fixture.array(&format!("{case}/value"))?;
            let count = wanted.len();
            let got = like(value.clone().inner(), &[count])?;
            let wanted = wanted.clone().into_shape_with_order(vec![count])?;
            assert_close(&format!("{place}: value"), &got, &wanted, 1e-5, 1e-5);
            if case.ends_with("_plain") {
                let rows = loss.rows(&y_true, &output)?;
                let wanted = fixture.array(&format!("{case}/rows"))?;
                let got = like(rows.inner(), wanted.shape())?;
                assert_close(&format!("{place}: rows"), &got, wanted, 1e-5, 1e-5);
            }
            if spec["gradient"] == true {
                let gradients = value.sum().backward();
                let gradient = y_pred.grad(&gradients).ok_or("no gradient")?;
                let wanted = fixture.array(&format!("{case}/gradient"))?;
                let got = like(gradient, wanted.shape())?;
                assert_close(&format!("{place}: gradient"), &got, wanted, 1e-4, 1e-4);
            }
            let written = loss.to_config().ok_or("a loss that Keras has is written")?;
            let again = losses::from_config(&written)?;
            assert_eq!(
                format!("{again:?}"),
                format!("{loss:?}"),
                "{place}: written and read again"
            );
        }
    }
    Ok(())
}

#[test]
fn metrics_are_those_of_keras_over_several_batches() -> TestResult {
    let fixture = Fixture::read()?;
    for (backend, device) in devices()? {
        for (case, spec) in fixture.cases("metric/")? {
            for way in ["results", "weighted"] {
                let mut metric = metrics::from_config(&spec["config"])?;
                for batch in 0..3 {
                    let data = |key: &str| -> TestResult<&ArrayD<f32>> {
                        fixture.array(&format!("data/{}{batch}", text(&spec[key])?))
                    };
                    let y_true = tensor(data("y_true")?, &device)?;
                    let y_pred = tensor(data("y_pred")?, &device)?;
                    let weights = flat(data("weights")?, &device);
                    let weights = (way == "weighted").then_some(&weights);
                    metric.update(&y_true, &y_pred, weights)?;
                    let wanted: Vec<f64> = serde_json::from_value(spec[way][batch].clone())?;
                    let got = metric.results()?;
                    assert_eq!(got.len(), wanted.len(), "{case}: {got:?}");
                    for (got, wanted) in got.iter().zip(&wanted) {
                        assert!(
                            (got - wanted).abs() <= 1e-5 + 1e-5 * wanted.abs(),
                            "{case} on {backend}: {way} {got} after batch {batch}, Keras' is {wanted}"
                        );
                    }
                }
                let written = metric
                    .to_config()
                    .ok_or("a metric that Keras has is written")?;
                metric.reset();
                let again = metrics::from_config(&written)?;
                assert_eq!(again.name(), metric.name());
                assert_eq!(
                    again.to_config(),
                    Some(written),
                    "{case}: written and read again"
                );
            }
        }
    }
    Ok(())
}

/// A name that compile takes and no case is about.
#[test]
fn every_name_in_a_registry_has_a_fixture() -> TestResult {
    let fixture = Fixture::read()?;
    let covered = |kind: &str, names: Vec<&str>| -> TestResult {
        let classes = fixture.classes(kind)?;
        let missing: Vec<&str> = names
            .into_iter()
            .filter(|name| !classes.iter().any(|class| class.eq_ignore_ascii_case(name)))
            .collect();
        assert!(missing.is_empty(), "no case of {kind} for {missing:?}");
        Ok(())
    };
    covered("optimizer/", optimizers::NAMES.to_vec())?;
    covered("schedule/", schedules::NAMES.to_vec())?;
    // The name for whichever cross-entropy fits is no class; `the_crossentropy_that_fits_is_found` is about it.
    let losses = losses::NAMES
        .iter()
        .map(|names| names[0])
        .filter(|name| *name != "crossentropy");
    covered("loss/", losses.collect())?;
    covered(
        "metric/",
        metrics::NAMES.iter().map(|(class, _)| *class).collect(),
    )
}

#[test]
fn every_name_of_a_loss_and_a_metric_is_found() -> TestResult {
    for names in losses::NAMES {
        let first = losses::by_name(names[0])?;
        for name in *names {
            assert_eq!(losses::by_name(name)?.name(), first.name());
            assert_eq!(
                metrics::by_name(name)?.name(),
                *name,
                "a metric is called as it was asked for"
            );
        }
    }
    for (class, name) in metrics::NAMES {
        if let Some(name) = name {
            assert_eq!(metrics::by_name(class)?.name(), *class);
            assert_eq!(metrics::by_name(name)?.name(), *name);
        }
    }
    Ok(())
}

#[test]
fn the_crossentropy_that_fits_is_found() -> TestResult {
    let fixture = Fixture::read()?;
    let (_, device) = devices()?.remove(0);
    let any = losses::by_name("crossentropy")?;
    for (own, t, p) in [
        ("binary_crossentropy", "binary_column0", "chance_column0"),
        ("sparse_categorical_crossentropy", "classes0", "softmax0"),
        (
            "sparse_categorical_crossentropy",
            "class_column0",
            "softmax0",
        ),
        ("categorical_crossentropy", "one_hot0", "softmax0"),
    ] {
        let data = |name: &str| tensor(fixture.array(&format!("data/{name}"))?, &device);
        let (t, p) = (data(t)?, data(p)?);
        let rows = |loss: &dyn losses::Loss| -> TestResult<Vec<f32>> {
            Ok(AnyTensor::from(loss.rows(&t, &p)?).to_vec()?)
        };
        assert_eq!(rows(&*any)?, rows(&*losses::by_name(own)?)?, "{own}");
    }
    Ok(())
}

#[test]
fn what_cannot_work_is_refused_by_compile() -> TestResult {
    fn refused(optimizer: impl RuleExt, needle: &str) -> TestResult {
        let mut model = Sequential::new();
        model.add(Dense::new(1).input_shape([3]))?;
        match model.compile(optimizer.into_plain(), "mse", ()) {
            Ok(()) => Err(format!("{needle} was taken").into()),
            Err(error) => {
                assert!(error.to_string().contains(needle), "{error}");
                Ok(())
            }
        }
    }
    refused(Sgd::new().momentum(1.5), "momentum is 1.5")?;
    refused(Lion::new().beta_1(0.0), "beta_1 is 0")?;
    refused(
        Ftrl::new().learning_rate_power(0.5),
        "learning_rate_power is 0.5; it must be at most 0",
    )?;
    refused(Adam::new().learning_rate(f32::NAN), "learning_rate")?;
    refused(
        Adam::new().clipnorm(1.0).clipvalue(1.0),
        "exclude each other",
    )?;
    refused(Adam::new().clipnorm(-1.0), "clipnorm is -1")?;
    refused(
        Adam::new().gradient_accumulation_steps(1),
        "gradient_accumulation_steps is 1",
    )?;
    refused(
        Adam::new().use_ema(true).ema_momentum(2.0),
        "ema_momentum is 2",
    )?;
    let pieces = PiecewiseConstantDecay::new(vec![1, 2], vec![0.1]);
    refused(
        Sgd::new().learning_rate(pieces),
        "1 values for 2 boundaries",
    )
}

/// The numbers of `keras/src/losses/losses_test.py`: squared and absolute error and both cross-entropies, unweighted and
/// with the weight 2.3 for all.
#[test]
fn losses_are_those_of_keras_own_tests() -> TestResult {
    let reals = (
        vec![1.0, 9.0, 2.0, -5.0, -2.0, 6.0],
        vec![4.0, 8.0, 12.0, 8.0, 1.0, 3.0],
        [2, 3],
    );
    let one_hot = (
        vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        vec![0.9, 0.05, 0.05, 0.5, 0.89, 0.6, 0.05, 0.01, 0.94],
        [3, 3],
    );
    let logits = (
        one_hot.0.clone(),
        vec![8.0, 1.0, 1.0, 0.0, 9.0, 1.0, 2.0, 3.0, 5.0],
        [3, 3],
    );
    let binary = (vec![1.0, 0.0, 1.0, 0.0], vec![1.0, 1.0, 1.0, 0.0], [2, 2]);
    let from_logits = losses::CategoricalCrossentropy::new().from_logits(true);
    let cases: [(&dyn losses::Loss, _, f32); 5] = [
        (&losses::MeanSquaredError::new(), &reals, 49.5),
        (&losses::MeanAbsoluteError::new(), &reals, 5.5),
        (&losses::CategoricalCrossentropy::new(), &one_hot, 0.3239),
        (&from_logits, &logits, 0.0573),
        (&losses::BinaryCrossentropy::new(), &binary, 3.98559),
    ];
    for (_, device) in devices()? {
        for (loss, (t, p, shape), wanted) in &cases {
            let t = AnyTensor::from_f32(t.clone(), shape, &device)?;
            let p = AnyTensor::from_f32(p.clone(), shape, &device)?;
            let weights = Tensor::<1>::full([shape[0]], 2.3, &device);
            for (weights, wanted) in [(None, *wanted), (Some(&weights), 2.3 * wanted)] {
                let got: f32 = batch_loss(*loss, &t, &p, weights, None)?.into_scalar();
                let place = loss.name();
                assert!(
                    (got - wanted).abs() < 2e-4,
                    "{place}: {got}, Keras' is {wanted}"
                );
            }
        }
    }
    Ok(())
}

/// `test_weight_decay` and `test_clip_norm`, `test_clip_value` of `keras/src/optimizers/optimizer_test.py`.
#[test]
fn decay_and_clipping_are_those_of_keras_own_tests() -> TestResult {
    let (_, device) = devices()?.remove(0);
    let id = ParamId::new();
    let step =
        |state: &mut OptimizerState, weight: &[f32], gradient: &[f32]| -> TestResult<Vec<f32>> {
            let updated = state.step(vec![Change {
                id,
                path: "x".to_string(),
                shape: vec![weight.len()],
                weight: Tensor::from_data(TensorData::from(weight), &device),
                gradient: Tensor::from_data(TensorData::from(gradient), &device),
            }])?;
            Ok(AnyTensor::from(updated[0].1.clone()).to_vec()?)
        };
    let decaying = Adam::new().learning_rate(1.0).weight_decay(0.004);
    let mut state = OptimizerState::new(decaying);
    let mut weight = vec![2.0];
    for _ in 0..3 {
        weight = step(&mut state, &weight, &[0.0])?;
    }
    assert!((weight[0] - 1.976_095_9).abs() < 1e-6, "{weight:?}");
    for (optimizer, wanted) in [
        (
            Sgd::new().learning_rate(1.0).clipnorm(1.0),
            std::f32::consts::FRAC_1_SQRT_2,
        ),
        (Sgd::new().learning_rate(1.0).clipvalue(1.0), 1.0),
    ] {
        let moved = step(
            &mut OptimizerState::new(optimizer),
            &[0.0, 0.0],
            &[100.0, 100.0],
        )?;
        assert!(moved.iter().all(|w| (w + wanted).abs() < 1e-4), "{moved:?}");
    }
    Ok(())
}
