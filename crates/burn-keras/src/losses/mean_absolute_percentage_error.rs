//! The distance in percent of the label.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `100` times the mean of `|t - p| / max(|t|, 1e-7)` along the last axis.
    ///
    /// ```
    /// use burn_keras::losses::MeanAbsolutePercentageError;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", MeanAbsolutePercentageError::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0]], array![[1.0], [4.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 50.0).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
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
