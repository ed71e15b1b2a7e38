//! The distance.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `|t - p|` along the last axis.
    ///
    /// ```
    /// use burn_keras::losses::MeanAbsoluteError;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", MeanAbsoluteError::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0]], array![[1.0], [4.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 1.25).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
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
