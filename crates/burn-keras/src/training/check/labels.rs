//! The labels, brought into the form that the losses and metrics take.

use super::{arrays, same_sizes};
use crate::dims::Dims;
use crate::error::{plural, together};
use crate::layers::{LayerHandle, describe};
use crate::losses::Labels;
use crate::models::{Model, with_every_step};
use crate::training::data::Values;
use crate::{Error, Result};

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
                "has {} {}, but {} has {} {}, {}; give {}",
                y.len(),
                plural(y.len(), "array"),
                describe(model),
                outputs.len(),
                plural(outputs.len(), "output"),
                together(&model.output_names()?),
                arrays(&model.output_names()?)
            ),
        ));
    }
    let found = same_sizes(name, &y)?;
    if found != samples {
        return Err(Error::data(
            name,
            format!(
                "has {found} samples, but {x_name} has {samples}; {}",
                match y.as_slice() {
                    [y] if y.shape().get(1) == Some(&samples) && y.shape().len() == 2 =>
                        format!("if its axes are swapped, give `&{name}.t()`"),
                    _ => "each sample needs its labels".to_string(),
                }
            ),
        ));
    }
    let count = outputs.len();
    let output_names = model.output_names()?;
    y.into_iter()
        .zip(&outputs)
        .enumerate()
        .map(|(i, (values, output))| {
            values.check_finite(name)?;
            let (loss, _) = compiled.loss(i, count)?;
            let form = loss.labels_for(&values.dims(), output);
            if form == Labels::OneHot && output.last() == Some(1) {
                model.notes.say_once(&format!("one class {i}"), || {
                    format!(
                        "{name}: the loss {} over an output of one value learns nothing, since the softmax of one value is \
                         always 1. For two classes end with `Dense::new(1).activation(\"sigmoid\")` and compile with \
                         \"binary_crossentropy\"",
                        loss.name()
                    )
                });
            }
            let ignored = loss.ignored_class();
            let reader = Reader {
                model,
                output: i,
                dims: output,
                name,
                user: format!("the loss {}", loss.name()),
                is_metric: false,
                form,
            };
            let values = match reader.needed_shape(&values, ignored)? {
                Some(shape) => values.reshaped(&shape)?,
                None => values,
            };
            let output_name = output_names.get(i).map_or("", String::as_str);
            let weighted = compiled.weighted_metrics.of(output_name);
            for spec in compiled.metrics.of(output_name).chain(weighted) {
                let metric = spec.resolve(&values.dims(), output)?;
                let reader = Reader {
                    user: format!("the metric {}", metric.name()),
                    is_metric: true,
                    form: metric.labels(),
                    ..reader
                };
                reader.needed_shape(&values, ignored)?;
            }
            Ok(values)
        })
        .collect()
}

/// What to measure instead of a metric that reads labels of one form only.
const READS_BOTH: &str = "The metric \"accuracy\" takes one-hot labels and class numbers; or compile with the metric for this form.";

/// A loss or metric that compares labels with an output.
struct Reader<'a> {
    model: &'a Model,
    output: usize,
    /// The output's shape, batch axis included.
    dims: &'a Dims,
    /// What the program calls the labels: `y`.
    name: &'a str,
    /// As `the loss mse`.
    user: String,
    is_metric: bool,
    form: Labels,
}

impl Reader<'_> {
    /// The shape that labels must be given to fit; `None` when they have it already.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when they cannot fit; [`Error::Data`] for a class that does not exist.
    fn needed_shape(
        &self,
        values: &Values<'_>,
        ignored: Option<i64>,
    ) -> Result<Option<Vec<usize>>> {
        if self.form == Labels::Any {
            return Ok(None);
        }
        let shape = values.shape();
        let wanted = self.dims.tail(1);
        if self.form == Labels::ClassNumber {
            if self.are_numbers(shape) {
                self.check_classes(values, ignored)?;
                return Ok(None);
            }
        } else if wanted.admits(&shape[1..]) {
            return Ok(None);
        } else if wanted.last() == Some(1) && self.one_each().admits(shape) {
            return Ok(Some([shape, &[1]].concat()));
        }
        Err(self.mismatch(values))
    }

    /// The shape of one number for each sample, or for each of its steps.
    fn one_each(&self) -> Dims {
        Labels::ClassNumber.dims(self.dims).with_first(None)
    }

    /// Whether this is the shape of such numbers, perhaps with an axis of 1 behind.
    fn are_numbers(&self, shape: &[usize]) -> bool {
        let one_each = self.one_each();
        one_each.admits(shape) || matches!(shape, [front @ .., 1] if one_each.admits(front))
    }

    /// The layer that makes the output.
    fn layer(&self) -> Option<LayerHandle> {
        self.model.maker_of(self.output)
    }

    fn place(&self) -> String {
        match self.layer() {
            Some(layer) => layer.describe(),
            None => describe(self.model),
        }
    }

    fn words(&self, dims: &Dims) -> String {
        self.form.named(dims, self.dims)
    }

    fn mismatch(&self, values: &Values<'_>) -> Error {
        let Self { name, user, .. } = self;
        let shape = values.shape();
        let sample = &shape[1..];
        let wanted = self.dims.tail(1);
        let one_each = self.one_each();
        let needs = match self.form {
            Labels::ClassNumber => format!(
                "the number of the class of each {} for {user}, {}",
                if one_each.rank() > 1 {
                    "step"
                } else {
                    "sample"
                },
                self.words(&one_each)
            ),
            Labels::OneHot => format!("one-hot labels for {user}, {}", self.words(self.dims)),
            _ => format!(
                "labels of the shape of its output for {user}, {}",
                self.words(self.dims)
            ),
        };
        let mut got = format!("{name} with {}", self.words(&Dims::known(shape)));
        let classes = self.dims.last();
        let one_hot = self.form == Labels::ClassNumber && wanted.admits(sample);
        let fix = if one_hot {
            got += ", which is one-hot";
            if self.is_metric {
                return Error::shape(self.place(), needs, got, READS_BOTH);
            }
            "Compile with \"categorical_crossentropy\" for one-hot labels (the metric \"accuracy\" takes both); or give the \
             position of the 1 in each row."
                .to_string()
        } else if self.form == Labels::OneHot && self.are_numbers(shape) {
            self.numbers_for_one_hot(values, &mut got)
        } else if self.is_metric && classes.is_some_and(|n| n > 1) && self.are_numbers(shape) {
            got += ", which looks like class numbers";
            format!(
                "One-hot encode them and compile with \"categorical_crossentropy\": `to_categorical(&{name}, {})?` (in \
                 `burn_keras::preprocessing`) makes {name} {}.",
                classes.unwrap_or_default(),
                sized(self.dims, shape[0], &["batch"])
            )
        } else if self.form == Labels::SameShape && self.one_each().admits(shape) {
            self.one_number_each()
        } else if let (3, Some(steps), &[given]) = (self.dims.rank(), self.dims.axis(1), sample)
            && self.form == Labels::ClassNumber
            && given > 1
        {
            got = format!(
                "{name} with [batch = {}, {given} values], not one for each of the {steps} steps",
                shape[0]
            );
            self.no_timesteps(shape[0])
        } else if self.dims.rank() == 3 && sample.len() < 2 {
            got += ": there are no timesteps";
            self.no_timesteps(shape[0])
        } else if let &[steps, last] = sample
            && wanted.admits(&[last, steps])
        {
            format!("Its last two axes are swapped: `{name}.permuted_axes([0, 2, 1])`.")
        } else if let Some((steps, layer)) = self.labels_of_steps(shape) {
            let last = match self.form {
                Labels::SameShape | Labels::Any => "outputs",
                Labels::OneHot | Labels::ClassNumber => "classes",
            };
            let words = Dims::known(shape).named(&["batch", "timesteps", last]);
            got = format!("{name} with {words}: a label for every step");
            format!(
                "{} reads {steps} steps and puts out its last one only. Let it put out every step: {}.",
                layer.describe(),
                with_every_step(&layer)
            )
        } else if let Some(given) = sample
            .last()
            .filter(|n| sample.len() == wanted.rank() && Some(**n) != classes)
        {
            self.other_width(*given)
        } else {
            let fitting = self.dims.with_first(Some(shape[0]));
            let way = match (fitting.to_known(), fitting.product(0)) {
                (Some(known), Some(count)) if count == shape.iter().product::<usize>() => {
                    format!(" (`{name}.into_shape_with_order({known:?}).unwrap()`)")
                }
                _ => String::new(),
            };
            format!(
                "Bring {name} to {}{way}, or change the layers so that they put out what {name} holds.",
                sized(self.dims, shape[0], &["batch"])
            )
        };
        Error::shape(self.place(), needs, got, fix)
    }

    /// Labels for every step that a recurrent layer reads, where only its last one comes out: the steps and the layer.
    fn labels_of_steps(&self, shape: &[usize]) -> Option<(usize, LayerHandle)> {
        let (layer, steps) = self.model.last_step_maker(self.output)?;
        let sample = &shape[1..];
        let width = self.dims.last();
        let fits = match self.form {
            Labels::ClassNumber => matches!(sample, [_] | [_, 1]),
            _ if width == Some(1) => matches!(sample, [_] | [_, 1]),
            _ => matches!(sample, [_, last] if Some(*last) == width),
        };
        let first = *sample.first()?;
        (fits && self.dims.rank() == 2 && steps == Some(first)).then_some((first, layer))
    }

    /// One number for each sample or step where the output has several.
    fn one_number_each(&self) -> String {
        let width = self.dims.last().unwrap_or_default();
        let last = match self.user.contains("binary") {
            true => "`Dense::new(1).activation(\"sigmoid\")`",
            false => "`Dense::new(1)`",
        };
        format!(
            "{name} holds one number for each {each}, the output has {width}: make the last layer {last}. If the numbers are \
             those of {width} classes, end with `Dense::new({width}).activation(\"softmax\")` and compile with \
             \"sparse_categorical_crossentropy\".",
            name = self.name,
            each = if self.dims.rank() > 2 {
                "step"
            } else {
                "sample"
            },
        )
    }

    /// One number for each sample or step where a loss wants one-hot labels.
    fn numbers_for_one_hot(&self, values: &Values<'_>, got: &mut String) -> String {
        let name = self.name;
        if !values.is_in_file() && values.whole_range().is_none() {
            *got += ", which holds fractions";
            return format!(
                "Numbers that are no classes are learned by `Dense::new(1)` as the last layer, without an activation, and the \
                 loss \"mse\". If {name} holds classes, number them in whole numbers from 0 on."
            );
        }
        *got += ", which looks like class numbers";
        if self.is_metric {
            return READS_BOTH.to_string();
        }
        format!(
            "Compile with \"sparse_categorical_crossentropy\" for class numbers (the metric \"accuracy\" takes both); or \
             one-hot encode them: `to_categorical(&{name}, {})?` (in `burn_keras::preprocessing`) makes {name} {}.",
            self.dims.last().unwrap_or_default(),
            sized(self.dims, values.samples(), &["batch"])
        )
    }

    /// An output at every step, and one label for each sample.
    fn no_timesteps(&self, samples: usize) -> String {
        let last = self.dims.last();
        let one = Dims::new([None, last]);
        let off = match self.model.sequence_maker(self.output) {
            Some(layer) => format!(
                "take `.return_sequences(true)` off {}, so that only its last step comes out, {}",
                layer.describe(),
                self.words(&one)
            ),
            None => format!(
                "put a recurrent layer without `return_sequences`, `GlobalAveragePooling1d` or `Flatten` before the last \
                 layer, so that it puts out {}",
                self.words(&one)
            ),
        };
        format!(
            "The model puts something out at every step.\n\
             - for one label a sample: {off};\n\
             - for a label at every step: make {} {}.",
            self.name,
            match self.form {
                Labels::ClassNumber => sized(&self.one_each(), samples, &["batch", "timesteps"]),
                _ => sized(self.dims, samples, &["batch", "timesteps", "classes"]),
            }
        )
    }

    /// Labels of another width than the output's.
    fn other_width(&self, given: usize) -> String {
        let what = match self.form {
            Labels::OneHot | Labels::ClassNumber => "classes",
            Labels::SameShape | Labels::Any => "values",
        };
        match self.layer().map(|l| l.class_name()).as_deref() {
            Some("Dense") => format!(
                "The labels have {given} {what}: make the last layer as wide, `Dense::new({given})`."
            ),
            _ => format!(
                "The labels have {given} {what}: put `Dense::new({given})` behind the last layer, or change its width to \
                 {given}."
            ),
        }
    }

    fn check_classes(&self, values: &Values<'_>, ignored: Option<i64>) -> Result<()> {
        let Some(classes) = self.dims.last() else {
            return Ok(());
        };
        let Some((row, value)) = values.first_outside(classes, ignored) else {
            return Ok(());
        };
        let fix = match values.whole_range_without(ignored) {
            Some((0.., largest)) if classes == 1 => format!(
                "for labels of 0 and 1 compile with \"binary_crossentropy\" and end with \
                 `Dense::new(1).activation(\"sigmoid\")`, for {0} classes make it `Dense::new({0})`",
                largest.saturating_add(1).max(2)
            ),
            Some((1, largest)) if largest.unsigned_abs() == classes as u64 => {
                format!("the classes are numbered from 1 to {largest}: subtract 1 from all of them")
            }
            Some((low, largest)) if low >= 0 => {
                let needed = largest.saturating_add(1);
                match self.layer().map(|l| l.class_name()).as_deref() {
                    Some("Dense") => format!("for {needed} classes make it `Dense::new({needed})`"),
                    _ => format!("for {needed} classes it must be {needed} wide"),
                }
            }
            Some((-1, _)) => "number the classes in whole numbers from 0 on; rows of the class -1 are left out of account by \
                              `SparseCategoricalCrossentropy::new().ignore_class(Some(-1))`"
                .to_string(),
            _ => "number the classes in whole numbers from 0 on".to_string(),
        };
        Err(Error::data(
            self.name,
            format!(
                "holds the class {value} in row {row}, but {} has {classes} {}, for {}; {fix}",
                self.place(),
                match classes {
                    1 => "class, 0".to_string(),
                    _ => format!("classes, 0 to {}", classes.saturating_sub(1)),
                },
                self.user
            ),
        ))
    }
}

/// A shape with its number of samples, as it is written in the program; an axis that is open stays a word.
fn sized(dims: &Dims, samples: usize, names: &[&str]) -> String {
    let dims = dims.with_first(Some(samples));
    match dims.to_known() {
        Some(shape) => format!("{shape:?}"),
        None => dims.named(names),
    }
}
