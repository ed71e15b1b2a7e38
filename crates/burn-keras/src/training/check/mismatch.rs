//! Why data do not fit a model's input, and what to type.

use crate::Error;
use crate::dims::Dims;
use crate::models::Model;
use crate::models::reader::{axis_names, code, declared, embedded};
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
            (3, &[samples]) => self.error(
                format!("1 axis, [batch = {samples}]"),
                format!(
                    "If {name} is one long series, cut it into windows: `Windows::new({steps}).of(&{name})?` makes \
                     [windows, {steps}, 1] of it (in `burn_keras::preprocessing`).",
                    name = self.name,
                    steps = self.wanted.axis(1).unwrap_or(24),
                ),
            ),
            (3, &[_, steps, features]) => self.other_sizes(steps, features),
            (2, &[_, steps, features]) => self.with_timesteps(steps, features),
            (want, _) => {
                let names = axis_names(self.model, self.input, want);
                let given = self.values.dims();
                let words = if rank == want { given.named(names) } else { given.named(&["batch"]) };
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
        // A matrix for a layer that reads sequences lacks its features, too.
        if self.wanted.rank() == 3 && sample.len() == 1 {
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
        let number = format!(
            "- each step is one number: `expand_dims(&{name}, -1)?` makes {name} [{samples}, {n}, 1]; {};",
            self.declared(&Dims::known(&[n, 1]))
        );
        let range = self.values.whole_range();
        if let Some(problem) = no_categories(self.values, range) {
            return self.error(
                format!("2 axes, [batch = {samples}, timesteps = {n}]: the features axis is missing"),
                format!("{name} {problem}, so its steps are numbers, not categories:\n{number}\n(`expand_dims` is in `burn_keras::preprocessing`.)"),
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
            format!(
                "There are three ways to add it:\n{number}\n\
                 - each step is one of {k} categories{said}, one-hot: `to_categorical(&{name}, {k})?` makes {name} \
                 [{samples}, {n}, {k}]{memory}; {one_hot};\n\
                 - the same, learned: {}; {name} stays as it is.\n\
                 (`expand_dims` and `to_categorical` are in `burn_keras::preprocessing`.)",
                embedded(self.model, &k, n)
            ),
        )
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
        let fix = match (self.wanted.axis(1), self.wanted.axis(2)) {
            (Some(t), Some(f)) if f == features => format!(
                "{name} has {steps} timesteps, the model was declared for {t}. For sequences of any length: {}. To keep {t}, \
                 cut or fill {name} up with `pad_sequences` and `Pad::new().maxlen({t})`.",
                self.declared(&Dims::new([None, Some(f)]))
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
                "An Embedding looks whole numbers up, one for each step. If {name} is one-hot, leave the Embedding out: \
                 `Lstm::new(32).input_shape({sample})` as the first layer. Else give it the numbers of the categories, \
                 [{}, {steps}].",
                self.values.samples()
            )
        } else {
            format!(
                "To read the {steps} timesteps in order, begin with a recurrent layer: \
                 `Lstm::new(32).input_shape({sample})`. To take all {} numbers as one vector, begin with \
                 `Flatten::new().input_shape({sample})`.",
                steps.saturating_mul(features)
            )
        };
        self.error(got, fix)
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
