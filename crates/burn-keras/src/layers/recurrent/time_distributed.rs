//! A layer applied to each step of a sequence by itself.

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::dims::Dims;
use crate::error::Cause;
use crate::layers::{
    Context, DynLayer, Layer, LayerBox, LayerExt, LayerHandle, LayerOptions, Registry,
    WeightBuilder, WeightRule, describe, frozen_in, layer_object, only, set_default_name,
};
use crate::tensor::{AnyTensor, Kind, Mask};
use crate::{Error, Result, ShapeMismatch};

/// Applies a layer to each timestep with the same weights, as Keras' `TimeDistributed`: `[batch, timesteps, ..]` comes in,
/// the layer sees `[batch, ..]` for each step.
///
/// What is random in the layer is drawn for each step anew, and a batch normalization takes the statistics of each step
/// (`keras/src/layers/rnn/time_distributed.py`). An `activity_regularizer` of the inner layer does not count, as in Keras:
/// give it to `TimeDistributed` itself.
///
/// A mask goes on to the next layer. The inner layer sees what the mask says of its step: whether the sample counts there
/// (which a `BatchNormalization` heeds), or, for sequences of sequences, which of the inner steps count.
///
/// `Dense` does the same by itself; a layer that reads whole pictures or sequences needs this one.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// // 10 sentences of 7 words with 16 features each, read by an LSTM word by word, then sentence by sentence.
/// model.add(TimeDistributed::new(Lstm::new(32)).input_shape([10, 7, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 10, 32)");
/// model.add(Lstm::new(8))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct TimeDistributed {
    layer: LayerBox,
    #[module(skip)]
    options: LayerOptions,
}

impl TimeDistributed {
    /// The layer around another one, or around a whole model.
    pub fn new(layer: impl LayerExt + 'static) -> Self {
        let mut options = LayerOptions::default();
        if layer.options().input_dims().is_some() {
            let misplaced = Error::argument(
                "",
                "",
                "has an `input_shape` of its own; give it to TimeDistributed, with the timesteps in front",
            );
            options.accept::<()>("layer", Err(misplaced));
        }
        let layer = layer.share().unwrap_or_else(|| Box::new(layer));
        Self::around(layer, options)
    }

    fn around(mut layer: Box<dyn DynLayer>, mut options: LayerOptions) -> Self {
        options.adopt_problem(layer.options());
        set_default_name(&mut *layer);
        Self {
            layer: LayerBox::new(layer),
            options,
        }
    }

    /// Reads the layer from Keras' configuration, the one inside by the classes of a registry.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] without a layer; those of [`Registry::layer_from_json`].
    pub fn from_config(config: &Config, registry: &Registry) -> Result<Self> {
        let layer = config
            .get("layer")
            .ok_or_else(|| Error::config(config.place(), "`layer` is missing"))?;
        let layer = registry.layer_from_json(layer)?;
        Ok(Self::around(layer, LayerOptions::default()))
    }

    /// The input of the inner layer at one step.
    fn step_dims(&self, inputs: &[Dims]) -> Result<Dims> {
        let x = only(inputs)?;
        if x.rank() < 3 {
            return Err(Error::shape(
                describe(self),
                "at least 3 axes, [batch, timesteps, ..]",
                x.in_words(),
                format!(
                    "{} is applied to each timestep by itself; without timesteps use it alone.",
                    self.layer.get().type_name()
                ),
            )
            .because(Cause::NoTimesteps));
        }
        Ok(x.tail(2).with_batch(x.axis(0)))
    }

    /// A refusal of the inner layer; one that reads sequences itself is told as such.
    fn explained(&self, error: Error, inputs: &[Dims]) -> Error {
        let reads_steps = |mismatch: &ShapeMismatch| mismatch.cause == Cause::MissingAxis;
        match (&error, inputs) {
            (Error::Shape(mismatch), [x]) if reads_steps(mismatch) && x.rank() == 3 => {
                let inner = self.layer.get().type_name();
                Error::shape(
                    describe(self),
                    format!(
                        "sequences of sequences for its {inner}, [batch, timesteps, steps of each, features]"
                    ),
                    x.in_words(),
                    format!(
                        "{inner} reads the timesteps itself: leave the `TimeDistributed` around it out."
                    ),
                )
            }
            _ => error,
        }
    }

    /// The only output of the inner layer.
    fn compute(&self, x: AnyTensor, context: &mut Context) -> Result<AnyTensor> {
        let outputs = context.scoped("layer", |context| self.layer.get().forward(&[x], context))?;
        only(&outputs).cloned()
    }
}

impl Layer for TimeDistributed {
    fn class_name(&self) -> &str {
        "TimeDistributed"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let step = self.step_dims(inputs)?;
        self.layer.get_mut().build(&[step], weights)
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let timesteps = only(inputs)?.axis(1);
        let outputs = self.layer.get().output_dims(&[self.step_dims(inputs)?]);
        let outputs = outputs.map_err(|error| self.explained(error, inputs))?;
        let [output] = outputs.as_slice() else {
            return Err(Error::Model(format!(
                "{} holds {}, which has {} outputs; it takes a layer with one",
                describe(self),
                describe(self.layer.get()),
                outputs.len()
            )));
        };
        let mut axes = vec![output.axis(0), timesteps];
        axes.extend(output.tail(1).axes());
        Ok(vec![Dims::new(axes)])
    }

    fn largest_inside(&self, inputs: &[Dims], training: bool) -> u64 {
        let layer = self.layer.get();
        // All steps but the first are computed at once, unless something is drawn or left behind in each.
        let by_itself = may_have_effects(&layer_object(layer), training);
        let rows = |x: &Dims| {
            let batch = x.axis(0)?;
            match by_itself {
                true => Some(batch),
                false => Some(batch.saturating_mul(x.axis(1)?.saturating_sub(1).max(1))),
            }
        };
        let step = inputs.first().map(|x| x.tail(2).with_batch(rows(x)));
        step.map_or(0, |step| layer.largest_inside(&[step], training))
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        let shape = x.shape();
        let (&[batch, timesteps], sample) = shape
            .split_first_chunk::<2>()
            .ok_or_else(|| Error::tensor(describe(self), format!("got the shape {}", x.dims())))?;
        if timesteps == 0 {
            return Err(Error::data(
                "x",
                format!(
                    "has sequences of 0 timesteps; {} needs at least 1",
                    describe(self)
                ),
            ));
        }
        // The first step tells whether steps can be told from samples: where nothing is drawn, carried or left behind,
        // all others are computed at once.
        let before = context.effects();
        let first = self.compute(steps(x, 0, 1, sample)?, context)?;
        let mut parts = vec![(1, first)];
        if context.effects() == before && timesteps > 1 {
            let others = self.compute(steps(x, 1, timesteps - 1, sample)?, context)?;
            parts.push((timesteps - 1, others));
        } else {
            for t in 1..timesteps {
                parts.push((1, self.compute(steps(x, t, 1, sample)?, context)?));
            }
        }
        let output = parts[0].1.shape();
        let row: usize = output.iter().skip(1).product();
        let sequences = parts
            .into_iter()
            .map(|(count, y)| y.float_as([batch, count, row]));
        let joined: Tensor<3> = Tensor::cat(sequences.collect::<Result<_>>()?, 1);
        let mut shape = vec![batch, timesteps];
        shape.extend(&output[1..]);
        Ok(vec![AnyTensor::from_flat(joined, &shape)?])
    }

    fn input_range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        self.layer.get().input_range(index)
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let rules = self.layer.get().weight_rules().into_iter();
        rules.map(|rule| rule.within("layer")).collect()
    }

    fn frozen_inside(&self) -> Vec<String> {
        frozen_in("layer", self.layer.get())
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        vec![self.layer.get_mut()]
    }

    fn note(&self) -> Option<String> {
        self.layer.get().note()
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("layer".to_string(), layer_object(self.layer.get()))])
    }

    fn inner_layers(&self) -> Option<&[LayerHandle]> {
        self.layer.get().inner_layers()
    }

    fn share(&self) -> Option<Box<dyn DynLayer>> {
        let shared = self.layer.get().share()?;
        Some(Box::new(Self {
            layer: LayerBox::new(shared),
            options: self.options.clone(),
        }))
    }
}

/// Whether a layer of this configuration, or one inside it, may draw something in a pass, or leave something behind:
/// whether [`Context::effects`] may count up. Layers of one's own may.
fn may_have_effects(config: &Value, training: bool) -> bool {
    match config {
        Value::Object(fields) => fields.iter().any(|(key, value)| match key.as_str() {
            "registered_name" => !value.is_null(),
            "activity_regularizer" => !value.is_null(),
            // The standard deviation of an initializer is no noise.
            key if key.ends_with("_initializer") => false,
            "stateful" => *value == Value::Bool(true),
            "dropout" | "recurrent_dropout" | "rate" | "stddev" => {
                training && value.as_f64().is_some_and(|rate| rate > 0.0)
            }
            "class_name" => match value.as_str() {
                Some("ActivityRegularization") => true,
                Some("BatchNormalization") => training,
                _ => false,
            },
            _ => may_have_effects(value, training),
        }),
        Value::Array(all) => all.iter().any(|value| may_have_effects(value, training)),
        _ => false,
    }
}

/// `count` steps from `first` as samples: `[batch * count, ..]`, a sample's steps one after the other.
fn steps(x: &AnyTensor, first: usize, count: usize, sample: &[usize]) -> Result<AnyTensor> {
    let [batch, timesteps] = [x.shape()[0], x.shape()[1]];
    let row: usize = sample.iter().product();
    let rows = [batch * count, row];
    let mut shape = vec![batch * count];
    shape.extend(sample);
    let part = match x.kind() {
        Kind::Int => AnyTensor::from(
            x.int_as([batch, timesteps, row])?
                .narrow(1, first, count)
                .reshape(rows),
        ),
        _ => AnyTensor::from(
            x.float_as([batch, timesteps, row])?
                .narrow(1, first, count)
                .reshape(rows),
        ),
    };
    let mask = step_mask(x, first, count);
    Ok(part.reshaped(&shape)?.with_any_mask(mask))
}

/// The mask of `count` steps from `first` as that of samples.
fn step_mask(x: &AnyTensor, first: usize, count: usize) -> Option<Mask> {
    match x.any_mask()? {
        Mask::Nested(mask) => {
            let [batch, _, inner] = mask.dims();
            let part = mask.clone().narrow(1, first, count);
            Some(Mask::Steps(part.reshape([batch * count, inner])))
        }
        // One for all features of the sample. Where the step is a sequence, nothing says which of its steps count.
        Mask::Steps(mask) if x.rank() == 3 => {
            let [batch, _] = mask.dims();
            let part = mask.clone().narrow(1, first, count);
            Some(Mask::Steps(part.reshape([batch * count, 1])))
        }
        Mask::Steps(_) => None,
    }
}
