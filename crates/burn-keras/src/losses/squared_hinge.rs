//! The squared margin of a classifier in two classes.

use burn::tensor::Tensor;

use super::{Loss, hinge::signed, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `max(1 - t p, 0)²` along the last axis, with labels as for [`Hinge`](super::Hinge).
    ///
    /// ```
    /// use burn_keras::losses::SquaredHinge;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", SquaredHinge::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5], [-2.0]], array![[1.0], [-1.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.125).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct SquaredHinge {

    }
}

impl Loss for SquaredHinge {
    loss_basics!("SquaredHinge", "squared_hinge");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let margin = (-signed(t) * p + 1.0).clamp_min(0.0);
        Ok(row_means(margin.clone() * margin))
    }
}
