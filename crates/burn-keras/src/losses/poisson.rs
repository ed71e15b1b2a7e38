//! Counts.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, loss_basics, loss_struct, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `p - t log(p + 1e-7)` along the last axis.
    pub struct Poisson {

    }
}

impl Loss for Poisson {
    loss_basics!("Poisson", "poisson");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        Ok(row_means(p.clone() - t * (p + EPSILON).log()))
    }
}
