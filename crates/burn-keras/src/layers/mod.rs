//! Layers: the trait they implement, and a file for each.
//!
//! A layer is a burn module (`#[derive(Module)]`) that also implements [`Layer`]: it creates its weights when it first
//! learns its input shape, says which shape comes out, and computes. [`LayerExt`] gives every layer the methods of
//! Keras' base class.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::dims::Dims;
use crate::models::Model;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod activation;
mod any_weight;
pub mod attention;
mod basics;
mod batch_normalization;
mod context;
mod conv1d;
mod dense;
mod dropout;
mod embedding;
mod erased;
mod flatten;
mod gaussian_noise;
mod global_pooling1d;
mod handle;
mod identity;
mod layer_normalization;
mod masking;
pub mod merge;
mod normalization;
mod options;
mod packed;
mod penalties;
mod permute;
mod pooling1d;
mod rectifiers;
pub mod recurrent;
mod registry;
mod rescaling;
mod reshape;
mod softmax;
mod spatial_dropout1d;
mod timesteps;
mod weight_mismatch;
mod weight_options;
mod weights;
mod windows;

pub use activation::Activation;
pub use any_weight::AnyWeight;
pub use attention::{AdditiveAttention, Attention, MultiHeadAttention};
pub use batch_normalization::BatchNormalization;
pub use context::Context;
pub use conv1d::Conv1d;
pub use dense::Dense;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use erased::{DynLayer, ErasedMapper, ErasedModule, ErasedVisitor, LayerBox, map, visit};
pub use flatten::Flatten;
pub use gaussian_noise::GaussianNoise;
pub use global_pooling1d::{GlobalAveragePooling1d, GlobalMaxPooling1d};
pub use handle::LayerHandle;
pub use identity::{ActivityRegularization, Identity};
pub use layer_normalization::LayerNormalization;
pub use masking::Masking;
pub use merge::{Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract};
pub use normalization::Normalization;
pub use options::{LayerExt, LayerOptions};
#[doc(hidden)]
pub use packed::Packed;
pub(crate) use penalties::{constrain, penalize_weights};
pub use permute::Permute;
pub use pooling1d::{AveragePooling1d, MaxPooling1d};
pub use rectifiers::{Elu, LeakyRelu, PRelu, Relu};
pub use recurrent::{
    AnyCell, Bidirectional, Cell, CellExt, DropoutMasks, Gru, GruCell, Implementation, IntoCell,
    Lstm, LstmCell, MergeMode, Recurrent, RecurrentOptions, Rnn, SimpleRnn, SimpleRnnCell,
    StackedRnnCells, TimeDistributed,
};
pub(crate) use recurrent::{ThreeWays, check_three_axes, ways_to_add_features};
pub use registry::Registry;
pub use rescaling::{Numbers, Rescaling};
pub use reshape::Reshape;
pub use softmax::Softmax;
pub use spatial_dropout1d::SpatialDropout1d;
pub use timesteps::{Cropping1d, IntoEnds, RepeatVector, UpSampling1d, ZeroPadding1d};
pub use weight_options::{WeightOptions, WeightRule};
pub use weights::{WeightBuilder, WeightInfo};
pub(crate) use weights::{
    collect_weights, read_weights, replace_weights, with_new_identities, with_updates,
};
pub use windows::{IntoPadding, Padding};

/// What a layer does with the mask attached to its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskPolicy {
    /// Hands it on unchanged to every output (`Dense`, `Dropout`, …).
    Pass,
    /// Uses it up: the outputs have none (`GlobalAveragePooling1D`).
    Consume,
    /// Cannot keep it; the layer says so once (`Flatten`).
    Lose,
    /// Attaches the right mask to its outputs itself (`Masking`, `Lstm`).
    Own,
}

/// A layer: what [`LayerExt`], models, training, summary and files need to know of it.
///
/// Your own layer is a struct with `#[derive(Module, Clone, Debug)]`, a field `#[module(skip)] options: LayerOptions`,
/// and this trait. Inputs and outputs are lists, since some layers have several; most use the first only.
pub trait Layer: std::fmt::Debug + Send + Sync {
    /// The name of the class in Keras and in files, as `LSTM`.
    fn class_name(&self) -> &str;

    /// The name of the Rust type, as errors show it; by default that of the class.
    fn type_name(&self) -> &str {
        self.class_name()
    }

    /// The options that every layer has.
    fn options(&self) -> &LayerOptions;

    /// The options that every layer has.
    fn options_mut(&mut self) -> &mut LayerOptions;

    /// How many tensors it takes.
    fn input_count(&self) -> RangeInclusive<usize> {
        1..=1
    }

    /// Creates the weights for inputs of these shapes (batch axis included). Called once.
    ///
    /// # Errors
    ///
    /// Whatever makes the weights impossible; shapes have been checked by [`Layer::output_dims`] before.
    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let _ = (inputs, weights);
        Ok(())
    }

    /// The shapes that come out for inputs of these shapes (batch axis included).
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when the inputs do not fit.
    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>>;

    /// What comes out, in order, for the error about a wrong number of outputs: as `["sequence", "h", "c"]`.
    fn output_names(&self) -> Vec<&'static str> {
        vec!["output"]
    }

    /// What training does for single weights besides updating them: penalties and constraints.
    fn weight_rules(&self) -> Vec<WeightRule> {
        Vec::new()
    }

    /// Computes the outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the tensors have shapes that the layer was not built for.
    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>>;

    /// The values of the largest tensor that [`Layer::forward`], and its way back in `training`, make besides outputs and
    /// weights, for inputs of these shapes (batch axis included): GPUs limit the size of a buffer.
    #[doc(hidden)]
    fn largest_inside(&self, inputs: &[Dims], training: bool) -> u64 {
        let _ = (inputs, training);
        0
    }

    /// The whole numbers that input number `index` must lie among, for a layer that looks its input up (`Embedding`).
    fn input_range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let _ = index;
        None
    }

    /// What happens to the mask of the input.
    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Pass
    }

    /// The layer's own keys of Keras' configuration; `name`, `trainable` and `dtype` are added for it.
    fn config(&self) -> Map<String, Value>;

    /// What Keras takes at each call instead of in the constructor, as `use_causal_mask`; empty where nothing was set.
    fn call_arguments(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Reads what [`Layer::call_arguments`] gives, as it stands in a model's configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming an argument that the layer does not have.
    fn set_call_arguments(&mut self, arguments: &Map<String, Value>) -> Result<()> {
        match arguments.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::config(
                describe(self),
                format!("is called with `{name}`, which is not supported"),
            )),
        }
    }

    /// A line for `summary` on how the layer runs, where there is something to say.
    fn note(&self) -> Option<String> {
        None
    }

    /// The layer with packed weights, for predictors; `None` for one that is computed by tensor operations.
    #[doc(hidden)]
    fn packed(&self) -> Result<Option<Packed>> {
        Ok(None)
    }

    /// The layer as a cell, if it is one: every [`Cell`] is a layer.
    #[doc(hidden)]
    fn as_cell(&self) -> Option<&dyn Cell> {
        None
    }

    /// How the layer runs over time, if it is a recurrent one: [`Bidirectional`] takes those that tell.
    fn recurrent_options(&self) -> Option<&RecurrentOptions> {
        None
    }

    /// The same, to be changed.
    fn recurrent_options_mut(&mut self) -> Option<&mut RecurrentOptions> {
        None
    }

    /// How the names of those weights begin that are not trained because they belong to a frozen layer inside.
    #[doc(hidden)]
    fn frozen_inside(&self) -> Vec<String> {
        Vec::new()
    }

    /// The layers that it holds as parts of itself: freezing it freezes them too.
    #[doc(hidden)]
    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        Vec::new()
    }

    /// Whether its `activity_regularizer` is one of its parts' outputs, which `forward` sees to, not of its own.
    #[doc(hidden)]
    fn regularizes_parts(&self) -> bool {
        false
    }

    /// The layers inside, for a layer that is a whole model.
    #[doc(hidden)]
    fn inner_layers(&self) -> Option<&[LayerHandle]> {
        None
    }

    /// The input shapes of a layer that is a whole model and built already.
    #[doc(hidden)]
    fn built_inputs(&self) -> Option<Vec<Dims>> {
        None
    }

    /// The same layer again with the same weights, for a layer that is a whole model; a clone would have its own.
    #[doc(hidden)]
    fn share(&self) -> Option<Box<dyn DynLayer>> {
        None
    }
}

/// The layer as errors name it: `Lstm "lstm_1"`, or `Lstm` before it has a name.
pub fn describe(layer: &(impl Layer + ?Sized)) -> String {
    match layer.options().name() {
        Some(name) => format!("{} \"{name}\"", layer.type_name()),
        None => layer.type_name().to_string(),
    }
}

/// Keras' whole configuration of a layer: `name`, `trainable`, `dtype`, then its own keys.
pub fn full_config(layer: &(impl Layer + ?Sized)) -> Map<String, Value> {
    let options = layer.options();
    let mut config = Map::new();
    config.insert(
        "name".into(),
        options.name().map_or(Value::Null, Value::from),
    );
    // Keras' SpatialDropout1D has nothing to train, and does not take the key.
    if layer.class_name() != "SpatialDropout1D" {
        config.insert("trainable".into(), options.trainable().into());
    }
    config.insert("dtype".into(), crate::config::float32_policy());
    config.extend(layer.config());
    if let Some(regularizer) = options.activity_regularizer() {
        config.insert("activity_regularizer".into(), regularizer.to_config());
    }
    config
}

/// Keras' serialised form of a layer: its class and its whole configuration.
pub(crate) fn layer_object(layer: &dyn DynLayer) -> Value {
    if let Some(model) = layer.as_any().downcast_ref::<Model>() {
        return model.to_object();
    }
    let class_name = layer.class_name();
    let (module, registered_name) = if Registry::is_keras_class(class_name) {
        (json!("keras.layers"), Value::Null)
    } else {
        // The package under which `keras.saving.register_keras_serializable()` puts a class by itself.
        (Value::Null, json!(format!("Custom>{class_name}")))
    };
    json!({
        "module": module,
        "class_name": class_name,
        "config": full_config(layer),
        "registered_name": registered_name,
    })
}

/// Freezes (`false`) or unfreezes a layer with all layers inside it, as setting `trainable` does in Keras.
pub(crate) fn set_trainable(layer: &mut dyn DynLayer, trainable: bool) {
    layer.options_mut().set_trainable(trainable);
    for part in layer.parts_mut() {
        set_trainable(part, trainable);
    }
    for inner in layer.inner_layers().unwrap_or_default() {
        inner.set_trainable(trainable);
    }
}

/// How the names of the weights begin that are frozen with, or inside of, the layer in a field.
pub(crate) fn frozen_in(field: &str, layer: &(impl Layer + ?Sized)) -> Vec<String> {
    if !layer.options().trainable() {
        return vec![format!("{field}.")];
    }
    let inside = layer.frozen_inside().into_iter();
    inside.map(|name| format!("{field}.{name}")).collect()
}

/// Names a layer inside another one after its class, as Keras does, unless it has a name.
pub(crate) fn set_default_name(layer: &mut dyn DynLayer) {
    if layer.options().name().is_none() {
        let name = keras_format::naming::snake_case(layer.class_name());
        layer.options_mut().set_automatic_name(name);
    }
}

/// The single shape that a layer of one input got.
pub(crate) fn only<T>(inputs: &[T]) -> Result<&T> {
    inputs
        .first()
        .ok_or_else(|| Error::tensor("a layer", "was called without an input"))
}

/// An axis counted from the front: -1 is the last of `rank`; `None` where there is no such axis.
pub(crate) fn axis_from_front(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis + rank } else { axis };
    (0..rank).contains(&axis).then_some(axis as usize)
}
