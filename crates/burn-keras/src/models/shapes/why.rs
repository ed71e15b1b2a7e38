//! Why a layer's outputs have the shapes they have.

use serde_json::Value;

use crate::dims::Dims;
use crate::error::plural;
use crate::layers::LayerHandle;
use crate::models::{recurrent_config, return_sequences};

/// Why the outputs have the shapes they have.
pub(super) fn why(
    layer: &LayerHandle,
    class_name: &str,
    inputs: &[Dims],
    outputs: &[Dims],
) -> Vec<String> {
    let config = Value::Object(layer.config());
    let number = |key: &str| config.get(key).map(Value::to_string).unwrap_or_default();
    let (Some(input), Some(output)) = (inputs.first(), outputs.first()) else {
        return Vec::new();
    };
    match class_name {
        "LSTM" | "GRU" | "SimpleRNN" | "RNN" => recurrent(layer, &config, outputs),
        "Bidirectional" => {
            let mut why = recurrent(layer, &config, outputs);
            why.insert(
                0,
                match config.get("merge_mode").and_then(Value::as_str) {
                    Some("concat") => {
                        "both directions stand side by side: twice the units".to_string()
                    }
                    Some(mode) => {
                        format!("both directions are merged by `{mode}`: as many units as one has")
                    }
                    None => "both directions come out on their own".to_string(),
                },
            );
            why
        }
        "Dense" => vec![format!(
            "the last axis becomes units = {}; the other axes stay",
            number("units")
        )],
        "Embedding" => vec![format!(
            "each whole number from 0 to {} becomes output_dim = {} numbers",
            config
                .get("input_dim")
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .saturating_sub(1),
            number("output_dim")
        )],
        "Flatten" => vec!["all axes after the batch become one".to_string()],
        "RepeatVector" => vec![format!(
            "the vector stands n = {} times, once for every step",
            number("n")
        )],
        "TimeDistributed" => vec!["its layer is applied to every step on its own".to_string()],
        "Masking" => vec![format!(
            "the shape stays; steps in which every feature is {} are skipped by the layers after it",
            number("mask_value")
        )],
        "Conv1D" => vec![format!(
            "filters = {} become the features; padding and strides decide how many steps are left",
            number("filters")
        )],
        "Concatenate" => vec!["the inputs stand side by side along one axis".to_string()],
        "GlobalAveragePooling1D" => {
            vec!["the average over all steps: the timesteps are gone".to_string()]
        }
        "GlobalMaxPooling1D" => {
            vec!["the largest over all steps of each feature: the timesteps are gone".to_string()]
        }
        "MaxPooling1D" | "AveragePooling1D" => vec![format!(
            "one step for each window of pool_size = {} steps",
            config
                .pointer("/pool_size/0")
                .unwrap_or(&config["pool_size"])
        )],
        "Reshape" => vec!["the same numbers, cut into other axes".to_string()],
        "Permute" => vec!["the axes after the batch change places".to_string()],
        _ => match layer.read().inner_layers() {
            Some(inner) => vec![format!(
                "a model of {} {}",
                inner.len(),
                plural(inner.len(), "layer")
            )],
            None if input == output => vec!["the shape stays".to_string()],
            None => Vec::new(),
        },
    }
}

fn recurrent(layer: &LayerHandle, config: &Value, outputs: &[Dims]) -> Vec<String> {
    let config = recurrent_config(&layer.class_name(), config);
    let on = |key: &str| config.get(key).and_then(Value::as_bool).unwrap_or(false);
    let units = config
        .get("units")
        .map(|u| format!(" of units = {u}"))
        .unwrap_or_default();
    let mut why = vec![if return_sequences(layer) == Some(true) {
        format!("return_sequences is on: every step's output{units} comes out")
    } else {
        format!(
            "return_sequences is off: only the last step's output{units} comes out, the timesteps are gone"
        )
    }];
    if on("return_state") {
        let state = outputs.last().and_then(Dims::last);
        let size = state.map_or(String::new(), |n| format!(", {n} numbers each"));
        why.push(format!(
            "return_state is on: the last states come out too{size}"
        ));
    }
    if on("go_backwards") {
        why.push("go_backwards is on: the last step is read first".to_string());
    }
    why
}
