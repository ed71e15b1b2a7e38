//! The share of what is taken for 1s that are 1s: `tp / (tp + fp)`.

use burn::tensor::Tensor;

use super::confusion::{Confusion, check_thresholds, mean};
use super::{Metric, metric_basics, metric_struct};
use crate::Result;
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of what is taken for 1s that are 1s: `tp / (tp + fp)`, and 0 where there is none.
    ///
    /// ```
    /// use burn_keras::metrics::Precision;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", Precision::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("precision").unwrap_or(f64::NAN);
    /// assert!((value - 0.6667).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Precision(Confusion)() {
        /// What an output must be above to count as positive, one or several: 0.5 without it (with `top_k`, anything).
        thresholds: Option<Vec<f32>> = None,
        /// Only the largest so many values of a row can be positive.
        top_k: Option<usize> = None,
        /// Only this class counts.
        class_id: Option<usize> = None,
    }
}

impl Metric for Precision {
    metric_basics!("Precision", "precision");

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        self.state.update_above(
            "precision",
            (y_true, y_pred),
            weights,
            self.thresholds.as_deref(),
            (self.top_k, self.class_id),
        )
    }

    fn result(&self) -> Result<f64> {
        Ok(mean(&self.results()?))
    }

    fn results(&self) -> Result<Vec<f64>> {
        let count = self.thresholds.as_ref().map_or(1, Vec::len);
        Ok(self.state.read_one(count)?.precision())
    }

    fn check(&self) -> Result<()> {
        check_thresholds("precision", self.thresholds.as_deref())
    }
}
