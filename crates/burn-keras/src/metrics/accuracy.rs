//! How many values are the same.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, paired_rows, row_means};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of values of the output that equal their labels.
    ///
    /// ```
    /// use burn_keras::metrics::Accuracy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", Accuracy::new())?;
    /// let (y_pred, y_true) = (array![[1.0], [2.0], [3.0]], array![[1.0], [2.0], [4.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("accuracy").unwrap_or(f64::NAN);
    /// assert!((value - 0.6667).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Accuracy(Mean)() {

    }
}

impl RowValues for Accuracy {
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        Ok(row_means(t.equal(p).float()))
    }
}

impl Metric for Accuracy {
    metric_of_rows!("Accuracy", "accuracy");
}
