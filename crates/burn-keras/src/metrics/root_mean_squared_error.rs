//! The typical distance.

use burn::tensor::Tensor;

use super::{Mean, Metric, metric_basics, metric_struct};
use crate::Result;
use crate::losses::{paired_rows, row_means};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The root of the mean of `(t - p)²` over all values.
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
