//! How the recurrent layers of a model run.

use serde_json::Value;

use crate::layers::LayerHandle;

/// How a recurrent layer, or the one inside a `Bidirectional`, is told to run.
pub(in crate::plot) struct Recurrence {
    /// The class inside, as `LSTM`.
    pub class: String,
    pub units: Option<usize>,
    pub bidirectional: bool,
    pub go_backwards: bool,
    pub return_state: bool,
    pub(super) stateful: bool,
    pub(super) merge: String,
}

impl Recurrence {
    /// That of a layer; `None` for one that is not recurrent.
    pub fn of(layer: &LayerHandle) -> Option<Self> {
        let class = layer.class_name();
        let config = Value::Object(layer.config());
        let bidirectional = class == "Bidirectional";
        let (class, inner) = match class.as_str() {
            "LSTM" | "GRU" | "SimpleRNN" | "RNN" => (class, &config),
            "Bidirectional" => {
                let class = config.pointer("/layer/class_name")?.as_str()?;
                (class.to_string(), config.pointer("/layer/config")?)
            }
            _ => return None,
        };
        // `RNN` is told by its cell.
        let (class, units) = match inner.get("cell") {
            Some(cell) => {
                let class = cell.get("class_name")?.as_str()?.to_string();
                (class, cell.pointer("/config/units"))
            }
            None => (class, inner.get("units")),
        };
        let on = |key: &str| inner.get(key) == Some(&Value::Bool(true));
        Some(Self {
            class: class.trim_end_matches("Cell").to_string(),
            units: units.and_then(Value::as_u64).map(|u| u as usize),
            bidirectional,
            go_backwards: on("go_backwards"),
            return_state: on("return_state"),
            stateful: on("stateful"),
            merge: match config.get("merge_mode").and_then(Value::as_str) {
                Some(mode) => format!("{mode}: forward, then backward"),
                None => "both outputs: forward, then backward".to_string(),
            },
        })
    }

    pub(super) fn label(&self) -> String {
        match self.class.as_str() {
            "SimpleRNN" => "RNN".to_string(),
            "StackedRNNCells" => "cells".to_string(),
            class => shortened(class, 7),
        }
    }

    pub(super) fn states(&self) -> &'static [&'static str] {
        match self.class.as_str() {
            "LSTM" => &["h", "c"],
            "GRU" | "SimpleRNN" => &["h"],
            _ => &["state"],
        }
    }

    pub(super) fn directions(&self) -> Vec<i32> {
        let first = if self.go_backwards { -1 } else { 1 };
        match self.bidirectional {
            true => vec![first, -first],
            false => vec![first],
        }
    }
}

/// The first letters of a class, as many as fit into a cell.
pub(super) fn shortened(class: &str, most: usize) -> String {
    if class.chars().count() <= most {
        return class.to_string();
    }
    class.chars().take(most - 1).chain(['…']).collect()
}
