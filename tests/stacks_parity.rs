//! Random stacks of layers and small graphs compute what Keras computes: outputs, and a figure of every weight's
//! gradient.
//!
//! The fixture is made by `tests/keras/make_stacks.py` with keras==3.15.1 on JAX; weights and inputs are not in it but
//! come from a formula that is here and there.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use burn_keras::backend::{Backend, set_device};
use burn_keras::layers::{Context, Implementation};
use burn_keras::prelude::*;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::differences::{Differences, FORWARD, GRADIENT};
use burn_keras_tests::{TestResult, read_json, registry, to_array, weight_gradients};
use ndarray::{ArrayD, IxDyn};
use serde_json::Value;

/// `count` numbers in [-0.5, 0.5): splitmix64's mixing, 24 bits of it.
fn numbers(seed: u64, tensor: u64, count: usize) -> Vec<f32> {
    (1..=count as u64)
        .map(|i| {
            let mut z = seed
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .wrapping_add((tensor + 1).wrapping_mul(0xD134_2543_DE82_EF95))
                .wrapping_add(i.wrapping_mul(0x2545_F491_4F6C_DD1D));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            (z >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        })
        .collect()
}

fn sizes(value: &Value) -> TestResult<Vec<usize>> {
    Ok(serde_json::from_value(value.clone())?)
}

fn values(value: &Value) -> TestResult<Vec<f32>> {
    Ok(serde_json::from_value(value.clone())?)
}

/// An input as its specification says.
fn input(seed: u64, index: u64, spec: &Value, device: &Device) -> TestResult<AnyTensor> {
    let shape = sizes(&spec["shape"])?;
    let mut values = numbers(seed, 1000 + index, shape.iter().product());
    let tokens = spec["kind"] == "tokens";
    if tokens {
        let vocabulary = spec["vocabulary"].as_u64().ok_or("no vocabulary")?;
        for value in &mut values {
            *value = 1.0 + ((*value + 0.5) * (vocabulary - 1) as f32).floor();
        }
    } else {
        values.iter_mut().for_each(|value| *value *= 4.0);
    }
    if let Some(lengths) = spec.get("lengths") {
        let step: usize = shape[2..].iter().product();
        for (sample, length) in values.chunks_mut(shape[1] * step).zip(sizes(lengths)?) {
            let absent = if spec["padding"] == "post" {
                length * step..shape[1] * step
            } else {
                0..(shape[1] - length) * step
            };
            sample[absent].fill(0.0);
        }
    }
    Ok(if tokens {
        let whole = values.iter().map(|v| *v as i32).collect();
        AnyTensor::from_i32(whole, &shape, device)?
    } else {
        AnyTensor::from_f32(values, &shape, device)?
    })
}

/// The weights by the formula; a variance is 1 more, so that it has a root.
fn set_weights(model: &Model, seed: u64) -> TestResult {
    let weights = model.weights().into_iter().zip(0..).map(|(weight, i)| {
        let values = numbers(seed, i, weight.count());
        let name = weight.name.rsplit('.').next().unwrap_or_default();
        let more = if name.contains("variance") { 1.0 } else { 0.0 };
        let values = values.into_iter().map(|v| v + more).collect();
        ArrayD::from_shape_vec(weight.shape, values)
    });
    Ok(model.set_weights(&weights.collect::<Result<Vec<_>, _>>()?)?)
}

/// Runs one case and says what differs from Keras.
fn run(case: &Value, device: &Device, implementation: Implementation) -> TestResult<Differences> {
    set_device(device);
    let seed = case["seed"].as_u64().ok_or("no seed")?;
    let model = Model::from_config(case, &registry(implementation))?;
    set_weights(&model, seed)?;
    let specs = case["inputs"].as_array().ok_or("no inputs")?;
    let inputs = specs
        .iter()
        .zip(0..)
        .map(|(spec, i)| input(seed, i, spec, device))
        .collect::<TestResult<Vec<_>>>()?;

    let tracked = model.train();
    let outputs = tracked.forward(&inputs, &mut Context::inference())?;
    let mut differences = Differences::default();
    let wanted = case["outputs"].as_array().ok_or("no outputs")?;
    if outputs.len() != wanted.len() {
        differences.wrong(format!(
            "{} outputs, Keras has {}",
            outputs.len(),
            wanted.len()
        ));
        return Ok(differences);
    }
    let mut total: Option<Tensor<1>> = None;
    for (k, (output, wanted)) in outputs.iter().zip(wanted).enumerate() {
        let wanted = ArrayD::from_shape_vec(sizes(&wanted["shape"])?, values(&wanted["values"])?)?;
        differences.compare(&format!("output {k}"), &to_array(output)?, &wanted, FORWARD);
        let r = numbers(seed, 3000 + k as u64, wanted.len());
        let r = Tensor::from_data(TensorData::new(r, [wanted.len()]), device);
        let part = (output.float_flat()? * r).sum();
        total = Some(total.map_or(part.clone(), |sum| sum + part));
    }
    if let Some(total) = total.filter(Tensor::is_tracked) {
        compare_gradients(case, seed, &tracked, total, &mut differences)?;
    }
    Ok(differences)
}

fn compare_gradients(
    case: &Value,
    seed: u64,
    model: &Model,
    total: Tensor<1>,
    differences: &mut Differences,
) -> TestResult {
    let gradients = weight_gradients(model, &total.backward())?;
    let wanted = case["gradients"].as_array().ok_or("no gradients")?;
    if gradients.len() != wanted.len() {
        differences.wrong(format!(
            "{} weights, Keras has {}",
            gradients.len(),
            wanted.len()
        ));
        return Ok(());
    }
    let names = model.weights();
    for (i, (gradient, wanted)) in gradients.iter().zip(wanted).enumerate() {
        // A weight that the optimizer does not train has no figure.
        let Some(wanted) = wanted.as_f64() else {
            continue;
        };
        let sum = gradient.as_ref().map_or(0.0, |gradient| {
            let factors = numbers(seed, 2000 + i as u64, gradient.len());
            gradient
                .iter()
                .zip(factors)
                .map(|(g, c)| f64::from(*g) * f64::from(c))
                .sum()
        });
        let one = |value: f64| ArrayD::from_elem(IxDyn(&[1]), value as f32);
        let name = format!("gradient of weight {i}, {}", names[i].name);
        differences.compare(&name, &one(sum), &one(wanted), GRADIENT);
    }
    Ok(())
}

/// Runs all cases and names every one that differs.
fn check(backend: Backend, implementation: Implementation) -> TestResult {
    let device = backend.open()?;
    let all = read_json("stacks.json")?;
    let cases = all["cases"].as_object().ok_or("no cases")?;
    assert!(cases.len() >= 345, "only {} cases", cases.len());
    let mut failed = Vec::new();
    for (name, case) in cases {
        match run(case, &device, implementation) {
            Ok(differences) => failed.extend(differences.worst().map(|w| format!("{name}: {w}"))),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases differ on {backend}, {implementation:?}:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
    Ok(())
}

#[test]
fn the_formula_is_that_of_the_fixture() -> TestResult {
    let wanted = values(&read_json("stacks.json")?["formula_of_seed_7_tensor_1001"])?;
    assert_eq!(numbers(7, 1001, 4), wanted);
    Ok(())
}

#[test]
fn stacks_on_flex_by_the_fastest_way() -> TestResult {
    check(Backend::Flex, Implementation::Auto)
}

#[test]
fn stacks_on_flex_by_burn() -> TestResult {
    check(Backend::Flex, Implementation::Burn)
}

#[test]
fn stacks_on_ndarray_by_the_fastest_way() -> TestResult {
    check(Backend::NdArray, Implementation::Auto)
}
