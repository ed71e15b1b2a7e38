//! The best of one figure where another is good enough.

use burn::tensor::Tensor;

use super::confusion::{Columns, Confusion, Thresholds};
use super::{Metric, metric_basics, metric_struct};
use crate::losses::share;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// The largest of `wanted` among the thresholds at which `held` is at least `least`; 0 if there is none.
fn best(wanted: &[f64], held: &[f64], least: f32) -> f64 {
    // In single precision, as the limit is: 3 of 5 are 0.6.
    let good = |(_, held): &(&f64, &f64)| **held as f32 >= least;
    wanted
        .iter()
        .zip(held)
        .filter(good)
        .map(|(w, _)| *w)
        .fold(0.0, f64::max)
}

macro_rules! trade_offs {
    ($(
        $(#[$meta:meta])*
        $metric:ident($held:ident), $class:literal, $name:literal, $wanted_of:ident, $held_of:ident;
    )+) => {$(
        metric_struct! {
            $(#[$meta])*
            pub struct $metric(Confusion)($held: f32) {
                /// How many thresholds from 0 to 1 are tried.
                num_thresholds: usize = 200,
                /// Only this class counts.
                class_id: Option<usize> = None,
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
                let thresholds = match self.num_thresholds {
                    0 | 1 => Thresholds::of(&[0.5]),
                    2 => Thresholds::of(&[0.0, 1.0]),
                    count => Thresholds::even(count, 0.0),
                };
                let columns = Columns {
                    class_id: self.class_id,
                    ..Columns::default()
                };
                self.state.update($name, (y_true, y_pred), weights, &thresholds, &columns)
            }

            fn result(&self) -> Result<f64> {
                let counts = self.state.read_one(self.num_thresholds)?;
                Ok(best(&counts.$wanted_of(), &counts.$held_of(), self.$held))
            }

            fn check(&self) -> Result<()> {
                if self.num_thresholds == 0 {
                    let problem = "is 0; it must be at least 1";
                    return Err(Error::argument($name, "num_thresholds", problem));
                }
                share($name, stringify!($held), self.$held)
            }
        }
    )+};
}

trade_offs! {
    /// The best sensitivity (recall) at a threshold where the specificity is at least that given.
    ///
    /// ```
    /// use burn_keras::metrics::SensitivityAtSpecificity;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", SensitivityAtSpecificity::new(0.5))?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("sensitivity_at_specificity").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    SensitivityAtSpecificity(specificity), "SensitivityAtSpecificity", "sensitivity_at_specificity", recall,
        specificity;
    /// The best specificity at a threshold where the sensitivity (recall) is at least that given.
    ///
    /// ```
    /// use burn_keras::metrics::SpecificityAtSensitivity;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", SpecificityAtSensitivity::new(0.5))?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("specificity_at_sensitivity").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    SpecificityAtSensitivity(sensitivity), "SpecificityAtSensitivity", "specificity_at_sensitivity", specificity,
        recall;
    /// The best precision at a threshold where the recall is at least that given.
    ///
    /// ```
    /// use burn_keras::metrics::PrecisionAtRecall;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", PrecisionAtRecall::new(0.5))?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("precision_at_recall").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    PrecisionAtRecall(recall), "PrecisionAtRecall", "precision_at_recall", precision, recall;
    /// The best recall at a threshold where the precision is at least that given.
    ///
    /// ```
    /// use burn_keras::metrics::RecallAtPrecision;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", "mse", RecallAtPrecision::new(0.5))?;
    /// let (y_pred, y_true) = (array![[0.9], [0.6], [0.2], [0.7]], array![[1.0], [0.0], [0.0], [1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("recall_at_precision").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    RecallAtPrecision(precision), "RecallAtPrecision", "recall_at_precision", recall, precision;
}
