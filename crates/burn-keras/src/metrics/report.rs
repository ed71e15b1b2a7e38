//! What a classifier gets right and wrong, class by class: to be printed, or read by a program.
//!
//! ```
//! use burn_keras::metrics::{ClassificationReport, ConfusionMatrix};
//!
//! let matrix = ConfusionMatrix::of_classes(&[0, 0, 1, 2], &[0, 1, 1, 2], 3)?.labels(["cat", "dog", "cow"])?;
//! assert_eq!(matrix.count(0, 1), 1);
//! println!("{matrix}");
//! let report = ClassificationReport::from(&matrix);
//! assert_eq!(report.accuracy(), 0.75);
//! println!("{report}");
//! # Ok::<(), burn_keras::Error>(())
//! ```

use std::fmt;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, CellAlignment, Table, TableComponent};
use ndarray::{ArrayBase, Data, Dimension};

use crate::training::data::IntoData;
use crate::{Error, Result};

/// How often each class was taken for each class.
///
/// ```
/// use burn_keras::metrics::ConfusionMatrix;
///
/// let matrix = ConfusionMatrix::of_classes(&[0, 0, 1, 2], &[0, 1, 1, 2], 3)?;
/// assert_eq!(matrix.count(0, 1), 1);
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    labels: Vec<String>,
    /// Row by row: the true class, column by column what it was taken for.
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// From class numbers, the true ones and those the model chose.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when there are not as many of one as of the other, or a number is not below `classes`.
    pub fn of_classes(y_true: &[usize], y_pred: &[usize], classes: usize) -> Result<Self> {
        if y_true.len() != y_pred.len() {
            return Err(Error::data(
                "y_pred",
                format!("has {} classes for {} samples", y_pred.len(), y_true.len()),
            ));
        }
        let mut counts = vec![0; classes * classes];
        for (t, p) in y_true.iter().zip(y_pred) {
            for (array, class) in [("y_true", t), ("y_pred", p)] {
                if *class >= classes {
                    let problem = format!("holds the class {class}, but there are {classes}");
                    return Err(Error::data(array, problem));
                }
            }
            counts[t * classes + p] += 1;
        }
        Ok(Self {
            labels: (0..classes).map(|class| class.to_string()).collect(),
            counts,
        })
    }

    /// From labels and outputs as they are handed to `fit` and come from `predict`.
    ///
    /// `y_pred` is `[.., classes]`, or `[.., 1]` with the probability of class 1; `y_true` has the same shape (one-hot,
    /// or 0 and 1), or holds a class number for each row, in any type that `fit` takes.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when the two do not fit each other, or a label is no class number.
    pub fn new<'a, B, E>(y_true: impl IntoData<'a>, y_pred: &ArrayBase<B, E>) -> Result<Self>
    where
        B: Data<Elem = f32>,
        E: Dimension,
    {
        let given = y_true.into_data()?;
        let [y_true] = given.as_slice() else {
            let problem = format!("has {} arrays; give the labels of one output", given.len());
            return Err(Error::data("y_true", problem));
        };
        let y_true = y_true.to_f32()?;
        let columns = y_pred.shape().last().copied().unwrap_or(1).max(1);
        let outputs: Vec<f32> = y_pred.iter().copied().collect();
        let labels: Vec<f32> = y_true.iter().copied().collect();
        let best = |row: &[f32]| {
            let larger = |best: usize, i: usize| if row[i] > row[best] { i } else { best };
            (0..row.len()).fold(0, larger)
        };
        let rows = outputs.len() / columns;
        let (chosen, classes): (Vec<usize>, usize) = if columns == 1 {
            (outputs.iter().map(|p| usize::from(*p > 0.5)).collect(), 2)
        } else {
            (outputs.chunks(columns).map(best).collect(), columns)
        };
        let number = |class: &f32| match *class {
            class if class >= 0.0 && class.fract() == 0.0 => Ok(class as usize),
            class => Err(Error::data(
                "y_true",
                format!("holds {class}, which is no number of a class"),
            )),
        };
        let right: Vec<usize> = if labels.len() == rows {
            labels.iter().map(number).collect::<Result<_>>()?
        } else if labels.len() == outputs.len() {
            labels.chunks(columns).map(best).collect()
        } else {
            let problem = format!(
                "has the shape {:?} for outputs {:?}",
                y_true.shape(),
                y_pred.shape()
            );
            return Err(Error::data("y_true", problem));
        };
        Self::of_classes(&right, &chosen, classes)
    }

    /// Names the classes.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] when there are not as many names as classes.
    pub fn labels<T: Into<String>>(mut self, labels: impl IntoIterator<Item = T>) -> Result<Self> {
        let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
        if labels.len() != self.labels.len() {
            let problem = format!(
                "has {} names for {} classes",
                labels.len(),
                self.labels.len()
            );
            return Err(Error::argument("ConfusionMatrix", "labels", problem));
        }
        self.labels = labels;
        Ok(self)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.labels.len()
    }

    /// How often class `right` was taken for class `chosen`; 0 for classes that do not exist.
    pub fn count(&self, right: usize, chosen: usize) -> u64 {
        let classes = self.classes();
        if right.max(chosen) >= classes {
            return 0;
        }
        self.counts[right * classes + chosen]
    }

    /// The classes' names.
    pub fn names(&self) -> &[String] {
        &self.labels
    }
}

fn table(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    // No rules between the rows.
    table.remove_style(TableComponent::HorizontalLines);
    table.remove_style(TableComponent::MiddleIntersections);
    table.remove_style(TableComponent::LeftBorderIntersections);
    table.remove_style(TableComponent::RightBorderIntersections);
    table.set_header(header.into_iter().map(right));
    table
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = "true \\ predicted".to_string();
        let mut table = table([first].into_iter().chain(self.labels.iter().cloned()));
        for (class, label) in self.labels.iter().enumerate() {
            let counts = (0..self.classes()).map(|chosen| self.count(class, chosen).to_string());
            table.add_row([label.clone()].into_iter().chain(counts).map(right));
        }
        write!(f, "{table}")
    }
}

/// The figures of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassFigures {
    /// The class's name.
    pub label: String,
    /// Of those taken for this class, the share that are of it.
    pub precision: f64,
    /// Of those of this class, the share that were taken for it.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
    /// How many are of this class.
    pub support: u64,
}

/// Precision, recall and F1 of each class, and their means.
///
/// ```
/// use burn_keras::metrics::{ClassificationReport, ConfusionMatrix};
///
/// let matrix = ConfusionMatrix::of_classes(&[0, 0, 1, 2], &[0, 1, 1, 2], 3)?;
/// assert_eq!(ClassificationReport::from(&matrix).accuracy(), 0.75);
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClassificationReport {
    classes: Vec<ClassFigures>,
    accuracy: f64,
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

impl From<&ConfusionMatrix> for ClassificationReport {
    fn from(matrix: &ConfusionMatrix) -> Self {
        let all = 0..matrix.classes();
        let figures = |class: usize| {
            let hits = matrix.count(class, class);
            let support: u64 = all.clone().map(|other| matrix.count(class, other)).sum();
            let chosen: u64 = all.clone().map(|other| matrix.count(other, class)).sum();
            ClassFigures {
                label: matrix.labels[class].clone(),
                precision: share(hits, chosen),
                recall: share(hits, support),
                f1: share(2 * hits, chosen + support),
                support,
            }
        };
        let hits = all.clone().map(|class| matrix.count(class, class)).sum();
        Self {
            classes: all.clone().map(figures).collect(),
            accuracy: share(hits, matrix.counts.iter().sum()),
        }
    }
}

impl ClassificationReport {
    /// The figures of each class.
    pub fn classes(&self) -> &[ClassFigures] {
        &self.classes
    }

    /// The share of samples whose class was found.
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// The number of samples.
    pub fn support(&self) -> u64 {
        self.classes.iter().map(|c| c.support).sum()
    }

    /// The means of the classes' figures, each class counting the same.
    pub fn macro_average(&self) -> ClassFigures {
        self.average("macro average", |_| 1.0)
    }

    /// The means of the classes' figures, each class counting by its samples.
    pub fn weighted_average(&self) -> ClassFigures {
        self.average("weighted average", |class| class.support as f64)
    }

    fn average(&self, label: &str, weight: impl Fn(&ClassFigures) -> f64) -> ClassFigures {
        let total: f64 = self.classes.iter().map(&weight).sum();
        let mean = |figure: fn(&ClassFigures) -> f64| {
            let sum: f64 = self.classes.iter().map(|c| figure(c) * weight(c)).sum();
            if total == 0.0 { 0.0 } else { sum / total }
        };
        ClassFigures {
            label: label.to_string(),
            precision: mean(|c| c.precision),
            recall: mean(|c| c.recall),
            f1: mean(|c| c.f1),
            support: self.support(),
        }
    }
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["class", "precision", "recall", "f1", "support"];
        let mut table = table(header.map(String::from));
        let share = |value: f64| format!("{value:.4}");
        let averages = [self.macro_average(), self.weighted_average()];
        for class in self.classes.iter().chain(&averages) {
            let figures = [class.precision, class.recall, class.f1].map(share);
            let [precision, recall, f1] = figures;
            let row = [
                class.label.clone(),
                precision,
                recall,
                f1,
                class.support.to_string(),
            ];
            table.add_row(row.map(right));
        }
        let support = self.support().to_string();
        let row = [
            "accuracy".to_string(),
            String::new(),
            String::new(),
            share(self.accuracy),
            support,
        ];
        table.add_row(row.map(right));
        write!(f, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2, Array3, array};

    #[test]
    fn labels_are_read_in_every_form_that_fit_takes() -> Result<()> {
        let outputs = array![[0.1f32, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]];
        let numbers: Array1<i32> = array![1, 1, 2];
        let one_hot = array![[0.0f32, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let wanted = ConfusionMatrix::of_classes(&[1, 1, 2], &[1, 0, 2], 3)?;
        assert_eq!(ConfusionMatrix::new(&numbers, &outputs)?, wanted);
        assert_eq!(ConfusionMatrix::new(&one_hot, &outputs)?, wanted);
        let column: Array2<u8> = array![[1], [1], [2]];
        assert_eq!(ConfusionMatrix::new(&column, &outputs)?, wanted);
        // A step is a row like any other.
        let steps = Array3::from_shape_fn((1, 3, 3), |(_, step, class)| outputs[[step, class]]);
        let of_steps: Array2<i32> = array![[1, 1, 2]];
        assert_eq!(ConfusionMatrix::new(&of_steps, &steps)?, wanted);
        let chances = array![[0.9f32], [0.5], [0.6]];
        let binary = ConfusionMatrix::new(&array![1i32, 0, 0], &chances)?;
        assert_eq!(
            binary,
            ConfusionMatrix::of_classes(&[1, 0, 0], &[1, 0, 1], 2)?
        );
        Ok(())
    }

    #[test]
    fn what_is_no_class_is_named() {
        let outputs = array![[0.1f32, 0.9], [0.6, 0.4]];
        for (labels, wanted) in [
            (
                array![0.0f32, -1.0],
                "holds -1, which is no number of a class",
            ),
            (array![0.5, 1.0], "holds 0.5"),
            (array![0.0, 2.0], "holds the class 2, but there are 2"),
            (
                array![0.0, 1.0, 1.0],
                "has the shape [3] for outputs [2, 2]",
            ),
        ] {
            let text = ConfusionMatrix::new(&labels, &outputs)
                .unwrap_err()
                .to_string();
            assert!(text.contains(wanted), "{text} lacks {wanted}");
        }
    }

    #[test]
    fn figures_are_those_of_scikit_learn() -> Result<()> {
        // `classification_report` of scikit-learn 1.9.1 for these classes.
        let matrix = ConfusionMatrix::of_classes(&[0, 0, 0, 1, 2, 2], &[0, 0, 1, 1, 2, 0], 3)?;
        let report = ClassificationReport::from(&matrix);
        let all = [report.macro_average(), report.weighted_average()];
        let classes = report.classes().iter().chain(&all);
        let figures: Vec<[f64; 3]> = classes.map(|c| [c.precision, c.recall, c.f1]).collect();
        let third = 1.0 / 3.0;
        let wanted = [
            [2.0 * third, 2.0 * third, 2.0 * third],
            [0.5, 1.0, 2.0 * third],
            [1.0, 0.5, 2.0 * third],
            [13.0 / 18.0, 13.0 / 18.0, 2.0 * third],
            [0.75, 2.0 * third, 2.0 * third],
        ];
        for (got, wanted) in figures.iter().flatten().zip(wanted.iter().flatten()) {
            assert!((got - wanted).abs() < 1e-12, "{figures:?}");
        }
        assert!((report.accuracy() - 2.0 * third).abs() < 1e-12);
        Ok(())
    }
}
