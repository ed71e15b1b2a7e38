//! A layer as models hold it: shared, named, built once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use burn::module::ParamId;
use burn::tensor::Device;
use ndarray::ArrayD;
use serde_json::{Map, Value};

use super::context::Carried;
use super::penalties::penalize_outputs;
use super::{
    Context, DynLayer, MaskPolicy, Registry, WeightBuilder, WeightInfo, collect_weights, describe,
    full_config, layer_object, read_weights, replace_weights, set_trainable, with_new_identities,
    with_updates,
};
use crate::dims::Dims;
use crate::error::{Cause, plural};
use crate::models::{
    CallMask, GivenMask, IntoNodes, Node, Outputs, StepMask, build_config, explained_call,
    takes_mask,
};
use crate::random::Generator;
use crate::tensor::{AnyTensor, Mask};
use crate::{Error, Result};

/// A layer that several models, or several places of one model, can share.
///
/// Cloning the handle gives the same layer with the same weights.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(3).name("scores").input_shape([16]))?;
/// let layer: LayerHandle = model.get_layer("scores")?;
/// assert_eq!(layer.get_weights()?[0].shape(), [16, 3]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct LayerHandle(Arc<Slot>);

struct Slot {
    identity: u64,
    layer: RwLock<Box<dyn DynLayer>>,
    built_for: RwLock<Option<Vec<Dims>>>,
    carried: RwLock<Carried>,
    lost_a_mask: AtomicBool,
}

static IDENTITIES: AtomicU64 = AtomicU64::new(0);

impl LayerHandle {
    /// Takes a layer over. Its parameters get identities of their own: burn's clones keep them, and two layers of one
    /// model must not share what the optimizer remembers.
    pub(crate) fn from_box(layer: Box<dyn DynLayer>) -> Self {
        // The layers inside a model are shared with it, not taken over.
        if layer.inner_layers().is_some() {
            Self::keep(layer)
        } else {
            Self::keep(with_new_identities(layer))
        }
    }

    fn keep(layer: Box<dyn DynLayer>) -> Self {
        let built_for = layer.built_inputs();
        Self(Arc::new(Slot {
            identity: IDENTITIES.fetch_add(1, Ordering::Relaxed),
            layer: RwLock::new(layer),
            built_for: RwLock::new(built_for),
            carried: RwLock::default(),
            lost_a_mask: AtomicBool::new(false),
        }))
    }

    /// Another layer made from this one by `change`, built as this one is.
    pub(crate) fn derive(&self, change: impl FnOnce(&dyn DynLayer) -> Box<dyn DynLayer>) -> Self {
        let derived = Self::keep(change(&**self.read()));
        *derived.built_slot() = self.built_for();
        derived
    }

    pub(crate) fn identity(&self) -> u64 {
        self.0.identity
    }

    // A poisoned lock means that a panic passed while the layer was only read or replaced whole: it is intact.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Box<dyn DynLayer>> {
        self.0.layer.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Box<dyn DynLayer>> {
        self.0.layer.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn built_slot(&self) -> RwLockWriteGuard<'_, Option<Vec<Dims>>> {
        self.0
            .built_for
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The input shapes the layer was built for, batch axis included; `None` before it is built.
    pub fn built_for(&self) -> Option<Vec<Dims>> {
        self.0
            .built_for
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the layer has its weights.
    pub fn is_built(&self) -> bool {
        self.built_for().is_some()
    }

    /// The layer's name; empty while it has none.
    pub fn name(&self) -> String {
        self.read().options().name().unwrap_or_default().to_string()
    }

    pub(crate) fn has_given_name(&self) -> bool {
        self.read().options().given_name().is_some()
    }

    pub(crate) fn set_automatic_name(&self, name: &str) {
        self.write().options_mut().set_automatic_name(name);
    }

    /// The class as Keras names it, as `LSTM`.
    pub fn class_name(&self) -> String {
        self.read().class_name().to_string()
    }

    /// The layer as errors name it, as `Lstm "lstm"`.
    pub fn describe(&self) -> String {
        describe(&**self.read())
    }

    /// Whether training updates its weights.
    pub fn trainable(&self) -> bool {
        self.read().options().trainable()
    }

    /// Freezes (`false`) or unfreezes the layer, with all layers inside it.
    pub fn set_trainable(&self, trainable: bool) {
        set_trainable(&mut **self.write(), trainable);
    }

    /// The layers that hold weights: this one, or those inside a model.
    pub(crate) fn leaves(&self) -> Vec<Self> {
        match self.read().inner_layers() {
            Some(inner) => inner.iter().flat_map(Self::leaves).collect(),
            None => vec![self.clone()],
        }
    }

    /// A copy of the concrete layer, if it is a `T`.
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        self.read().as_any().downcast_ref::<T>().cloned()
    }

    /// Keras' configuration of the layer.
    pub fn config(&self) -> Map<String, Value> {
        full_config(&**self.read())
    }

    /// Keras' serialised form: class, configuration and the shape it was built for.
    pub fn to_json(&self) -> Value {
        let mut object = layer_object(&**self.read());
        if let Some(dims) = self.built_for() {
            object["build_config"] = build_config(&self.class_name(), &dims);
        }
        object
    }

    /// Builds the layer for inputs of these shapes, or checks that they fit the layer as it was built, and gives the
    /// shapes of its outputs.
    pub(crate) fn build(
        &self,
        inputs: &[Dims],
        device: &Device,
        generator: &mut Generator,
    ) -> Result<Vec<Dims>> {
        let outputs = self.output_dims(inputs)?;
        if !self.is_built() {
            // A layer that came with weights (taken over from burn, or a built model) keeps them.
            if self.weights().is_empty() {
                let mut layer = {
                    let unbuilt = self.read();
                    unbuilt.share().unwrap_or_else(|| unbuilt.boxed_clone())
                };
                layer.build(inputs, &mut WeightBuilder::new(device, generator))?;
                *self.write() = layer;
            }
            *self.built_slot() = Some(inputs.to_vec());
        }
        Ok(outputs)
    }

    /// Checks a layer's own `input_shape`, if it was given one, against what it is really fed.
    pub(crate) fn check_input_shape(&self, fed: &Dims) -> Result<()> {
        let layer = self.read();
        let Some(given) = layer.options().input_dims() else {
            return Ok(());
        };
        let agree = given.rank() == fed.rank()
            && given
                .axes()
                .iter()
                .zip(fed.axes())
                .all(|(a, b)| a.is_none() || b.is_none() || a == b);
        if agree {
            return Ok(());
        }
        Err(Error::shape(
            describe(&**layer),
            format!("{given}, by its own `input_shape`"),
            format!("{fed} from what stands before it"),
            "Only the first layer of a model needs `input_shape`: leave it out here.",
        ))
    }

    /// Reports the first argument of the layer that could not be read.
    pub(crate) fn check_arguments(&self) -> Result<()> {
        let layer = self.read();
        layer.options().check(&describe(&**layer))
    }

    /// The shapes of the outputs for inputs of these shapes.
    ///
    /// # Errors
    ///
    /// The first bad argument the layer was given, or [`Error::Shape`] when the inputs do not fit.
    pub fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let layer = self.read();
        let place = describe(&**layer);
        layer.options().check(&place)?;
        let wanted = layer.input_count();
        if !wanted.contains(&inputs.len()) {
            let given: Vec<String> = inputs.iter().map(Dims::in_words).collect();
            let fix = match (*wanted.start(), *wanted.end()) {
                (1, 1) => "Call it with one tensor.".to_string(),
                (1, high) => format!(
                    "Behind the first tensor, its input, it takes at most {} initial {}.",
                    high - 1,
                    plural(high - 1, "state")
                ),
                (2, 2) => "Call it with two tensors, as in `layer.call((&a, &b))?`.".to_string(),
                _ => "Give them together, as in `layer.call((&a, &b))?`.".to_string(),
            };
            return Err(Error::shape(
                place,
                match (*wanted.start(), *wanted.end()) {
                    (low, high) if low == high => format!("{low} {}", plural(low, "input")),
                    (low, usize::MAX) => format!("at least {low} inputs"),
                    (low, high) => format!("{low} to {high} inputs"),
                },
                format!("{}: {}", given.len(), given.join(", ")),
                fix,
            )
            .because(Cause::InputCount));
        }
        let outputs = layer.output_dims(inputs)?;
        check_size(&place, &outputs)?;
        Ok(outputs)
    }

    /// Applies the layer in a functional model; see [`LayerExt::call`](super::LayerExt::call).
    ///
    /// # Errors
    ///
    /// Those of [`LayerHandle::output_dims`], and of opening the default device.
    pub fn call(&self, inputs: impl IntoNodes) -> Result<Outputs> {
        self.call_masked(inputs.into_nodes()?, CallMask::Implicit)
    }

    fn call_masked(&self, nodes: Vec<Node>, mask: CallMask) -> Result<Outputs> {
        let dims: Vec<Dims> = nodes.iter().map(|n| n.dims().clone()).collect();
        let outputs = if self.is_built() {
            self.output_dims(&dims)
        } else {
            let device = crate::backend::default_device()?;
            self.build(&dims, &device, &mut Generator::unseeded())
        };
        let outputs = explained_call(outputs, self, &nodes)?;
        Ok(Node::from_call(self.clone(), nodes, mask, outputs))
    }

    /// Applies the layer as [`LayerHandle::call`] does, but with these masks for its inputs, in their order, instead of
    /// those that they carry: Keras' `mask=`.
    ///
    /// [`StepMask::none`], and a mask that is left out, is none in `Attention` and `AdditiveAttention`; other layers use
    /// the mask that the input carries then, as in Keras.
    ///
    /// # Errors
    ///
    /// As [`LayerHandle::call`]; a mask that does not fit its input; a layer that takes none in Keras.
    pub fn call_with_masks(
        &self,
        inputs: impl IntoNodes,
        masks: impl IntoIterator<Item = StepMask>,
    ) -> Result<Outputs> {
        let nodes = inputs.into_nodes()?;
        let place = self.describe();
        if !self.takes_mask() {
            return Err(Error::Model(format!(
                "{place} takes no mask at its calls, as in Keras: give it to the layers that use it"
            )));
        }
        let given = masks.into_iter().zip(&nodes);
        let masks = given.map(|(mask, node)| mask.checked(&place, node.dims()));
        let mut masks = masks.collect::<Result<Vec<_>>>()?;
        masks.resize(nodes.len(), None);
        if !matches!(
            self.class_name().as_str(),
            "Attention" | "AdditiveAttention"
        ) {
            // An argument that is left out is the mask that the input carries, in Keras too.
            for (mask, node) in masks.iter_mut().zip(&nodes) {
                mask.get_or_insert_with(|| GivenMask::Of(node.clone()));
            }
        }
        self.call_masked(nodes, CallMask::Explicit(masks))
    }

    /// Whether a call can be given a mask in Keras.
    fn takes_mask(&self) -> bool {
        let class_name = self.class_name();
        takes_mask(&class_name)
            || matches!(
                class_name.as_str(),
                "Attention" | "AdditiveAttention" | "MultiHeadAttention"
            )
            || self.read().inner_layers().is_some()
            || !Registry::is_keras_class(&class_name)
    }

    /// Computes, with the layer's stand-in if the context has one, and sees to the mask.
    pub(crate) fn forward(
        &self,
        inputs: &[AnyTensor],
        context: &mut Context,
    ) -> Result<Vec<AnyTensor>> {
        let stand_in = context.stand_in_for(self.identity());
        context.running(
            self.identity(),
            || self.carried_slot().clone(),
            |context| match stand_in {
                Some(layer) => self.forward_with(&*layer, inputs, context),
                None => self.forward_with(&**self.read(), inputs, context),
            },
        )
    }

    /// Takes over the new values that belong to the layer; layers without any are left alone.
    pub(crate) fn apply(&self, updated: &HashMap<ParamId, AnyTensor>) {
        let changed = with_updates(&**self.read(), updated);
        if let Some(new) = changed {
            *self.write() = new;
        }
    }

    fn carried_slot(&self) -> RwLockWriteGuard<'_, Carried> {
        self.0
            .carried
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The states that the last pass left behind.
    pub(crate) fn carried(&self) -> Carried {
        self.carried_slot().clone()
    }

    /// Keeps the states that a pass left behind for the next one.
    pub(crate) fn keep_carried(&self, carried: Carried) {
        if !carried.is_empty() {
            *self.carried_slot() = carried;
        }
    }

    /// Makes a stateful layer start from zeros again; nothing happens to others.
    pub fn reset_states(&self) {
        for leaf in self.leaves() {
            leaf.carried_slot().clear();
        }
    }

    fn forward_with(
        &self,
        layer: &dyn DynLayer,
        inputs: &[AnyTensor],
        context: &mut Context,
    ) -> Result<Vec<AnyTensor>> {
        let outputs = layer.forward(inputs, context)?;
        penalize_outputs(layer, &outputs, context)?;
        let mask = inputs.iter().find_map(|x| x.any_mask().cloned());
        Ok(match (layer.mask_policy(), mask) {
            // Layers that see to masks themselves know those of steps, not of steps inside steps.
            (MaskPolicy::Own, Some(Mask::Nested(_)))
                if outputs.iter().all(|y| y.any_mask().is_none()) =>
            {
                self.lost_mask();
                outputs
            }
            (MaskPolicy::Own, _) => outputs,
            (MaskPolicy::Pass, mask) => outputs
                .into_iter()
                .map(|y| y.with_any_mask(mask.clone()))
                .collect(),
            (MaskPolicy::Consume, _) | (MaskPolicy::Lose, None) => {
                outputs.into_iter().map(|y| y.with_mask(None)).collect()
            }
            (MaskPolicy::Lose, Some(_)) => {
                self.lost_mask();
                outputs.into_iter().map(|y| y.with_mask(None)).collect()
            }
        })
    }

    /// Says once that the layer loses a mask.
    fn lost_mask(&self) {
        if !self.0.lost_a_mask.swap(true, Ordering::Relaxed) {
            log::warn!("{}", self.lost_mask_text());
        }
    }

    fn lost_mask_text(&self) -> String {
        format!(
            "{} cannot keep the mask of its input: the layers after it treat padded steps as data",
            self.describe()
        )
    }

    /// What the layer has warned of so far.
    pub(crate) fn warning(&self) -> Option<String> {
        self.0
            .lost_a_mask
            .load(Ordering::Relaxed)
            .then(|| self.lost_mask_text())
    }

    /// The layer's weights in Keras' order; empty before it is built.
    pub fn weights(&self) -> Vec<WeightInfo> {
        collect_weights(&**self.read())
    }

    /// The number of the layer's weights' values.
    pub fn count_params(&self) -> usize {
        self.weights().iter().map(WeightInfo::count).sum()
    }

    /// The layer's weights as arrays, in Keras' order: `kernel`, `recurrent_kernel`, `bias` for an LSTM.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the layer is built.
    pub fn get_weights(&self) -> Result<Vec<ArrayD<f32>>> {
        if !self.is_built() {
            return Err(Error::NotBuilt {
                needed_for: format!("{}: get_weights", self.describe()),
            });
        }
        read_weights(&self.weights())
    }

    /// Replaces the layer's weights.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] when their number or a shape differs; the layer is then unchanged.
    pub fn set_weights(&self, weights: &[ArrayD<f32>]) -> Result<()> {
        if !self.is_built() {
            return Err(Error::NotBuilt {
                needed_for: format!("{}: set_weights", self.describe()),
            });
        }
        let replaced = replace_weights(&**self.read(), weights)?;
        *self.write() = replaced;
        Ok(())
    }
}

/// The most values a sample may have that goes from one layer to another: 8 GB of them.
const MOST_VALUES: usize = 1 << 31;

/// Refuses samples that no memory holds: sizes can come from a stranger's file.
fn check_size(place: &str, outputs: &[Dims]) -> Result<()> {
    let too_large = |dims: &&Dims| {
        let known = dims.axes().iter().skip(1).flatten();
        known
            .fold(1usize, |n, axis| n.saturating_mul(*axis))
            .gt(&MOST_VALUES)
    };
    match outputs.iter().find(too_large) {
        None => Ok(()),
        Some(dims) => Err(Error::shape(
            place,
            format!("outputs of at most {MOST_VALUES} values a sample"),
            dims.to_string(),
            "Choose smaller sizes.",
        )),
    }
}

impl std::fmt::Debug for LayerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.read().fmt(f)
    }
}

impl From<Box<dyn DynLayer>> for LayerHandle {
    fn from(layer: Box<dyn DynLayer>) -> Self {
        Self::from_box(layer)
    }
}
