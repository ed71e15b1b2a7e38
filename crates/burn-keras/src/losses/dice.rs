//! The overlap of two regions.

use burn::tensor::Tensor;

use super::{EPSILON, Loss, kept_rows, loss_basics, loss_struct, row_sums, same_shape};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `1 - 2 Σ t p / (Σ t + Σ p + 1e-7)` (Dice, 1945): one value for the whole batch, or for each row that `axis` leaves.
    ///
    /// ```
    /// use burn_keras::losses::Dice;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", Dice::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.2]], array![[1.0], [0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.1429).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Dice {
        /// The axes that are summed over; all of them without it, the batch too. They must be the last ones.
        axis: Option<Vec<i64>> = None,
    }
}

impl Loss for Dice {
    loss_basics!("Dice", "dice");

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = (
            kept_rows(self.name(), y_true, self.axis.as_deref())?,
            kept_rows(self.name(), y_pred, self.axis.as_deref())?,
        );
        same_shape(self.name(), y_true, y_pred)?;
        let both = row_sums(t.clone() * p.clone());
        Ok(-(both * 2.0 / (row_sums(t) + row_sums(p) + EPSILON)) + 1.0)
    }
}
