//! The squared distance.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `(t - p)²` along the last axis.
    pub struct MeanSquaredError {

    }
}

impl Loss for MeanSquaredError {
    loss_basics!("MeanSquaredError", "mean_squared_error");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let distance = t - p;
        Ok(row_means(distance.clone() * distance))
    }
}
