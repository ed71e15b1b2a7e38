//! How often the right class has the largest value.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, paired_rows};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of rows whose largest value is where the labels' largest is.
    ///
    /// ```
    /// use burn_keras::metrics::CategoricalAccuracy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", CategoricalAccuracy::new())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("categorical_accuracy").unwrap_or(f64::NAN);
    /// assert!((value - 0.75).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CategoricalAccuracy(Mean)() {

    }
}

impl RowValues for CategoricalAccuracy {
    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        let rows = p.dims()[0];
        Ok(t.argmax(1).equal(p.argmax(1)).float().reshape([rows]))
    }
}

impl Metric for CategoricalAccuracy {
    metric_of_rows!("CategoricalAccuracy", "categorical_accuracy");
}
