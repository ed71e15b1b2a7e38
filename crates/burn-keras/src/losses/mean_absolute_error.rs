//! The distance.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `|t - p|` along the last axis.
    pub struct MeanAbsoluteError {

    }
}

impl Loss for MeanAbsoluteError {
    loss_basics!("MeanAbsoluteError", "mean_absolute_error");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        Ok(row_means((t - p).abs()))
    }
}
