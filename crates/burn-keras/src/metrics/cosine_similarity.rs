//! The angle.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, last_axis, paired_rows, row_sums, unit_length};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The mean of `Σ t p` along the last axis, of `t` and `p` at length 1: 1 for the same direction, -1 for the opposite one.
    ///
    /// The [loss](crate::losses::CosineSimilarity) of the same name has the other sign, as in Keras.
    ///
    /// ```
    /// use burn_keras::metrics::CosineSimilarity;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([2]))?;
    /// model.compile("sgd", "mse", CosineSimilarity::new())?;
    /// let (y_pred, y_true) = (array![[3.0, 4.0], [1.0, 0.0]], array![[3.0, 4.0], [0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("cosine_similarity").unwrap_or(f64::NAN);
    /// assert!((value - 0.5).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CosineSimilarity(Mean)() {
        /// The axis; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl RowValues for CosineSimilarity {
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(Metric::name(self), self.axis, y_pred)?;
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        Ok(row_sums(unit_length(t) * unit_length(p)))
    }
}

impl Metric for CosineSimilarity {
    metric_of_rows!("CosineSimilarity", "cosine_similarity");
}
