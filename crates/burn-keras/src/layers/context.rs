//! What a layer is told, and may leave behind, while it computes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Tensor};

use super::DynLayer;
use crate::Result;
use crate::random::Generator;
use crate::tensor::AnyTensor;

/// The states that a stateful layer carries from one batch to the next, by the layer's own names for them.
pub(crate) type Carried = HashMap<String, Vec<Tensor<2>>>;

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
    draws: u64,
    effects: u64,
    given_draws: VecDeque<AnyTensor>,
    running: u64,
    scope: Vec<String>,
    carried: HashMap<u64, Carried>,
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
            draws: 0,
            effects: 0,
            given_draws: VecDeque::new(),
            running: 0,
            scope: Vec::new(),
            carried: HashMap::new(),
        }
    }

    /// Whether this is a training pass.
    pub fn is_training(&self) -> bool {
        self.training
    }

    /// The generator for what is random; layers draw by [`Context::dropout_mask`] and [`Context::noise`] where they can.
    pub fn generator(&mut self) -> &mut Generator {
        self.effects += 1;
        &mut self.generator
    }

    /// How often a layer has drawn, or left something behind, in this pass.
    pub(crate) fn effects(&self) -> u64 {
        self.effects
    }

    /// Factors of inverted dropout: 0 with probability `rate`, else `1 / (1 - rate)`.
    ///
    /// With a `seed` they depend on it, the training step and the number of draws before, and not on the model's seed.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`](crate::Error::Tensor) for more axes than a tensor can have.
    pub fn dropout_mask(
        &mut self,
        shape: &[usize],
        rate: f32,
        seed: Option<u64>,
        device: &Device,
    ) -> Result<AnyTensor> {
        self.draw(shape, seed, device, |generator, count| {
            generator.dropout_mask(count, rate)
        })
    }

    /// Normally distributed values with mean 0; the seed is as for [`Context::dropout_mask`].
    ///
    /// # Errors
    ///
    /// As [`Context::dropout_mask`].
    pub fn noise(
        &mut self,
        shape: &[usize],
        stddev: f32,
        seed: Option<u64>,
        device: &Device,
    ) -> Result<AnyTensor> {
        self.draw(shape, seed, device, |generator, count| {
            (0..count).map(|_| stddev * generator.normal()).collect()
        })
    }

    fn draw(
        &mut self,
        shape: &[usize],
        seed: Option<u64>,
        device: &Device,
        values: impl FnOnce(&mut Generator, usize) -> Vec<f32>,
    ) -> Result<AnyTensor> {
        self.effects += 1;
        if let Some(given) = self.given_draws.pop_front() {
            return Ok(given);
        }
        // A seeded layer takes a number from the model's generator too, so that its seed changes no other layer.
        let drawn = self.generator.next_u64();
        self.draws += 1;
        let seed = match seed {
            Some(seed) => {
                let place = (self.step << 20) ^ self.draws;
                seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            }
            None => drawn,
        };
        let values = values(&mut Generator::new(seed), shape.iter().product());
        AnyTensor::from_f32(values, shape, device)
    }

    /// Uses these values, in this order, in place of the next random draws: for comparing with recorded ones.
    #[doc(hidden)]
    pub fn with_draws(mut self, draws: impl IntoIterator<Item = AnyTensor>) -> Self {
        self.given_draws.extend(draws);
        self
    }

    /// Adds a penalty (one value) to the loss of this pass.
    pub fn add_loss(&mut self, loss: Tensor<1>) {
        self.effects += 1;
        self.losses.push(loss);
    }

    pub(crate) fn take_losses(&mut self) -> Vec<Tensor<1>> {
        std::mem::take(&mut self.losses)
    }

    /// Gives a weight that the optimizer does not train a new value, once the step has succeeded.
    pub fn update<const D: usize>(&mut self, param: &Param<Tensor<D>>, value: Tensor<D>) {
        self.effects += 1;
        self.updates
            .insert(param.id, AnyTensor::from(value.without_autodiff()));
    }

    /// The value of a weight as this pass has left it so far: a layer that runs several times moves an average each time.
    pub fn current<const D: usize>(&self, param: &Param<Tensor<D>>) -> Tensor<D> {
        let moved = self.updates.get(&param.id);
        moved
            .and_then(|value| value.float::<D>().ok())
            .unwrap_or_else(|| param.val().without_autodiff())
    }

    pub(crate) fn take_updates(&mut self) -> HashMap<ParamId, AnyTensor> {
        std::mem::take(&mut self.updates)
    }

    /// The states that the running layer left under `key` in the pass before, if there was one since it was reset.
    ///
    /// Each is `[batch, size]` and constant to gradients.
    pub fn carried(&self, key: &str) -> Option<Vec<Tensor<2>>> {
        self.carried
            .get(&self.running)?
            .get(&self.scoped_key(key))
            .cloned()
    }

    /// Leaves states for the next pass of the running layer; they are kept once the pass has succeeded.
    pub fn carry(&mut self, key: &str, states: Vec<Tensor<2>>) {
        self.effects += 1;
        let key = self.scoped_key(key);
        let states = states.into_iter().map(Tensor::without_autodiff).collect();
        self.carried
            .entry(self.running)
            .or_default()
            .insert(key, states);
    }

    fn scoped_key(&self, key: &str) -> String {
        self.scope
            .iter()
            .map(|s| format!("{s}/"))
            .collect::<String>()
            + key
    }

    /// Runs `body` for the layer in the field `name` of the running one, whose carried states are apart from others'.
    pub fn scoped<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.push(name.to_string());
        let result = body(self);
        self.scope.pop();
        result
    }

    /// Runs `body` for the layer of this identity, which carries `states()` from the pass before.
    pub(crate) fn running<T>(
        &mut self,
        identity: u64,
        states: impl FnOnce() -> Carried,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.carried.entry(identity).or_insert_with(states);
        let outer = std::mem::replace(&mut self.running, identity);
        let scope = std::mem::take(&mut self.scope);
        let result = body(self);
        self.running = outer;
        self.scope = scope;
        result
    }

    pub(crate) fn take_carried(&mut self) -> HashMap<u64, Carried> {
        std::mem::take(&mut self.carried)
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
