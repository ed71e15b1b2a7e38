//! The area under a curve over all thresholds.

use burn::tensor::{Tensor, activation};

use super::confusion::{Columns, Confusion, Counts, Thresholds, check_thresholds, mean};
use super::{Metric, metric_basics, metric_struct};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

metric_struct! {
    /// The area under the ROC curve, or under that of precision and recall, by sums over thresholds
    /// (`keras/src/metrics/confusion_metrics.py`).
    ///
    /// ```
    /// use burn_keras::metrics::Auc;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", Auc::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("auc").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "AUC")]
    pub struct Auc(Confusion)() {
        /// How many thresholds there are, from 0 to 1.
        num_thresholds: usize = 200,
        /// `"ROC"`: true over false positives; `"PR"`: precision over recall; `"PRGAIN"`: their gains over chance
        /// (Flach and Kull, 2015).
        curve: String = "ROC".to_string(),
        /// `"interpolation"`: by trapezes (for `"PR"`, after Davis and Goadrich, 2006); `"minoring"`, `"majoring"`: by
        /// the smaller or larger side.
        summation_method: String = "interpolation".to_string(),
        /// Whether each column is a label with a curve of its own; the result is the mean of the areas.
        multi_label: bool = false,
        /// The number of labels, where there are several; it follows from the output, too.
        num_labels: Option<usize> = None,
        /// How much each label counts.
        label_weights: Option<Vec<f32>> = None,
        /// Whether the model puts out logits, to which a sigmoid is still to be applied.
        from_logits: bool = false,
        /// Thresholds between 0 and 1 in place of `num_thresholds` even ones.
        thresholds: Option<Vec<f32>> = None,
    }
}

impl Auc {
    /// Both ends are moved a little outwards, so that 0 is above the first and 1 not above the last.
    fn cuts(&self) -> Thresholds {
        let Some(own) = &self.thresholds else {
            return Thresholds::even(self.num_thresholds.max(2), -1.0);
        };
        let mut inner = own.clone();
        inner.sort_by(f32::total_cmp);
        let with_ends = |low: f32, high: f32| [&[low], inner.as_slice(), &[high]].concat();
        let even = with_ends(0.0, 1.0);
        let steps = even.len() - 1;
        let place = |i: usize| i as f32 / steps as f32;
        let near = |(i, limit): (usize, &f32)| (limit - place(i)).abs() <= 1e-7 + 1e-5 * place(i);
        if even.iter().enumerate().all(near) {
            Thresholds::even(even.len(), -1.0)
        } else {
            Thresholds::of(&with_ends(-1e-7, 1.0 + 1e-7))
        }
    }

    fn area(&self, counts: &Counts) -> f64 {
        if self.curve.eq_ignore_ascii_case("PR") && self.is_interpolated() {
            return interpolated_precision_recall(counts);
        }
        let (x, y) = match self.curve.to_ascii_uppercase().as_str() {
            "ROC" => (counts.false_positive_rate(), counts.recall()),
            "PR" => (counts.recall(), counts.precision()),
            _ => gains(counts),
        };
        let method = self.summation_method.to_ascii_lowercase();
        let side = |a: f64, b: f64| match method.as_str() {
            "interpolation" => (a + b) / 2.0,
            "minoring" => a.min(b),
            _ => a.max(b),
        };
        (1..x.len())
            .map(|i| (x[i - 1] - x[i]) * side(y[i - 1], y[i]))
            .sum()
    }

    fn is_interpolated(&self) -> bool {
        self.summation_method.eq_ignore_ascii_case("interpolation")
    }
}

fn over(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

/// Gains of recall and precision over chance.
fn gains(counts: &Counts) -> (Vec<f64>, Vec<f64>) {
    let at = |i: usize| {
        let tp = counts.true_positives[i];
        let (fp, fn_) = (counts.false_positives[i], counts.false_negatives[i]);
        let odds = over(tp + fn_, counts.true_negatives[i] + fp);
        if tp == 0.0 {
            return (0.0, 1.0);
        }
        (
            (1.0 - odds * over(fn_, tp)).max(0.0),
            1.0 - odds * over(fp, tp),
        )
    };
    (0..counts.true_positives.len()).map(at).unzip()
}

/// The area under precision over recall, true positives interpolated between thresholds and not precision.
fn interpolated_precision_recall(counts: &Counts) -> f64 {
    let tp = &counts.true_positives;
    let positive: Vec<f64> = tp
        .iter()
        .zip(&counts.false_positives)
        .map(|(a, b)| a + b)
        .collect();
    (1..tp.len())
        .map(|i| {
            let more = tp[i - 1] - tp[i];
            let slope = over(more, (positive[i - 1] - positive[i]).max(0.0));
            let intercept = tp[i] - slope * positive[i];
            let ratio = if positive[i - 1] > 0.0 && positive[i] > 0.0 {
                positive[i - 1] / positive[i]
            } else {
                1.0
            };
            let all = (tp[i] + counts.false_negatives[i]).max(0.0);
            over(slope * (more + intercept * ratio.ln()), all)
        })
        .sum()
}

impl Metric for Auc {
    metric_basics!("AUC", "auc");

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        let logits;
        let mut y_pred = y_pred;
        if self.from_logits {
            let p = activation::sigmoid(y_pred.float_flat()?);
            logits = AnyTensor::from_flat(p, &y_pred.shape())?;
            y_pred = &logits;
        }
        let columns = Columns {
            apart: self.multi_label,
            // With several curves their areas are weighed, not the counts.
            weights: self.label_weights.as_deref().filter(|_| !self.multi_label),
            ..Columns::default()
        };
        let cuts = self.cuts();
        self.state
            .update("auc", (y_true, y_pred), weights, &cuts, &columns)
    }

    fn result(&self) -> Result<f64> {
        let areas: Vec<f64> = self.state.read()?.iter().map(|c| self.area(c)).collect();
        match self.label_weights.as_deref().filter(|_| self.multi_label) {
            Some(weights) if weights.len() == areas.len() => {
                let weights = weights.iter().map(|w| f64::from(*w));
                let sum: f64 = areas.iter().zip(weights.clone()).map(|(a, w)| a * w).sum();
                Ok(over(sum, weights.sum()))
            }
            _ => Ok(mean(&areas)),
        }
    }

    fn check(&self) -> Result<()> {
        check_thresholds("auc", self.thresholds.as_deref())?;
        let known = |argument: &str, value: &str, allowed: &[&str]| {
            if allowed.iter().any(|name| name.eq_ignore_ascii_case(value)) {
                return Ok(());
            }
            let problem = format!("is \"{value}\"; it must be one of {}", allowed.join(", "));
            Err(Error::argument("auc", argument, problem))
        };
        known("curve", &self.curve, &["ROC", "PR", "PRGAIN"])?;
        let methods = ["interpolation", "majoring", "minoring"];
        known("summation_method", &self.summation_method, &methods)?;
        if self.num_thresholds < 2 {
            let problem = format!("is {}; it must be at least 2", self.num_thresholds);
            return Err(Error::argument("auc", "num_thresholds", problem));
        }
        if self.num_labels.is_some() && !self.multi_label {
            let problem = "is for `multi_label(true)` only; leave it out";
            return Err(Error::argument("auc", "num_labels", problem));
        }
        Ok(())
    }
}
