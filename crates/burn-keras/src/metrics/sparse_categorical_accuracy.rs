//! How often the class with this number has the largest value.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, labels_of_rows};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of rows whose largest value is at the label's number.
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
