//! Binary cross-entropy that attends to what is hard.

use burn::tensor::{Tensor, activation};

use super::{
    Loss, binary_crossentropy::of_probabilities, last_axis, loss_basics, loss_struct, paired_rows,
    powf, row_means, share, smoothed,
};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// The mean of `(1 - q)^gamma` times the binary cross-entropy along the last axis, `q = t p + (1 - t)(1 - p)` (Lin et
    /// al., 2018).
    ///
    /// ```
    /// use burn_keras::losses::BinaryFocalCrossentropy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([1]))?;
    /// model.compile("sgd", BinaryFocalCrossentropy::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.9], [0.2]], array![[1.0], [0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.005).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct BinaryFocalCrossentropy {
        /// Whether 1s count `alpha` and 0s `1 - alpha`.
        apply_class_balancing: bool = false,
        /// How much 1s count.
        alpha: f32 = 0.25,
        /// How much easy samples count less.
        gamma: f32 = 2.0,
        /// Whether the model puts out logits, to which a sigmoid is still to be applied.
        from_logits: bool = false,
        /// Moves labels this share of the way towards 0.5.
        label_smoothing: f32 = 0.0,
        /// The axis of the mean; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl Loss for BinaryFocalCrossentropy {
    loss_basics!("BinaryFocalCrossentropy", "binary_focal_crossentropy");

    fn check(&self) -> Result<()> {
        share(self.name(), "label_smoothing", self.label_smoothing)
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(self.name(), self.axis, y_pred)?;
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let t = smoothed(t, self.label_smoothing, 2);
        let p = if self.from_logits {
            activation::sigmoid(p)
        } else {
            p
        };
        let entropy = of_probabilities(t.clone(), p.clone());
        let not_t = -t.clone() + 1.0;
        let right = t.clone() * p.clone() + not_t.clone() * (-p + 1.0);
        let mut focal = powf(-right + 1.0, self.gamma) * entropy;
        if self.apply_class_balancing {
            focal = focal * (t * self.alpha + not_t * (1.0 - self.alpha));
        }
        Ok(row_means(focal))
    }
}
