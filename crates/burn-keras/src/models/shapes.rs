//! What goes into each layer and what comes out, in words.

use std::fmt;

use serde_json::Value;

use super::Model;
use super::graph::Graph;
use crate::Result;
use crate::dims::Dims;
use crate::layers::LayerHandle;
use crate::training::check_inputs;
use crate::training::data::{IntoData, Values};

/// The shapes on the way through a model, with the reasons; made by [`Model::shapes`], shown with `{}`.
#[derive(Clone, Debug)]
pub struct Shapes {
    inputs: Vec<String>,
    rows: Vec<Row>,
    data: Option<String>,
}

#[derive(Clone, Debug)]
struct Row {
    layer: String,
    takes: String,
    gives: String,
    why: Vec<String>,
}

impl Model {
    /// What goes into each layer, what comes out, and why.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Lstm::new(32).input_shape([8, 16]))?;
    /// let text = model.shapes()?.to_string();
    /// assert!(text.contains("[batch, timesteps = 8, features = 16]"), "{text}");
    /// assert!(text.contains("only the last step's output"), "{text}");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`](crate::Error::NotBuilt) before the model knows its input shape.
    pub fn shapes(&self) -> Result<Shapes> {
        let graph = self.graph()?;
        let inputs = graph
            .inputs
            .iter()
            .enumerate()
            .map(|(i, input)| {
                format!(
                    "{}: {}",
                    input.name,
                    named(&input.dims, takes_categories(self, graph, i))
                )
            })
            .collect();
        let rows = graph
            .steps
            .iter()
            .map(|step| {
                let layer = &self.layers[step.layer];
                let shapes = |values: &[usize]| -> Vec<Dims> {
                    values.iter().map(|v| graph.dims[*v].clone()).collect()
                };
                row(layer, &shapes(&step.inputs), &shapes(&step.outputs))
            })
            .collect();
        Ok(Shapes {
            inputs,
            rows,
            data: None,
        })
    }

    /// The same, and what `x` is beside it: whether it fits, or what it would have to become, ready to paste.
    ///
    /// # Errors
    ///
    /// As [`Model::shapes`]; data that don't fit are no error here but explained.
    pub fn shapes_with<'a>(&self, x: impl IntoData<'a>) -> Result<Shapes> {
        let mut shapes = self.shapes()?;
        let x = x.into_data()?;
        let before: Vec<Vec<usize>> = x.iter().map(|a| a.shape().to_vec()).collect();
        shapes.data = Some(match check_inputs(self, "x", x) {
            Ok(fitted) => {
                let lines = before
                    .iter()
                    .zip(&fitted)
                    .map(|(now, fitted)| compare(now, fitted));
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(problem) => problem.to_string(),
        });
        Ok(shapes)
    }
}

fn compare(now: &[usize], fitted: &Values<'_>) -> String {
    if now == fitted.shape() {
        format!("x is {now:?}: it fits as it is")
    } else {
        format!(
            "x is {now:?}: it is read as {:?}; `x.into_shape_with_order({:?})` says so in the program",
            fitted.shape(),
            fitted.shape()
        )
    }
}

/// Whether an input is looked up by an Embedding.
fn takes_categories(model: &Model, graph: &Graph, input: usize) -> bool {
    graph
        .steps
        .iter()
        .any(|s| s.inputs.contains(&input) && model.layers[s.layer].class_name() == "Embedding")
}

/// A shape with the names of its axes.
fn named(dims: &Dims, categories: bool) -> String {
    let names: &[&str] = match (dims.rank(), categories) {
        (2, true) => &["batch", "timesteps"],
        (2, false) => &["batch", "features"],
        (3, _) => &["batch", "timesteps", "features"],
        _ => &["batch"],
    };
    dims.named(names)
}

fn all_named(dims: &[Dims], categories: bool) -> String {
    let shapes: Vec<String> = dims.iter().map(|d| named(d, categories)).collect();
    shapes.join(" and ")
}

fn row(layer: &LayerHandle, inputs: &[Dims], outputs: &[Dims]) -> Row {
    let class_name = layer.class_name();
    Row {
        layer: format!("{} ({class_name})", layer.name()),
        takes: all_named(inputs, class_name == "Embedding"),
        gives: all_named(outputs, false),
        why: why(layer, &class_name, inputs, outputs),
    }
}

/// Why the outputs have the shapes they have.
fn why(layer: &LayerHandle, class_name: &str, inputs: &[Dims], outputs: &[Dims]) -> Vec<String> {
    let config = Value::Object(layer.config());
    let number = |key: &str| config.get(key).map(Value::to_string).unwrap_or_default();
    let (Some(input), Some(output)) = (inputs.first(), outputs.first()) else {
        return Vec::new();
    };
    match class_name {
        "LSTM" | "GRU" | "SimpleRNN" => recurrent(&config, output),
        "Bidirectional" => {
            let inner = config.pointer("/layer/config").unwrap_or(&Value::Null);
            let mut why = recurrent(inner, output);
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
        _ => match layer.read().inner_layers() {
            Some(inner) => vec![format!("a model of {} layers", inner.len())],
            None if input == output => vec!["the shape stays".to_string()],
            None => Vec::new(),
        },
    }
}

fn recurrent(config: &Value, output: &Dims) -> Vec<String> {
    let on = |key: &str| config.get(key).and_then(Value::as_bool).unwrap_or(false);
    let units = config
        .get("units")
        .map(|u| format!(" of units = {u}"))
        .unwrap_or_default();
    let mut why = vec![if on("return_sequences") {
        format!("return_sequences is on: every step's output{units} comes out")
    } else {
        format!(
            "return_sequences is off: only the last step's output{units} comes out, the timesteps are gone"
        )
    }];
    if on("return_state") {
        let size = output
            .last()
            .map_or(String::new(), |n| format!(", {n} numbers each"));
        why.push(format!(
            "return_state is on: the last states come out too{size}"
        ));
    }
    if on("go_backwards") {
        why.push("go_backwards is on: the last step is read first".to_string());
    }
    why
}

impl fmt::Display for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for input in &self.inputs {
            writeln!(f, "The model takes {input}")?;
        }
        for row in &self.rows {
            write!(
                f,
                "\n{}\n  takes {}\n  gives {}",
                row.layer, row.takes, row.gives
            )?;
            for why in &row.why {
                write!(f, "\n    {why}")?;
            }
        }
        if let Some(data) = &self.data {
            write!(f, "\n\n{data}")?;
        }
        Ok(())
    }
}
