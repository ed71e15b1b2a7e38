//! Squared near, absolute far away.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// With `e = p - t`, the mean of `e² / 2` where `|e| <= delta` and `delta |e| - delta² / 2` elsewhere, along the last axis
    /// (Huber, 1964).
    ///
    /// ```
    /// use burn_keras::losses::Huber;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", Huber::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.5], [2.0]], array![[1.0], [4.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.8125).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Huber {
        /// Where the straight part begins.
        delta: f32 = 1.0,
    }
}

impl Loss for Huber {
    loss_basics!("Huber", "huber_loss");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let error = (p - t).abs();
        let delta = self.delta;
        // `near` is the error up to delta: one expression for both parts, as near² / 2 + delta (|e| - near).
        let near = error.clone().clamp_max(delta);
        Ok(row_means(
            near.clone() * near.clone() * 0.5 + (error - near) * delta,
        ))
    }
}
