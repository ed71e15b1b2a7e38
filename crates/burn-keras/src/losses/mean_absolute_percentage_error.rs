//! The distance in percent of the label.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `100` times the mean of `|t - p| / max(|t|, 1e-7)` along the last axis.
    pub struct MeanAbsolutePercentageError {

    }
}

impl Loss for MeanAbsolutePercentageError {
    loss_basics!(
        "MeanAbsolutePercentageError",
        "mean_absolute_percentage_error"
    );

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let size = t.clone().abs().clamp_min(EPSILON);
        Ok(row_means(((t - p) / size).abs()) * 100.0)
    }
}
