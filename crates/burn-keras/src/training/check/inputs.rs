//! The arrays that a model is fed, brought into the form that it takes.

use super::mismatch::Mismatch;
use super::{arrays, same_sizes};
use crate::dims::Dims;
use crate::error::{plural, together};
use crate::layers::{Layer, describe};
use crate::models::reader::{axis_names, place};
use crate::models::{Graph, Model};
use crate::tensor::Kind;
use crate::training::data::Values;
use crate::{Error, Result};

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
                "has {} {}, but {} takes {}, {}; give {}",
                x.len(),
                plural(x.len(), "array"),
                describe(model),
                names.len(),
                together(&names),
                arrays(&names)
            ),
        ));
    }
    same_sizes(name, &x)?;
    if let Some(order) = swapped(graph, &x) {
        return Err(out_of_order(model, graph, name, &x, &order));
    }
    x.into_iter()
        .enumerate()
        .map(|(i, values)| {
            values.check_finite(name)?;
            let values = fit_input(model, graph, i, name, values)?;
            if let Some(range) = model.input_range(i) {
                check_categories(&place_of(model, graph, i), name, &values, range.end)?;
            }
            Ok(values)
        })
        .collect()
}

fn place_of(model: &Model, graph: &Graph, input: usize) -> String {
    place(model, input, &graph.inputs[input].name, graph.inputs.len())
}

/// The shape under which data are read, and how that is told, for data that lack a last axis of 1 or have one too
/// many: Keras adds or removes it silently (`keras/src/models/functional.py`).
fn read_as(shape: &[usize], sample: &Dims) -> Option<(Vec<usize>, &'static str)> {
    let longer = [shape, &[1]].concat();
    if sample.admits(&longer[1..]) {
        let how = if longer.len() == 3 {
            "one number a step"
        } else {
            "one number a sample"
        };
        return Some((longer, how));
    }
    match shape {
        [front @ .., 1] if front.len() > 1 && sample.admits(&front[1..]) => {
            Some((front.to_vec(), "its last axis of 1 left out"))
        }
        _ => None,
    }
}

fn fit_input<'a>(
    model: &Model,
    graph: &Graph,
    input: usize,
    name: &str,
    values: Values<'a>,
) -> Result<Values<'a>> {
    let wanted = &graph.inputs[input].dims;
    let shape = values.shape().to_vec();
    let sample = wanted.tail(1);
    let read = if sample.admits(&shape[1..]) {
        None
    } else {
        let Some(read) = read_as(&shape, &sample) else {
            return Err(Mismatch {
                model,
                input,
                place: place_of(model, graph, input),
                name,
                values: &values,
                wanted,
            }
            .explain());
        };
        Some(read)
    };
    if let Some(fixed) = wanted.axis(0)
        && !shape[0].is_multiple_of(fixed)
    {
        let place = place_of(model, graph, input);
        let names = axis_names(model, input, wanted.rank());
        return Err(odd_batch(&place, name, &shape, wanted, names, fixed));
    }
    let Some((shape, how)) = read else {
        return Ok(values);
    };
    // Another reading, or of numbers that may be categories where they were not before, is news.
    let quantities = values.kind() == Kind::Int && shape.last() == Some(&1);
    let topic = format!("input {input}, {how}, quantities: {quantities}");
    model.notes.say_once(&topic, || {
        let mut text = format!("{name}: {:?} was read as {shape:?}, {how}", values.shape());
        if quantities {
            text += ". Its whole numbers are quantities now, not categories: 2 is twice 1. For categories one-hot encode \
                     them (`to_categorical`), or put an `Embedding` in front";
        }
        text
    });
    values.reshaped(&shape)
}

/// Data whose samples a fixed batch size does not divide.
fn odd_batch(
    place: &str,
    name: &str,
    shape: &[usize],
    wanted: &Dims,
    names: &[&str],
    fixed: usize,
) -> Error {
    let samples = shape[0];
    let whole = samples / fixed * fixed;
    let mut ways = Vec::new();
    if whole > 0 {
        ways.push(format!(
            "leave {} out: `{name}.slice_axis(Axis(0), (..{whole}).into())`",
            samples - whole
        ));
    }
    // The divisor nearest to what was asked for.
    let nearest = (1..=samples)
        .filter(|n| samples.is_multiple_of(*n))
        .min_by_key(|n| n.abs_diff(fixed));
    if let Some(nearest) = nearest {
        ways.push(format!(
            "fix a batch size that divides {samples}, as {nearest}: {:?} in `batch_input_shape`",
            wanted
                .with_first(Some(nearest))
                .to_known()
                .unwrap_or_else(|| vec![nearest])
        ));
    }
    Error::shape(
        place,
        format!(
            "{}, batches of exactly {fixed} samples",
            wanted.named(names)
        ),
        format!(
            "{name} with {}, and {samples} samples do not divide into batches of {fixed}",
            Dims::known(shape).named(names)
        ),
        format!("Every batch must be full: {}.", ways.join(", or ")),
    )
}

/// The order in which the arrays would fit the inputs, if they do not in the one they have and do in exactly one other.
fn swapped(graph: &Graph, x: &[Values<'_>]) -> Option<Vec<usize>> {
    let fits = |input: usize, array: usize| {
        let sample = graph.inputs[input].dims.tail(1);
        let shape = x[array].shape();
        sample.admits(&shape[1..]) || read_as(shape, &sample).is_some()
    };
    if (0..x.len()).all(|i| fits(i, i)) {
        return None;
    }
    let mut order = Vec::new();
    for input in 0..x.len() {
        let mut candidates = (0..x.len()).filter(|array| fits(input, *array));
        match (candidates.next(), candidates.next()) {
            (Some(array), None) if !order.contains(&array) => order.push(array),
            _ => return None,
        }
    }
    Some(order)
}

fn out_of_order(
    model: &Model,
    graph: &Graph,
    name: &str,
    x: &[Values<'_>],
    order: &[usize],
) -> Error {
    let wanted: Vec<String> = graph
        .inputs
        .iter()
        .enumerate()
        .map(|(i, input)| {
            let names = axis_names(model, i, input.dims.rank());
            format!("\"{}\" {}", input.name, input.dims.named(names))
        })
        .collect();
    let given: Vec<String> = x
        .iter()
        .enumerate()
        .map(|(array, values)| {
            let input = order.iter().position(|a| *a == array).unwrap_or(array);
            let dims = values.dims();
            dims.named(axis_names(model, input, dims.rank()))
        })
        .collect();
    let places: Vec<String> = order.iter().map(|a| (a + 1).to_string()).collect();
    let fix = if order.len() == 2 {
        "The two arrays are swapped: give them the other way round.".to_string()
    } else {
        format!(
            "The arrays stand in another order than the inputs: give those that are now number {} in this order.",
            places.join(", ")
        )
    };
    Error::shape(
        describe(model),
        format!("its inputs in this order: {}", wanted.join(", ")),
        format!("{name} with {}", given.join(", ")),
        fix,
    )
}

/// Checks the numbers that an `Embedding` will look up.
fn check_categories(place: &str, name: &str, values: &Values<'_>, categories: usize) -> Result<()> {
    let Some((row, value)) = values.first_outside(categories, None) else {
        return Ok(());
    };
    let fix = if value < 0.0 || value.fract() != 0.0 {
        "code the categories as whole numbers from 0 on".to_string()
    } else {
        let largest = values
            .whole_range()
            .map_or(value as u64, |(_, largest)| largest.unsigned_abs());
        format!(
            "the largest number is {largest}, so its first argument must be at least {0}, as in `Embedding::new({0}, 8)`",
            largest.saturating_add(1)
        )
    };
    Err(Error::data(
        name,
        format!(
            "holds the number {value} in row {row}, but {place} knows {categories} numbers, 0 to {}: {fix}",
            categories.saturating_sub(1)
        ),
    ))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array4};

    use crate::Result;
    use crate::prelude::*;

    #[test]
    fn another_reading_is_told_too_and_the_same_only_once() -> Result<()> {
        let mut model = Sequential::new();
        model.add(Lstm::new(2).input_shape([4, 1]))?;
        model.predict(&Array2::<f32>::zeros((2, 4)))?;
        model.predict(&Array2::<f32>::zeros((3, 4)))?;
        assert_eq!(model.warnings().len(), 1);
        model.predict(&Array2::<i32>::zeros((2, 4)))?;
        model.predict(&Array4::<f32>::zeros((2, 4, 1, 1)))?;
        let told = model.warnings();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[1].contains("quantities"), "{}", told[1]);
        assert!(
            told[2].contains("its last axis of 1 left out"),
            "{}",
            told[2]
        );
        Ok(())
    }
}
