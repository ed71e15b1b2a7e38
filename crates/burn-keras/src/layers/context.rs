//! What a layer is told, and may leave behind, while it computes.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{Param, ParamId};
use burn::tensor::Tensor;

use super::DynLayer;
use crate::random::Generator;
use crate::tensor::AnyTensor;

/// The circumstances of one forward pass.
///
/// Layers are not changed while they compute. What they want changed (moving averages, carried states, penalties)
/// they leave here, and training applies it once the step has succeeded.
#[derive(Debug)]
pub struct Context {
    training: bool,
    step: u64,
    generator: Generator,
    losses: Vec<Tensor<1>>,
    updates: HashMap<ParamId, AnyTensor>,
    stand_ins: HashMap<u64, Arc<dyn DynLayer>>,
}

impl Context {
    /// A pass that computes predictions: no dropout, moving averages instead of batch statistics.
    pub fn inference() -> Self {
        Self::new(false, Generator::new(0))
    }

    /// A training pass, with randomness from `generator`.
    pub fn training(generator: Generator) -> Self {
        Self::new(true, generator)
    }

    /// The same pass, said to be training step number `step`.
    pub fn at_step(mut self, step: u64) -> Self {
        self.step = step;
        self
    }

    /// The number of training steps done before this one.
    pub fn step(&self) -> u64 {
        self.step
    }

    fn new(training: bool, generator: Generator) -> Self {
        Self {
            training,
            step: 0,
            generator,
            losses: Vec::new(),
            updates: HashMap::new(),
            stand_ins: HashMap::new(),
        }
    }

    /// Whether this is a training pass.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// The generator for dropout and noise.
    pub fn generator(&mut self) -> &mut Generator {
        &mut self.generator
    }

    /// Adds a penalty (one value) to the loss of this pass.
    pub fn add_loss(&mut self, loss: Tensor<1>) {
        self.losses.push(loss);
    }

    pub(crate) fn take_losses(&mut self) -> Vec<Tensor<1>> {
        std::mem::take(&mut self.losses)
    }

    /// Gives a weight that the optimizer does not train a new value, once the step has succeeded.
    pub fn update<const D: usize>(&mut self, param: &Param<Tensor<D>>, value: Tensor<D>) {
        self.updates
            .insert(param.id, AnyTensor::from(value.without_autodiff()));
    }

    pub(crate) fn take_updates(&mut self) -> HashMap<ParamId, AnyTensor> {
        std::mem::take(&mut self.updates)
    }

    /// Lets `layer` compute in place of the one held under this identity.
    pub(crate) fn stand_in(&mut self, identity: u64, layer: Arc<dyn DynLayer>) {
        self.stand_ins.insert(identity, layer);
    }

    pub(crate) fn stand_in_for(&self, identity: u64) -> Option<Arc<dyn DynLayer>> {
        self.stand_ins.get(&identity).cloned()
    }

    pub(crate) fn drop_stand_ins(&mut self) {
        self.stand_ins.clear();
    }
}
