//! The typical distance.

use burn::tensor::Tensor;

use super::{Mean, Metric, metric_basics, metric_struct};
use crate::Result;
use crate::losses::{paired_rows, row_means};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The root of the mean of `(t - p)²` over all values.
    ///
    /// ```
    /// use burn_keras::metrics::RootMeanSquaredError;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", RootMeanSquaredError::new())?;
    /// let (y_pred, y_true) = (array![[1.5, 2.0, 3.5]], array![[1.0, 2.5, 4.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("root_mean_squared_error").unwrap_or(f64::NAN);
    /// assert!((value - 0.5).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct RootMeanSquaredError(Mean)() {}
}

impl Metric for RootMeanSquaredError {
    metric_basics!("RootMeanSquaredError", "root_mean_squared_error");

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        let distance = t - p;
        self.state
            .update(row_means(distance.clone() * distance), weights);
        Ok(())
    }

    fn result(&self) -> Result<f64> {
        Ok(self.state.result()?.sqrt())
    }
}
