//! Data against the model, before anything runs: shapes with names, sizes that agree, labels that exist.

use super::data::Values;
use crate::dims::Dims;
use crate::error::plural;
use crate::layers::describe;
use crate::losses::Labels;
use crate::models::Model;
use crate::tensor::Kind;
use crate::{Error, Result};

/// The names of the axes of a model's input, as far as its rank tells them.
fn axis_names(rank: usize) -> &'static [&'static str] {
    match rank {
        2 => &["batch", "features"],
        3 => &["batch", "timesteps", "features"],
        _ => &["batch"],
    }
}

/// Brings `x` into the form the model takes.
///
/// # Errors
///
/// [`Error::Data`] for a wrong number of arrays, an empty set, sizes that disagree or a NaN; [`Error::Shape`] for a
/// shape the model does not take.
pub(crate) fn inputs<'a>(model: &Model, name: &str, x: Vec<Values<'a>>) -> Result<Vec<Values<'a>>> {
    let graph = model.graph()?;
    if x.len() != graph.inputs.len() {
        let names: Vec<&str> = graph.inputs.iter().map(|i| i.name.as_str()).collect();
        return Err(Error::data(
            name,
            format!(
                "has {} {}, but {} takes {}: {}",
                x.len(),
                plural(x.len(), "array"),
                describe(model),
                names.len(),
                names.join(", ")
            ),
        ));
    }
    same_sizes(name, &x)?;
    x.into_iter()
        .zip(&graph.inputs)
        .enumerate()
        .map(|(i, (values, input))| {
            values.check_finite(name)?;
            if let Some(range) = crate::layers::Layer::input_range(model, i) {
                check_categories(name, &values, range.end)?;
            }
            let place = if graph.inputs.len() == 1 {
                describe(model)
            } else {
                format!("{}, input \"{}\"", describe(model), input.name)
            };
            fit_input(&place, name, values, &input.dims)
        })
        .collect()
}

/// The number of samples a step takes: the one asked for, else the model's fixed one, else 32.
///
/// # Errors
///
/// [`Error::Argument`] for 0, or another number than the model's fixed one.
pub(crate) fn batch_size(model: &Model, place: &str, asked: Option<usize>) -> Result<usize> {
    let fixed = model.graph()?.inputs.iter().find_map(|i| i.dims.axis(0));
    match (asked, fixed) {
        (Some(0), _) => Err(Error::argument(
            place,
            "batch_size",
            "is 0; it must be at least 1",
        )),
        (Some(asked), Some(fixed)) if asked != fixed => Err(Error::argument(
            place,
            "batch_size",
            format!(
                "is {asked}, but the model's input has the fixed batch size {fixed}; leave it out or give {fixed}"
            ),
        )),
        (asked, fixed) => Ok(asked.or(fixed).unwrap_or(32)),
    }
}

/// The number of samples that all arrays have.
///
/// # Errors
///
/// [`Error::Data`] when there are none, or they disagree.
fn same_sizes(name: &str, arrays: &[Values<'_>]) -> Result<usize> {
    let samples = arrays.first().map_or(0, Values::samples);
    if samples == 0 {
        return Err(Error::data(
            name,
            "holds no samples; there must be at least one",
        ));
    }
    for (i, array) in arrays.iter().enumerate() {
        if array.samples() != samples {
            return Err(Error::data(
                name,
                format!(
                    "array 0 has {samples} samples, but array {i} has {}; all must have the same number",
                    array.samples()
                ),
            ));
        }
    }
    Ok(samples)
}

fn fit_input<'a>(place: &str, name: &str, values: Values<'a>, wanted: &Dims) -> Result<Values<'a>> {
    let shape = values.shape().to_vec();
    let sample = &shape[1..];
    let wanted_sample = wanted.tail(1);
    if let Some(fixed) = wanted.axis(0)
        && !shape[0].is_multiple_of(fixed)
    {
        return Err(Error::data(
            name,
            format!(
                "has {} samples, but {place} was given the fixed batch size {fixed}, which does not divide them; leave \
                 some samples out, or choose another batch size",
                shape[0]
            ),
        ));
    }
    if wanted_sample.admits(sample) {
        return Ok(values);
    }
    // Keras adds or removes a last axis of 1 silently (`keras/src/models/functional.py`); we say so.
    let mut longer = shape.clone();
    longer.push(1);
    if wanted_sample.admits(&longer[1..]) {
        let as_numbers = if values.kind() == Kind::Int {
            " (whole numbers become quantities here, not categories; for categories use Embedding or one-hot)"
        } else {
            ""
        };
        log::info!("{name}: {shape:?} was read as {longer:?}, one number a step{as_numbers}");
        return values.reshaped(&longer);
    }
    if let [front @ .., 1] = shape.as_slice()
        && front.len() > 1
        && wanted_sample.admits(&front[1..])
    {
        log::info!("{name}: {shape:?} was read as {front:?}, its last axis of 1 left out");
        let shorter = front.to_vec();
        return values.reshaped(&shorter);
    }
    Err(input_mismatch(place, name, &shape, wanted))
}

/// Explains why data of `shape` do not fit an input of `wanted`, with what to type.
fn input_mismatch(place: &str, name: &str, shape: &[usize], wanted: &Dims) -> Error {
    let names = axis_names(wanted.rank());
    let needs = wanted.named(names);
    let samples = shape[0];
    let rank = shape.len();
    if wanted.rank() == rank + 1 && wanted.tail(1).admits(shape) {
        let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
        return Error::shape(
            place,
            needs,
            format!(
                "{name} with {}, which looks like a single sample",
                Dims::known(shape)
            ),
            format!(
                "A single sample needs a batch axis too: reshape it to [1, {}], with ndarray `{name}.insert_axis(Axis(0))`.",
                axes.join(", ")
            ),
        );
    }
    if wanted.rank() == 3 && rank == 2 {
        let steps = shape[1];
        let features = wanted.last();
        let same_steps = wanted.axis(1).is_none_or(|t| t == steps);
        let mut fix = String::from("The features axis is missing. ");
        if same_steps {
            fix += &format!(
                "With {name} of shape [{samples}, {steps}] there are three ways to add it:\n\
                 - each step is one number: reshape to [{samples}, {steps}, 1], first layer `.input_shape([{steps}, 1])`;\n\
                 - each step is one of k categories: one-hot encode to [{samples}, {steps}, k], `.input_shape([{steps}, k])`;\n\
                 - the same, learned: `Embedding::new(k, 8).input_shape([{steps}])` as the first layer, {name} as it is."
            );
            if let Some(features) = features {
                fix += &format!("\nThe model as it stands was built for features = {features}.");
            }
        } else {
            fix += &format!(
                "The model reads {needs}; {name} has {steps} values a sample: `[{samples}, {steps}, 1]` if they are {steps} \
                 steps of one number (then `.input_shape([{steps}, 1])`)."
            );
        }
        return Error::shape(
            place,
            format!("3 axes, {needs}"),
            format!("{name} with 2 axes, [batch = {samples}, timesteps = {steps}]"),
            fix,
        );
    }
    let got = Dims::known(shape).named(axis_names(rank));
    let fix = match (wanted.rank(), rank) {
        (3, 3) if wanted.tail(1).admits(&[shape[2], shape[1]]) => format!(
            "timesteps and features are swapped: with ndarray, `{name}.permuted_axes([0, 2, 1])`, or give the first layer \
             `.input_shape([{}, {}])` if the data are right.",
            shape[1], shape[2]
        ),
        (3, 3) => format!(
            "Give the first layer `.input_shape([{}, {}])`, or bring {name} to {needs}.",
            shape[1], shape[2]
        ),
        (want, _) if want > rank => format!(
            "Add {} to {name}, or change `input_shape`.",
            axes(want - rank)
        ),
        (want, _) if want < rank => format!(
            "Take {} away from {name} (reshape), or change `input_shape`, which has no batch axis.",
            axes(rank - want)
        ),
        _ => format!("Bring {name} to {needs}, or change `input_shape`."),
    };
    Error::shape(place, needs, format!("{name} with {got}"), fix)
}

fn axes(count: usize) -> String {
    if count == 1 {
        "one axis".to_string()
    } else {
        format!("{count} axes")
    }
}

/// Brings the labels into the form that the losses take.
///
/// # Errors
///
/// [`Error::Data`] for a wrong number of arrays, sizes that disagree, a NaN, or a class that does not exist;
/// [`Error::Shape`] for labels of another shape than the output's.
pub(crate) fn labels<'a>(
    model: &Model,
    name: &str,
    y: Vec<Values<'a>>,
    x_name: &str,
    samples: usize,
) -> Result<Vec<Values<'a>>> {
    let outputs = model.output_shapes()?;
    let compiled = model.compiled_for("fit")?;
    if y.len() != outputs.len() {
        return Err(Error::data(
            name,
            format!(
                "has {} {}, but {} has {} {}: {}",
                y.len(),
                plural(y.len(), "array"),
                describe(model),
                outputs.len(),
                plural(outputs.len(), "output"),
                model.output_names()?.join(", ")
            ),
        ));
    }
    let found = same_sizes(name, &y)?;
    if found != samples {
        return Err(Error::data(
            name,
            format!(
                "has {found} samples, but {x_name} has {samples}; each sample needs its labels"
            ),
        ));
    }
    let count = outputs.len();
    y.into_iter()
        .zip(&outputs)
        .enumerate()
        .map(|(i, (values, output))| {
            values.check_finite(name)?;
            let (loss, _) = compiled.loss(i, count)?;
            let place = describe(model);
            let form = loss.labels_for(&values.dims(), output);
            let ignored = loss.ignored_class();
            let values =
                match needed_shape(&place, name, &values, output, loss.name(), form, ignored)? {
                    Some(shape) => values.reshaped(&shape)?,
                    None => values,
                };
            for spec in compiled.metrics.iter().chain(&compiled.weighted_metrics) {
                let metric = spec.resolve(&values.dims(), output)?;
                needed_shape(
                    &place,
                    name,
                    &values,
                    output,
                    metric.name(),
                    metric.labels(),
                    ignored,
                )?;
            }
            Ok(values)
        })
        .collect()
}

/// The shape that labels must be given to fit an output for a loss or a metric; `None` when they have it already.
///
/// # Errors
///
/// [`Error::Shape`] when they cannot fit; [`Error::Data`] for a class that does not exist.
fn needed_shape(
    place: &str,
    name: &str,
    values: &Values<'_>,
    output: &Dims,
    user: &str,
    labels: Labels,
    ignored: Option<i64>,
) -> Result<Option<Vec<usize>>> {
    if labels == Labels::Any {
        return Ok(None);
    }
    let shape = values.shape().to_vec();
    let sample = &shape[1..];
    let wanted = output.tail(1);
    let without_last = Dims::new(
        wanted
            .axes()
            .split_last()
            .map(|(_, front)| front.to_vec())
            .unwrap_or_default(),
    );
    if labels == Labels::ClassNumber {
        let class_axis =
            matches!(sample, [.., 1]) && without_last.admits(&sample[..sample.len() - 1]);
        if without_last.admits(sample) || class_axis {
            check_classes(name, values, output.last(), ignored)?;
            return Ok(None);
        }
    } else if wanted.admits(sample) {
        return Ok(None);
    } else if wanted.last() == Some(1) && without_last.admits(sample) {
        let mut longer = shape;
        longer.push(1);
        return Ok(Some(longer));
    }

    let classes = output
        .last()
        .map_or("classes".to_string(), |n| n.to_string());
    let given = sample.last().copied().unwrap_or(1);
    let needs = match labels {
        Labels::ClassNumber => format!(
            "labels that are the number of the class, of shape {} for its output {output} and {user}",
            without_last.with_batch(None)
        ),
        _ => format!("labels of the shape of its output, {output}, for {user}"),
    };
    let fix = if labels == Labels::ClassNumber && wanted.admits(sample) {
        "These labels are one-hot: use \"categorical_crossentropy\" and \"accuracy\", or make them class numbers (the \
         position of the 1)."
            .to_string()
    } else if labels == Labels::OneHot && (without_last.admits(sample) || matches!(sample, [1])) {
        format!(
            "These labels look like class numbers: use \"sparse_categorical_crossentropy\" and \"accuracy\", or one-hot \
             encode them to [{}, {classes}].",
            shape[0]
        )
    } else if output.rank() == 3 && sample.len() < 2 {
        format!(
            "The output has a time axis, the labels have none: leave `return_sequences` off in the last recurrent layer \
             for one label a sequence, or give a label for every step, {output}."
        )
    } else if output.last() != Some(given) {
        format!(
            "The last layer has {classes} outputs, the labels have {given}: make it `Dense::new({given})`."
        )
    } else {
        format!("Bring {name} to that shape, or change the last layer.")
    };
    Err(Error::shape(
        place,
        needs,
        format!("{name} of shape {}", Dims::known(&shape)),
        fix,
    ))
}

fn check_classes(
    name: &str,
    values: &Values<'_>,
    classes: Option<usize>,
    ignored: Option<i64>,
) -> Result<()> {
    let Some(classes) = classes else {
        return Ok(());
    };
    match values.first_outside(classes, ignored) {
        None => Ok(()),
        Some((row, value)) => Err(Error::data(
            name,
            format!(
                "holds the class {value} in row {row}, but the output has {classes} classes, 0 to {}; number the classes \
                 in whole numbers from 0, or make the last layer wider",
                classes.saturating_sub(1)
            ),
        )),
    }
}

/// Checks the numbers that an `Embedding` will look up.
fn check_categories(name: &str, values: &Values<'_>, categories: usize) -> Result<()> {
    match values.first_outside(categories, None) {
        None => Ok(()),
        Some((row, value)) => {
            let fix = if value < 0.0 || value.fract() != 0.0 {
                "code the categories as whole numbers from 0 on".to_string()
            } else {
                format!(
                    "its first argument must be larger than the largest number, as in `Embedding::new({}, 8)`",
                    value as u64 + 1
                )
            };
            Err(Error::data(
                name,
                format!(
                    "holds the number {value} in row {row}, but the Embedding knows {categories} numbers, 0 to {}: {fix}",
                    categories.saturating_sub(1)
                ),
            ))
        }
    }
}
