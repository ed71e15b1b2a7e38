//! How often the right class is among the best.

use burn::tensor::{Int, Tensor};

use super::{Mean, Metric, RowValues, metric_of_rows, metric_struct};
use crate::Result;
use crate::losses::{Labels, class_numbers, labels_of_rows, paired_rows};
use crate::tensor::AnyTensor;

metric_struct! {
    /// The share of rows in which the class of the one-hot labels is among the `k` with the largest values.
    ///
    /// ```
    /// use burn_keras::metrics::TopKCategoricalAccuracy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "mse", TopKCategoricalAccuracy::new().k(2))?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("top_k_categorical_accuracy").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct TopKCategoricalAccuracy(Mean)() {
        /// How many are looked at.
        k: usize = 5,
    }
}

/// 1 where fewer than `k` values of the row are larger than that of its class.
fn in_top_k(p: Tensor<2>, class: Tensor<2, Int>, k: usize) -> Tensor<1> {
    let rows = p.dims()[0];
    let own = p.clone().gather(1, class);
    let better = p.greater(own).float().sum_dim(1);
    better.lower_elem(k as f32).float().reshape([rows])
}

impl RowValues for TopKCategoricalAccuracy {
    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(Metric::name(self), y_true, y_pred)?;
        Ok(in_top_k(p, t.argmax(1), self.k))
    }
}

impl Metric for TopKCategoricalAccuracy {
    metric_of_rows!("TopKCategoricalAccuracy", "top_k_categorical_accuracy");
}

metric_struct! {
    /// The share of rows in which the class with the label's number is among the `k` with the largest values.
    ///
    /// ```
    /// use burn_keras::metrics::SparseTopKCategoricalAccuracy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", "sparse_categorical_crossentropy", SparseTopKCategoricalAccuracy::new().k(2))?;
    /// let (y_pred, y_true) = (array![[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [0.2, 0.2, 0.6]], array![0, 1, 0, 2]);
    /// let scores = model.evaluate(&y_pred, &y_true)?;
    /// let value = scores.get("sparse_top_k_categorical_accuracy").unwrap_or(f64::NAN);
    /// assert!((value - 1.0).abs() < 1e-3, "{value}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct SparseTopKCategoricalAccuracy(Mean)() {
        /// How many are looked at.
        k: usize = 5,
        /// Whether the output already is class numbers, the best first.
        from_sorted_ids: bool = false,
    }
}

impl RowValues for SparseTopKCategoricalAccuracy {
    fn labels(&self) -> Labels {
        if self.from_sorted_ids {
            Labels::Any
        } else {
            Labels::ClassNumber
        }
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let p = y_pred.float_rows()?;
        let [rows, classes] = p.dims();
        if self.from_sorted_ids {
            let labels = labels_of_rows(Metric::name(self), y_true, y_pred)?.reshape([rows, 1]);
            let best = p.narrow(1, 0, self.k.min(classes));
            let hits = best.equal(labels).float().sum_dim(1);
            return Ok(hits.greater_elem(0.0).float().reshape([rows]));
        }
        let numbers = class_numbers(Metric::name(self), y_true, y_pred, classes)?;
        Ok(in_top_k(p, numbers, self.k))
    }
}

impl Metric for SparseTopKCategoricalAccuracy {
    metric_of_rows!(
        "SparseTopKCategoricalAccuracy",
        "sparse_top_k_categorical_accuracy"
    );
}
