//! Running one case here: the layer from Keras' configuration, with Keras' weights, inputs, masks and draws.

use burn::module::Module;
use burn::tensor::{Bool, Device, Gradients, Tensor, TensorData};
use burn_keras::backend::set_device;
use burn_keras::layers::{Context, DynLayer, LayerHandle, Registry};
use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras::tensor::{AnyTensor, Kind};
use burn_keras_tests::differences::{Differences, FORWARD, GRADIENT};
use burn_keras_tests::{TestResult, to_array, weight_gradients};
use ndarray::{ArrayD, IxDyn};

use crate::case::Case;

/// Runs a case and says what differs from Keras.
pub fn run(case: &Case, registry: &Registry, device: &Device) -> TestResult<Differences> {
    set_device(device);
    let mut layer = registry.layer_from_json(&case.object)?;
    layer.set_call_arguments(&case.arguments)?;
    adapt(case, &mut *layer)?;
    let model = model(case, LayerHandle::from(layer))?;
    let mut differences = Differences::default();
    check_weights(case, &model, &mut differences)?;
    if differences.worst().is_some() {
        return Ok(differences);
    }
    let tracked = model.train();
    pass(case, &tracked, device, "", &mut differences)?;
    if case.stateful {
        pass(case, &tracked, device, "second_", &mut differences)?;
    }
    Ok(differences)
}

/// What the layer takes after its inputs: initial states, and arrays among the call's arguments.
pub fn further_inputs(case: &Case) -> TestResult<Vec<(String, &ArrayD<f32>)>> {
    let states = case.numbered("s").into_iter().enumerate();
    let mut all: Vec<_> = states.map(|(i, s)| (format!("s{i}"), s)).collect();
    for (name, value) in &case.arguments {
        if value == true && case.find(name).is_some() {
            all.push((name.clone(), case.array(name)?));
        }
    }
    Ok(all)
}

/// A model of nothing but the layer.
pub fn model(case: &Case, layer: LayerHandle) -> TestResult<Model> {
    let mut inputs = Vec::new();
    let shapes = case
        .numbered("x")
        .into_iter()
        .chain(further_inputs(case)?.into_iter().map(|(_, a)| a));
    for (i, array) in shapes.enumerate() {
        let (batch, sample) = array.shape().split_first().ok_or("an input without axes")?;
        let kind = if i == 0 && case.takes_tokens() {
            Kind::Int
        } else {
            Kind::Float
        };
        inputs.push(Input::new(sample).batch_size(*batch).dtype(kind).node());
    }
    let outputs = layer.call(inputs.clone())?;
    Ok(Model::new(inputs, outputs)?)
}

/// Adapts a `Normalization` to the data that Keras adapted it to.
pub fn adapt(case: &Case, layer: &mut dyn DynLayer) -> TestResult {
    let Some(data) = case.find("adapt0") else {
        return Ok(());
    };
    let normalization = layer.as_any_mut().downcast_mut::<Normalization>();
    Ok(normalization
        .ok_or("only a Normalization adapts")?
        .adapt(data)?)
}

/// Gives the model Keras' weights; an adapted layer has its own, which must be the same.
fn check_weights(case: &Case, model: &Model, differences: &mut Differences) -> TestResult {
    let wanted: Vec<ArrayD<f32>> = case.numbered("w").into_iter().cloned().collect();
    let shapes = |weights: &[ArrayD<f32>]| -> Vec<Vec<usize>> {
        weights.iter().map(|w| w.shape().to_vec()).collect()
    };
    let ours = model.get_weights()?;
    if shapes(&ours) != shapes(&wanted) {
        differences.wrong(format!(
            "weights have the shapes {:?}, Keras' {:?}",
            shapes(&ours),
            shapes(&wanted)
        ));
        return Ok(());
    }
    if case.find("adapt0").is_some() {
        for ((ours, wanted), spec) in ours.iter().zip(&wanted).zip(&case.weights) {
            differences.compare(&spec.name, ours, wanted, FORWARD);
        }
    }
    Ok(model.set_weights(&wanted)?)
}

/// A tensor whose gradient can be asked for, in one axis.
fn leaf(array: &ArrayD<f32>, device: &Device) -> Tensor<1> {
    let values: Vec<f32> = array.iter().copied().collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

fn mask(array: &ArrayD<f32>, device: &Device) -> TestResult<Tensor<2, Bool>> {
    let [batch, timesteps] = array.shape() else {
        return Err("a mask that is no matrix".into());
    };
    let values: Vec<bool> = array.iter().map(|v| *v != 0.0).collect();
    Ok(Tensor::from_data(
        TensorData::new(values, [*batch, *timesteps]),
        device,
    ))
}

/// One call with everything that Keras recorded of it.
fn pass(
    case: &Case,
    model: &Model,
    device: &Device,
    prefix: &str,
    differences: &mut Differences,
) -> TestResult {
    let mut tensors = Vec::new();
    // The name of each gradient with the tensor it is of.
    let mut leaves: Vec<(String, Tensor<1>, &ArrayD<f32>)> = Vec::new();
    let given = (0..case.inputs)
        .map(|i| Ok((format!("x{i}"), case.array(&format!("{prefix}x{i}"))?)))
        .collect::<TestResult<Vec<_>>>()?;
    for (i, (name, array)) in given.into_iter().chain(further_inputs(case)?).enumerate() {
        let gradient = case.find(&format!("{prefix}g{name}"));
        let tensor = if case.takes_tokens() && i == 0 {
            let tokens = array.iter().map(|v| *v as i32).collect();
            AnyTensor::from_i32(tokens, array.shape(), device)?
        } else {
            let mut flat = leaf(array, device);
            if let Some(gradient) = gradient {
                flat = flat.autodiff().require_grad();
                leaves.push((format!("g{name}"), flat.clone(), gradient));
            }
            AnyTensor::from_flat(flat, array.shape())?
        };
        let attached = case
            .find(&format!("{prefix}mask{i}"))
            .filter(|_| i < case.inputs);
        tensors.push(tensor.with_mask(attached.map(|m| mask(m, device)).transpose()?));
    }

    let mut context = if case.training {
        Context::training(Generator::new(0))
    } else {
        Context::inference()
    };
    let draws = case.draws();
    let draws = draws
        .iter()
        .map(|d| AnyTensor::from_f32(d.iter().copied().collect(), d.shape(), device));
    context = context.with_draws(draws.collect::<Result<Vec<_>>>()?);
    let outputs = model.forward(&tensors, &mut context)?;
    check_outputs(case, &outputs, prefix, differences)?;

    let mut total: Option<Tensor<1>> = None;
    for (output, r) in outputs.iter().zip(case.numbered(&format!("{prefix}r"))) {
        let part = (output.float_flat()? * leaf(r, device)).sum();
        total = Some(total.map_or(part.clone(), |sum| sum + part));
    }
    let losses = model.losses(&mut context)?;
    if losses.len() != case.losses.len() {
        differences.wrong(format!(
            "{} penalties, Keras has {}",
            losses.len(),
            case.losses.len()
        ));
    }
    for (i, (loss, wanted)) in losses.into_iter().zip(&case.losses).enumerate() {
        let got = ArrayD::from_elem(IxDyn(&[1]), AnyTensor::from(loss.clone()).to_vec()?[0]);
        let wanted = ArrayD::from_elem(IxDyn(&[1]), *wanted);
        differences.compare(&format!("{prefix}penalty {i}"), &got, &wanted, FORWARD);
        total = total.map(|sum| sum + loss);
    }
    let gradients = total.filter(Tensor::is_tracked).map(|t| t.backward());

    for (name, leaf, wanted) in &leaves {
        let got = gradients.as_ref().and_then(|g| leaf.grad(g));
        let got = got.map(|g| to_array(&g.into())).transpose()?;
        compare_gradient(&format!("{prefix}{name}"), got, wanted, differences);
    }
    check_weight_gradients(case, model, gradients.as_ref(), prefix, differences)?;

    model.keep(&mut context);
    let kept = model.get_weights()?;
    for (i, (spec, kept)) in case
        .weights
        .iter()
        .zip(&kept)
        .enumerate()
        .filter(|(_, (w, _))| !w.trainable)
    {
        let wanted = case
            .find(&format!("{prefix}nt{i}"))
            .map_or_else(|| case.array(&format!("w{i}")), Ok)?;
        differences.compare(&format!("{} afterwards", spec.name), kept, wanted, FORWARD);
    }
    Ok(())
}

fn check_outputs(
    case: &Case,
    outputs: &[AnyTensor],
    prefix: &str,
    differences: &mut Differences,
) -> TestResult {
    if outputs.len() != case.outputs {
        differences.wrong(format!(
            "{} outputs, Keras has {}",
            outputs.len(),
            case.outputs
        ));
    }
    for (i, output) in outputs.iter().enumerate().take(case.outputs) {
        let name = format!("{prefix}y{i}");
        differences.compare(&name, &to_array(output)?, case.array(&name)?, FORWARD);
        let name = format!("{prefix}outmask{i}");
        match (output.mask(), case.find(&name)) {
            (Some(got), Some(wanted)) => {
                let got = to_array(&AnyTensor::from(got.clone()))?;
                differences.compare(&name, &got, wanted, FORWARD);
            }
            (Some(_), None) => differences.wrong(format!("{name}: a mask where Keras has none")),
            (None, Some(_)) => differences.wrong(format!("{name}: no mask where Keras has one")),
            (None, None) => {}
        }
    }
    Ok(())
}

/// A tensor that the result does not depend on has no gradient, which is one of zeros.
fn compare_gradient(
    name: &str,
    got: Option<ArrayD<f32>>,
    wanted: &ArrayD<f32>,
    differences: &mut Differences,
) {
    let got = match got {
        // Inputs come as one axis, and a single number as an axis of 1.
        Some(got) => got.into_shape_with_order(wanted.raw_dim()),
        None => Ok(ArrayD::zeros(wanted.raw_dim())),
    };
    match got {
        Ok(got) => differences.compare(name, &got, wanted, GRADIENT),
        Err(_) => differences.wrong(format!("{name} has another shape")),
    }
}

fn check_weight_gradients(
    case: &Case,
    model: &Model,
    gradients: Option<&Gradients>,
    prefix: &str,
    differences: &mut Differences,
) -> TestResult {
    let mut found = match gradients {
        Some(gradients) => weight_gradients(model, gradients)?,
        None => Vec::new(),
    };
    found.resize(case.weights.len(), None);
    for (i, (spec, got)) in case.weights.iter().zip(found).enumerate() {
        let Some(wanted) = case.find(&format!("{prefix}gw{i}")) else {
            continue;
        };
        let name = format!("{prefix}gradient of {}", spec.name);
        compare_gradient(&name, got, wanted, differences);
    }
    Ok(())
}
