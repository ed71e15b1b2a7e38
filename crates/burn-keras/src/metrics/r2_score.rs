//! The share of the variance that is explained.

use burn::tensor::{Device, Tensor};

use super::confusion::mean;
use super::kept::{Kept, tensors_of_numbers, tensors_to_numbers};
use super::{Metric, metric_basics, metric_struct};
use crate::losses::paired_rows;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

metric_struct! {
    /// `1 - Σ (t - p)² / Σ (t - mean(t))²` of each column: 1 is perfect, 0 as good as always the mean.
    ///
    /// ```
    /// use burn_keras::metrics::R2Score;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", R2Score::new())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0], [3.5]], array![[1.0], [2.5], [4.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("r2_score").unwrap_or(f64::NAN);
    /// assert!((value - 0.8333).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct R2Score(R2Sums)() {
        /// What is made of the columns' scores: `"uniform_average"`: their mean; `"variance_weighted_average"`: their
        /// mean by variance; `None`: they are reported one by one.
        class_aggregation: Option<String> = Some("uniform_average".to_string()),
        /// The number of inputs that the score is adjusted for; 0 for none.
        num_regressors: usize = 0,
    }
}

/// Sums over the rows, one for each column: weighted labels, their squares, squared distances, weights.
#[derive(Clone, Debug, Default)]
pub(super) struct R2Sums {
    sums: Option<[Tensor<1>; 4]>,
    values: usize,
}

impl Kept for R2Sums {
    fn to_numbers(&self) -> Result<Vec<f64>> {
        let mut numbers = vec![self.values as f64];
        numbers.extend(tensors_to_numbers(
            self.sums.as_ref().map_or(&[], |s| &s[..]),
        )?);
        Ok(numbers)
    }

    fn of_numbers(numbers: &[f64], device: &Device) -> Result<Self> {
        let Some((values, sums)) = numbers.split_first() else {
            return Err(Error::config("r2_score", "has no such state"));
        };
        Ok(Self {
            sums: tensors_of_numbers(sums, device)?,
            values: *values as usize,
        })
    }
}

impl Metric for R2Score {
    metric_basics!("R2Score", "r2_score");

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        let [rows, columns] = t.dims();
        let w: Tensor<2> = match weights {
            Some(weights) => weights.clone().reshape([rows, 1]).expand([rows, columns]),
            None => Tensor::ones([rows, columns], &t.device()),
        };
        let over_rows = |values: Tensor<2>| values.sum_dim(0).reshape([columns]);
        let distance = t.clone() - p;
        let weighted = t.clone() * w.clone();
        let new = [
            over_rows(weighted.clone()),
            over_rows(t * weighted),
            over_rows(distance.clone() * distance * w.clone()),
            over_rows(w),
        ];
        let mut old = self.state.sums.take().into_iter().flatten();
        self.state.sums = Some(new.map(|new| match old.next() {
            Some(old) => old + new,
            None => new,
        }));
        self.state.values += rows * columns;
        Ok(())
    }

    fn result(&self) -> Result<f64> {
        Ok(mean(&self.results()?))
    }

    fn results(&self) -> Result<Vec<f64>> {
        let mut sums = [const { Vec::new() }; 4];
        for (values, sum) in sums.iter_mut().zip(self.state.sums.iter().flatten()) {
            *values = AnyTensor::from(sum.clone()).to_vec()?;
        }
        let [sum, squares, distances, weights] =
            sums.map(|v| v.into_iter().map(f64::from).collect::<Vec<f64>>());
        let total: Vec<f64> = (0..sum.len())
            .map(|i| squares[i] - sum[i] * sum[i] / weights[i])
            .collect();
        let score = |i: usize| {
            let score = 1.0 - distances[i] / total[i];
            // A column without variance scores 0.
            if score.is_infinite() { 0.0 } else { score }
        };
        let scores: Vec<f64> = (0..sum.len()).map(score).collect();
        let mut scores = match self.class_aggregation.as_deref() {
            Some("variance_weighted_average") => {
                let all: f64 = scores.iter().zip(&total).map(|(s, t)| s * t).sum();
                vec![all / total.iter().sum::<f64>()]
            }
            Some(_) => vec![mean(&scores)],
            None => scores,
        };
        // Keras counts values here, not rows.
        let (n, p) = (self.state.values as f64, self.num_regressors as f64);
        if self.num_regressors > 0 && p < n - 1.0 {
            scores
                .iter_mut()
                .for_each(|s| *s = 1.0 - (1.0 - *s) * (n - 1.0) / (n - p - 1.0));
        } else if self.num_regressors > 0 {
            log::warn!(
                "r2_score: {p} inputs for {n} values leave nothing to adjust by; it is not adjusted"
            );
        }
        Ok(scores)
    }

    fn check(&self) -> Result<()> {
        match self.class_aggregation.as_deref() {
            None | Some("uniform_average" | "variance_weighted_average") => Ok(()),
            Some(other) => {
                let problem = format!(
                    "is \"{other}\"; it must be \"uniform_average\" or \"variance_weighted_average\", or None"
                );
                Err(Error::argument("r2_score", "class_aggregation", problem))
            }
        }
    }
}
