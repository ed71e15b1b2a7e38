//! The mean of precision and recall.

use burn::tensor::Tensor;

use super::confusion::mean;
use super::kept::kept_tensors;
use super::{Metric, metric_basics, metric_struct};
use crate::losses::{EPSILON, paired_rows};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Sums over the rows, one for each class: true, false positives, missed ones, and all positives.
#[derive(Clone, Debug, Default)]
pub(super) struct ClassSums {
    sums: Option<[Tensor<1>; 4]>,
}

kept_tensors!(ClassSums { sums });

impl ClassSums {
    fn update(
        &mut self,
        place: &str,
        (y_true, y_pred): (&AnyTensor, &AnyTensor),
        weights: Option<&Tensor<1>>,
        threshold: Option<f32>,
    ) -> Result<()> {
        let (t, p) = paired_rows(place, y_true, y_pred)?;
        let [rows, classes] = p.dims();
        let guess = match threshold {
            Some(threshold) => p.greater_elem(threshold).float(),
            None => {
                // The largest value of a row, unless the row is all 0.
                let largest = p.clone().max_dim(1).expand([rows, classes]);
                let there = p.clone().abs().greater_elem(1e-9);
                p.greater_equal(largest).bool_and(there).float()
            }
        };
        let over_rows = |values: Tensor<2>| -> Tensor<1> {
            let values = match weights {
                Some(weights) => values * weights.clone().reshape([rows, 1]),
                None => values,
            };
            values.sum_dim(0).reshape([classes])
        };
        let new = [
            over_rows(guess.clone() * t.clone()),
            over_rows(guess.clone() * (-t.clone() + 1.0)),
            over_rows((-guess + 1.0) * t.clone()),
            over_rows(t),
        ];
        let mut old = self.sums.take().into_iter().flatten();
        self.sums = Some(new.map(|new| match old.next() {
            Some(old) => old + new,
            None => new,
        }));
        Ok(())
    }

    fn read(&self) -> Result<[Vec<f64>; 4]> {
        let mut all = [const { Vec::new() }; 4];
        for (values, sum) in all.iter_mut().zip(self.sums.iter().flatten()) {
            let read = AnyTensor::from(sum.clone()).to_vec()?;
            *values = read.into_iter().map(f64::from).collect();
        }
        Ok(all)
    }

    /// The score of each class, or of all together.
    fn scores(&self, beta: f32, average: Option<&str>) -> Result<Vec<f64>> {
        let mut sums = self.read()?;
        if average == Some("micro") {
            sums = sums.map(|values| vec![values.iter().sum()]);
        }
        let [tp, fp, missed, all] = sums;
        let epsilon = f64::from(EPSILON);
        let square = f64::from(beta) * f64::from(beta);
        let score = |i: usize| {
            let precision = tp[i] / (tp[i] + fp[i] + epsilon);
            let recall = tp[i] / (tp[i] + missed[i] + epsilon);
            precision * recall / (square * precision + recall + epsilon) * (1.0 + square)
        };
        let scores: Vec<f64> = (0..tp.len()).map(score).collect();
        Ok(match average {
            None => scores,
            Some("weighted") => {
                let total = all.iter().sum::<f64>() + epsilon;
                vec![scores.iter().zip(&all).map(|(s, w)| s * w / total).sum()]
            }
            Some(_) => vec![mean(&scores)],
        })
    }
}

fn check(place: &str, average: Option<&str>, beta: f32, threshold: Option<f32>) -> Result<()> {
    if let Some(other) = average.filter(|a| !["micro", "macro", "weighted"].contains(a)) {
        let problem =
            format!("is \"{other}\"; it must be \"micro\", \"macro\" or \"weighted\", or left out");
        return Err(Error::argument(place, "average", problem));
    }
    if !(beta > 0.0 && beta.is_finite()) {
        let problem = format!("is {beta}; it must be above 0");
        return Err(Error::argument(place, "beta", problem));
    }
    match threshold {
        Some(t) if !(t > 0.0 && t <= 1.0) => {
            let problem = format!("is {t}; it must be above 0 and at most 1");
            Err(Error::argument(place, "threshold", problem))
        }
        _ => Ok(()),
    }
}

macro_rules! f_scores {
    ($(
        $(#[$meta:meta])*
        $metric:ident, $class:literal, $name:literal, $beta:expr, { $($options:tt)* };
    )+) => {$(
        metric_struct! {
            $(#[$meta])*
            pub struct $metric(ClassSums)() {
                /// What is made of the classes' scores: without it they are reported one by one; `"micro"`: the score of
                /// all together; `"macro"`: their mean; `"weighted"`: their mean by the number of labels.
                average: Option<String> = None,
                $($options)*
                /// What an output must be above to count; without it the largest of each row counts.
                threshold: Option<f32> = None,
            }
        }

        impl Metric for $metric {
            metric_basics!($class, $name);

            fn update(
                &mut self,
                y_true: &AnyTensor,
                y_pred: &AnyTensor,
                weights: Option<&Tensor<1>>,
            ) -> Result<()> {
                self.state.update($name, (y_true, y_pred), weights, self.threshold)
            }

            fn result(&self) -> Result<f64> {
                Ok(mean(&self.results()?))
            }

            fn results(&self) -> Result<Vec<f64>> {
                let beta: fn(&Self) -> f32 = $beta;
                self.state.scores(beta(self), self.average.as_deref())
            }

            fn check(&self) -> Result<()> {
                let beta: fn(&Self) -> f32 = $beta;
                check($name, self.average.as_deref(), beta(self), self.threshold)
            }
        }
    )+};
}

f_scores! {
    /// `(1 + beta²) precision recall / (beta² precision + recall)` of each class.
    ///
    /// ```
    /// use burn_keras::metrics::FBetaScore;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", FBetaScore::new().average(Some("macro".to_string())).beta(2.0))?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("fbeta_score").unwrap_or(f64::NAN);
    /// assert!((value - 0.7963).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    FBetaScore, "FBetaScore", "fbeta_score", |metric| metric.beta, {
        /// How many times more recall counts than precision.
        beta: f32 = 1.0,
    };
    /// `2 precision recall / (precision + recall)` of each class.
    ///
    /// ```
    /// use burn_keras::metrics::F1Score;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", F1Score::new().average(Some("macro".to_string())))?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("f1_score").unwrap_or(f64::NAN);
    /// assert!((value - 0.7778).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    F1Score, "F1Score", "f1_score", |_| 1.0, {};
}
