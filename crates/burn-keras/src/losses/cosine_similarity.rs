//! The angle.

use burn::tensor::Tensor;

use super::{Loss, last_axis, loss_basics, loss_struct, paired_rows, row_sums, unit_length};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `-Σ t p` along the last axis, of `t` and `p` at length 1: -1 for the same direction, 1 for the opposite one.
    ///
    /// As a metric (`"cosine_similarity"`) it has the other sign, as in Keras.
    ///
    /// ```
    /// use burn_keras::losses::CosineSimilarity;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([2]))?;
    /// model.compile("sgd", CosineSimilarity::new(), ())?;
    /// let (y_pred, y_true) = (array![[3.0, 4.0], [1.0, 0.0]], array![[3.0, 4.0], [0.0, 1.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - -0.5).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CosineSimilarity {
        /// The axis; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl Loss for CosineSimilarity {
    loss_basics!("CosineSimilarity", "cosine_similarity");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(self.name(), self.axis, y_pred)?;
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        Ok(-row_sums(unit_length(t) * unit_length(p)))
    }
}
