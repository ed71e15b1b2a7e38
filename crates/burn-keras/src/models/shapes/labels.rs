//! What the labels of a model have to be, for its losses.

use crate::Result;
use crate::dims::Dims;
use crate::losses::Labels;
use crate::models::Model;

impl Model {
    /// For each output what the labels have to be.
    pub(super) fn labels_in_words(&self) -> Result<Vec<String>> {
        let outputs = self.output_shapes()?;
        let names = self.output_names()?;
        let count = outputs.len();
        outputs
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(i, (output, name))| {
                let of = if count > 1 {
                    format!(" of {name}")
                } else {
                    String::new()
                };
                let what = match &self.compiled {
                    None => without_loss(output),
                    Some(compiled) => {
                        let (loss, _) = compiled.loss(i, count)?;
                        with_loss(output, loss.name(), loss.labels())
                    }
                };
                let steps = match self.sequence_maker(i) {
                    Some(layer) if output.rank() == 3 => format!(
                        "\n    one label for every step, since return_sequences is on in {}",
                        layer.name()
                    ),
                    _ => String::new(),
                };
                Ok(format!("The labels{of} are {what}{steps}"))
            })
            .collect()
    }
}

/// Labels of a model that is not compiled.
fn without_loss(output: &Dims) -> String {
    format!(
        "compared with the output, {}\n    for most losses they have its shape; for sparse_categorical_crossentropy they \
         are the numbers of the classes, {}",
        named(Labels::SameShape, output),
        named(Labels::ClassNumber, output),
    )
}

/// Labels for a loss.
fn with_loss(output: &Dims, loss: &str, labels: Labels) -> String {
    let classes = output.last().unwrap_or_default();
    let shape = named(labels, output);
    match labels {
        Labels::OneHot => format!(
            "one-hot for {loss}: {shape}\n    class numbers y become that by `to_categorical(&y, {classes})?`, or stay as \
             they are with sparse_categorical_crossentropy"
        ),
        Labels::ClassNumber => format!(
            "the numbers of the classes, 0 to {}, for {loss}: {shape}",
            classes.saturating_sub(1)
        ),
        Labels::SameShape if output.last() == Some(1) => {
            format!("of the shape of the output for {loss}: {shape}; the last axis may be left out")
        }
        Labels::SameShape => format!("of the shape of the output for {loss}: {shape}"),
        Labels::Any => format!("read by {loss} in a form of its own; see there"),
    }
}

fn named(labels: Labels, output: &Dims) -> String {
    labels.named(&labels.dims(output), output)
}
