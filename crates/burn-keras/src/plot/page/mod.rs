//! The interactive page: one file without network, in which switches change shapes, programs and picture together.

use serde_json::{Value, json};

use super::svg::escape;
use super::unrolled::{self, Recurrence, array_and_batch, is_row, loss_words};
use super::words::counted;
use super::{Plot, STYLE, graph};
use crate::Result;
use crate::dims::Dims;
use crate::layers::LayerHandle;
use crate::models::Model;

const PAGE: &str = include_str!("page.html");
const EXPLORER: &str = include_str!("explorer.html");
const PAGE_STYLE: &str = include_str!("page.css");
const ARITHMETIC: &str = include_str!("arithmetic.js");
const PICTURE: &str = include_str!("picture.js");
const SWITCHES: &str = include_str!("page.js");

/// What the switches begin with where the model does not say.
const TIMESTEPS: usize = 8;
const FEATURES: usize = 16;
const SAMPLES: usize = 1000;
const SERIES: usize = 10_000;

/// The page of a built model.
///
/// # Errors
///
/// [`Error::NotBuilt`](crate::Error::NotBuilt) before the model knows its input shape.
pub(super) fn html(model: &Model, plot: &Plot) -> Result<String> {
    let mut sections = String::new();
    let mut data = Value::Null;
    if let Some(found) = explorer_data(model, plot)? {
        let words = explorer_words(model);
        sections.push_str(&fill(EXPLORER, &[("words", &words)]));
        data = found;
    }
    if is_row(model) {
        let drawn = unrolled::svg(model, plot)?;
        sections.push_str(&section("This model, unrolled over its steps", &drawn));
    }
    sections.push_str(&section("The graph of the model", &graph::svg(model)?));
    let summary = format!(
        "{} with {}.",
        counted(model.layers().len(), "layer"),
        counted(model.count_params()?, "parameter")
    );
    // What stands in a script must not end it.
    let data = data.to_string().replace('<', "\\u003c");
    Ok(fill(
        PAGE,
        &[
            ("title", &escape(model.model_name())),
            ("style", &format!("{STYLE}{PAGE_STYLE}")),
            ("summary", &summary),
            ("sections", &sections),
            ("data", &data),
            ("script", &format!("{ARITHMETIC}\n{PICTURE}\n{SWITCHES}")),
        ],
    ))
}

/// A template with its `{{places}}` filled, in one pass: what is filled in is not looked at again.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let (name, behind) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(n, _)| *n == name);
        filled.push_str(value.map_or("", |(_, v)| *v));
        rest = behind;
    }
    filled + rest
}

fn section(title: &str, svg: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n<div class=\"scroll\">\n{svg}</div>\n</section>\n")
}

fn explorer_words(model: &Model) -> String {
    let begins = match is_row(model) {
        true => "The switches begin with this model's settings.",
        false => {
            "The switches begin with the settings of this model's recurrent layers, put in a row."
        }
    };
    format!(
        "{begins} All recurrent layers here have the same units. Read the picture from the bottom: the array, one batch of \
         it, the layers, the output, and the labels that it is compared with."
    )
}

/// What the page's switches begin with and offer; `None` for a model without recurrent layers.
fn explorer_data(model: &Model, plot: &Plot) -> Result<Option<Value>> {
    let graph = model.graph()?;
    let recurrent: Vec<(Recurrence, &LayerHandle, &Dims)> = graph
        .steps
        .iter()
        .filter_map(|step| {
            let layer = &model.layers()[step.layer];
            let came = &graph.dims[*step.inputs.first()?];
            Some((Recurrence::of(layer)?, layer, came))
        })
        .collect();
    let (Some((first, _, came)), Some((last, layer, _))) = (recurrent.first(), recurrent.last())
    else {
        return Ok(None);
    };
    let (samples, batch) = array_and_batch(model, plot)?;
    let cell = match first.class.as_str() {
        class @ ("GRU" | "SimpleRNN") => class,
        _ => "LSTM",
    };
    let direction = match (first.bidirectional, first.go_backwards) {
        (true, _) => "bidirectional",
        (false, true) => "backward",
        (false, false) => "forward",
    };
    let timesteps = came.axis(1).unwrap_or(TIMESTEPS);
    let units = last.units.unwrap_or(32);
    let layers = recurrent.len().min(4);
    let embedding = graph.steps.first().map(|s| &model.layers()[s.layer]);
    let embedding = embedding.filter(|l| is_row(model) && l.class_name() == "Embedding");
    let embedding = embedding.map(|l| (number(l, "input_dim"), number(l, "output_dim")));
    let head = graph.steps.last().map(|s| &model.layers()[s.layer]);
    let head = head.filter(|l| l.class_name() == "Dense");
    let activation = head.and_then(|l| l.config().get("activation")?.as_str().map(str::to_string));
    let (labels, loss) = loss_words(model);
    let with = |usual: [usize; 3], own: usize| {
        let mut choices = usual.to_vec();
        choices.push(own);
        choices.sort_unstable();
        choices.dedup();
        choices
    };
    Ok(Some(json!({
        "start": {
            "cell": cell,
            "direction": direction,
            "layers": layers,
            "units": units,
            "return_sequences": crate::models::return_sequences(layer) == Some(true),
            "return_state": last.return_state,
            "batch": batch,
            "timesteps": timesteps,
            "source": if plot.series.is_some() { "series" } else { "sequences" },
        },
        "choices": {
            "cell": ["LSTM", "GRU", "SimpleRNN"],
            "direction": ["forward", "backward", "bidirectional"],
            "layers": with([1, 2, 3], layers),
            "units": with([1, 8, 32], units),
            "return_sequences": [false, true],
            "return_state": [false, true],
            "batch": with([1, 32, 64], batch),
            "timesteps": with([3, 8, 31], timesteps),
            "source": ["sequences", "series"],
        },
        "model": {
            "features": came.axis(2).unwrap_or(FEATURES),
            "embedding": embedding.map(|(words, size)| [words, size]),
            "classes": head.map(|l| number(l, "units")),
            "activation": activation.unwrap_or_else(|| "linear".to_string()),
            "loss": loss,
            "labels": labels,
            "samples": samples.unwrap_or(SAMPLES),
            "series": plot.series.unwrap_or(SERIES).max(timesteps.max(31)),
        },
    })))
}

fn number(layer: &LayerHandle, key: &str) -> u64 {
    layer.config().get(key).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let filled = fill("a {{x}} b {{y}} c", &[("x", "{{y}}"), ("y", "1")]);
        assert_eq!(filled, "a {{y}} b 1 c");
    }
}
