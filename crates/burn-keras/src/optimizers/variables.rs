//! An optimizer's state as files have it.

use burn::module::ParamId;
use burn::tensor::{Device, Tensor, TensorData};

use super::state::{OptimizerState, Slots, host_values};
use crate::Result;

/// A weight beside which an optimizer keeps values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptBeside {
    /// burn's identity of the weight.
    pub id: ParamId,
    /// The number of its values.
    pub size: usize,
}

impl OptimizerState {
    /// Which value of which weight comes when: the weight's number and the slot's, in the order of Keras' files.
    fn file_order(&self, weights: usize) -> Vec<(usize, usize)> {
        let names = self.rule().slots();
        let mut order = Vec::new();
        for group in self.rule().slot_groups() {
            for weight in 0..weights {
                let places = group
                    .iter()
                    .filter_map(|g| names.iter().position(|n| n == g));
                order.extend(places.map(|slot| (weight, slot)));
            }
        }
        order
    }

    /// The number of the weight and the name of each value in the order of Keras' files.
    pub fn variable_names(&self, weights: usize) -> Vec<(usize, &'static str)> {
        let names = self.rule().slots();
        let order = self.file_order(weights).into_iter();
        order.map(|(weight, slot)| (weight, names[slot])).collect()
    }

    /// The values kept beside `weights`, each with the number of its weight, in the order of Keras' files.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) when values cannot be read.
    pub fn variables(&self, weights: &[KeptBeside]) -> Result<Vec<(usize, Vec<f32>)>> {
        self.file_order(weights.len())
            .into_iter()
            .map(|(weight, slot)| {
                let KeptBeside { id, size } = weights[weight];
                let values = match self.slots.get(&id) {
                    None => vec![0.0; size],
                    Some(Slots::Host(slots)) => slots[slot].clone(),
                    Some(Slots::Device(slots)) => host_values(slots[slot].clone())?,
                };
                Ok((weight, values))
            })
            .collect()
    }

    /// Takes over values in the order of [`OptimizerState::variables`]; `false`, and nothing changed, when their number
    /// or sizes are others.
    pub fn set_variables(
        &mut self,
        weights: &[KeptBeside],
        values: Vec<Vec<f32>>,
        device: &Device,
    ) -> bool {
        let order = self.file_order(weights.len());
        let sizes = order.iter().map(|(weight, _)| weights[*weight].size);
        if order.len() != values.len() || !sizes.eq(values.iter().map(Vec::len)) {
            return false;
        }
        let count = self.rule().slots().len();
        let mut slots = vec![vec![Vec::new(); count]; weights.len()];
        for ((weight, slot), values) in order.into_iter().zip(values) {
            slots[weight][slot] = values;
        }
        let host = crate::backend::is_cpu(device);
        for (weight, slots) in weights.iter().zip(slots) {
            let slots = if host {
                Slots::Host(slots)
            } else {
                let tensor = |values: Vec<f32>| {
                    let size = values.len();
                    Tensor::from_data(TensorData::new(values, [size]), device)
                };
                Slots::Device(slots.into_iter().map(tensor).collect())
            };
            self.slots.insert(weight.id, slots);
        }
        true
    }

    /// Goes on as after this number of steps.
    pub fn set_iterations(&mut self, iterations: u64) {
        self.iterations = iterations;
    }
}
