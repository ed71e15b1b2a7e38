//! How output and labels go up and down together.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{EPSILON, Labels, last_axis, paired_rows, row_means};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The mean over the rows of Pearson's correlation along the last axis.
    ///
    /// ```
    /// use burn_keras::metrics::PearsonCorrelation;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", PearsonCorrelation::new())?;
    /// let (y_pred, y_true) = (array![[1.5, 2.0, 3.5]], array![[1.0, 2.5, 4.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("pearson_correlation").unwrap_or(f64::NAN);
    /// assert!((value - 0.9608).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct PearsonCorrelation(Mean)() {
        /// The axis; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

/// Rows less their means.
fn centered(rows: Tensor<2>) -> Tensor<2> {
    rows.clone() - rows.mean_dim(1)
}

/// The mean squares of rows.
fn mean_squares(rows: &Tensor<2>) -> Tensor<2> {
    (rows.clone() * rows.clone()).mean_dim(1)
}

impl RowValues for PearsonCorrelation {
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(Metric::name(self), self.axis, y_pred)?;
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        let (t, p) = (centered(t), centered(p));
        let (of_t, of_p) = (mean_squares(&t).sqrt(), mean_squares(&p).sqrt());
        Ok(row_means(t / of_t * (p / of_p)))
    }
}

impl Metric for PearsonCorrelation {
    metric_of_rows!("PearsonCorrelation", "pearson_correlation");
}

metric_struct! {
    /// The mean over the rows of Lin's concordance along the last axis: `2 cov / (var_t + var_p + (mean_t - mean_p)²)`.
    ///
    /// ```
    /// use burn_keras::metrics::ConcordanceCorrelation;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", ConcordanceCorrelation::new())?;
    /// let (y_pred, y_true) = (array![[1.5, 2.0, 3.5]], array![[1.0, 2.5, 4.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("concordance_correlation").unwrap_or(f64::NAN);
    /// assert!((value - 0.8889).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct ConcordanceCorrelation(Mean)() {
        /// The axis; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl RowValues for ConcordanceCorrelation {
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(Metric::name(self), self.axis, y_pred)?;
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        let apart = t.clone().mean_dim(1) - p.clone().mean_dim(1);
        let (t, p) = (centered(t), centered(p));
        let norm = mean_squares(&t) + mean_squares(&p) + apart.clone() * apart;
        Ok(row_means(t * p * 2.0 / (norm + EPSILON)))
    }
}

impl Metric for ConcordanceCorrelation {
    metric_of_rows!("ConcordanceCorrelation", "concordance_correlation");
}
