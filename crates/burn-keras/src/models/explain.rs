//! What a layer's refusal of its input means in a model, where it is known which layer made the input.

use serde_json::Value;

use super::Model;
use super::graph::Step;
use super::node::{Call, Node, Source};
use crate::dims::Dims;
use crate::error::Cause;
use crate::layers::LayerHandle;
use crate::{Error, Result};

impl Model {
    /// The step that makes a value.
    fn step_making(&self, value: usize) -> Option<&Step> {
        let graph = self.graph().ok()?;
        graph.steps.iter().find(|s| s.outputs.contains(&value))
    }

    /// The layer that makes an output, looked for inside models too.
    pub(crate) fn maker_of(&self, output: usize) -> Option<LayerHandle> {
        let value = *self.graph().ok()?.outputs.get(output)?;
        let step = self.step_making(value)?;
        let place = step.outputs.iter().position(|v| *v == value)?;
        let layer = &self.layers()[step.layer];
        let inside = layer
            .read()
            .as_any()
            .downcast_ref::<Model>()
            .map(|inner| inner.maker_of(place));
        inside.unwrap_or_else(|| Some(layer.clone()))
    }

    /// The last recurrent layer on the way to an output, if it puts out every step.
    pub(crate) fn sequence_maker(&self, output: usize) -> Option<LayerHandle> {
        let mut value = *self.graph().ok()?.outputs.get(output)?;
        loop {
            let step = self.step_making(value)?;
            let layer = &self.layers()[step.layer];
            let config = Value::Object(layer.config());
            match option(&config, "return_sequences") {
                Some(Value::Bool(true)) => return Some(layer.clone()),
                Some(_) => return None,
                None => value = *step.inputs.first()?,
            }
        }
    }
}

/// The result of asking `layer` for its output shapes, a refusal told with what made its inputs.
pub(crate) fn explained<T>(result: Result<T>, layer: &LayerHandle, inputs: &[Node]) -> Result<T> {
    result.map_err(|error| explain(error, layer, inputs))
}

fn explain(error: Error, layer: &LayerHandle, inputs: &[Node]) -> Error {
    let Error::Shape(mut mismatch) = error else {
        return error;
    };
    let [input] = inputs else {
        return Error::Shape(mismatch);
    };
    let Source::Call { call, .. } = input.source() else {
        return Error::Shape(mismatch);
    };
    let from = call.layer.describe();
    let to = layer.describe();
    let given = input.dims();
    match mismatch.cause {
        Cause::MissingAxis => {
            mismatch.got = format!("2 axes, {}, from {from}", given.in_words());
            mismatch.fix = timesteps_lost(call, &to);
        }
        Cause::ExtraAxis => {
            mismatch.got = format!("4 axes, {}, from {from}", given.in_words());
            if let Some(fix) = embedded_twice(call) {
                mismatch.fix = fix;
            }
        }
        Cause::UnknownSize => {
            mismatch.got += &format!(", from {from}");
            if let Some(fix) = flattened(call) {
                mismatch.fix = fix;
            }
        }
        Cause::Other => mismatch.got += &format!(", from {from}"),
    }
    Error::Shape(mismatch)
}

/// A layer in front puts out one vector a sample where every step is needed.
fn timesteps_lost(call: &Call, to: &str) -> String {
    let inside = call
        .layer
        .read()
        .as_any()
        .downcast_ref::<Model>()
        .and_then(|model| model.maker_of(0));
    let maker = inside.unwrap_or_else(|| call.layer.clone());
    let from = maker.describe();
    let before = call
        .inputs
        .first()
        .map(Node::dims)
        .filter(|d| d.rank() == 3);
    let config = Value::Object(maker.config());
    match (&config, before) {
        (config, Some(before)) if is_off(config, "return_sequences") => {
            let output = call.outputs.first().and_then(Dims::last);
            let sequence = Dims::new([before.axis(0), before.axis(1), output]);
            format!(
                "{from} puts out its last step only. Let it put out every step: {}. Then {to} gets {}.",
                with_return_sequences(&maker, config),
                sequence.in_words()
            )
        }
        (_, Some(before)) => format!(
            "{from} takes the timesteps away. Leave it out, and {to} gets {}.",
            before.in_words()
        ),
        _ if !comes_from_a_sequence(call) => format!(
            "No timesteps come into the model. If a sample is a sequence, declare it as one, `.input_shape([timesteps, \
             features])`, and {from} works on every step. If it is one vector, `RepeatVector::new(timesteps)` between the two \
             makes a sequence of it, the same vector at every step."
        ),
        _ => format!(
            "{from} puts out one vector for each sample. `RepeatVector::new(timesteps)` between the two makes a sequence of \
             it, the same vector at every step; or put {to} in front of {from}, where the timesteps still are."
        ),
    }
}

/// Whether a tensor with timesteps is among what a call depends on by its first inputs.
fn comes_from_a_sequence(call: &Call) -> bool {
    let mut node = call.inputs.first();
    while let Some(before) = node {
        if before.dims().rank() > 2 {
            return true;
        }
        node = match before.source() {
            Source::Call { call, .. } => call.inputs.first(),
            Source::Input { .. } => None,
        };
    }
    false
}

/// An option of a layer, or of the one inside a wrapper.
fn option<'a>(config: &'a Value, key: &str) -> Option<&'a Value> {
    config.pointer("/layer/config").unwrap_or(config).get(key)
}

fn is_off(config: &Value, key: &str) -> bool {
    option(config, key) == Some(&Value::Bool(false))
}

/// The layer as it would be written with `return_sequences`, as far as its kind is known.
fn with_return_sequences(layer: &LayerHandle, config: &Value) -> String {
    let written = |class: &str, config: &Value| -> Option<String> {
        let name = match class {
            "LSTM" => "Lstm",
            "GRU" => "Gru",
            "SimpleRNN" => "SimpleRnn",
            _ => return None,
        };
        let units = config.get("units")?;
        Some(format!("{name}::new({units}).return_sequences(true)"))
    };
    let class = layer.class_name();
    let found = match config.pointer("/layer/class_name").and_then(Value::as_str) {
        Some(inner) => config
            .pointer("/layer/config")
            .and_then(|config| written(inner, config))
            .map(|inner| format!("{class}::new({inner})")),
        None => written(&class, config),
    };
    match found {
        Some(code) => format!("`{code}`"),
        None => "`.return_sequences(true)`".to_string(),
    }
}

/// An `Embedding` was told of a features axis, which it would only repeat.
fn embedded_twice(call: &Call) -> Option<String> {
    let input = call.inputs.first()?.dims();
    if call.layer.class_name() != "Embedding" || input.rank() != 3 {
        return None;
    }
    let steps = input.axis(1).map_or("None".to_string(), |n| n.to_string());
    Some(format!(
        "{} looks whole numbers up, one for each step, and adds the features axis itself: its input is [batch, timesteps], \
         `.input_shape([{steps}])`, and the data have no axis of features.",
        call.layer.describe()
    ))
}

/// A `Flatten` cannot tell how many features it makes of a number of timesteps that is open.
fn flattened(call: &Call) -> Option<String> {
    let input = call.inputs.first()?.dims();
    if call.layer.class_name() != "Flatten" {
        return None;
    }
    let features = input
        .last()
        .map_or("features".to_string(), |n| n.to_string());
    Some(format!(
        "{} makes one axis of {}, and how long that is depends on the number of timesteps. Give it a size: \
         `.input_shape([timesteps, {features}])`. For sequences of any length use `GlobalAveragePooling1d::new()` or \
         `GlobalMaxPooling1d::new()` in its place, or a recurrent layer without `return_sequences`.",
        call.layer.describe(),
        input.in_words()
    ))
}
