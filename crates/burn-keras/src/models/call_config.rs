//! A layer's call as a functional configuration lists it in `inbound_nodes`, read and written.

use keras_format::{TensorRef, tensor_refs};
use serde_json::{Map, Value, json};

use super::mask_operations::MaskSource;
use crate::{Error, Result};

/// Whether initial states can stand among the inputs of this class.
pub(super) fn takes_states(class_name: &str) -> bool {
    matches!(
        class_name,
        "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "Bidirectional"
    ) || class_name.starts_with("ConvLSTM")
}

/// Arguments that hold tensors, in the order in which layers take them.
const TENSORS: [&str; 8] = [
    "inputs",
    "sequences",
    "sequence",
    "query",
    "value",
    "key",
    "initial_state",
    ATTENTION_MASK,
];

/// The mask that `MultiHeadAttention` takes as a tensor.
const ATTENTION_MASK: &str = "attention_mask";

/// The masks of attention's three inputs, which are arguments of their own.
const ATTENTION_MASKS: [&str; 3] = ["query_mask", "value_mask", "key_mask"];

/// What a call says of one input's mask.
#[derive(Clone, Debug)]
pub(super) enum PlannedMask {
    /// Null: there was none when the graph was made, but Keras fills it with what the tensor carries when the model runs
    /// (`keras/src/layers/layer.py`, `__call__`).
    Own,
    /// There is none.
    None,
    /// It is this tensor.
    Tensor(TensorRef),
}

/// A call with references in place of tensors.
#[derive(Debug)]
pub(super) struct PlannedCall<'a> {
    /// The layer's name.
    pub layer: &'a str,
    /// Which of the layer's calls it is.
    pub number: usize,
    /// The tensors that go in, initial states last.
    pub inputs: Vec<TensorRef>,
    /// Whether initial states are among them.
    pub with_states: bool,
    /// The mask of each input, as far as they are listed; empty when the call says nothing of masks.
    pub masks: Vec<PlannedMask>,
    /// What else Keras takes at the call, for the layer to read.
    pub arguments: Map<String, Value>,
    /// What the mask that this call attaches to its output is computed from, if it attaches one.
    pub makes_mask: Option<MaskSource>,
}

impl<'a> PlannedCall<'a> {
    /// Reads call number `number` of the layer that `object` serialises.
    pub fn read(object: &Value, layer: &'a str, number: usize, call: &Value) -> Result<Self> {
        let class_name = object
            .get("class_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut inputs = Vec::new();
        for argument in call
            .get("args")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            tensors(argument, layer, &mut inputs)?;
        }
        let empty = Map::new();
        let kwargs = call
            .get("kwargs")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        for key in TENSORS {
            if let Some(argument) = kwargs.get(key).filter(|a| !a.is_null()) {
                tensors(argument, layer, &mut inputs)?;
            }
        }
        let mut arguments = Map::new();
        for (key, value) in kwargs {
            let known = TENSORS.contains(&key.as_str())
                || ATTENTION_MASKS.contains(&key.as_str())
                // Keras notes whether a layer was called for training, and overrides the note at every run.
                || matches!(key.as_str(), "mask" | "training");
            let neutral = value.is_null() || *value == Value::Bool(false);
            if neutral {
                continue;
            }
            if key == ATTENTION_MASK {
                arguments.insert(key.clone(), Value::Bool(true));
            } else if !known {
                arguments.insert(key.clone(), value.clone());
            }
        }
        let with_states = takes_states(class_name) && inputs.len() > 1;
        let makes_mask = inputs
            .first()
            .and_then(|source| MaskSource::of_layer(object, source));
        Ok(Self {
            layer,
            number,
            inputs,
            with_states,
            masks: masks(kwargs),
            arguments,
            makes_mask,
        })
    }
}

fn tensors(argument: &Value, layer: &str, found: &mut Vec<TensorRef>) -> Result<()> {
    match argument {
        Value::Array(list) => list
            .iter()
            .try_for_each(|inner| tensors(inner, layer, found)),
        tensor if tensor.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__") => {
            found.extend(tensor_refs(tensor));
            Ok(())
        }
        other => Err(Error::config(
            layer,
            format!("it is called with {other}, where only tensors of the model are supported"),
        )),
    }
}

fn masks(kwargs: &Map<String, Value>) -> Vec<PlannedMask> {
    let or = |value: Option<&Value>, none| match value
        .map(tensor_refs)
        .and_then(|r| r.into_iter().next())
    {
        Some(tensor) => PlannedMask::Tensor(tensor),
        None => none,
    };
    match kwargs.get("mask") {
        Some(Value::Array(list)) => list
            .iter()
            .map(|m| or(Some(m), PlannedMask::None))
            .collect(),
        Some(mask) => vec![or(Some(mask), PlannedMask::Own)],
        None if ATTENTION_MASKS.iter().any(|key| kwargs.contains_key(*key)) => ATTENTION_MASKS
            .iter()
            .map(|key| or(kwargs.get(*key), PlannedMask::Own))
            .collect(),
        None => Vec::new(),
    }
}

/// A call in the form of `inbound_nodes`; `tensors` are serialised already.
pub(super) fn write(
    class_name: &str,
    mut tensors: Vec<Value>,
    arguments: Map<String, Value>,
) -> Value {
    let mut kwargs = arguments;
    if kwargs.contains_key(ATTENTION_MASK)
        && let Some(mask) = tensors.pop()
    {
        kwargs.insert(ATTENTION_MASK.to_string(), mask);
    }
    let args = if takes_states(class_name) && tensors.len() > 1 {
        let states = tensors.split_off(1);
        kwargs.insert("initial_state".into(), states.into());
        tensors
    } else if class_name == "MultiHeadAttention" || tensors.len() == 1 {
        tensors
    } else {
        vec![tensors.into()]
    };
    json!({"args": args, "kwargs": kwargs})
}

/// The arguments with which a layer of several inputs is given a mask for each, null where there is none.
pub(super) fn write_masks(class_name: &str, masks: Vec<Value>) -> Map<String, Value> {
    if class_name == "MultiHeadAttention" {
        let named = ATTENTION_MASKS.iter().map(|key| (*key).to_string());
        return named.zip(masks).collect();
    }
    let mask = if masks.len() == 1 {
        masks.into_iter().next().unwrap_or_default()
    } else {
        masks.into()
    };
    Map::from_iter([("mask".to_string(), mask)])
}

/// A tensor of the model.
pub(super) fn tensor(shape: Value, dtype: &str, history: (&str, usize, usize)) -> Value {
    let (layer, node, index) = history;
    json!({
        "class_name": "__keras_tensor__",
        "config": {"shape": shape, "dtype": dtype, "keras_history": [layer, node, index]},
    })
}
