//! Like the squared distance near, like the distance far away.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means, softplus};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `log(cosh(p - t))` along the last axis, computed as `x + softplus(-2x) - log 2`.
    ///
    /// ```
    /// use burn_keras::losses::LogCosh;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", LogCosh::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0]], array![[1.0], [4.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.7226).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct LogCosh {

    }
}

impl Loss for LogCosh {
    loss_basics!("LogCosh", "log_cosh");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let x = p - t;
        Ok(row_means(
            x.clone() + softplus(x * -2.0) - std::f32::consts::LN_2,
        ))
    }
}
