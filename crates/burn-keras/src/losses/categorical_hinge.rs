//! The margin between the right class and the best wrong one.

use burn::tensor::Tensor;

use super::{Labels, Loss, loss_basics, loss_struct, paired_rows, row_sums};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `max(max((1 - t) p) - Σ t p + 1, 0)` along the last axis, for one-hot labels.
    ///
    /// ```
    /// use burn_keras::losses::CategoricalHinge;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", CategoricalHinge::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.525).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct CategoricalHinge {

    }
}

impl Loss for CategoricalHinge {
    loss_basics!("CategoricalHinge", "categorical_hinge");

    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let right = row_sums(t.clone() * p.clone());
        let others = (-t + 1.0) * p;
        // Equal ones share the slope, as in Keras.
        let values = others.clone().detach();
        let largest = values.clone().max_dim(1).expand(values.dims());
        let chosen = values.equal(largest).float();
        let shares = chosen.clone() / chosen.sum_dim(1);
        let wrong = row_sums(others * shares);
        Ok((wrong - right + 1.0).clamp_min(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;

    #[test]
    fn wrong_classes_that_are_equal_share_the_slope() -> Result<()> {
        let device = Backend::Flex.open()?.autodiff();
        let outputs: Tensor<1> = Tensor::from_floats([0.4, 0.3, 0.4], &device).require_grad();
        let output = AnyTensor::from_flat(outputs.clone(), &[1, 3])?;
        let labels = AnyTensor::from_f32(vec![0.0, 1.0, 0.0], &[1, 3], &device)?;
        let gradients = CategoricalHinge::new()
            .rows(&labels, &output)?
            .sum()
            .backward();
        let gradient = outputs.grad(&gradients).map(AnyTensor::from).unwrap();
        // `jax.grad` of Keras' loss.
        assert_eq!(gradient.to_vec()?, [0.5, -1.0, 0.5]);
        Ok(())
    }
}
