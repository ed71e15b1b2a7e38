//! How unlikely the model finds labels of 0 and 1.

use burn::tensor::Tensor;

use super::{
    EPSILON, Loss, last_axis, log_sigmoid, loss_basics, loss_struct, paired_rows, row_means, share,
    smoothed,
};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `-(t log(p) + (1 - t) log(1 - p))` along the last axis, for labels of 0 and 1.
    ///
    /// Probabilities are kept within `1e-7` of 0 and 1 (`keras/src/backend/jax/nn.py`, `binary_crossentropy`).
    ///
    /// ```
    /// use burn_keras::losses::BinaryCrossentropy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", BinaryCrossentropy::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.2]], array![[1.0], [0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.1643).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct BinaryCrossentropy {
        /// Whether the model puts out logits, to which a sigmoid is still to be applied.
        from_logits: bool = false,
        /// Moves labels this share of the way towards 0.5.
        label_smoothing: f32 = 0.0,
        /// The axis of the mean; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl Loss for BinaryCrossentropy {
    loss_basics!("BinaryCrossentropy", "binary_crossentropy");

    fn check(&self) -> Result<()> {
        share(self.name(), "label_smoothing", self.label_smoothing)
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(self.name(), self.axis, y_pred)?;
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let t = smoothed(t, self.label_smoothing, 2);
        if self.from_logits {
            let (likely, unlikely) = (log_sigmoid(p.clone()), log_sigmoid(-p));
            return Ok(-row_means(t.clone() * likely + (-t + 1.0) * unlikely));
        }
        Ok(row_means(of_probabilities(t, p)))
    }
}

/// `-(t log(p) + (1 - t) log(1 - p))`, value by value.
pub(super) fn of_probabilities(t: Tensor<2>, p: Tensor<2>) -> Tensor<2> {
    let p = p.clamp(EPSILON, 1.0 - EPSILON);
    let likely = t.clone() * p.clone().log();
    let unlikely = (-t + 1.0) * (-p + 1.0).log();
    -(likely + unlikely)
}
