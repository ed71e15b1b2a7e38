//! Every case through a file: the layer in a model, trained, saved and loaded, predicts and trains on the same.

use std::collections::HashSet;
use std::path::Path;

use burn_keras::layers::{LayerHandle, Registry};
use burn_keras::prelude::*;
use burn_keras::training::data::{IntoData, IntoValues, Values};
use burn_keras_tests::TestResult;
use ndarray::ArrayD;

use crate::case::{self, Case};
use crate::run;

/// What the model takes, inputs first.
fn inputs(case: &Case) -> TestResult<Vec<Values<'_>>> {
    let arrays = case
        .numbered("x")
        .into_iter()
        .chain(run::further_inputs(case)?.into_iter().map(|(_, a)| a));
    let mut values = Vec::new();
    for (i, array) in arrays.enumerate() {
        values.extend(if i == 0 && case.takes_tokens() {
            array.mapv(|v| v as i32).into_data()?
        } else {
            array.into_data()?
        });
    }
    Ok(values)
}

/// A step of training with the same draws on every model.
fn train(model: &mut Model, x: &[Values<'_>], targets: &[ArrayD<f32>]) -> TestResult {
    let batch = x.first().map_or(1, Values::samples);
    let mut y = Vec::new();
    for target in targets {
        y.extend(target.into_data()?);
    }
    let x = x.iter().map(|v| v.into_values());
    let options = Fit::new().batch_size(batch).seed(5).verbose(0);
    model.fit(x.collect::<Result<Vec<_>>>()?, y, options)?;
    model.reset_states();
    Ok(())
}

fn predict(model: &Model, x: &[Values<'_>]) -> TestResult<Vec<ArrayD<f32>>> {
    let x = x.iter().map(|v| v.into_values());
    Ok(model
        .predict_all(x.collect::<Result<Vec<_>>>()?)?
        .into_arrays())
}

/// Every bit of the arrays: some cases are there for what is no number.
fn bits(arrays: &[ArrayD<f32>]) -> Vec<ArrayD<u32>> {
    arrays.iter().map(|a| a.mapv(f32::to_bits)).collect()
}

fn through_a_file(case: &Case, registry: &Registry, path: &Path) -> TestResult {
    let mut layer = registry.layer_from_json(&case.object)?;
    layer.set_call_arguments(&case.arguments)?;
    run::adapt(case, &mut *layer)?;
    let mut model = run::model(case, LayerHandle::from(layer))?;
    let weights: Vec<_> = case.numbered("w").into_iter().cloned().collect();
    model.set_weights(&weights)?;
    let x = inputs(case)?;
    let targets: Vec<_> = predict(&model, &x)?.iter().map(|y| y * 0.5).collect();
    model.reset_states();
    model.compile("adam", "mse", ())?;
    let learns = model
        .layers()
        .iter()
        .any(|l| l.weights().iter().any(|w| w.trainable));
    let trains = learns && targets.iter().flatten().all(|y| y.is_finite());
    if trains {
        train(&mut model, &x, &targets)?;
    }

    model.save(path)?;
    let mut again = load_model(path)?;
    if again.get_weights()? != model.get_weights()? {
        return Err("the weights are others".into());
    }
    if bits(&predict(&again, &x)?) != bits(&predict(&model, &x)?) {
        return Err("it predicts something else".into());
    }
    if !trains {
        return Ok(());
    }
    for model in [&mut model, &mut again] {
        model.reset_states();
        train(model, &x, &targets)?;
    }
    if again.get_weights()? != model.get_weights()? {
        return Err("it trains on in another way".into());
    }
    Ok(())
}

#[test]
fn every_registered_class_goes_through_a_file() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("m.keras");
    let registry = Registry::new();
    let mut failed = Vec::new();
    let mut saved = HashSet::new();
    for case in case::all()? {
        match through_a_file(&case, &registry, &path) {
            Ok(()) => {
                saved.insert(case.class_name);
            }
            Err(error) => failed.push(format!("{}: {error}", case.name)),
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases are lost in a file:\n{}",
        failed.len(),
        failed.join("\n")
    );
    let missing: Vec<_> = registry
        .class_names()
        .into_iter()
        .filter(|name| !saved.contains(*name))
        .collect();
    assert!(missing.is_empty(), "never saved: {missing:?}");
    Ok(())
}
