//! Masks in Keras' functional configurations: there they are operations in the graph, here they travel with the tensors.
//!
//! An `Embedding(mask_zero=True)` of `ids` gives `NotEqual(ids, 0)`, a `Masking(v)` of `x` gives
//! `Any(NotEqual(x, v), axis=-1)`, and the layers that use the mask have it in `kwargs.mask`.

use std::collections::{HashMap, HashSet};

use keras_format::{TensorRef, is_operation, tensor_refs};
use serde_json::{Value, json};

use super::call_config::tensor;
use super::call_mask::GivenMask;
use super::graph::{Graph, Step, StepMasks};
use super::mask_flow::{MaskFlow, masked_value};
use crate::layers::LayerHandle;
use crate::{Error, Result};

/// What the mask of a Masking or an Embedding layer is computed from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MaskSource {
    /// The layer's input.
    pub tensor: TensorRef,
    /// The value that is masked, as the bits of a float.
    value: u64,
}

impl MaskSource {
    /// The value that is masked.
    pub fn value(&self) -> f64 {
        f64::from_bits(self.value)
    }
}

impl MaskSource {
    fn new(tensor: TensorRef, value: f64) -> Self {
        // Both zeros are one value.
        let value = if value == 0.0 { 0.0 } else { value };
        Self {
            tensor,
            value: value.to_bits(),
        }
    }

    /// That of a serialised layer fed by `input`; `None` for a layer that makes no mask.
    pub fn of_layer(object: &Value, input: &TensorRef) -> Option<Self> {
        let config = object.get("config")?;
        masked_value(object.get("class_name")?.as_str()?, config)
            .map(|value| Self::new(input.clone(), value))
    }
}

/// Where a mask comes from.
pub(super) enum Origin {
    /// From one tensor; with `any` over all features of a step.
    Of { source: MaskSource, any: bool },
    /// Put together from other masks by a merging layer.
    Several,
}

/// The operations among the members of a functional configuration.
pub(super) struct MaskOperations<'a>(HashMap<&'a str, &'a Value>);

impl<'a> MaskOperations<'a> {
    /// Those among `objects`.
    pub fn collect(objects: &'a [Value]) -> Self {
        let named = |object: &'a Value| Some((object.get("name")?.as_str()?, object));
        Self(
            objects
                .iter()
                .filter(|o| is_operation(o))
                .filter_map(named)
                .collect(),
        )
    }

    /// Whether `reference` is the result of an operation.
    pub fn has(&self, reference: &TensorRef) -> bool {
        self.0.contains_key(reference.layer.as_str())
    }

    /// Refuses operations that compute more than masks: their results are among `used`.
    pub fn check_unused<'r>(&self, used: impl Iterator<Item = &'r TensorRef>) -> Result<()> {
        for reference in used {
            if let Some(operation) = self.0.get(reference.layer.as_str()) {
                let class_name = operation
                    .get("class_name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                return Err(Error::config(
                    &reference.layer,
                    format!(
                        "the model uses the bare operation `{class_name}`, which is not supported; write it as a layer \
                         (`keras.layers.Add` for `+`, …) and save again"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Where the mask that `reference` stands for comes from.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a mask that no layer made.
    pub fn origin(&self, reference: &TensorRef) -> Result<Origin> {
        let mut sources = HashSet::new();
        let (mut plain, mut any) = (true, false);
        let mut seen = HashSet::new();
        let mut open = vec![reference.clone()];
        while let Some(reference) = open.pop() {
            let Some(operation) = self.0.get(reference.layer.as_str()) else {
                continue;
            };
            if !seen.insert(reference.layer.clone()) {
                continue;
            }
            let call = operation
                .pointer("/inbound_nodes/0")
                .unwrap_or(&Value::Null);
            let inputs = tensor_refs(call);
            match operation.get("class_name").and_then(Value::as_str) {
                Some("NotEqual") => {
                    let value = call.pointer("/args/1").and_then(Value::as_f64);
                    let [input] = inputs.as_slice() else { continue };
                    sources.insert(MaskSource::new(input.clone(), value.unwrap_or(0.0)));
                }
                Some(name @ ("Any" | "ConvertToTensor")) => {
                    any |= name == "Any";
                    open.extend(inputs);
                }
                _ => {
                    plain = false;
                    open.extend(inputs);
                }
            }
        }
        let mut sources = sources.into_iter();
        match (sources.next(), sources.next()) {
            (Some(source), None) if plain => Ok(Origin::Of { source, any }),
            (Some(_), _) => Ok(Origin::Several),
            (None, _) => Err(Error::config(
                &reference.layer,
                "it is used as a mask but not made by comparing a tensor with a number, which is not supported",
            )),
        }
    }
}

/// The mask of a value in a model of ours, as far as it can be told before anything runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum StaticMask {
    /// There is none.
    None,
    /// Made from this value of the graph by a layer that masks this number; over all features where `any` is set.
    From {
        source: usize,
        value: f64,
        any: bool,
    },
    /// It is this value of the graph.
    Value(usize),
    /// There may be one, put together from others.
    Unknown,
}

/// The mask of every value of a graph.
pub(super) fn static_masks(graph: &Graph, layers: &[LayerHandle]) -> Vec<StaticMask> {
    let mut masks = vec![StaticMask::None; graph.dims.len()];
    for step in &graph.steps {
        let used = used_masks(step, &masks);
        let first = match &step.masks {
            StepMasks::Unused { .. } => step.inputs.first().map(|v| masks[*v]),
            StepMasks::Implicit | StepMasks::Explicit(_) => used.first().copied(),
        };
        let first = first.unwrap_or(StaticMask::None);
        let layer = &layers[step.layer];
        let made = match MaskFlow::of(layer) {
            MaskFlow::Made(value) => StaticMask::From {
                source: step.inputs.first().copied().unwrap_or_default(),
                value,
                any: layer.class_name() == "Masking",
            },
            MaskFlow::Gone => StaticMask::None,
            MaskFlow::Steps => first,
            MaskFlow::Passed => used
                .iter()
                .copied()
                .find(|m| *m != StaticMask::None)
                .unwrap_or(StaticMask::None),
            MaskFlow::Merged(_) if used.iter().all(|m| *m == StaticMask::None) => StaticMask::None,
            MaskFlow::Merged(_) | MaskFlow::Inside => StaticMask::Unknown,
        };
        if let Some(output) = step.outputs.first() {
            masks[*output] = made;
        }
    }
    masks
}

/// The masks with which a step computes, one for each input.
pub(super) fn used_masks(step: &Step, masks: &[StaticMask]) -> Vec<StaticMask> {
    match &step.masks {
        StepMasks::Implicit => step.inputs.iter().map(|v| masks[*v]).collect(),
        StepMasks::Unused { .. } => vec![StaticMask::None; step.inputs.len()],
        StepMasks::Explicit(given) => given
            .iter()
            .map(|mask| match *mask {
                None => StaticMask::None,
                Some(GivenMask::Of(value)) => masks[value],
                Some(GivenMask::Values(value)) => StaticMask::Value(value),
                Some(GivenMask::NotEqual { tensor, value, any }) => StaticMask::From {
                    source: tensor,
                    value,
                    any,
                },
            })
            .collect(),
    }
}

/// Writes the operations that masks are in a configuration, each once.
#[derive(Default)]
pub(super) struct OperationWriter {
    written: Vec<(StaticMask, Value)>,
    /// The serialised operations, to stand among the layers.
    pub objects: Vec<Value>,
}

impl OperationWriter {
    /// The tensor to pass as `mask`; `serialise` gives the tensor of a value of the graph and its shape.
    pub fn mask(
        &mut self,
        mask: StaticMask,
        taken: &HashSet<String>,
        serialise: impl Fn(usize) -> Value,
    ) -> Option<Value> {
        let (source, value, any) = match mask {
            StaticMask::From { source, value, any } => (source, value, any),
            StaticMask::Value(value) => return Some(serialise(value)),
            StaticMask::None | StaticMask::Unknown => return None,
        };
        if let Some((_, tensor)) = self.written.iter().find(|(m, _)| *m == mask) {
            return Some(tensor.clone());
        }
        let source = serialise(source);
        let shape = source.pointer("/config/shape").cloned().unwrap_or_default();
        let whole = source.pointer("/config/dtype").and_then(Value::as_str) != Some("float32");
        let value = if whole {
            json!(value as i64)
        } else {
            json!(value)
        };
        let mut last = self.operation(
            "NotEqual",
            "not_equal",
            taken,
            json!({}),
            json!([source, value]),
            shape.clone(),
        );
        if any {
            let mut axes = shape.as_array().cloned().unwrap_or_default();
            axes.pop();
            let config = json!({"axis": -1, "keepdims": false});
            last = self.operation("Any", "any", taken, config, json!([last]), axes.into());
        }
        self.written.push((mask, last.clone()));
        Some(last)
    }

    fn operation(
        &mut self,
        class_name: &str,
        stem: &str,
        taken: &HashSet<String>,
        mut config: Value,
        args: Value,
        shape: Value,
    ) -> Value {
        let used = |name: &str| {
            taken.contains(name)
                || self
                    .objects
                    .iter()
                    .any(|o| o.get("name").and_then(Value::as_str) == Some(name))
        };
        let mut name = stem.to_string();
        let mut number = 0;
        while used(&name) {
            number += 1;
            name = format!("{stem}_{number}");
        }
        config["name"] = json!(name);
        self.objects.push(json!({
            "module": "keras.src.ops.numpy",
            "class_name": class_name,
            "config": config,
            "registered_name": class_name,
            "name": name,
            "inbound_nodes": [{"args": args, "kwargs": {}}],
        }));
        tensor(shape, "bool", (&name, 0, 0))
    }
}
