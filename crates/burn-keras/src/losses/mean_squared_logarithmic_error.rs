//! The squared distance of the logarithms.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `(log(t + 1) - log(p + 1))²` along the last axis, both at least `1e-7`.
    ///
    /// ```
    /// use burn_keras::losses::MeanSquaredLogarithmicError;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", MeanSquaredLogarithmicError::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0]], array![[1.0], [4.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.1554).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct MeanSquaredLogarithmicError {

    }
}

impl Loss for MeanSquaredLogarithmicError {
    loss_basics!(
        "MeanSquaredLogarithmicError",
        "mean_squared_logarithmic_error"
    );

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let log = |x: Tensor<2>| (x.clamp_min(EPSILON) + 1.0).log();
        let distance = log(p) - log(t);
        Ok(row_means(distance.clone() * distance))
    }
}
