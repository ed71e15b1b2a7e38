//! How many are rightly or wrongly taken for what.

use burn::tensor::Tensor;

use super::confusion::{Columns, Confusion, Thresholds, check_thresholds, mean};
use super::{Metric, metric_basics, metric_struct};
use crate::Result;
use crate::tensor::AnyTensor;

macro_rules! counts {
    ($($(#[$meta:meta])* $metric:ident, $class:literal, $name:literal, $field:ident;)+) => {$(
        metric_struct! {
            $(#[$meta])*
            pub struct $metric(Confusion)() {
                /// What an output must be above to count as positive, one or several: 0.5 without it.
                thresholds: Option<Vec<f32>> = None,
            }
        }

        impl Metric for $metric {
            metric_basics!($class, $name);

            fn update(
                &mut self,
                y_true: &AnyTensor,
                y_pred: &AnyTensor,
                weights: Option<&Tensor<1>>,
            ) -> Result<()> {
                let thresholds = Thresholds::of(self.thresholds.as_deref().unwrap_or(&[0.5]));
                let columns = Columns::default();
                self.state.update($name, (y_true, y_pred), weights, &thresholds, &columns)
            }

            fn result(&self) -> Result<f64> {
                Ok(mean(&self.results()?))
            }

            fn results(&self) -> Result<Vec<f64>> {
                let count = self.thresholds.as_ref().map_or(1, Vec::len);
                Ok(self.state.read_one(count)?.$field)
            }

            fn check(&self) -> Result<()> {
                check_thresholds($name, self.thresholds.as_deref())
            }
        }
    )+};
}

counts! {
    /// How many 1s are taken for 1s, by weight.
    TruePositives, "TruePositives", "true_positives", true_positives;
    /// How many 0s are taken for 1s, by weight.
    FalsePositives, "FalsePositives", "false_positives", false_positives;
    /// How many 0s are taken for 0s, by weight.
    TrueNegatives, "TrueNegatives", "true_negatives", true_negatives;
    /// How many 1s are taken for 0s, by weight.
    FalseNegatives, "FalseNegatives", "false_negatives", false_negatives;
}
