//! What is lost by taking one distribution for another.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, loss_basics, loss_struct, paired_rows, row_sums};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `Σ t log(t / p)` along the last axis, both held within `1e-7` and 1 (Kullback and Leibler, 1951).
    ///
    /// ```
    /// use burn_keras::losses::KLDivergence;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", KLDivergence::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.4581).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct KLDivergence {

    }
}

impl Loss for KLDivergence {
    loss_basics!("KLDivergence", "kl_divergence");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let held = |x: Tensor<2>| x.clamp(EPSILON, 1.0);
        let (t, p) = (held(t), held(p));
        Ok(row_sums(t.clone() * (t / p).log()))
    }
}
