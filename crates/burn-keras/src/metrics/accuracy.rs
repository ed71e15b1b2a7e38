//! How many values are the same.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, paired_rows, row_means};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of values of the output that equal their labels.
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
