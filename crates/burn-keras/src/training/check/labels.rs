//! The labels, brought into the form that the losses and metrics take.

use super::same_sizes;
use crate::dims::Dims;
use crate::error::plural;
use crate::layers::{LayerHandle, describe};
use crate::losses::Labels;
use crate::models::Model;
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
    let output_names = model.output_names()?;
    y.into_iter()
        .zip(&outputs)
        .enumerate()
        .map(|(i, (values, output))| {
            values.check_finite(name)?;
            let (loss, _) = compiled.loss(i, count)?;
            let form = loss.labels_for(&values.dims(), output);
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
        let sample = &shape[1..];
        let wanted = self.dims.tail(1);
        let without_last = self.without_last();
        if self.form == Labels::ClassNumber {
            let class_axis =
                matches!(sample, [.., 1]) && without_last.admits(&sample[..sample.len() - 1]);
            if without_last.admits(sample) || class_axis {
                self.check_classes(values, ignored)?;
                return Ok(None);
            }
        } else if wanted.admits(sample) {
            return Ok(None);
        } else if wanted.last() == Some(1) && without_last.admits(sample) {
            return Ok(Some([shape, &[1]].concat()));
        }
        Err(self.mismatch(shape))
    }

    /// One sample of the output without its last axis.
    fn without_last(&self) -> Dims {
        let sample = self.dims.tail(1);
        let front = sample.axes().split_last().map(|(_, front)| front.to_vec());
        Dims::new(front.unwrap_or_default())
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

    /// A shape of labels with names: `[batch = 6, timesteps = 8, classes = 3]`.
    fn words(&self, dims: &Dims) -> String {
        let last = match self.form {
            Labels::OneHot | Labels::ClassNumber => "classes",
            Labels::SameShape | Labels::Any => "outputs",
        };
        let is_steps =
            self.dims.rank() == 3 && dims.rank() == 2 && dims.axis(1) == self.dims.axis(1);
        match dims.rank() {
            2 if is_steps => dims.named(&["batch", "timesteps"]),
            2 => dims.named(&["batch", last]),
            3 => dims.named(&["batch", "timesteps", last]),
            _ => dims.named(&["batch"]),
        }
    }

    fn mismatch(&self, shape: &[usize]) -> Error {
        let Self { name, user, .. } = self;
        let sample = &shape[1..];
        let (wanted, without_last) = (self.dims.tail(1), self.without_last());
        let numbers = without_last.with_batch(None);
        let needs = match self.form {
            Labels::ClassNumber => format!(
                "the number of the class of each {} for {user}, {}",
                if numbers.rank() > 1 { "step" } else { "sample" },
                self.words(&numbers)
            ),
            Labels::OneHot => format!("one-hot labels for {user}, {}", self.words(self.dims)),
            _ => format!(
                "labels of the shape of its output for {user}, {}",
                self.words(self.dims)
            ),
        };
        let mut got = format!("{name} with {}", self.words(&Dims::known(shape)));
        let classes = self.dims.last();
        let fix = if self.form == Labels::ClassNumber && wanted.admits(sample) {
            got += ", which is one-hot";
            "Compile with \"categorical_crossentropy\" for one-hot labels (the metric \"accuracy\" takes both); or give the \
             position of the 1 in each row."
                .to_string()
        } else if self.form == Labels::OneHot
            && (without_last.admits(sample) || matches!(sample, [1]))
        {
            got += ", which looks like class numbers";
            format!(
                "Compile with \"sparse_categorical_crossentropy\" for class numbers (the metric \"accuracy\" takes both); or \
                 one-hot encode them: `to_categorical(&{name}, {})?` (in `burn_keras::preprocessing`) makes {name} {}.",
                classes.unwrap_or_default(),
                sized(self.dims, shape[0], &["batch"])
            )
        } else if self.is_metric
            && classes.is_some_and(|n| n > 1)
            && (without_last.admits(sample) || matches!(sample, [1]))
        {
            got += ", which looks like class numbers";
            format!(
                "One-hot encode them and compile with \"categorical_crossentropy\": `to_categorical(&{name}, {})?` (in \
                 `burn_keras::preprocessing`) makes {name} {}.",
                classes.unwrap_or_default(),
                sized(self.dims, shape[0], &["batch"])
            )
        } else if self.dims.rank() == 3 && sample.len() < 2 {
            got += ": there are no timesteps";
            self.no_timesteps(shape[0])
        } else if let Some(given) = sample
            .last()
            .filter(|n| sample.len() == wanted.rank() && Some(**n) != classes)
        {
            self.other_width(*given)
        } else {
            format!(
                "Bring {name} to {}, or change the layers so that they put out what {name} holds.",
                sized(self.dims, shape[0], &["batch"])
            )
        };
        Error::shape(self.place(), needs, got, fix)
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
                Labels::ClassNumber => sized(
                    &self.without_last().with_batch(None),
                    samples,
                    &["batch", "timesteps"]
                ),
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
        let fix = match values.whole_range() {
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
            _ => "number the classes in whole numbers from 0 on".to_string(),
        };
        Err(Error::data(
            self.name,
            format!(
                "holds the class {value} in row {row}, but {} has {classes} classes, 0 to {}, for {}; {fix}",
                self.place(),
                classes.saturating_sub(1),
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
