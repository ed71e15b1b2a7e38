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
    ///
    /// ```
    /// use burn_keras::metrics::TruePositives;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", TruePositives::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("true_positives").unwrap_or(f64::NAN);
    /// assert!((value - 2.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    TruePositives, "TruePositives", "true_positives", true_positives;
    /// How many 0s are taken for 1s, by weight.
    ///
    /// ```
    /// use burn_keras::metrics::FalsePositives;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", FalsePositives::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("false_positives").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    FalsePositives, "FalsePositives", "false_positives", false_positives;
    /// How many 0s are taken for 0s, by weight.
    ///
    /// ```
    /// use burn_keras::metrics::TrueNegatives;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", TrueNegatives::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("true_negatives").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    TrueNegatives, "TrueNegatives", "true_negatives", true_negatives;
    /// How many 1s are taken for 0s, by weight.
    ///
    /// ```
    /// use burn_keras::metrics::FalseNegatives;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", FalseNegatives::new())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("false_negatives").unwrap_or(f64::NAN);
    /// assert!((value - 0.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    FalseNegatives, "FalseNegatives", "false_negatives", false_negatives;
}
