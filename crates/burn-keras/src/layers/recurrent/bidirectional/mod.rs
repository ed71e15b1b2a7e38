//! A recurrent layer in both directions of time.

use std::ops::RangeInclusive;

use burn::module::Module;
use serde_json::{Map, Value};

use super::RecurrentOptions;
use crate::config::Config;
use crate::dims::Dims;
use crate::error::plural;
use crate::layers::penalties::penalize_outputs;
use crate::layers::{
    Context, DynLayer, Layer, LayerBox, LayerExt, LayerOptions, MaskPolicy, Registry,
    WeightBuilder, WeightRule, collect_weights, describe, frozen_in, layer_object,
    set_default_name,
};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod merge;

pub use merge::{IntoMergeMode, MergeMode};

/// Runs a recurrent layer over a sequence from its beginning and another one from its end, and puts the outputs together,
/// as Keras' `Bidirectional` (Schuster and Paliwal, "Bidirectional recurrent neural networks", 1997).
///
/// The input is `[batch, timesteps, features]`. With a layer of `units` units the output is `[batch, 2 * units]`, or
/// `[batch, timesteps, 2 * units]` with `return_sequences`; see [`Bidirectional::merge_mode`] for others. The outputs of
/// the backward layer are put into the order of time first. With `return_state` the forward layer's states follow, then
/// the backward layer's; initial states are given in the same order.
///
/// Where steps are masked, sequences of outputs hold zeros.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Bidirectional::new(Lstm::new(32).return_sequences(true)).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 8, 64)");
/// model.add(Bidirectional::new(Gru::new(16)).merge_mode("sum"))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 16)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Bidirectional {
    forward_layer: LayerBox,
    backward_layer: LayerBox,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    merge_mode: MergeMode,
    /// Whether the backward layer has its weights from the forward one.
    #[module(skip)]
    same_weights: bool,
}

impl Bidirectional {
    /// Both directions of a recurrent layer: `Lstm`, `Gru`, `SimpleRnn` or `Rnn`. The backward layer has the same options
    /// and weights of its own.
    ///
    /// Another layer is reported by `add` or `call`, and so is one that has weights already (taken over from burn), unless
    /// [`Bidirectional::backward_layer`] gives the other direction its own.
    pub fn new(layer: impl LayerExt + 'static) -> Self {
        let mut options = LayerOptions::default();
        options.adopt(layer.options());
        let mut backward: Box<dyn DynLayer> = Box::new(layer.clone());
        let mut forward: Box<dyn DynLayer> = Box::new(layer);
        match backward.recurrent_options_mut() {
            Some(recurrent) => recurrent.go_backwards = !recurrent.go_backwards,
            None => {
                options.accept::<()>("layer", Err(not_recurrent(&*forward)));
            }
        }
        let same_weights = !collect_weights(&*forward).is_empty();
        set_default_name(&mut *forward);
        let name = forward.options().name().unwrap_or_default().to_string();
        forward.options_mut().set_name(format!("forward_{name}"));
        backward.options_mut().set_name(format!("backward_{name}"));
        Self {
            same_weights,
            ..Self::of_layers(forward, backward, options)
        }
    }

    /// Takes both directions as they are, but for what happens at masked steps (`keras/src/layers/rnn/bidirectional.py`).
    fn of_layers(
        mut forward: Box<dyn DynLayer>,
        mut backward: Box<dyn DynLayer>,
        options: LayerOptions,
    ) -> Self {
        for layer in [&mut forward, &mut backward] {
            if let Some(recurrent) = layer.recurrent_options_mut() {
                recurrent.zero_output_for_mask = recurrent.return_sequences;
            }
        }
        Self {
            forward_layer: LayerBox::new(forward),
            backward_layer: LayerBox::new(backward),
            options,
            merge_mode: MergeMode::Concat,
            same_weights: false,
        }
    }

    /// How the two outputs become one: `"concat"` (the default: side by side), `"sum"`, `"mul"`, `"ave"`, or `None`, which
    /// gives both.
    pub fn merge_mode(mut self, merge_mode: impl IntoMergeMode) -> Self {
        let found = merge_mode.into_merge_mode();
        if let Some(merge_mode) = self.options.accept("merge_mode", found) {
            self.merge_mode = merge_mode;
        }
        self
    }

    /// Another layer for the backward direction. It needs `go_backwards(true)`, and the same `return_sequences`,
    /// `return_state` and `stateful` as the forward one.
    pub fn backward_layer(self, layer: impl LayerExt + 'static) -> Self {
        let mut options = self.options;
        options.adopt_problem(layer.options());
        let mut backward: Box<dyn DynLayer> = Box::new(layer);
        set_default_name(&mut *backward);
        let valid = agree(self.forward_layer.get(), &*backward);
        options.accept("backward_layer", valid);
        let forward = self.forward_layer.into_inner();
        Self {
            merge_mode: self.merge_mode,
            ..Self::of_layers(forward, backward, options)
        }
    }

    /// Reads the layer from Keras' configuration, the layers inside by the classes of a registry.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] without a layer; those of [`Registry::layer_from_json`].
    pub fn from_config(config: &Config, registry: &Registry) -> Result<Self> {
        let forward = config
            .get("layer")
            .ok_or_else(|| Error::config(config.place(), "`layer` is missing"))?;
        let forward = registry.layer_from_json(forward)?;
        let mut options = LayerOptions::default();
        options.adopt_problem(forward.options());
        let backward = match config.get("backward_layer") {
            Some(backward) => registry.layer_from_json(backward)?,
            None => {
                let mut backward = forward.boxed_clone();
                if let Some(recurrent) = backward.recurrent_options_mut() {
                    recurrent.go_backwards = !recurrent.go_backwards;
                }
                backward
            }
        };
        options.accept("backward_layer", agree(&*forward, &*backward));
        let layer = Self::of_layers(forward, backward, options);
        // Absent is Keras' default, null is a mode.
        Ok(match config.keys().any(|key| key == "merge_mode") {
            true => layer.merge_mode(config.opt_str("merge_mode")?.as_deref()),
            false => layer,
        })
    }

    fn recurrent(&self) -> RecurrentOptions {
        let options = self.forward_layer.get().recurrent_options();
        options.cloned().unwrap_or_default()
    }

    /// The inputs of each direction: the sequence, with half of the initial states each.
    fn split<T: Clone>(inputs: &[T]) -> Result<[Vec<T>; 2]> {
        let (x, states) = inputs
            .split_first()
            .ok_or_else(|| Error::tensor("Bidirectional", "was called without an input"))?;
        let (forward, backward) = states.split_at(states.len() / 2);
        Ok([forward, backward].map(|states| {
            let mut inputs = vec![x.clone()];
            inputs.extend_from_slice(states);
            inputs
        }))
    }
}

fn not_recurrent(layer: &dyn DynLayer) -> Error {
    Error::argument(
        "",
        "",
        format!(
            "is {}, which does not read sequences step by step; Bidirectional takes Lstm, Gru, SimpleRnn or Rnn",
            describe(layer)
        ),
    )
}

/// Refuses a backward layer that does not go with the forward one.
fn agree(forward: &dyn DynLayer, backward: &dyn DynLayer) -> Result<()> {
    let Some(f) = forward.recurrent_options() else {
        return Err(not_recurrent(forward));
    };
    let Some(b) = backward.recurrent_options() else {
        return Err(not_recurrent(backward));
    };
    let refuse = |problem: String| Err(Error::argument("", "", problem));
    if f.go_backwards == b.go_backwards {
        return refuse(format!(
            "reads in the same direction as the forward layer; give it `.go_backwards({})`",
            !f.go_backwards
        ));
    }
    for (option, forward, backward) in [
        ("return_sequences", f.return_sequences, b.return_sequences),
        ("return_state", f.return_state, b.return_state),
        ("stateful", f.stateful, b.stateful),
    ] {
        if forward != backward {
            return refuse(format!(
                "has {option} = {backward}, but the forward layer has {forward}; both must be the same"
            ));
        }
    }
    Ok(())
}

impl Layer for Bidirectional {
    fn class_name(&self) -> &str {
        "Bidirectional"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn input_count(&self) -> RangeInclusive<usize> {
        let states = |layer: &LayerBox| layer.get().input_count().end() - 1;
        1..=1 + states(&self.forward_layer) + states(&self.backward_layer)
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let [forward, backward] = Self::split(inputs)?;
        self.forward_layer.get_mut().build(&forward, weights)?;
        self.backward_layer.get_mut().build(&backward, weights)
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (f, b) = (self.forward_layer.get(), self.backward_layer.get());
        let of_both = match collect_weights(f).is_empty() == collect_weights(b).is_empty() {
            true => self
                .same_weights
                .then_some("the same weights in both directions"),
            false => Some("weights in one direction only"),
        };
        if let Some(problem) = of_both {
            return Err(Error::Model(format!(
                "{} has {problem}; give it two layers without weights, or both with their own (the second by \
                 `.backward_layer(..)`)",
                describe(self)
            )));
        }
        let most = *self.input_count().end();
        if inputs.len() > 1 && inputs.len() != most {
            let given = inputs.len() - 1;
            return Err(Error::shape(
                describe(self),
                format!(
                    "the initial states of both directions, {} of them, the forward layer's first, or none",
                    most - 1
                ),
                format!("{given} {}", plural(given, "state")),
                match most {
                    3 => "Call it with `(&x, &forward_h, &backward_h)`.",
                    _ => "Call it with `(&x, &forward_h, &forward_c, &backward_h, &backward_c)`.",
                },
            ));
        }
        let [forward, backward] = Self::split(inputs)?;
        let (mut forward, mut backward) = (f.output_dims(&forward)?, b.output_dims(&backward)?);
        let (y, yb) = (forward.remove(0), backward.remove(0));
        let mut outputs = self.merge_mode.merge_dims(&describe(self), y, yb)?;
        outputs.extend(forward);
        outputs.extend(backward);
        Ok(outputs)
    }

    fn output_names(&self) -> Vec<&'static str> {
        let (f, b) = (self.forward_layer.get(), self.backward_layer.get());
        let mut names = match self.merge_mode {
            MergeMode::Separate => vec!["forward output", "backward output"],
            _ => vec!["output"],
        };
        let renamed = |names: Vec<&'static str>, to: [&'static str; 3]| -> Vec<&'static str> {
            names
                .into_iter()
                .skip(1)
                .map(|name| match name {
                    "h" => to[0],
                    "c" => to[1],
                    _ => to[2],
                })
                .collect()
        };
        names.extend(renamed(
            f.output_names(),
            ["forward h", "forward c", "forward state"],
        ));
        names.extend(renamed(
            b.output_names(),
            ["backward h", "backward c", "backward state"],
        ));
        names
    }

    fn largest_inside(&self, inputs: &[Dims], training: bool) -> u64 {
        let layers = [&self.forward_layer, &self.backward_layer];
        let inside = layers.map(|layer| layer.get().largest_inside(inputs, training));
        inside.into_iter().max().unwrap_or(0)
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let [forward, backward] = Self::split(inputs)?;
        let mut run = |field: &str, layer: &LayerBox, inputs: &[AnyTensor]| {
            context.scoped(field, |context| {
                let outputs = layer.get().forward(inputs, context)?;
                penalize_outputs(layer.get(), &outputs, context)?;
                Ok::<_, Error>(outputs)
            })
        };
        let mut forward = run("forward_layer", &self.forward_layer, &forward)?;
        let mut backward = run("backward_layer", &self.backward_layer, &backward)?;
        let (y, mut yb) = (forward.remove(0), backward.remove(0));
        if self.recurrent().return_sequences {
            yb = AnyTensor::from(yb.float::<3>()?.flip([1]));
        }
        let mask = y.mask().cloned();
        let mut outputs: Vec<AnyTensor> = self
            .merge_mode
            .merge(&y, &yb)?
            .into_iter()
            .map(|output| output.with_mask(mask.clone()))
            .collect();
        outputs.extend(forward);
        outputs.extend(backward);
        Ok(outputs)
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let of = |field: &'static str, layer: &LayerBox| {
            let rules = layer.get().weight_rules().into_iter();
            rules
                .map(move |rule| rule.within(field))
                .collect::<Vec<_>>()
        };
        let mut rules = of("forward_layer", &self.forward_layer);
        rules.extend(of("backward_layer", &self.backward_layer));
        rules
    }

    fn frozen_inside(&self) -> Vec<String> {
        let mut frozen = frozen_in("forward_layer", self.forward_layer.get());
        frozen.extend(frozen_in("backward_layer", self.backward_layer.get()));
        frozen
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        vec![self.forward_layer.get_mut(), self.backward_layer.get_mut()]
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn note(&self) -> Option<String> {
        let (f, b) = (
            self.forward_layer.get().note(),
            self.backward_layer.get().note(),
        );
        match (f, b) {
            (Some(f), Some(b)) if f != b => Some(format!("{f}; backwards: {b}")),
            (f, b) => f.or(b),
        }
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("merge_mode".to_string(), self.merge_mode.name().into()),
            ("layer".to_string(), layer_object(self.forward_layer.get())),
            (
                "backward_layer".to_string(),
                layer_object(self.backward_layer.get()),
            ),
        ])
    }
}
