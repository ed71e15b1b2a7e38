//! What is lost by taking one distribution for another.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, loss_basics, loss_struct, paired_rows, row_sums};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `Σ t log(t / p)` along the last axis, both held within `1e-7` and 1 (Kullback and Leibler, 1951).
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
