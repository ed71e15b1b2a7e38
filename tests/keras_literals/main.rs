//! The numbers that Keras' own tests of its recurrent layers state, for the same layers here.
//!
//! Each test names the file under `keras/src/layers` and the test there (keras 3.15.1). Their weights are constants, so
//! they can't tell gates apart; `layer_parity` does that with random ones.

mod cells;
mod standard;
mod wrappers;

use burn::tensor::{Bool, Device, Tensor, TensorData};
use burn_keras::backend::set_device;
use burn_keras::initializers::Initializer;
use burn_keras::layers::Context;
use burn_keras::prelude::*;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::{TestResult, devices};
use ndarray::{ArrayD, IxDyn};

/// The numbers from 0 on under a shape, as numpy's `arange`.
fn arange(shape: &[usize]) -> ArrayD<f32> {
    let values = (0..shape.iter().product::<usize>()).map(|v| v as f32);
    ArrayD::from_shape_vec(IxDyn(shape), values.collect()).expect("as many values as the shape has")
}

fn ones(shape: &[usize]) -> ArrayD<f32> {
    ArrayD::ones(IxDyn(shape))
}

fn constant(value: f32) -> Initializer {
    Initializer::Constant { value }
}

/// The weights of most of these tests.
fn filled<L: CellExt>(layer: L) -> L {
    layer
        .kernel_initializer(constant(0.01))
        .recurrent_initializer(constant(0.02))
        .bias_initializer(constant(0.03))
}

/// A model of one layer for batches of this shape, with `states` initial states of a shape.
fn model(layer: impl LayerExt, x: &ArrayD<f32>, states: &[ArrayD<f32>]) -> TestResult<Model> {
    let mut inputs = Vec::new();
    for array in std::iter::once(x).chain(states) {
        let sample = &array.shape()[1..];
        inputs.push(Input::new(sample).batch_size(array.shape()[0]).node());
    }
    let outputs = layer.call(inputs.clone())?;
    Ok(Model::new(inputs, outputs)?)
}

/// The outputs for one batch, with a mask if there is one; a stateful layer keeps its states.
fn outputs(
    model: &Model,
    x: &ArrayD<f32>,
    states: &[ArrayD<f32>],
    mask: &[&[u8]],
) -> TestResult<Vec<ArrayD<f32>>> {
    let device = burn_keras::backend::default_device()?;
    let tensor = |array: &ArrayD<f32>| {
        AnyTensor::from_f32(array.iter().copied().collect(), array.shape(), &device)
    };
    let mut inputs = vec![tensor(x)?.with_mask(bools(mask, &device))];
    for state in states {
        inputs.push(tensor(state)?);
    }
    let mut context = Context::inference();
    let outputs = model.forward(&inputs, &mut context)?;
    model.keep(&mut context);
    let arrays = outputs
        .iter()
        .map(|y| Ok(ArrayD::from_shape_vec(IxDyn(&y.shape()), y.to_vec()?)?));
    arrays.collect()
}

fn bools(mask: &[&[u8]], device: &Device) -> Option<Tensor<2, Bool>> {
    let shape = [mask.len(), mask.first()?.len()];
    let values: Vec<bool> = mask
        .iter()
        .flat_map(|row| row.iter().map(|v| *v == 1))
        .collect();
    Some(Tensor::from_data(TensorData::new(values, shape), device))
}

/// The only output of a layer in one call.
fn output(layer: impl LayerExt, x: &ArrayD<f32>, mask: &[&[u8]]) -> TestResult<ArrayD<f32>> {
    Ok(outputs(&model(layer, x, &[])?, x, &[], mask)?.remove(0))
}

/// Compares with values that are the same for all units, within Keras' own tolerance.
fn assert_units(what: &str, got: &ArrayD<f32>, wanted: &[f32]) {
    let units = got.shape().last().copied().unwrap_or(1);
    let wanted: Vec<f32> = wanted.iter().flat_map(|v| vec![*v; units]).collect();
    assert_values(what, got, &wanted);
}

fn assert_values(what: &str, got: &ArrayD<f32>, wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len(), "{what}: {:?}", got.shape());
    for (got, wanted) in got.iter().zip(wanted) {
        let allowed = 1e-5 + 1e-5 * wanted.abs();
        assert!(
            (got - wanted).abs() <= allowed,
            "{what}: {got}, Keras' test says {wanted}"
        );
    }
}

/// Runs a test on every backend and in every implementation.
fn everywhere(test: impl Fn(Implementation) -> TestResult) -> TestResult {
    for (_, device) in devices()? {
        set_device(&device);
        for implementation in [Implementation::Fused, Implementation::Burn] {
            test(implementation)?;
        }
    }
    Ok(())
}

/// Two calls of a stateful layer; after a reset they give the same again.
fn second_call(layer: impl LayerExt, x: &ArrayD<f32>) -> TestResult<Vec<ArrayD<f32>>> {
    let model = model(layer, x, &[])?;
    outputs(&model, x, &[], &[])?;
    let second = outputs(&model, x, &[], &[])?;
    model.reset_states();
    outputs(&model, x, &[], &[])?;
    assert_eq!(outputs(&model, x, &[], &[])?, second, "after a reset");
    Ok(second)
}
