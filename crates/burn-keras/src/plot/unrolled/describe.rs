//! What the picture says, out of a model.

use super::data::{array, input_card};
use super::recurrence::{Recurrence, shortened};
use super::shapes::{batched, named, plain, steps};
use super::{Cells, Kind, Lines, Row, Stack, VECTOR};
use crate::dims::Dims;
use crate::error::together;
use crate::layers::{LayerHandle, describe as describe_layer};
use crate::losses::Labels;
use crate::models::{Graph, Model, Step, StepMasks, code, return_sequences};
use crate::plot::Plot;
use crate::plot::words::{class_text, counted, settings, shape_text_of};
use crate::{Error, Result};

/// Keras' batch size where none is given.
const BATCH: usize = 32;

/// Whether the layers of a model stand in a row with a recurrent one among them, so that the picture can be drawn.
pub(in crate::plot) fn is_row(model: &Model) -> bool {
    model
        .graph()
        .is_ok_and(|graph| check_row(model, graph).is_ok())
}

fn check_row(model: &Model, graph: &Graph) -> Result<()> {
    let mut before = 0;
    let in_a_row = graph.steps.iter().all(|step| {
        let follows = step.inputs == [before] && matches!(step.masks, StepMasks::Implicit);
        before = step.outputs.first().copied().unwrap_or(usize::MAX);
        follows
    });
    let refused = if graph.inputs.len() != 1 || !in_a_row || graph.outputs.first() != Some(&before)
    {
        "its layers do not stand in a row"
    } else if !model.layers().iter().any(|l| Recurrence::of(l).is_some()) {
        "it has no recurrent layer"
    } else {
        return Ok(());
    };
    Err(Error::Model(format!(
        "{} has no unrolled picture, since {refused}: draw its graph with `Plot::new().graph()`",
        describe_layer(model)
    )))
}

/// Describes a built model of layers in a row.
pub(super) fn describe(model: &Model, plot: &Plot) -> Result<Stack> {
    let graph = model.graph()?;
    check_row(model, graph)?;
    let (samples, batch) = array_and_batch(model, plot)?;
    let dims = |value: usize| batched(&graph.dims[value], batch);
    let input = dims(0);
    let categories = graph
        .steps
        .first()
        .is_some_and(|s| model.layers()[s.layer].class_name() == "Embedding");
    let rows: Vec<Row> = graph
        .steps
        .iter()
        .map(|step| {
            let layer = &model.layers()[step.layer];
            let came = step.inputs.first().map(|v| dims(*v)).unwrap_or_default();
            let gone: Vec<Dims> = step.outputs.iter().map(|v| dims(*v)).collect();
            row(layer, step, graph, &came, &gone)
        })
        .collect();
    let output = graph.outputs.first().map(|v| dims(*v)).unwrap_or_default();
    let mut outputs: Lines = vec![("output-text", format!("output: {}", named(&output)))];
    outputs.extend(state_outputs(model, graph, batch));
    let (labels, loss) = loss_words(model);
    // Of class numbers `[batch, timesteps]` the second axis are the steps.
    let (shape, steps) = match labels {
        "class numbers" => (Labels::ClassNumber.dims(&output), output.rank() == 3),
        _ => (output, false),
    };
    let shape = shape_text_of(&shape, steps);
    let mut stack = Stack {
        title: format!("The model {}, unrolled over its steps", model.model_name()),
        description: String::new(),
        array: array(&input, categories, samples, batch, plot.series),
        input: input_card(&input, categories),
        rows,
        output: outputs,
        labels: vec![("label-text", format!("labels: {shape}, {labels}"))],
        loss: [loss, "compares them".to_string()],
    };
    stack.description = in_words(&stack);
    Ok(stack)
}

/// How many sequences the array has, if that was told, and the size of a batch.
pub(in crate::plot) fn array_and_batch(
    model: &Model,
    plot: &Plot,
) -> Result<(Option<usize>, usize)> {
    let fixed = model.input_shapes()?.first().and_then(|d| d.axis(0));
    Ok((plot.samples, fixed.or(plot.batch_size).unwrap_or(BATCH)))
}

/// What the labels look like, and the name of the loss.
pub(in crate::plot) fn loss_words(model: &Model) -> (&'static str, String) {
    match model.compiled.as_ref().and_then(|c| c.losses.first()) {
        None => ("as the output", "the loss".to_string()),
        Some(loss) => {
            let labels = match loss.labels() {
                Labels::OneHot => "one-hot",
                Labels::ClassNumber => "class numbers",
                Labels::SameShape => "as the output",
                Labels::Any => "in the form that the loss wants",
            };
            (labels, loss.name().to_string())
        }
    }
}

fn row(layer: &LayerHandle, step: &Step, graph: &Graph, came: &Dims, gone: &[Dims]) -> Row {
    let first = gone.first().cloned().unwrap_or_default();
    let count: usize = layer.leaves().iter().map(LayerHandle::count_params).sum();
    let mut row = Row {
        name: layer.name(),
        params: counted(count, "parameter"),
        lines: vec![(
            "code",
            code(layer).unwrap_or_else(|| class_and_settings(layer)),
        )],
        kind: Kind::Whole,
        cell: String::new(),
        steps_in: steps(came),
        steps_out: steps(&first),
    };
    let gives = format!("gives {}", named(&first));
    if let Some(recurrence) = Recurrence::of(layer) {
        let sequences = return_sequences(layer) == Some(true);
        row.lines
            .extend(recurrent_lines(&recurrence, gives, sequences, gone));
        row.cell = recurrence.label();
        row.kind = Kind::Cells(Cells {
            states: recurrence.states().iter().rev().copied().collect(),
            directions: recurrence.directions(),
            start: if recurrence.stateful { "kept" } else { "0" },
            merge: if recurrence.bidirectional {
                recurrence.merge.clone()
            } else {
                String::new()
            },
            flip: sequences && recurrence.go_backwards && !recurrence.bidirectional,
            returned: step.outputs[1..].iter().any(|v| graph.outputs.contains(v)),
        });
        return row;
    }
    let class = layer.class_name();
    if class == "Embedding" && came.rank() == 2 {
        row.steps_in = row.steps_out;
    }
    let mut every = "";
    if row.steps_in == row.steps_out && row.steps_in != VECTOR && at_every_step(&class) {
        row.kind = Kind::Each;
        row.cell = match class.as_str() {
            "BatchNormalization" => "BatchNorm".to_string(),
            "LayerNormalization" => "LayerNorm".to_string(),
            class => shortened(class, 9),
        };
        if matches!(class.as_str(), "Dense" | "TimeDistributed") {
            every = ": the same weights at every step";
        }
    }
    row.lines.push(("data-text", gives + every));
    row
}

/// What a layer is where it is not known how a program makes it.
fn class_and_settings(layer: &LayerHandle) -> String {
    let (class, settings) = (class_text(layer), settings(layer));
    match settings.is_empty() {
        true => class,
        false => format!("{class} · {settings}"),
    }
}

fn recurrent_lines(r: &Recurrence, gives: String, sequences: bool, gone: &[Dims]) -> Lines {
    let kept = match (sequences, r.go_backwards && !r.bidirectional) {
        (true, _) => "every step's output",
        (false, false) => "only the last step's output",
        (false, true) => "only the output after step 0",
    };
    let mut lines: Lines = vec![("data-text", format!("{gives}: {kept}"))];
    if r.bidirectional {
        let merged = match r.merge.split(':').next() {
            Some("concat") => "their outputs stand side by side".to_string(),
            Some("both outputs") => "both outputs come out".to_string(),
            mode => format!("their outputs become one by {}", mode.unwrap_or_default()),
        };
        lines.push((
            "small",
            format!("one reads forward, one backward; {merged}"),
        ));
    } else if r.go_backwards {
        let order = match sequences {
            true => "; the outputs come in that order",
            false => "",
        };
        lines.push(("small", format!("reads the last step first{order}")));
    }
    if r.return_state
        && let Some(state) = gone.last()
    {
        let names: Vec<String> = r.states().iter().map(|s| (*s).to_string()).collect();
        let (whose, times) = match r.bidirectional {
            true => (" of both directions", 2),
            false => ("", 1),
        };
        let each = if names.len() * times > 1 { " each" } else { "" };
        lines.push((
            "state-text",
            format!(
                "return_state adds {}{whose}, {}{each}",
                together(&names),
                plain(state)
            ),
        ));
    }
    lines
}

/// Layers that treat each step by itself.
fn at_every_step(class: &str) -> bool {
    const CLASSES: [&str; 18] = [
        "Activation",
        "ActivityRegularization",
        "BatchNormalization",
        "Dense",
        "Dropout",
        "ELU",
        "Embedding",
        "GaussianNoise",
        "Identity",
        "LayerNormalization",
        "LeakyReLU",
        "Masking",
        "Normalization",
        "PReLU",
        "ReLU",
        "Rescaling",
        "SpatialDropout1D",
        "TimeDistributed",
    ];
    CLASSES.contains(&class)
}

/// The states that the model puts out, in a line for each size.
fn state_outputs(model: &Model, graph: &Graph, batch: usize) -> Lines {
    let mut sizes: Vec<(Dims, Vec<String>)> = Vec::new();
    for value in graph.outputs.iter().skip(1) {
        let made = graph.steps.iter().find_map(|step| {
            let place = step.outputs.iter().position(|v| v == value)?;
            let names = model.layers()[step.layer].read().output_names();
            names.get(place).map(|n| (*n).to_string())
        });
        let dims = batched(&graph.dims[*value], batch);
        let name = made.unwrap_or_else(|| "output".to_string());
        match sizes.iter_mut().find(|(d, _)| *d == dims) {
            Some((_, names)) => names.push(name),
            None => sizes.push((dims, vec![name])),
        }
    }
    let line = |(dims, names): (Dims, Vec<String>)| {
        let each = if names.len() > 1 { " each" } else { "" };
        let text = format!("{}: {}{each}", together(&names), plain(&dims));
        ("state-text", text)
    };
    sizes.into_iter().map(line).collect()
}

/// The picture in sentences, for those who can't see it.
fn in_words(stack: &Stack) -> String {
    let words = |lines: &Lines| {
        let texts: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        texts.join("; ")
    };
    let mut parts = vec![words(&stack.array.lines), words(&stack.input.lines)];
    let row = |row: &Row| format!("{}: {}", row.name, words(&row.lines));
    parts.extend(stack.rows.iter().map(row));
    parts.push(words(&stack.output));
    parts.push(words(&stack.labels));
    format!("From the bottom up. {}.", parts.join(". "))
}
