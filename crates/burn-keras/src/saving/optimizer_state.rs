//! What an optimizer has learned, in the order of Keras' files: the number of steps, the learning rate, then the values
//! kept beside each weight (`keras/src/optimizers/base_optimizer.py`, `build`).

use std::collections::HashMap;

use burn::module::ParamId;
use keras_format::{Array, Variables, WeightTree, Weights, optimizer_name};
use ndarray::ArrayD;
use serde_json::Value;

use super::file_error;
use super::holders::members;
use super::{keras2_optimizer, legacy};
use crate::Result;
use crate::models::Model;
use crate::optimizers::{OptimizerVariables, TrainedWeight};

/// The path of an optimizer's variables.
const PATH: &str = "optimizer";

/// The weights that training changes, in the order of the file.
fn trained(model: &Model, object: &Value) -> Result<Vec<TrainedWeight>> {
    let mut weights: HashMap<ParamId, TrainedWeight> = model
        .trained_weights()
        .into_iter()
        .map(|weight| (weight.id, weight))
        .collect();
    let members = members(model.layers(), object)?;
    let holders = members.iter().flat_map(|m| &m.holders);
    Ok(holders
        .flat_map(|holder| holder.weights())
        .filter_map(|weight| weights.remove(&weight.id))
        .collect())
}

/// Adds the optimizer of a compiled model to its weights.
pub(super) fn write(model: &Model, object: &Value, tree: &mut WeightTree) -> Result<()> {
    let Some(compiled) = &model.compiled else {
        return Ok(());
    };
    let optimizer = &compiled.optimizer;
    let state = optimizer.variables(&trained(model, object)?)?;
    let steps = i32::try_from(state.iterations).unwrap_or(i32::MAX);
    let mut arrays = vec![Array::scalar_i32(steps)];
    arrays.extend(state.learning_rate.map(Array::scalar_f32));
    for (_, values) in state.arrays {
        let shape = values.shape().to_vec();
        let values: Vec<f32> = values.into_iter().collect();
        arrays.push(Array::f32(shape, values).map_err(file_error)?);
    }
    let name = optimizer_name(optimizer.optimizer().rule().class_name());
    tree.insert(PATH, Variables::new(name, arrays));
    Ok(())
}

/// Takes over the state in a file, if it has that of an optimizer like the model's; else says so in the log.
///
/// # Errors
///
/// Those of finding the model's weights.
pub(super) fn read(model: &mut Model, object: &Value, weights: &Weights) -> Result<()> {
    let trained = trained(model, object)?;
    let names = match weights {
        Weights::Legacy(legacy) if keras2_optimizer::is_keras2(legacy) => {
            Some(legacy::weight_names(model.layers(), object, legacy)?)
        }
        _ => None,
    };
    let optimizer = &mut model.compiled_for_mut("load_model")?.optimizer;
    let scheduled = optimizer.optimizer().rule().learning_rate().is_scheduled();
    let found = match weights {
        Weights::Tree(tree) => tree
            .get(PATH)
            .map(|v| of_keras3(v.arrays.iter().collect(), scheduled)),
        Weights::Legacy(legacy) => legacy.optimizer.as_ref().map(|named| match &names {
            Some(names) => keras2_optimizer::read(optimizer, &trained, names, named),
            None => of_keras3(named.iter().map(|n| &n.array).collect(), scheduled),
        }),
    };
    let Some(found) = found else {
        return Ok(());
    };
    let problem = match found {
        // Before the first step Keras writes no more than this.
        Some(state) if state.arrays.is_empty() => {
            optimizer.set_progress(&state);
            None
        }
        Some(state) => optimizer.set_variables(&trained, &state).err(),
        None => Some(crate::Error::weights(
            "the optimizer",
            "the number of steps, the learning rate or an array is missing",
        )),
    };
    if let Some(problem) = problem {
        log::warn!(
            "the optimizer's state in the file is not that of {} for this model: it starts afresh ({problem})",
            optimizer.optimizer().rule().class_name()
        );
    }
    Ok(())
}

/// The state as Keras 3 writes it; the learning rate is left out where a schedule gives it.
fn of_keras3(arrays: Vec<&Array>, scheduled: bool) -> Option<OptimizerVariables> {
    let (steps, mut rest) = arrays.split_first()?;
    let iterations = u64::try_from(steps.as_int()?).ok()?;
    let mut learning_rate = None;
    if !scheduled {
        let (rate, values) = rest.split_first()?;
        let rate = rate.to_f32().first().copied()?;
        learning_rate = Some(rate).filter(|r| *r >= 0.0 && r.is_finite());
        learning_rate?;
        rest = values;
    }
    let arrays = rest.iter().map(|a| named(a)).collect::<Option<_>>()?;
    Some(OptimizerVariables {
        iterations,
        learning_rate,
        arrays,
    })
}

/// An array of a file, where names do not matter.
pub(super) fn named(array: &Array) -> Option<(String, ArrayD<f32>)> {
    let values = array.to_f32().into_owned();
    let array = ArrayD::from_shape_vec(array.shape().to_vec(), values).ok()?;
    Some((String::new(), array))
}
