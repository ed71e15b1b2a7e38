//! What an optimizer has learned, as arrays in the order in which Keras writes them to a file.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::ArrayD;

use super::state::{Memory, OptimizerState, Slots};
use super::{LearningRate, Slot};
use crate::tensor::host_values;
use crate::{Error, Result};

/// A weight of the model that training changes.
#[derive(Clone, Debug)]
pub struct TrainedWeight {
    /// burn's identity of the parameter.
    pub id: ParamId,
    /// Where it is in the model, as `lstm/kernel`.
    pub path: String,
    /// Its shape in the model.
    pub shape: Vec<usize>,
    /// Where its values lie.
    pub device: Device,
}

/// What an optimizer has learned: Keras' `optimizer.variables`.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerVariables {
    /// The number of steps done. Keras' first variable.
    pub iterations: u64,
    /// The learning rate. Keras' second variable, absent with a schedule.
    pub learning_rate: Option<f32>,
    /// The arrays that follow, with their names: `lstm_kernel_momentum`.
    pub arrays: Vec<(String, ArrayD<f32>)>,
}

/// What an array of a file is about.
enum Kept {
    Average,
    Gradients,
    Slot(usize),
}

/// One array of a file.
struct Entry<'a> {
    weight: &'a TrainedWeight,
    kept: Kept,
    slot: Slot,
}

impl OptimizerState {
    /// Every array of the file except the rule's scalars, in Keras' order.
    fn entries<'a>(&self, weights: &'a [TrainedWeight]) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        let whole = |name, weight: &'a TrainedWeight, kept| Entry {
            weight,
            kept,
            slot: Slot::like(name, &weight.shape),
        };
        if self.optimizer.average.is_some() {
            entries.extend(weights.iter().map(|w| whole("average", w, Kept::Average)));
        }
        if self.optimizer.accumulation_steps.is_some() {
            let sum = "gradient_accumulator";
            entries.extend(weights.iter().map(|w| whole(sum, w, Kept::Gradients)));
        }
        let mut slots: Vec<Entry<'a>> = weights
            .iter()
            .flat_map(|weight| {
                let slots = self.optimizer.rule.slots(&weight.shape, &weight.path);
                slots.into_iter().enumerate().map(move |(i, slot)| Entry {
                    weight,
                    kept: Kept::Slot(i),
                    slot,
                })
            })
            .collect();
        // A stable sort keeps the order of the weights within each group.
        slots.sort_by_key(|entry| entry.slot.group);
        entries.extend(slots);
        entries
    }

    /// The number of the weight and the name of each array that has one, in Keras' order.
    pub(crate) fn variable_names(&self, weights: &[TrainedWeight]) -> Vec<(usize, &'static str)> {
        let places: HashMap<ParamId, usize> =
            weights.iter().enumerate().map(|(i, w)| (w.id, i)).collect();
        self.entries(weights)
            .iter()
            .map(|entry| (places[&entry.weight.id], entry.slot.name))
            .collect()
    }

    /// What the optimizer has learned about these weights.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when values cannot be read.
    pub fn variables(&self, weights: &[TrainedWeight]) -> Result<OptimizerVariables> {
        let mut arrays = self
            .entries(weights)
            .into_iter()
            .map(|Entry { weight, kept, slot }| {
                let memory = self.memory.get(&weight.id);
                let values = match kept {
                    Kept::Average => memory.and_then(|m| m.average.clone()).map(host_values),
                    Kept::Gradients => memory.and_then(|m| m.gradients.clone()).map(host_values),
                    Kept::Slot(i) => match memory.and_then(|m| m.slots.as_ref()) {
                        Some(Slots::Host(slots)) => slots.get(i).cloned().map(Ok),
                        Some(Slots::Device(slots)) => slots.get(i).cloned().map(host_values),
                        None => None,
                    },
                };
                let values = values.unwrap_or_else(|| Ok(vec![slot.initial; slot.count()]))?;
                let name = format!("{}_{}", weight.path.replace('/', "_"), slot.name);
                Ok((name, array(&slot.shape, values)?))
            })
            .collect::<Result<Vec<_>>>()?;
        for (name, value) in self.optimizer.rule.scalars(self.changes_done()) {
            arrays.push((name.to_string(), array(&[], vec![value])?));
        }
        Ok(OptimizerVariables {
            iterations: self.iterations,
            learning_rate: match self.optimizer.rule.learning_rate() {
                LearningRate::Fixed(rate) => Some(*rate),
                LearningRate::Scheduled(_) => None,
            },
            arrays,
        })
    }

    /// Takes over what an optimizer of the same kind has learned about these weights; only the order and the shapes of
    /// the arrays count, not their names.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] when the number of arrays or a shape differs; nothing is changed then.
    pub fn set_variables(
        &mut self,
        weights: &[TrainedWeight],
        variables: &OptimizerVariables,
    ) -> Result<()> {
        let place = format!("the optimizer {}", self.optimizer.rule.class_name());
        let entries = self.entries(weights);
        let count = entries.len() + self.optimizer.rule.scalars(0).len();
        if variables.arrays.len() != count {
            return Err(Error::weights(
                place,
                format!(
                    "keeps {count} arrays for the {} weights of this model, but {} were given",
                    weights.len(),
                    variables.arrays.len()
                ),
            ));
        }
        for (entry, (name, array)) in entries.iter().zip(&variables.arrays) {
            if array.shape() != entry.slot.shape {
                return Err(Error::weights(
                    place,
                    format!(
                        "keeps `{}` of the shape {:?} for {}, but `{name}` has the shape {:?}",
                        entry.slot.name,
                        entry.slot.shape,
                        entry.weight.path,
                        array.shape()
                    ),
                ));
            }
        }
        let values = |i: usize| -> Vec<f32> { variables.arrays[i].1.iter().copied().collect() };
        let tensor = |i: usize, weight: &TrainedWeight| -> Tensor<1> {
            let values = values(i);
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), &weight.device)
        };
        let rule = &*self.optimizer.rule;
        let steps = self.optimizer.accumulation_steps.unwrap_or(1);
        self.memory = weights
            .iter()
            .map(|weight| {
                let own = || {
                    let all = entries.iter().enumerate();
                    all.filter(|(_, entry)| entry.weight.id == weight.id)
                };
                let mut memory = Memory::default();
                let mut places = Vec::new();
                for (i, entry) in own() {
                    match entry.kept {
                        Kept::Average => memory.average = Some(tensor(i, weight)),
                        // Between two changes a file holds zeros, which are no gradients.
                        Kept::Gradients if variables.iterations.is_multiple_of(steps) => {}
                        Kept::Gradients => memory.gradients = Some(tensor(i, weight)),
                        Kept::Slot(_) => places.push(i),
                    }
                }
                let slots = rule.slots(&weight.shape, &weight.path);
                let fill = |slot: usize, _: &Slot| values(places[slot]);
                memory.slots = Some(Slots::make(rule, &slots, &weight.device, fill));
                (weight.id, memory)
            })
            .collect();
        self.set_progress(variables);
        Ok(())
    }

    /// Takes over the number of steps and the learning rate alone.
    pub(crate) fn set_progress(&mut self, variables: &OptimizerVariables) {
        self.iterations = variables.iterations;
        if let Some(rate) = variables.learning_rate
            && matches!(self.optimizer.rule.learning_rate(), LearningRate::Fixed(_))
        {
            let rate = LearningRate::Fixed(rate);
            self.optimizer.rule.set_learning_rate(rate);
        }
    }
}

fn array(shape: &[usize], values: Vec<f32>) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(shape, values).map_err(|e| Error::tensor("an optimizer", e.to_string()))
}
