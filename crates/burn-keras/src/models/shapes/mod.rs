//! What goes into each layer and what comes out, in words.

mod labels;
mod why;

use std::fmt;

use super::Model;
use super::reader::axis_names;
use crate::Result;
use crate::dims::{self, Dims};
use crate::layers::LayerHandle;
use crate::training::check_inputs;
use crate::training::data::{IntoData, Values};

/// The shapes on the way through a model, with the reasons; made by [`Model::shapes`], shown with `{}`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(10).input_shape([16]))?;
/// println!("{}", model.shapes()?);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shapes {
    inputs: Vec<String>,
    rows: Vec<Row>,
    /// What the labels of each output have to be.
    labels: Vec<String>,
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
                let names = axis_names(self, i, input.dims.rank());
                format!("{}: {}", input.name, input.dims.named(names))
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
            labels: self.labels_in_words()?,
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
                let several = before.len() > 1;
                let lines = before
                    .iter()
                    .zip(&fitted)
                    .enumerate()
                    .map(|(i, (now, fitted))| {
                        let name = if several {
                            format!("Array {} of x", i + 1)
                        } else {
                            "x".to_string()
                        };
                        compare(
                            &name,
                            now,
                            fitted,
                            axis_names(self, i, fitted.shape().len()),
                        )
                    });
                lines.collect::<Vec<_>>().join("\n")
            }
            Err(problem) => problem.to_string(),
        });
        Ok(shapes)
    }
}

fn compare(name: &str, now: &[usize], fitted: &Values<'_>, axes: &[&str]) -> String {
    let words = fitted.dims().named(axes);
    if now == fitted.shape() {
        format!("{name} is {now:?}, that is {words}: it fits as it is")
    } else {
        // Of several arrays it is not known what the program calls them.
        let variable = if name == "x" { "x" } else { "array" };
        format!(
            "{name} is {now:?}: it is read as {words}; to say so in the program: \
             `let {variable} = {variable}.into_shape_with_order({:?}).unwrap();`",
            fitted.shape()
        )
    }
}

fn all_named(dims: &[Dims], categories: bool) -> String {
    let named = |d: &Dims| d.named(dims::axis_names(d.rank(), categories));
    let shapes: Vec<String> = dims.iter().map(named).collect();
    shapes.join(" and ")
}

fn row(layer: &LayerHandle, inputs: &[Dims], outputs: &[Dims]) -> Row {
    let class_name = layer.class_name();
    Row {
        layer: format!("{} ({class_name})", layer.name()),
        takes: all_named(inputs, class_name == "Embedding"),
        gives: all_named(outputs, false),
        why: why::why(layer, &class_name, inputs, outputs),
    }
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
        for labels in &self.labels {
            write!(f, "\n\n{labels}")?;
        }
        if let Some(data) = &self.data {
            write!(f, "\n\n{data}")?;
        }
        Ok(())
    }
}
