//! What a layer's refusal of its input means in a model, where it is known which layer made the input.

use super::Model;
use super::code::code_with;
use super::graph::{Step, return_sequences};
use super::node::{Call, Node, Source, identifiers};
use crate::dims::Dims;
use crate::error::Cause;
use crate::layers::{LayerHandle, ways_to_add_features};
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

    /// The last recurrent layer on the way to an output, if it puts out its last step only, and how many steps it reads.
    pub(crate) fn last_step_maker(&self, output: usize) -> Option<(LayerHandle, Option<usize>)> {
        let graph = self.graph().ok()?;
        let mut value = *graph.outputs.get(output)?;
        loop {
            let step = self.step_making(value)?;
            let layer = &self.layers()[step.layer];
            value = *step.inputs.first()?;
            match return_sequences(layer) {
                Some(true) => return None,
                Some(false) => return Some((layer.clone(), graph.dims[value].axis(1))),
                None => {}
            }
        }
    }

    /// The last recurrent layer on the way to an output, if it puts out every step.
    pub(crate) fn sequence_maker(&self, output: usize) -> Option<LayerHandle> {
        let mut value = *self.graph().ok()?.outputs.get(output)?;
        loop {
            if self.graph().ok()?.dims[value].rank() != 3 {
                return None;
            }
            let step = self.step_making(value)?;
            let layer = &self.layers()[step.layer];
            match return_sequences(layer) {
                Some(true) => return Some(layer.clone()),
                Some(false) => return None,
                None => value = *step.inputs.first()?,
            }
        }
    }
}

/// The result of asking `layer` for its output shapes, a refusal told with what made its inputs.
pub(super) fn explained<T>(result: Result<T>, layer: &LayerHandle, inputs: &[Node]) -> Result<T> {
    result.map_err(|error| explain(error, layer, inputs))
}

/// The same in a functional model, where shapes are told to an `Input`.
pub(crate) fn explained_call<T>(
    result: Result<T>,
    layer: &LayerHandle,
    inputs: &[Node],
) -> Result<T> {
    explained(result, layer, inputs).map_err(|mut error| {
        if let (Error::Shape(mismatch), [input]) = (&mut error, inputs)
            && matches!(input.source(), Source::Input { .. })
        {
            mismatch.fix = match mismatch.cause {
                Cause::MissingAxis if input.dims().rank() == 2 => {
                    ways_to_add_features(input.dims(), "Input::new")
                }
                // A layer says how it is declared in a `Sequential`.
                _ => mismatch
                    .fix
                    .replace("`.input_shape(", "`Input::new(")
                    .replace("`input_shape`", "`Input`"),
            };
        }
        error
    })
}

fn explain(error: Error, layer: &LayerHandle, inputs: &[Node]) -> Error {
    let Error::Shape(mut mismatch) = error else {
        return error;
    };
    if mismatch.cause == Cause::InputCount {
        if let Some(fix) = all_of_one_call(inputs) {
            mismatch.fix = fix;
        }
        return Error::Shape(mismatch);
    }
    let input = match inputs {
        [input] => input,
        // Of several the one without timesteps.
        _ if mismatch.cause == Cause::NoTimesteps => {
            match inputs.iter().find(|node| node.dims().rank() == 2) {
                Some(input) => input,
                None => return Error::Shape(mismatch),
            }
        }
        _ => {
            if let Some(fix) = all_of_one_call(inputs) {
                mismatch.fix = format!("{}\n{fix}", mismatch.fix);
            }
            return Error::Shape(mismatch);
        }
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
        Cause::NoTimesteps => {
            mismatch.got = format!("{}, from {from}", given.in_words());
            mismatch.fix = format!("{}\n{}", timesteps_lost(call, &to), mismatch.fix);
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
        Cause::Other | Cause::InputCount => mismatch.got += &format!(", from {from}"),
    }
    Error::Shape(mismatch)
}

/// All outputs of a layer, handed on where one of them is meant.
fn all_of_one_call(inputs: &[Node]) -> Option<String> {
    let Source::Call { call, .. } = inputs.first()?.source() else {
        return None;
    };
    let same = |node: &Node| node.key().0 == inputs[0].key().0;
    if inputs.len() < 2 || inputs.len() != call.outputs.len() || !inputs.iter().all(same) {
        return None;
    }
    let names = identifiers(&call.layer.read().output_names(), inputs.len());
    Some(format!(
        "These are all outputs of {}. Take them apart and hand on the one that is meant: `let [{}] = \
         outputs.try_into()?;`, then `call(&{})`.",
        call.layer.describe(),
        names.join(", "),
        names[0]
    ))
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
    match before {
        Some(before) if return_sequences(&maker) == Some(false) => {
            let output = call.outputs.first().and_then(Dims::last);
            let sequence = Dims::new([before.axis(0), before.axis(1), output]);
            format!(
                "{from} puts out its last step only. Let it put out every step: {}. Then {to} gets {}.",
                with_every_step(&maker),
                sequence.in_words()
            )
        }
        Some(before) => format!(
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

/// A recurrent layer as a program makes it when it puts out every step.
pub(crate) fn with_every_step(layer: &LayerHandle) -> String {
    match code_with(layer, "return_sequences", true) {
        Some(code) => format!("`{code}`"),
        None => "`.return_sequences(true)`".to_string(),
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
