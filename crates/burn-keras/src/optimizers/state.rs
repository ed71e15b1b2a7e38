//! An optimizer at work: what it has learned about each weight, and the step.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::{Device, Tensor, TensorData};

use super::{LearningRate, Optimizer, Rule, Slot, Step};
use crate::tensor::host_values;
use crate::{Error, Result};

/// A weight on its way through a step: flat, with its flat gradient.
#[derive(Debug)]
pub struct Change {
    /// burn's identity of the parameter.
    pub id: ParamId,
    /// Where it is in the model, as `lstm/kernel`.
    pub path: String,
    /// Its shape in the model.
    pub shape: Vec<usize>,
    /// Its values, row after row.
    pub weight: Tensor<1>,
    /// The gradient, row after row.
    pub gradient: Tensor<1>,
}

/// An optimizer together with what it has learned about each weight: what `fit` works with, and a training loop of one's
/// own can.
#[derive(Clone, Debug)]
pub struct OptimizerState {
    pub(super) optimizer: Optimizer,
    /// How often `step` was called.
    pub(super) iterations: u64,
    pub(super) memory: HashMap<ParamId, Memory>,
}

/// What is kept about one weight.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub slots: Option<Slots>,
    /// The running average of the weight.
    pub average: Option<Tensor<1>>,
    /// The sum of the gradients since the last change.
    pub gradients: Option<Tensor<1>>,
}

/// What a rule keeps about one weight: on the host where the weight is in its memory too, else on the device.
#[derive(Clone, Debug)]
pub(super) enum Slots {
    Host(Vec<Vec<f32>>),
    Device(Vec<Tensor<1>>),
}

impl Memory {
    /// What is kept about a weight that moves to this device.
    fn moved_to(self, rule: &dyn Rule, device: &Device) -> Self {
        Self {
            slots: self.slots.map(|slots| slots.moved_to(rule, device)),
            average: self.average.map(|average| average.to_device(device)),
            gradients: self.gradients.map(|sum| sum.to_device(device)),
        }
    }
}

impl Slots {
    /// The slots with the values that `fill` gives each.
    pub fn make(
        rule: &dyn Rule,
        slots: &[Slot],
        device: &Device,
        fill: impl Fn(usize, &Slot) -> Vec<f32>,
    ) -> Self {
        let values = slots.iter().enumerate().map(|(i, slot)| fill(i, slot));
        Self::Host(values.collect()).moved_to(rule, device)
    }

    /// The slots of a weight that moves to this device.
    fn moved_to(self, rule: &dyn Rule, device: &Device) -> Self {
        let on_host = crate::backend::is_cpu(device) && rule.by_values().is_some();
        match self {
            Self::Host(slots) if on_host => Self::Host(slots),
            Self::Host(slots) => {
                let tensor = |v: &Vec<f32>| Tensor::from_data(TensorData::from(&v[..]), device);
                Self::Device(slots.iter().map(tensor).collect())
            }
            Self::Device(slots) => {
                let read = || slots.iter().cloned().map(host_values).collect();
                match on_host.then(read) {
                    Some(Ok(values)) => Self::Host(values),
                    // A rule works on tensors on every device; what cannot be read shows when the weights are.
                    None | Some(Err(_)) => {
                        Self::Device(slots.into_iter().map(|s| s.to_device(device)).collect())
                    }
                }
            }
        }
    }
}

impl OptimizerState {
    /// An optimizer that has not seen any weight.
    pub fn new(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            iterations: 0,
            memory: HashMap::new(),
        }
    }

    /// The optimizer, for its configuration.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The number of steps done, those included that only added gradients up.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f32 {
        self.optimizer.rule.learning_rate().at(self.iterations)
    }

    /// Changes the learning rate.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] where a schedule sets it, as in Keras.
    pub fn set_learning_rate(&mut self, rate: f32) -> Result<()> {
        let rule = &mut self.optimizer.rule;
        if let LearningRate::Scheduled(schedule) = rule.learning_rate() {
            return Err(Error::argument(
                rule.class_name(),
                "learning_rate",
                format!(
                    "follows the schedule {}; compile with a number to be able to set it",
                    schedule.class_name()
                ),
            ));
        }
        rule.set_learning_rate(LearningRate::Fixed(rate));
        Ok(())
    }

    /// The same for weights that have moved to this device; models do it when they move.
    #[must_use]
    pub fn moved_to(mut self, device: &Device) -> Self {
        // Weights and gradients come to a step without being tracked.
        let device = device.clone().inner();
        let rule = &*self.optimizer.rule;
        self.memory = self
            .memory
            .into_iter()
            .map(|(id, memory)| (id, memory.moved_to(rule, &device)))
            .collect();
        self
    }

    /// What the loss is multiplied by before its gradients are taken; the step divides them again.
    pub fn loss_scale(&self) -> Option<f32> {
        self.optimizer.loss_scale
    }

    /// Does a step: gives each weight's new value, flat, in the order of `changes`.
    ///
    /// The order is that of `keras/src/optimizers/base_optimizer.py`: scale, accumulate, clip, decay, the rule, the
    /// average.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when values cannot be read.
    pub fn step(&mut self, mut changes: Vec<Change>) -> Result<Vec<(ParamId, Tensor<1>)>> {
        if let Some(scale) = self.optimizer.loss_scale {
            for change in &mut changes {
                change.gradient = change.gradient.clone() / scale;
            }
        }
        let mut updated = if self.accumulate(&mut changes) {
            self.optimizer.clipping.clip(&mut changes);
            changes
                .into_iter()
                .map(|change| self.update(change))
                .collect::<Result<Vec<_>>>()?
        } else {
            changes.into_iter().map(|c| (c.id, c.weight)).collect()
        };
        self.average(&mut updated);
        self.iterations += 1;
        Ok(updated)
    }

    /// The number of changes before this step.
    pub(super) fn changes_done(&self) -> u64 {
        self.iterations / self.optimizer.accumulation_steps.unwrap_or(1)
    }

    /// Adds gradients up where that is asked for. Whether it is time to change the weights, by what the gradients then
    /// are: their mean.
    fn accumulate(&mut self, changes: &mut [Change]) -> bool {
        let Some(steps) = self.optimizer.accumulation_steps else {
            return true;
        };
        let complete = (self.iterations + 1).is_multiple_of(steps);
        for change in changes {
            let kept = &mut self.memory.entry(change.id).or_default().gradients;
            let sum = match kept.take() {
                Some(sum) => sum + change.gradient.clone(),
                None => change.gradient.clone(),
            };
            if complete {
                change.gradient = sum / steps as f32;
            } else {
                *kept = Some(sum);
            }
        }
        complete
    }

    fn update(&mut self, change: Change) -> Result<(ParamId, Tensor<1>)> {
        let number = self.changes_done() + 1;
        let Change {
            id,
            path,
            shape,
            weight,
            gradient,
        } = change;
        let rule = &*self.optimizer.rule;
        let step = Step {
            learning_rate: rule.learning_rate().at(self.iterations),
            number,
            shape: &shape,
            path: &path,
        };
        let decay = self.optimizer.decay(&step) * step.learning_rate;
        let device = weight.device();
        let slots = self
            .memory
            .entry(id)
            .or_default()
            .slots
            .get_or_insert_with(|| {
                let slots = rule.slots(&shape, &path);
                Slots::make(rule, &slots, &device, |_, s| vec![s.initial; s.count()])
            });
        let updated = match (slots, rule.by_values()) {
            (Slots::Host(slots), Some(rule)) => {
                let mut values = host_values(weight)?;
                let gradient = host_values(gradient)?;
                if decay != 0.0 {
                    values.iter_mut().for_each(|w| *w -= *w * decay);
                }
                rule.update_values(&mut values, &gradient, slots, &step);
                let count = values.len();
                Tensor::from_data(TensorData::new(values, [count]), &device)
            }
            (Slots::Device(slots), _) => {
                rule.update_with_decay(weight, gradient, slots, &step, decay)
            }
            // Slots are on the host only for rules that work there.
            (Slots::Host(_), None) => weight,
        };
        Ok((id, updated))
    }

    /// Moves the running averages on, and puts them in the weights' place when it is time.
    fn average(&mut self, weights: &mut [(ParamId, Tensor<1>)]) {
        let Some(average) = self.optimizer.average else {
            return;
        };
        let done = self.changes_done();
        let overwrite = average
            .overwrite_frequency
            .is_some_and(|steps| (done + 1).is_multiple_of(steps));
        for (id, weight) in weights {
            let kept = &mut self.memory.entry(*id).or_default().average;
            let mean = match kept.take() {
                Some(mean) if done > 0 => {
                    mean * average.momentum + weight.clone() * (1.0 - average.momentum)
                }
                _ => weight.clone(),
            };
            if overwrite {
                *weight = mean.clone();
            }
            *kept = Some(mean);
        }
    }

    /// The running averages of the weights, flat; none unless they are kept.
    pub fn averages(&self) -> Vec<(ParamId, Tensor<1>)> {
        self.memory
            .iter()
            .filter_map(|(id, memory)| Some((*id, memory.average.clone()?)))
            .collect()
    }
}

impl Optimizer {
    /// The share of a weight that a step takes away, before the learning rate.
    fn decay(&self, step: &Step<'_>) -> f32 {
        let name = step.path.rsplit('/').next().unwrap_or_default();
        let spared = self
            .excluded_from_decay
            .iter()
            .any(|text| name.contains(text.as_str()));
        if spared {
            return 0.0;
        }
        self.rule
            .weight_decay(step, self.weight_decay)
            .unwrap_or(0.0)
    }
}
