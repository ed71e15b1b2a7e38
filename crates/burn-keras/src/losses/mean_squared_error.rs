//! The squared distance.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `(t - p)²` along the last axis.
    ///
    /// ```
    /// use burn_keras::losses::MeanSquaredError;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", MeanSquaredError::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0]], array![[1.0], [4.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 2.125).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
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
