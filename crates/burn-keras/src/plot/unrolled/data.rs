//! The array and the batch at the bottom of the unrolled picture.

use super::shapes::{named_axes, size, steps};
use super::{ArrayBar, InputCard, UNKNOWN, VECTOR};
use crate::dims::Dims;
use crate::models::thousands;
use crate::plot::words::axis_name;

/// The whole array: sequences, or one long series that is cut into windows.
pub(super) fn array(
    input: &Dims,
    categories: bool,
    samples: Option<usize>,
    batch: usize,
    series: Option<usize>,
) -> ArrayBar {
    let steps = input.axis(1);
    let known = |size: Option<usize>, name: &str| size.map_or(name.to_string(), |n| n.to_string());
    let each: Vec<String> = (1..input.rank())
        .map(|i| known(input.axis(i), &axis_name(i, input.rank(), categories)))
        .collect();
    let joined = |front: &[String], each: &[String]| {
        let all: Vec<&str> = front.iter().chain(each).map(String::as_str).collect();
        format!("[{}]", all.join(", "))
    };
    if let (Some(length), Some(steps)) = (series, steps)
        && length >= steps
    {
        let windows = length - steps + 1;
        let features = each.get(1..).unwrap_or_default();
        return ArrayBar {
            series: true,
            lines: vec![
                (
                    "text",
                    format!(
                        "one long series of {} steps: {}",
                        thousands(length),
                        joined(&[length.to_string()], features)
                    ),
                ),
                (
                    "small",
                    format!(
                        "windows of {steps}, one step apart: {} sequences, {}",
                        thousands(windows),
                        joined(&[windows.to_string()], &each)
                    ),
                ),
                ("small", batches(windows, batch)),
            ],
        };
    }
    let lines = match samples {
        Some(samples) => vec![
            (
                "text",
                format!(
                    "your array of {} sequences: {}",
                    thousands(samples),
                    joined(&[samples.to_string()], &each)
                ),
            ),
            ("small", batches(samples, batch)),
        ],
        None => vec![
            (
                "text",
                format!("your array: {}", joined(&["samples".to_string()], &each)),
            ),
            ("small", format!("cut into batches of {batch}")),
        ],
    };
    ArrayBar {
        series: false,
        lines,
    }
}

fn batches(samples: usize, batch: usize) -> String {
    let batch = batch.max(1);
    let (full, rest) = (samples / batch, samples % batch);
    let count = full + usize::from(rest > 0);
    let last = match rest > 0 && full > 0 {
        true => format!(", the last one of {rest}"),
        false => String::new(),
    };
    let word = if count == 1 { "batch" } else { "batches" };
    format!("{} {word} of {batch}{last}", thousands(count))
}

/// One batch of it.
pub(super) fn input_card(input: &Dims, categories: bool) -> InputCard {
    let numbers = if categories { ", whole numbers" } else { "" };
    let values = input.axes().iter().skip(2).copied().flatten().product();
    let steps = match (input.rank(), categories) {
        (2, true) => input.axis(1).map_or(UNKNOWN, size),
        _ => steps(input),
    };
    let features = match (categories, steps) {
        (true, _) => ["one".to_string(), "number".to_string()],
        (_, VECTOR) => axis_words("features", input.axis(1)),
        _ => axis_words("features", input.axis(2)),
    };
    InputCard {
        lines: vec![(
            "data-text",
            format!("one batch: {}{numbers}", named_axes(input, categories)),
        )],
        steps,
        values: if categories {
            1
        } else if steps == VECTOR {
            input.axis(1).unwrap_or(4)
        } else if input.axis(2).is_none() {
            4
        } else {
            values
        },
        left: features,
        right: axis_words("batch", input.axis(0)),
    }
}

fn axis_words(name: &str, size: Option<usize>) -> [String; 2] {
    let size = size.map_or("any number".to_string(), |n| format!("= {n}"));
    [name.to_string(), size]
}
