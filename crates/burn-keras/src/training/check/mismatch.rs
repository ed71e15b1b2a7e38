//! Why data do not fit a model's input, and what to type.

use crate::Error;
use crate::dims::Dims;
use crate::layers::ThreeWays;
use crate::models::Model;
use crate::models::reader::{axis_names, code, declared, embedded, reader};
use crate::training::data::Values;

/// Data that do not fit an input.
pub(super) struct Mismatch<'a, 'b> {
    pub model: &'a Model,
    pub input: usize,
    /// The layer that reads the input.
    pub place: String,
    /// What the program calls the data: `x`.
    pub name: &'a str,
    pub values: &'a Values<'b>,
    /// What the input takes, batch axis included.
    pub wanted: &'a Dims,
}

impl Mismatch<'_, '_> {
    pub fn explain(&self) -> Error {
        let shape = self.values.shape();
        let rank = shape.len();
        if self.wanted.rank() == rank + 1 && self.wanted.tail(1).admits(shape) {
            return self.without_batch(shape);
        }
        match (self.wanted.rank(), shape) {
            (3, &[samples, steps]) => self.without_features(samples, steps),
            (3, [samples]) => self.error(
                format!("1 axis, [batch = {samples}]"),
                self.one_series(*samples),
            ),
            (3, &[_, steps, features]) => self.other_sizes(steps, features),
            (2, &[_, steps, features]) => self.with_timesteps(steps, features),
            (3, &[several, samples, steps, features])
                if self.wanted.tail(1).admits(&[steps, features]) =>
            {
                self.error(
                    format!("4 axes, {shape:?}"),
                    format!(
                        "The last two axes fit. Make one of the first two: \
                         `{}.into_shape_with_order([{}, {steps}, {features}]).unwrap()`.",
                        self.name,
                        several.saturating_mul(samples)
                    ),
                )
            }
            (want, _) => {
                let names = axis_names(self.model, self.input, want);
                let given = self.values.dims();
                let words = if rank == want {
                    given.named(names)
                } else {
                    given.named(&["batch"])
                };
                let fix = format!(
                    "Bring {} to {}, or declare what it is: {}.",
                    self.name,
                    self.needs(),
                    self.declared(&given.tail(1))
                );
                self.error(format!("{rank} {}, {words}", axes(rank)), fix)
            }
        }
    }

    fn needs(&self) -> String {
        self.wanted
            .named(axis_names(self.model, self.input, self.wanted.rank()))
    }

    fn declared(&self, sample: &Dims) -> String {
        declared(self.model, &code(sample))
    }

    fn error(&self, got: String, fix: String) -> Error {
        let rank = self.wanted.rank();
        Error::shape(
            &self.place,
            format!("{rank} {}, {}", axes(rank), self.needs()),
            format!("{} with {got}", self.name),
            fix,
        )
    }

    /// The data have the shape of one sample: either they are one, or the number of samples stands in `input_shape`.
    fn without_batch(&self, shape: &[usize]) -> Error {
        let (name, first) = (self.name, shape[0]);
        let mut sample = shape[1..].to_vec();
        let mut reshape = String::new();
        // A number each, or a matrix for a layer that reads sequences: they lack their features, too.
        if sample.is_empty() {
            sample.push(1);
        } else if self.wanted.rank() == 3 && sample.len() == 1 && self.reads_steps(first) {
            sample.push(1);
            reshape = format!(
                ", and `expand_dims(&{name}, -1)?` makes {name} [{first}, {}, 1]",
                sample[0]
            );
        }
        let many = format!(
            "if {name} is {first} samples, `input_shape` must not hold their number: {}{reshape}",
            self.declared(&Dims::known(&sample))
        );
        let one = format!(
            "if {name} is one sample, give it a batch axis: `{name}.insert_axis(Axis(0))` makes it {:?}",
            [&[1], shape].concat()
        );
        // Nobody has one sample of a thousand steps more often than a thousand samples.
        let (likely, other) = if first > 500 {
            (many, one)
        } else {
            (one, many)
        };
        self.error(
            format!(
                "{} {}, {shape:?}, the shape of a single sample",
                shape.len(),
                axes(shape.len())
            ),
            format!("- {likely};\n- {other}."),
        )
    }

    /// Whether the layer that reads the input needs timesteps; others may take one vector as well.
    fn reads_steps(&self, samples: usize) -> bool {
        let vector = self.wanted.tail(2).with_batch(Some(samples));
        match reader(self.model, self.input) {
            Some(layer) => layer.output_dims(&[vector]).is_err(),
            None => false,
        }
    }

    /// `[batch, n]` where `[batch, timesteps, features]` is needed: the question that people ask most.
    fn without_features(&self, samples: usize, n: usize) -> Error {
        let name = self.name;
        let (steps, features) = (self.wanted.axis(1), self.wanted.axis(2));
        if let (Some(steps), Some(features)) = (steps, features)
            && steps != n
            && steps.checked_mul(features) == Some(n)
        {
            return self.error(
                format!("2 axes, [batch = {samples}, {n} values]"),
                format!(
                    "{n} = {steps} × {features}: the timesteps and features of each sample stand in one row. Give each its \
                     axis: `let {name} = {name}.into_shape_with_order([{samples}, {steps}, {features}]).unwrap()`."
                ),
            );
        }
        let samples_words = samples.to_string();
        let ways = ThreeWays {
            name,
            samples: &samples_words,
            steps: n,
            declared: &|shape| declared(self.model, shape),
        };
        let range = self.values.whole_range();
        if let Some(problem) = no_categories(self.values, range) {
            return self.error(
                format!("2 axes, [batch = {samples}, timesteps = {n}]: the features axis is missing"),
                format!(
                    "{name} {problem}, so each of its steps is a number, not a category: `expand_dims(&{name}, -1)?` (in \
                     `burn_keras::preprocessing`) makes {name} [{samples}, {n}, 1]; {}.",
                    self.declared(&Dims::known(&[n, 1]))
                ),
            );
        }
        let (k, said) = categories(range, features, name);
        let fits = steps.is_none_or(|s| s == n) && features.is_some_and(|f| f.to_string() == k);
        let one_hot = if fits {
            "the model takes it as it stands".to_string()
        } else {
            declared(self.model, &format!("[{n}, {k}]"))
        };
        let memory = k
            .parse::<f64>()
            .map(|k| k * samples as f64 * n as f64 * 4.0 / 1e9)
            .ok()
            .filter(|gigabytes| *gigabytes >= 1.0)
            .map_or(String::new(), |gigabytes| format!(" ({gigabytes:.1} GB)"));
        self.error(
            format!("2 axes, [batch = {samples}, timesteps = {n}]: the features axis is missing"),
            ways.all(&k, &said, &memory, &one_hot, &embedded(self.model, &k, n)),
        )
    }

    /// One axis where sequences are needed: a long series, cut into windows.
    fn one_series(&self, length: usize) -> String {
        let (name, most) = (self.name, length / 2);
        let steps = self.wanted.axis(1).unwrap_or(most.clamp(1, 24));
        let features = self.wanted.axis(2).filter(|n| *n > 1);
        let windows = length.saturating_sub(steps.saturating_sub(1));
        match features {
            _ if windows == 0 => format!(
                "If {name} is one sequence, it has {length} steps of one number: `{name}.into_shape_with_order([1, {length}, \
                 1]).unwrap()`, and {}.",
                self.declared(&Dims::known(&[length, 1]))
            ),
            None => format!(
                "If {name} is one long series, cut it into windows: `Windows::new({steps}).of(&{name})?` (in \
                 `burn_keras::preprocessing`) makes {windows} sequences of {steps} steps of it, [{windows}, {steps}], which \
                 the model reads as [{windows}, {steps}, 1]."
            ),
            Some(features) => format!(
                "If {name} is one long series of one number a step, cut it into windows: `Windows::new({steps}).of(&{name})?` \
                 (in `burn_keras::preprocessing`) makes {windows} sequences of {steps} steps of it; {}. A series of \
                 {features} features has two axes, [steps, {features}].",
                self.declared(&Dims::known(&[steps, 1]))
            ),
        }
    }

    /// As many axes as needed, of other sizes.
    fn other_sizes(&self, steps: usize, features: usize) -> Error {
        let name = self.name;
        let got = format!("3 axes, {}", self.values.dims().in_words());
        let declared = self.declared(&Dims::known(&[steps, features]));
        if self.wanted.tail(1).admits(&[features, steps]) {
            return self.error(
                got,
                format!(
                    "Timesteps and features are swapped. If the model is right: `{name}.permuted_axes([0, 2, 1])`. If the \
                     data are right: {declared}."
                ),
            );
        }
        let first = self.values.samples();
        let fix = match (self.wanted.axis(1), self.wanted.axis(2)) {
            (Some(t), Some(f)) if f == features && t == first => format!(
                "Its first axis is as long as the model's timesteps. If time comes first in {name}, as in PyTorch: \
                 `{name}.permuted_axes([1, 0, 2])`. If these are {first} samples of {steps} timesteps: {declared}."
            ),
            (Some(t), Some(f)) if f == features => format!(
                "{name} has {steps} timesteps, the model was declared for {t}. For sequences of any length: {}. {}",
                self.declared(&Dims::new([None, Some(f)])),
                kept(name, steps, t)
            ),
            (t, Some(f)) if t.is_none_or(|t| t == steps) => format!(
                "{name} has {features} features a step, the model was declared for {f}: {declared}, or bring {name} to {f} \
                 features."
            ),
            _ => format!(
                "Declare what {name} is: {declared}, or bring {name} to {}.",
                self.needs()
            ),
        };
        self.error(got, fix)
    }

    /// `[batch, timesteps, features]` where one vector, or one row of categories, is needed.
    fn with_timesteps(&self, steps: usize, features: usize) -> Error {
        let name = self.name;
        let got = format!("3 axes, {}", self.values.dims().in_words());
        let sample = format!("[{steps}, {features}]");
        let fix = if axis_names(self.model, self.input, 2).contains(&"timesteps") {
            format!(
                "An Embedding looks whole numbers up, one for each step. If {name} is one-hot, leave the Embedding out: {}. \
                 Else give it the numbers of the categories, [{}, {steps}].",
                match self.model.takes_shape_from_first_layer() {
                    true => format!("`Lstm::new(32).input_shape({sample})` as the first layer"),
                    false => format!("`Input::new({sample})` with `Lstm::new(32)` behind it"),
                },
                self.values.samples()
            )
        } else {
            let all = steps.saturating_mul(features);
            match self.model.takes_shape_from_first_layer() {
                true => format!(
                    "To read the {steps} timesteps in order, put a recurrent layer in front, \
                     `Lstm::new(32).input_shape({sample})`; to take all {all} numbers as one vector, \
                     `Flatten::new().input_shape({sample})`. {} has no `input_shape` then.",
                    self.place
                ),
                false => format!(
                    "Declare {}, and put a layer in front of {}: `Lstm::new(32)` reads the {steps} timesteps in order, \
                     `Flatten::new()` makes one vector of all {all} numbers.",
                    self.declared(&Dims::known(&[steps, features])),
                    self.place
                ),
            }
        };
        self.error(got, fix)
    }
}

/// How sequences of `steps` steps come to have `kept` of them.
fn kept(name: &str, steps: usize, kept: usize) -> String {
    match steps.checked_sub(kept) {
        Some(more) => format!(
            "For the last {kept} steps of each: `{name}.slice_axis(Axis(1), ({more}..).into())`."
        ),
        None => format!(
            "For {kept} steps each: `pad_series(&series, Pad::new().maxlen({kept}))?` (in `burn_keras::preprocessing`) \
             makes {name} of the series, [timesteps, features] each."
        ),
    }
}

fn axes(count: usize) -> &'static str {
    if count == 1 { "axis" } else { "axes" }
}

/// Why numbers cannot stand for categories, if they cannot.
fn no_categories(values: &Values<'_>, range: Option<(i64, i64)>) -> Option<&'static str> {
    match range {
        None if values.is_in_file() => None,
        None => Some("holds fractions"),
        Some((low, _)) if low < 0 => Some("holds negative numbers"),
        Some(_) => None,
    }
}

/// How many categories the numbers stand for, and where that is known from.
fn categories(range: Option<(i64, i64)>, features: Option<usize>, name: &str) -> (String, String) {
    let declared = features.filter(|f| *f > 1);
    match (range, declared) {
        (Some((low, high)), declared) if high > 0 => {
            let seen = high.unsigned_abs().saturating_add(1);
            let said = format!(" ({name} holds whole numbers from {low} to {high})");
            match declared {
                Some(declared) if declared as u64 >= seen => (declared.to_string(), said),
                _ => (seen.to_string(), said),
            }
        }
        (_, Some(declared)) => (
            declared.to_string(),
            format!(" (the model was declared for features = {declared})"),
        ),
        (_, None) => ("k".to_string(), String::new()),
    }
}
