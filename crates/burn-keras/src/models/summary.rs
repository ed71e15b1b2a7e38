//! Keras' table of a model's layers.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::Model;
use super::graph::{Graph, Position};
use crate::layers::{LayerHandle, WeightInfo};

/// The table that [`Model::summary`] makes; shown with `{}`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut encoder = Sequential::new().named("encoder");
/// encoder.add(Lstm::new(4).input_shape([8, 16]))?;
/// let mut model = Sequential::new();
/// model.add(encoder)?;
/// model.add(Dense::new(3).trainable(false))?;
/// let text = model.summary().expand_nested(true).show_trainable(true).line_length(60).to_string();
/// assert!(text.contains("└ lstm (LSTM)"), "{text}");
/// assert!(text.contains("Non-trainable params: 15 (60.00 B)"), "{text}");
/// # Ok::<(), Error>(())
/// ```
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
    expand_nested: bool,
    show_trainable: bool,
    line_length: Option<u16>,
}

#[derive(Clone, Debug)]
struct Row {
    /// How many models deep the layer lies.
    depth: usize,
    layer: String,
    shape: String,
    params: String,
    /// `Y` or `N`, `-` for a layer without weights.
    trainable: &'static str,
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
        let mut all = Vec::new();
        rows(model, 0, &mut all);
        Self {
            model: model.model_name().to_string(),
            rows: all,
            linear: model.is_sequential(),
            trainable,
            non_trainable,
            device,
            notes,
            expand_nested: false,
            show_trainable: false,
            line_length: None,
        }
    }

    /// Whether the layers of models inside the model have rows of their own.
    pub fn expand_nested(mut self, expand_nested: bool) -> Self {
        self.expand_nested = expand_nested;
        self
    }

    /// Whether a column tells which layers train.
    pub fn show_trainable(mut self, show_trainable: bool) -> Self {
        self.show_trainable = show_trainable;
        self
    }

    /// How many characters wide the table is at most; as wide as the terminal unless told otherwise.
    pub fn line_length(mut self, line_length: u16) -> Self {
        self.line_length = Some(line_length);
        self
    }
}

/// Appends the rows of a model's layers, and after each model inside it those of its own.
fn rows(model: &Model, depth: usize, all: &mut Vec<Row>) {
    let Ok(graph) = model.graph() else {
        all.extend(model.layers().iter().map(|layer| Row {
            depth,
            layer: format!("{} ({})", layer.name(), layer.class_name()),
            shape: "?".to_string(),
            params: "0 (unbuilt)".to_string(),
            trainable: "-",
            connected: String::new(),
        }));
        return;
    };
    let origins = origins(model, graph);
    for position in &graph.order {
        match *position {
            Position::Input(_) if model.is_sequential() => {}
            Position::Input(input) => {
                let input = &graph.inputs[input];
                all.push(Row {
                    depth,
                    layer: format!("{} (InputLayer)", input.name),
                    shape: input.dims.to_string(),
                    params: "0".to_string(),
                    trainable: "-",
                    connected: "-".to_string(),
                });
            }
            Position::Layer(layer) => {
                let handle = &model.layers()[layer];
                all.push(layer_row(graph, layer, handle, &origins, depth));
                if let Some(inner) = handle.read().as_any().downcast_ref::<Model>() {
                    rows(inner, depth + 1, all);
                }
            }
        }
    }
}

/// Where each value comes from, as Keras writes it: `layer[call][output]`.
fn origins(model: &Model, graph: &Graph) -> Vec<String> {
    let inputs = graph.inputs.iter().map(|i| format!("{}[0][0]", i.name));
    let mut origins: Vec<String> = inputs.collect();
    let mut calls = vec![0; model.layers().len()];
    for step in &graph.steps {
        let name = model.layers()[step.layer].name();
        for output in 0..step.outputs.len() {
            origins.push(format!("{name}[{}][{output}]", calls[step.layer]));
        }
        calls[step.layer] += 1;
    }
    origins
}

fn layer_row(
    graph: &Graph,
    layer: usize,
    handle: &LayerHandle,
    origins: &[String],
    depth: usize,
) -> Row {
    let steps: Vec<_> = graph.steps.iter().filter(|s| s.layer == layer).collect();
    let outputs = steps.first().map(|s| s.outputs.as_slice());
    let shapes: Vec<String> = outputs
        .unwrap_or_default()
        .iter()
        .map(|v| graph.dims[*v].to_string())
        .collect();
    let shape = match shapes.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    let inputs = steps.iter().flat_map(|s| &s.inputs);
    let connected: Vec<String> = inputs.map(|v| origins[*v].clone()).collect();
    let leaves = handle.leaves();
    let weights: Vec<WeightInfo> = leaves.iter().flat_map(LayerHandle::weights).collect();
    let params: usize = weights.iter().map(WeightInfo::count).sum();
    Row {
        depth,
        layer: format!("{} ({})", handle.name(), handle.class_name()),
        shape,
        params: thousands(params),
        trainable: match (weights.is_empty(), handle.trainable()) {
            (true, _) => "-",
            (false, true) => "Y",
            (false, false) => "N",
        },
        connected: connected.join(", "),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table
            .load_preset(PRESET)
            .set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(length) = self.line_length {
            table.set_width(length);
        }
        let mut header = vec!["Layer (type)", "Output Shape", "Param #"];
        if !self.linear {
            header.push("Connected to");
        }
        if self.show_trainable {
            header.push("Trainable");
        }
        table.set_header(header);
        for row in &self.rows {
            if row.depth > 0 && !self.expand_nested {
                continue;
            }
            let indent = if row.depth > 0 {
                format!("{}└ ", "   ".repeat(row.depth))
            } else {
                String::new()
            };
            let layer = format!("{indent}{}", row.layer);
            let mut cells = vec![layer.as_str(), &row.shape, &row.params];
            if !self.linear {
                cells.push(&row.connected);
            }
            if self.show_trainable {
                cells.push(row.trainable);
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
            writeln!(
                f,
                " {what}: {} ({})",
                thousands(count),
                bytes(count as u64 * 4)
            )?;
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
pub(crate) fn bytes(count: u64) -> String {
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
