//! Keras' table of a model's layers.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::Model;
use super::graph::Position;
use crate::layers::{LayerHandle, WeightInfo};

/// The table that [`Model::summary`] makes; shown with `{}`.
#[derive(Clone, Debug)]
pub struct Summary {
    model: String,
    rows: Vec<Row>,
    linear: bool,
    trainable: usize,
    non_trainable: usize,
    device: String,
    /// How layers run, with the layers that do.
    notes: Vec<(String, Vec<String>)>,
}

#[derive(Clone, Debug)]
struct Row {
    layer: String,
    shape: String,
    params: String,
    connected: String,
}

/// The lines of Keras' table: heavy around the header, light below.
const PRESET: &str = "││━─┡━╇┩│─┼├┤┳┴┏┓└┘";

impl Summary {
    pub(super) fn of(model: &Model) -> Self {
        let mut trainable = 0;
        let mut non_trainable = 0;
        for weight in model.leaves().iter().flat_map(LayerHandle::weights) {
            if weight.trainable {
                trainable += weight.count();
            } else {
                non_trainable += weight.count();
            }
        }
        let device = match model.placement() {
            Ok(device) => crate::backend::device_name(&device),
            Err(error) => error.to_string(),
        };
        let mut notes: Vec<(String, Vec<String>)> = Vec::new();
        for layer in model.leaves() {
            let Some(note) = layer.read().note() else {
                continue;
            };
            match notes.iter_mut().find(|(text, _)| *text == note) {
                Some((_, layers)) => layers.push(layer.name()),
                None => notes.push((note, vec![layer.name()])),
            }
        }
        Self {
            model: model.model_name().to_string(),
            rows: rows(model),
            linear: model.is_sequential(),
            trainable,
            non_trainable,
            device,
            notes,
        }
    }
}

fn rows(model: &Model) -> Vec<Row> {
    let unknown = |layer: &LayerHandle| Row {
        layer: format!("{} ({})", layer.name(), layer.class_name()),
        shape: "?".to_string(),
        params: "0 (unbuilt)".to_string(),
        connected: String::new(),
    };
    let Ok(graph) = model.graph() else {
        return model.layers().iter().map(unknown).collect();
    };
    // Where each value comes from, as Keras writes it: layer[call][output].
    let mut origins: Vec<String> = graph
        .inputs
        .iter()
        .map(|i| format!("{}[0][0]", i.name))
        .collect();
    let mut calls = vec![0; model.layers().len()];
    for step in &graph.steps {
        let name = model.layers()[step.layer].name();
        for output in 0..step.outputs.len() {
            origins.push(format!("{name}[{}][{output}]", calls[step.layer]));
        }
        calls[step.layer] += 1;
    }
    graph
        .order
        .iter()
        .filter_map(|position| match *position {
            Position::Input(_) if model.is_sequential() => None,
            Position::Input(input) => {
                let input = &graph.inputs[input];
                Some(Row {
                    layer: format!("{} (InputLayer)", input.name),
                    shape: input.dims.to_string(),
                    params: "0".to_string(),
                    connected: "-".to_string(),
                })
            }
            Position::Layer(layer) => {
                let handle = &model.layers()[layer];
                let steps: Vec<_> = graph.steps.iter().filter(|s| s.layer == layer).collect();
                let shapes: Vec<String> = steps
                    .first()
                    .map(|s| {
                        s.outputs
                            .iter()
                            .map(|v| graph.dims[*v].to_string())
                            .collect()
                    })
                    .unwrap_or_default();
                let shape = match shapes.as_slice() {
                    [one] => one.clone(),
                    many => format!("[{}]", many.join(", ")),
                };
                let inputs = steps.iter().flat_map(|s| &s.inputs);
                let connected: Vec<String> = inputs.map(|v| origins[*v].clone()).collect();
                let params: usize = handle
                    .leaves()
                    .iter()
                    .flat_map(LayerHandle::weights)
                    .map(|w| WeightInfo::count(&w))
                    .sum();
                Some(Row {
                    layer: format!("{} ({})", handle.name(), handle.class_name()),
                    shape,
                    params: thousands(params),
                    connected: connected.join(", "),
                })
            }
        })
        .collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table
            .load_preset(PRESET)
            .set_content_arrangement(ContentArrangement::Dynamic);
        let mut header = vec!["Layer (type)", "Output Shape", "Param #"];
        if !self.linear {
            header.push("Connected to");
        }
        table.set_header(header);
        for row in &self.rows {
            let mut cells = vec![&row.layer, &row.shape, &row.params];
            if !self.linear {
                cells.push(&row.connected);
            }
            table.add_row(cells);
        }
        if let Some(column) = table.column_mut(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(f, "Model: \"{}\"", self.model)?;
        writeln!(f, "{table}")?;
        let total = self.trainable + self.non_trainable;
        for (what, count) in [
            ("Total params", total),
            ("Trainable params", self.trainable),
            ("Non-trainable params", self.non_trainable),
        ] {
            writeln!(f, " {what}: {} ({})", thousands(count), bytes(count * 4))?;
        }
        write!(f, " Device: {}", self.device)?;
        for (note, layers) in &self.notes {
            write!(f, "\n {note}: {}", layers.join(", "))?;
        }
        Ok(())
    }
}

/// `16,896` for 16896.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `66.00 KB` for 67584: steps of 1024, two decimals.
fn bytes(count: usize) -> String {
    let mut size = count as f64;
    let mut unit = "B";
    for next in ["KB", "MB", "GB", "TB", "PB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.2} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_keras_writes_them() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(330), "330");
        assert_eq!(bytes(67_584), "66.00 KB");
        assert_eq!(bytes(12), "12.00 B");
    }
}
