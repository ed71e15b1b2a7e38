//! How often the output is on the right side of a threshold.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, paired_rows, row_means};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of values on the right side of a threshold.
    ///
    /// ```
    /// use burn_keras::metrics::BinaryAccuracy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", BinaryAccuracy::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("binary_accuracy").unwrap_or(f64::NAN);
    /// assert!((value - 0.75).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct BinaryAccuracy(Mean)() {
        /// An output counts as 1 when it is above the threshold.
        threshold: f32 = 0.5,
    }
}

impl RowValues for BinaryAccuracy {
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        let guess = p.greater_elem(self.threshold).float();
        Ok(row_means(t.equal(guess).float()))
    }
}

impl Metric for BinaryAccuracy {
    metric_of_rows!("BinaryAccuracy", "binary_accuracy");
}
