//! Between cross-entropy and absolute error, for labels with mistakes in them.

use burn::tensor::Tensor;

use super::{Labels, Loss, class_numbers, loss_basics, loss_struct, powf};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

loss_struct! {
    /// `(1 - p[class]^q) / q`, for labels that are the number of the class (Zhang and Sabuncu, 2018).
    ///
    /// ```
    /// use burn_keras::losses::CategoricalGeneralizedCrossEntropy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", CategoricalGeneralizedCrossEntropy::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], array![0, 1]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.3985).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CategoricalGeneralizedCrossEntropy {
        /// From 0 (cross-entropy) to 1 (absolute error), both excluded.
        q: f32 = 0.5,
    }
}

impl Loss for CategoricalGeneralizedCrossEntropy {
    loss_basics!(
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy"
    );

    fn labels(&self) -> Labels {
        Labels::ClassNumber
    }

    fn check(&self) -> Result<()> {
        if self.q > 0.0 && self.q < 1.0 {
            return Ok(());
        }
        let problem = format!("is {}; it must be between 0 and 1", self.q);
        Err(Error::argument(self.name(), "q", problem))
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let p = y_pred.float_rows()?;
        let [rows, classes] = p.dims();
        let numbers = class_numbers(self.name(), y_true, y_pred, classes)?;
        let right = p.gather(1, numbers).reshape([rows]);
        Ok((-powf(right, self.q) + 1.0) / self.q)
    }
}
