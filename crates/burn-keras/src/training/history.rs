//! What each epoch of a training came to.

use std::fmt;
use std::io::Write;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

use super::logs::{Logs, number};
use crate::{Error, Result};

/// The figures of each epoch under Keras' names: `loss`, the metrics, and the same with `val_` in front.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("sgd", "mse", ["mae"])?;
/// let (x, y) = (Array2::<f32>::zeros((64, 3)), Array2::<f32>::zeros((64, 1)));
/// let history = model.fit(&x, &y, Fit::new().epochs(2).verbose(0))?;
/// assert_eq!(history.names(), ["loss", "mae"]);
/// println!("{history}");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    epochs: Vec<usize>,
    columns: Vec<Column>,
    interrupted: bool,
}

/// A figure in those epochs that have it.
#[derive(Clone, Debug, PartialEq)]
struct Column {
    name: String,
    /// The rows, not the numbers, of the epochs.
    rows: Vec<usize>,
    values: Vec<f64>,
}

impl Column {
    /// The value in this row, if the epoch has one.
    fn at(&self, row: usize) -> Option<f64> {
        let place = self.rows.binary_search(&row).ok()?;
        self.values.get(place).copied()
    }
}

impl History {
    pub(crate) fn push(&mut self, epoch: usize, logs: &Logs) {
        let row = self.epochs.len();
        self.epochs.push(epoch);
        for (name, value) in logs.iter() {
            match self.columns.iter_mut().find(|c| c.name == name) {
                Some(column) => {
                    column.rows.push(row);
                    column.values.push(value);
                }
                None => self.columns.push(Column {
                    name: name.to_string(),
                    rows: vec![row],
                    values: vec![value],
                }),
            }
        }
    }

    /// The figures of the last epoch.
    pub(crate) fn last_logs(&self) -> Logs {
        let mut logs = Logs::default();
        if let Some(row) = self.epochs.len().checked_sub(1) {
            for column in &self.columns {
                if let Some(value) = column.at(row) {
                    logs.set(column.name.clone(), value);
                }
            }
        }
        logs
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
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// A figure's values, one for each epoch that has it; empty for a name that does not exist.
    pub fn get(&self, name: &str) -> &[f64] {
        self.column(name).map_or(&[], |c| &c.values)
    }

    /// A figure's values with the numbers of their epochs, from 0.
    pub fn points(&self, name: &str) -> Vec<(usize, f64)> {
        let column = self.column(name);
        column
            .map(|c| c.rows.iter().zip(&c.values))
            .into_iter()
            .flatten()
            .filter_map(|(row, value)| Some((*self.epochs.get(*row)?, *value)))
            .collect()
    }

    /// A figure in the last epoch that has it.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name).last().copied()
    }

    /// `{"loss": [..], "val_loss": [..], ..}`, as Keras' `history.history`.
    ///
    /// JSON has no word for what is no finite number: such a value is the string `"NaN"`, `"Infinity"` or
    /// `"-Infinity"`, which Python's `float` reads.
    pub fn to_json(&self) -> Value {
        let value = |value: &f64| match *value {
            v if v.is_finite() => json!(v),
            v if v.is_nan() => json!("NaN"),
            v if v > 0.0 => json!("Infinity"),
            _ => json!("-Infinity"),
        };
        let columns: Map<String, Value> = self
            .columns
            .iter()
            .map(|c| (c.name.clone(), c.values.iter().map(value).collect()))
            .collect();
        Value::Object(columns)
    }

    /// `epoch,loss,val_loss` and a line an epoch, counted from 0; nothing where an epoch lacks a figure.
    ///
    /// # Errors
    ///
    /// None that a table of numbers can cause.
    pub fn to_csv(&self) -> Result<String> {
        let failed = |e: String| Error::config("the history", e);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut lines = vec![
            std::iter::once("epoch".to_string())
                .chain(self.columns.iter().map(|c| c.name.clone()))
                .collect::<Vec<_>>(),
        ];
        for (row, epoch) in self.epochs.iter().enumerate() {
            let values = self.columns.iter().map(|c| {
                c.at(row)
                    .map_or_else(String::new, |value| format!("{value:?}"))
            });
            lines.push(std::iter::once(epoch.to_string()).chain(values).collect());
        }
        for line in lines {
            writer
                .write_record(line)
                .map_err(|e| failed(e.to_string()))?;
        }
        let bytes = writer.into_inner().map_err(|e| failed(e.to_string()))?;
        String::from_utf8(bytes).map_err(|e| failed(e.to_string()))
    }

    /// Writes [`History::to_json`] or [`History::to_csv`], by the ending of `path` in either case; whole or not at
    /// all.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for another ending and for what the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let failed = |problem: String| Error::File {
            path: path.display().to_string(),
            problem,
        };
        let ending = path.extension().map(|e| e.to_ascii_lowercase());
        let text = match ending.as_deref().and_then(|e| e.to_str()) {
            Some("json") => format!("{:#}\n", self.to_json()),
            Some("csv") => self.to_csv()?,
            _ => {
                return Err(failed(
                    "a history is saved as `.json` or `.csv`; give the file one of these endings"
                        .to_string(),
                ));
            }
        };
        keras_format::atomic_write(path, |file| file.write_all(text.as_bytes()))
            .map_err(crate::saving::file_error)
    }

    /// Everything, with every bit.
    pub(crate) fn state(&self) -> Value {
        let columns: Vec<Value> = self
            .columns
            .iter()
            .map(|c| {
                let bits: Vec<u64> = c.values.iter().map(|v| v.to_bits()).collect();
                json!([c.name, c.rows, bits])
            })
            .collect();
        json!({"epochs": self.epochs, "columns": columns})
    }

    /// What [`History::state`] wrote.
    pub(crate) fn from_state(state: &Value) -> Option<Self> {
        let sizes = |value: &Value| -> Option<Vec<usize>> {
            let numbers = value.as_array()?.iter();
            numbers.map(|n| usize::try_from(n.as_u64()?).ok()).collect()
        };
        let column = |value: &Value| -> Option<Column> {
            let bits = value[2].as_array()?.iter();
            Some(Column {
                name: value[0].as_str()?.to_string(),
                rows: sizes(&value[1])?,
                values: bits
                    .map(|b| b.as_u64().map(f64::from_bits))
                    .collect::<Option<_>>()?,
            })
        };
        Some(Self {
            epochs: sizes(&state["epochs"])?,
            columns: state["columns"]
                .as_array()?
                .iter()
                .map(column)
                .collect::<Option<_>>()?,
            interrupted: false,
        })
    }
}

/// A table with a row for each epoch.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let mut header = vec!["epoch".to_string()];
        header.extend(self.columns.iter().map(|c| c.name.clone()));
        table.set_header(header);
        for (row, epoch) in self.epochs.iter().enumerate() {
            let mut cells = vec![(epoch + 1).to_string()];
            cells.extend(
                self.columns
                    .iter()
                    .map(|c| c.at(row).map_or("-".to_string(), number)),
            );
            table.add_row(cells);
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let mut history = History::default();
        for epoch in 3..6 {
            let mut logs = Logs::default();
            logs.set("loss", 1.0 / epoch as f64);
            if epoch == 4 {
                logs.set("val_loss", 0.5);
            }
            history.push(epoch, &logs);
        }
        history
    }

    #[test]
    fn a_figure_that_some_epochs_lack_stands_in_its_own_epochs() -> Result<()> {
        let history = history();
        assert_eq!(history.get("val_loss"), [0.5]);
        assert_eq!(history.points("val_loss"), [(4, 0.5)]);
        assert_eq!(
            history.to_csv()?,
            "epoch,loss,val_loss\n3,0.3333333333333333,\n4,0.25,0.5\n5,0.2,\n"
        );
        let table = history.to_string();
        let lines: Vec<Vec<&str>> = table
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        assert_eq!(lines[1], ["4", "0.3333", "-"]);
        assert_eq!(lines[2], ["5", "0.2500", "0.5000"]);
        Ok(())
    }

    #[test]
    fn what_is_no_number_is_not_lost_in_json() {
        let mut history = History::default();
        for value in [0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut logs = Logs::default();
            logs.set("loss", value);
            history.push(0, &logs);
        }
        assert_eq!(
            history.to_json().to_string(),
            r#"{"loss":[0.5,"NaN","Infinity","-Infinity"]}"#
        );
    }

    #[test]
    fn a_history_is_taken_up_again_with_every_bit() {
        let history = history();
        assert_eq!(History::from_state(&history.state()), Some(history));
    }
}
