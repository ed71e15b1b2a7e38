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
    let front = output.axes().split_last().map(|(_, front)| front.to_vec());
    let numbers = Dims::new(front.unwrap_or_default());
    format!(
        "compared with the output, {}\n    for most losses they have its shape; for sparse_categorical_crossentropy they \
         are the numbers of the classes, {}",
        labels_named(output, "outputs"),
        numbers_named(&numbers),
    )
}

/// Labels for a loss.
fn with_loss(output: &Dims, loss: &str, labels: Labels) -> String {
    let classes = output.last().unwrap_or_default();
    match labels {
        Labels::OneHot => format!(
            "one-hot for {loss}: {}\n    class numbers y become that by `to_categorical(&y, {classes})?`, or stay as they are \
             with sparse_categorical_crossentropy",
            labels_named(output, "classes")
        ),
        Labels::ClassNumber => {
            let front = output.axes().split_last().map(|(_, front)| front.to_vec());
            format!(
                "the numbers of the classes, 0 to {}, for {loss}: {}",
                classes.saturating_sub(1),
                numbers_named(&Dims::new(front.unwrap_or_default()))
            )
        }
        Labels::SameShape if output.last() == Some(1) => format!(
            "of the shape of the output for {loss}: {}; the last axis may be left out",
            labels_named(output, "outputs")
        ),
        Labels::SameShape => format!(
            "of the shape of the output for {loss}: {}",
            labels_named(output, "outputs")
        ),
        Labels::Any => format!("read by {loss} in a form of its own; see there"),
    }
}

fn labels_named(dims: &Dims, last: &str) -> String {
    match dims.rank() {
        2 => dims.named(&["batch", last]),
        3 => dims.named(&["batch", "timesteps", last]),
        _ => dims.named(&["batch"]),
    }
}

/// One class number for each sample, or for each of its steps.
fn numbers_named(dims: &Dims) -> String {
    dims.named(&["batch", "timesteps"])
}
