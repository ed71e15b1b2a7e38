//! How often the right class has the largest value.

use burn::tensor::Tensor;

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, paired_rows};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of rows whose largest value is where the labels' largest is.
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
