//! Embeddings of one class together, of others apart.

use burn::tensor::{Bool, Tensor};

use super::{Labels, Loss, loss_basics, loss_struct, softplus};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

loss_struct! {
    /// Circle loss (Sun et al., 2020) over the pairs of a batch: `y_pred` are embeddings of length 1, `[batch, size]`,
    /// `y_true` the numbers of their classes.
    ///
    /// ```text
    /// d = max(1 - x_i x_j, 0)
    /// p = logsumexp over the others of the class: -gamma (margin + d)(margin - d)
    /// n = logsumexp over the other classes:        gamma (1 + margin - d)(1 - margin - d)
    /// loss_i = log(1 + exp(p + n));  rows with a loss of 0 do not count
    /// ```
    ///
    /// ```
    /// use burn_keras::losses::Circle;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([2]))?;
    /// model.compile("sgd", Circle::new(), ())?;
    /// let (y_pred, y_true) = (array![[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], array![0, 0, 1]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 19.2).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct Circle {
        /// How sharp it is.
        gamma: f32 = 80.0,
        /// How far classes are kept apart.
        margin: f32 = 0.4,
        /// Whether a sample is no pair with itself.
        remove_diagonal: bool = true,
    }
}

/// Stands in for minus infinity in a logsumexp: so low that its exponential is 0, and finite, so that gradients are too.
const NOTHING: f32 = -1e9;

fn log_sum_exp(values: Tensor<2>, counted: Tensor<2, Bool>) -> Tensor<1> {
    let rows = values.dims()[0];
    let values = values.mask_fill(counted.bool_not(), NOTHING);
    let largest = values.clone().max_dim(1);
    let sum = (values - largest.clone()).exp().sum_dim(1);
    (largest + sum.log()).reshape([rows])
}

impl Loss for Circle {
    loss_basics!("Circle", "circle");

    fn labels(&self) -> Labels {
        Labels::Any
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let x = y_pred.float_rows()?;
        let count = x.dims()[0];
        if y_true.shape().iter().product::<usize>() != count {
            let problem = format!(
                "got labels of shape {} for an output of shape {}; it needs one class number for each sample",
                y_true.dims(),
                y_pred.dims()
            );
            return Err(Error::tensor(self.name(), problem));
        }
        let labels: Tensor<2> = y_true.float_as([count, 1])?;
        let same = labels.clone().expand([count, count]);
        let same = same.clone().equal(same.transpose());
        let others = same.clone().bool_not();
        let partners = if self.remove_diagonal {
            let itself = Tensor::<2>::eye(count, &x.device()).bool();
            same.bool_and(itself.bool_not())
        } else {
            same
        };
        let distance = (-x.clone().matmul(x.transpose()) + 1.0).clamp_min(0.0);
        let margin = self.margin;
        let near = (distance.clone() + margin) * (-distance.clone() + margin) * -self.gamma;
        let far_weight = (-distance.clone() + (1.0 + margin)).clamp_min(0.0);
        let far = far_weight * (-distance + (1.0 - margin)) * self.gamma;
        Ok(softplus(
            log_sum_exp(near, partners) + log_sum_exp(far, others),
        ))
    }

    fn counted(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Option<Tensor<1>>> {
        Ok(Some(self.rows(y_true, y_pred)?.greater_elem(0.0).float()))
    }
}
