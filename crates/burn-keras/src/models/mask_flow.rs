//! What becomes of masks in a layer, as far as it can be told before anything runs.

use serde_json::Value;

use super::return_sequences;
use crate::layers::{LayerHandle, MaskPolicy};

/// Which mask the first output of a layer carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MaskFlow {
    /// One of its own, of the steps that are this number.
    Made(f64),
    /// That of the first input, since every step comes out.
    Steps,
    /// That of the first input that has one; every output carries it.
    Passed,
    /// One that the layer puts together of its inputs' masks.
    Merged(Merge),
    /// Whatever comes out of the model that the layer is.
    Inside,
    /// None.
    Gone,
}

/// Of which masks of its inputs a layer puts one together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// There is one if the first input has one.
    First,
    /// There is one if any input has one.
    Any,
    /// There is one if every input has one.
    All,
}

impl MaskFlow {
    /// That of a layer.
    pub fn of(layer: &LayerHandle) -> Self {
        let (is_model, policy) = {
            let read = layer.read();
            (read.inner_layers().is_some(), read.mask_policy())
        };
        if is_model {
            return Self::Inside;
        }
        let class_name = layer.class_name();
        let config = Value::Object(layer.config());
        if let Some(value) = masked_value(&class_name, &config) {
            return Self::Made(value);
        }
        match (return_sequences(layer), policy) {
            (Some(true), _) => Self::Steps,
            (Some(false), _) => Self::Gone,
            (None, MaskPolicy::Pass) => Self::Passed,
            (None, MaskPolicy::Consume | MaskPolicy::Lose) => Self::Gone,
            (None, MaskPolicy::Own) => match class_name.as_str() {
                // What it looks up makes no mask unless it was told to.
                "Embedding" => Self::Gone,
                "Attention" | "AdditiveAttention" | "MultiHeadAttention" => {
                    Self::Merged(Merge::First)
                }
                "Concatenate" => Self::Merged(Merge::Any),
                _ => Self::Merged(Merge::All),
            },
        }
    }
}

/// The value that a layer of this configuration masks, if it makes a mask at all.
pub(super) fn masked_value(class_name: &str, config: &Value) -> Option<f64> {
    match class_name {
        "Masking" => Some(
            config
                .get("mask_value")
                .and_then(Value::as_f64)
                .unwrap_or(0.0),
        ),
        "Embedding" if config.get("mask_zero") == Some(&Value::Bool(true)) => Some(0.0),
        _ => None,
    }
}
