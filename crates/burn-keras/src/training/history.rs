//! What each epoch of a training came to.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

use super::logs::{Logs, number};

/// The figures of each epoch under Keras' names: `loss`, the metrics, and the same with `val_` in front.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    columns: Vec<(String, Vec<f64>)>,
    interrupted: bool,
}

impl History {
    pub(crate) fn push(&mut self, epoch: usize, logs: &Logs) {
        self.epochs.push(epoch);
        for (name, value) in logs.iter() {
            match self.columns.iter_mut().find(|(n, _)| n == name) {
                Some((_, values)) => values.push(value),
                None => self.columns.push((name.to_string(), vec![value])),
            }
        }
    }

    pub(crate) fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Whether the training was stopped from outside before its last epoch.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The numbers of the epochs, from 0.
    pub fn epochs(&self) -> &[usize] {
        &self.epochs
    }

    /// The names of the figures.
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|(n, _)| n.as_str()).collect()
    }

    /// A figure's values, one for each epoch that has it; empty for a name that does not exist.
    pub fn get(&self, name: &str) -> &[f64] {
        self.columns
            .iter()
            .find(|(n, _)| n == name)
            .map_or(&[], |(_, values)| values)
    }

    /// A figure in the last epoch that has it.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name).last().copied()
    }

    /// `{"loss": [..], "val_loss": [..], ..}`, as Keras' `history.history`.
    pub fn to_json(&self) -> Value {
        let columns: Map<String, Value> = self
            .columns
            .iter()
            .map(|(name, values)| (name.clone(), json!(values)))
            .collect();
        Value::Object(columns)
    }
}

/// A table with a row for each epoch.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let mut header = vec!["epoch".to_string()];
        header.extend(self.columns.iter().map(|(name, _)| name.clone()));
        table.set_header(header);
        for (i, epoch) in self.epochs.iter().enumerate() {
            let mut row = vec![(epoch + 1).to_string()];
            // A figure that some epochs lack (validation every few epochs) cannot be placed by its position.
            row.extend(self.columns.iter().map(|(_, values)| {
                if values.len() == self.epochs.len() {
                    number(values[i])
                } else {
                    "-".to_string()
                }
            }));
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")
    }
}
