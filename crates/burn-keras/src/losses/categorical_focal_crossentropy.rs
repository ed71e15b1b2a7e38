//! Categorical cross-entropy that attends to what is hard.

use burn::tensor::{Tensor, activation};

use super::{
    Labels, Loss, categorical_crossentropy::proper, last_axis, loss_basics, loss_struct,
    paired_rows, powf, row_sums, share, smoothed,
};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `-Σ alpha (1 - p)^gamma t log(p)` over the classes (Lin et al., 2018), probabilities as for
    /// [`CategoricalCrossentropy`](super::CategoricalCrossentropy).
    ///
    /// ```
    /// use burn_keras::losses::CategoricalFocalCrossentropy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", CategoricalFocalCrossentropy::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.0228).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CategoricalFocalCrossentropy {
        /// A factor on everything.
        alpha: f32 = 0.25,
        /// How much easy samples count less.
        gamma: f32 = 2.0,
        /// Whether the model puts out logits, to which softmax is still to be applied.
        from_logits: bool = false,
        /// Takes this share of the labels and spreads it evenly over the classes.
        label_smoothing: f32 = 0.0,
        /// The axis of the classes; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl Loss for CategoricalFocalCrossentropy {
    loss_basics!(
        "CategoricalFocalCrossentropy",
        "categorical_focal_crossentropy"
    );

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
        let p = if self.from_logits {
            activation::softmax(p, 1)
        } else {
            p
        };
        let p = proper(p);
        let factor = powf(-p.clone() + 1.0, self.gamma) * self.alpha;
        Ok(-row_sums(factor * t * p.log()))
    }
}
