//! How often the class with this number has the largest value.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, labels_of_rows};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of rows whose largest value is at the label's number.
    ///
    /// ```
    /// use burn_keras::metrics::SparseCategoricalAccuracy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "sparse_categorical_crossentropy", SparseCategoricalAccuracy::new())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![0, 1, 0, 2]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("sparse_categorical_accuracy").unwrap_or(f64::NAN);
    /// assert!((value - 0.75).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct SparseCategoricalAccuracy(Mean)() {

    }
}

impl RowValues for SparseCategoricalAccuracy {
    fn labels(&self) -> Labels {
        Labels::ClassNumber
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let p = y_pred.float_rows()?;
        let rows = p.dims()[0];
        let guess = AnyTensor::from(p.argmax(1)).int_as([rows])?;
        // Compared as floats, so that the two may have different integer types.
        Ok(labels_of_rows(Metric::name(self), y_true, y_pred)?
            .equal(guess.float())
            .float())
    }
}

impl Metric for SparseCategoricalAccuracy {
    metric_of_rows!("SparseCategoricalAccuracy", "sparse_categorical_accuracy");
}
