//! The overlap of two regions, with a say in what is worse: too much or too little.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, kept_rows, loss_basics, loss_struct, row_sums, same_shape};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `1 - i / (i + alpha Σ t (1 - p) + beta Σ p (1 - t) + 1e-7)` with `i = Σ t p` (Salehi et al., 2017): one value for the
    /// whole batch, or for each row that `axis` leaves.
    ///
    /// ```
    /// use burn_keras::losses::Tversky;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", Tversky::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.2]], array![[1.0], [0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.1429).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Tversky {
        /// How much what is missed counts.
        alpha: f32 = 0.5,
        /// How much what is too much counts.
        beta: f32 = 0.5,
        /// The axes that are summed over; all of them without it, the batch too. They must be the last ones.
        axis: Option<Vec<i64>> = None,
    }
}

impl Loss for Tversky {
    loss_basics!("Tversky", "tversky");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = (
            kept_rows(self.name(), y_true, self.axis.as_deref())?,
            kept_rows(self.name(), y_pred, self.axis.as_deref())?,
        );
        same_shape(self.name(), y_true, y_pred)?;
        let both = row_sums(t.clone() * p.clone());
        let missed = row_sums((-p.clone() + 1.0) * t.clone());
        let too_much = row_sums((-t + 1.0) * p);
        let all = both.clone() + missed * self.alpha + too_much * self.beta + EPSILON;
        Ok(-(both / all) + 1.0)
    }
}
