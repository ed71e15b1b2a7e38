//! The margin between the right class and the best wrong one.

use burn::tensor::Tensor;

use super::{Labels, Loss, loss_basics, loss_struct, paired_rows, row_sums};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `max(max((1 - t) p) - Σ t p + 1, 0)` along the last axis, for one-hot labels.
    pub struct CategoricalHinge {

    }
}

impl Loss for CategoricalHinge {
    loss_basics!("CategoricalHinge", "categorical_hinge");

    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let rows = p.dims()[0];
        let right = row_sums(t.clone() * p.clone());
        let wrong = ((-t + 1.0) * p).max_dim(1).reshape([rows]);
        Ok((wrong - right + 1.0).clamp_min(0.0))
    }
}
