//! The margin of a classifier in two classes.

use burn::tensor::Tensor;

use super::{Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `max(1 - t p, 0)` along the last axis, for labels of -1 and 1. Where all labels of a batch are 0 or 1, 0
    /// counts as -1.
    ///
    /// ```
    /// use burn_keras::losses::Hinge;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", Hinge::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5], [-2.0]], array![[1.0], [-1.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.25).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Hinge {

    }
}

impl Loss for Hinge {
    loss_basics!("Hinge", "hinge");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        Ok(row_means((-signed(t) * p + 1.0).clamp_min(0.0)))
    }
}

/// Labels of 0 and 1 as -1 and 1; others as they are.
pub(super) fn signed(labels: Tensor<2>) -> Tensor<2> {
    // 0 where every label is 0 or 1; decided on the device, so that nothing has to be read from it.
    let others = (labels.clone() * (labels.clone() - 1.0)).abs().max();
    let binary = others.equal_elem(0.0).float().unsqueeze::<2>();
    labels.clone() + binary * (labels - 1.0)
}
