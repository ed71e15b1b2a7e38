//! What an optimizer has learned, in the order of Keras' files: the number of steps, the learning rate, then the values
//! kept beside each weight (`keras/src/optimizers/base_optimizer.py`, `build`).

use std::collections::HashSet;

use keras_format::{Array, Variables, WeightTree, Weights, optimizer_name};
use serde_json::Value;

use super::file_error;
use super::holders::members;
use super::{keras2_optimizer, legacy};
use crate::Result;
use crate::layers::WeightInfo;
use crate::models::Model;
use crate::optimizers::KeptBeside;

/// The path of an optimizer's variables.
const PATH: &str = "optimizer";

/// A weight that the optimizer trains.
#[derive(Debug)]
pub(super) struct Trained {
    /// The weight.
    pub weight: WeightInfo,
}

impl Trained {
    fn kept(&self) -> KeptBeside {
        KeptBeside {
            id: self.weight.id,
            size: self.weight.count(),
        }
    }
}

/// The weights that training changes, in Keras' order.
fn trained(model: &Model, object: &Value) -> Result<Vec<Trained>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for holder in members(model.layers(), object)?
        .iter()
        .flat_map(|m| &m.holders)
    {
        for weight in holder.weights().into_iter().filter(|w| w.trainable) {
            if seen.insert(weight.id) {
                found.push(Trained { weight });
            }
        }
    }
    Ok(found)
}

/// Adds the optimizer of a compiled model to its weights.
pub(super) fn write(model: &Model, object: &Value, tree: &mut WeightTree) -> Result<()> {
    let Some(compiled) = &model.compiled else {
        return Ok(());
    };
    let optimizer = &compiled.optimizer;
    let trained = trained(model, object)?;
    let steps = i32::try_from(optimizer.iterations()).unwrap_or(i32::MAX);
    let mut arrays = vec![
        Array::scalar_i32(steps),
        Array::scalar_f32(optimizer.rule().learning_rate()),
    ];
    let kept: Vec<KeptBeside> = trained.iter().map(Trained::kept).collect();
    for (weight, values) in optimizer.variables(&kept)? {
        let shape = trained[weight].weight.value.shape();
        arrays.push(Array::f32(shape, values).map_err(file_error)?);
    }
    let name = optimizer_name(optimizer.rule().class_name());
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
    let device = model.placement()?;
    let names = match weights {
        Weights::Legacy(legacy) if keras2_optimizer::is_keras2(legacy) => {
            Some(legacy::weight_names(model.layers(), object, legacy)?)
        }
        _ => None,
    };
    let optimizer = &mut model.compiled_for_mut("load_model")?.optimizer;
    let found = match weights {
        Weights::Tree(tree) => tree.get(PATH).map(|v| of_keras3(v.arrays.iter().collect())),
        Weights::Legacy(legacy) => legacy.optimizer.as_ref().map(|named| match &names {
            Some(names) => keras2_optimizer::read(optimizer, &trained, names, named)
                .map(|(steps, values)| (steps, None, values)),
            None => of_keras3(named.iter().map(|n| &n.array).collect()),
        }),
    };
    let Some(found) = found else {
        return Ok(());
    };
    let kept: Vec<KeptBeside> = trained.iter().map(Trained::kept).collect();
    let taken = found.is_some_and(|(steps, rate, values)| {
        if let Some(rate) = rate {
            optimizer.rule_mut().set_learning_rate(rate);
        }
        // Before the first step Keras writes no more than this.
        let taken = values.is_empty() || optimizer.set_variables(&kept, values, &device);
        if taken {
            optimizer.set_iterations(steps);
        }
        taken
    });
    if !taken {
        log::warn!(
            "the optimizer's state in the file is not that of {} for this model: it starts afresh",
            optimizer.rule().class_name()
        );
    }
    Ok(())
}

/// Number of steps, learning rate (unless a schedule gives it), and the values kept beside the weights.
type State = (u64, Option<f32>, Vec<Vec<f32>>);

fn of_keras3(arrays: Vec<&Array>) -> Option<State> {
    let (steps, rest) = arrays.split_first()?;
    let steps = u64::try_from(steps.as_int()?).ok()?;
    let (rate, rest) = match rest.split_first() {
        Some((rate, rest)) if rate.shape().is_empty() => {
            let rate = rate.to_f32().first().copied();
            (Some(rate.filter(|r| *r >= 0.0 && r.is_finite())?), rest)
        }
        _ => (None, rest),
    };
    let values = rest.iter().map(|a| a.to_f32().into_owned()).collect();
    Some((steps, rate, values))
}
