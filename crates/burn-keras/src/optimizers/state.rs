//! An optimizer at work: what it has learned about each weight, and the step.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::{Tensor, TensorData};

use super::{Optimizer, Rule};
use crate::{Error, Result};

/// A weight on its way through a step: flat, with its flat gradient.
#[derive(Debug)]
pub(crate) struct Change {
    pub id: ParamId,
    pub weight: Tensor<1>,
    pub gradient: Tensor<1>,
}

/// An optimizer together with what it has learned about each weight.
#[derive(Clone, Debug)]
pub(crate) struct OptimizerState {
    optimizer: Optimizer,
    pub(super) iterations: u64,
    pub(super) slots: HashMap<ParamId, Slots>,
}

/// What a rule keeps about one weight: on the host where the weight is in its memory too, else on the device.
#[derive(Clone, Debug)]
pub(super) enum Slots {
    Host(Vec<Vec<f32>>),
    Device(Vec<Tensor<1>>),
}

impl OptimizerState {
    /// An optimizer that has not seen any weight.
    pub fn new(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            iterations: 0,
            slots: HashMap::new(),
        }
    }

    /// The rule.
    pub fn rule(&self) -> &dyn Rule {
        &*self.optimizer.rule
    }

    /// The rule with its options.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The rule, to change its learning rate.
    pub fn rule_mut(&mut self) -> &mut dyn Rule {
        &mut *self.optimizer.rule
    }

    /// The number of steps done.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Does a step: gives each weight's new value, flat, in the order of `changes`.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when values cannot be read.
    pub fn step(&mut self, mut changes: Vec<Change>) -> Result<Vec<(ParamId, Tensor<1>)>> {
        self.optimizer.clipping.clip(&mut changes);
        let rule = &*self.optimizer.rule;
        let learning_rate = rule.learning_rate();
        let decay = self.optimizer.weight_decay * learning_rate;
        self.iterations += 1;
        let step = self.iterations;
        changes
            .into_iter()
            .map(
                |Change {
                     id,
                     weight,
                     gradient,
                 }| {
                    let count = rule.slots().len();
                    let slots = self.slots.entry(id).or_insert_with(|| {
                        if is_on_host(&weight) {
                            Slots::Host(vec![vec![0.0; weight.dims()[0]]; count])
                        } else {
                            Slots::Device(vec![weight.zeros_like(); count])
                        }
                    });
                    let updated = match slots {
                        Slots::Host(slots) => {
                            let device = weight.device();
                            let mut values = host_values(weight)?;
                            let gradient = host_values(gradient)?;
                            if decay != 0.0 {
                                values.iter_mut().for_each(|w| *w -= *w * decay);
                            }
                            rule.update_values(&mut values, &gradient, slots, learning_rate, step);
                            let count = values.len();
                            Tensor::from_data(TensorData::new(values, [count]), &device)
                        }
                        Slots::Device(slots) => {
                            let weight = if decay == 0.0 {
                                weight
                            } else {
                                weight.clone() - weight * decay
                            };
                            rule.update(weight, gradient, slots, learning_rate, step)
                        }
                    };
                    Ok((id, updated))
                },
            )
            .collect()
    }
}

/// Whether a tensor's values lie in the host's memory, where a pass over them costs less than tensor operations.
fn is_on_host(tensor: &Tensor<1>) -> bool {
    crate::backend::is_cpu(&tensor.device())
}

pub(super) fn host_values(tensor: Tensor<1>) -> Result<Vec<f32>> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|e| Error::Device(format!("reading a weight failed: {e}")))
}
