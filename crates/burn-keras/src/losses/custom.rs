//! A loss of one's own, as a closure.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{Labels, Loss};
use crate::Result;
use crate::tensor::AnyTensor;

type Rows = dyn Fn(&AnyTensor, &AnyTensor) -> Result<Tensor<1>> + Send + Sync;

/// A loss made from a closure; for one with options of its own, implement [`Loss`] on a type.
///
/// ```
/// use burn_keras::losses::CustomLoss;
/// use burn_keras::prelude::*;
///
/// // The fourth power of the distance, one value for each row.
/// let fourth = CustomLoss::new("fourth_power", |y_true, y_pred| {
///     let (t, p) = (y_true.float_rows()?, y_pred.float_rows()?);
///     let rows = p.dims()[0];
///     Ok((t - p).powi_scalar(4).mean_dim(1).reshape([rows]))
/// });
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("adam", fourth, ())?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct CustomLoss {
    name: String,
    labels: Labels,
    rows: Arc<Rows>,
}

impl CustomLoss {
    /// `rows` gets labels and output of a batch and gives one value for each row.
    pub fn new(
        name: impl Into<String>,
        rows: impl Fn(&AnyTensor, &AnyTensor) -> Result<Tensor<1>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            labels: Labels::SameShape,
            rows: Arc::new(rows),
        }
    }

    /// The form of the labels that the closure wants: the same shape as the output unless told otherwise.
    pub fn labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }
}

impl std::fmt::Debug for CustomLoss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomLoss")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Loss for CustomLoss {
    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> Labels {
        self.labels
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        (self.rows)(y_true, y_pred)
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(self.clone())
    }
}
