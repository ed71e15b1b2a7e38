//! How unlikely the model finds the right class.

use burn::tensor::{Tensor, activation};

use super::{
    EPSILON, Labels, Loss, last_axis, loss_basics, loss_struct, paired_rows, row_sums, share,
    smoothed,
};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `-Σ t log(p)` over the classes, for one-hot labels `t` (any real labels are accepted) and probabilities `p`.
    ///
    /// Probabilities are first divided by their sum and kept within `1e-7` of 0 and 1 (`keras/src/backend/jax/nn.py`,
    /// `categorical_crossentropy`).
    ///
    /// ```
    /// use burn_keras::losses::CategoricalCrossentropy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", CategoricalCrossentropy::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.4581).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CategoricalCrossentropy {
        /// Whether the model puts out logits, to which softmax is still to be applied.
        from_logits: bool = false,
        /// Takes this share of the labels and spreads it evenly over the classes.
        label_smoothing: f32 = 0.0,
        /// The axis of the classes; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl Loss for CategoricalCrossentropy {
    loss_basics!("CategoricalCrossentropy", "categorical_crossentropy");

    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn check(&self) -> Result<()> {
        share(self.name(), "label_smoothing", self.label_smoothing)
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(self.name(), self.axis, y_pred)?;
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let classes = p.dims()[1];
        let t = smoothed(t, self.label_smoothing, classes);
        Ok(cross_entropy(p, t, self.from_logits))
    }
}

/// `-Σ t log(p)` of each row, of `p` and `t` `[rows, classes]`.
fn cross_entropy(p: Tensor<2>, t: Tensor<2>, from_logits: bool) -> Tensor<1> {
    if !from_logits {
        // One operation where there is one.
        let labels = burn_recurrent::Labels::Shares(t.clone());
        if let Ok(rows) = burn_recurrent::cross_entropy(p.clone(), labels, EPSILON.into()) {
            return rows;
        }
    }
    -row_sums(t * log_probabilities(p, from_logits))
}

/// Probabilities that add up to 1 and whose logarithms are finite.
pub(super) fn proper(p: Tensor<2>) -> Tensor<2> {
    let sums = p.clone().sum_dim(1);
    (p / sums).clamp(EPSILON, 1.0 - EPSILON)
}

/// The logarithms of the probabilities in `y_pred`, `[rows, classes]`.
pub(super) fn log_probabilities(y_pred: Tensor<2>, from_logits: bool) -> Tensor<2> {
    if from_logits {
        activation::log_softmax(y_pred, 1)
    } else {
        proper(y_pred).log()
    }
}
