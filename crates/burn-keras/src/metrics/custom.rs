//! A metric of one's own, as a closure.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{MeanOfRows, RowValues};
use crate::Result;
use crate::losses::Labels;
use crate::tensor::AnyTensor;

type Rows = dyn Fn(&AnyTensor, &AnyTensor) -> Result<Tensor<1>> + Send + Sync;

/// The values of the rows that a closure computes; see [`CustomMetric::of_rows`].
///
/// For what is no mean over rows, implement [`Metric`](super::Metric) on a type.
///
/// ```
/// use burn_keras::metrics::CustomMetric;
/// use burn_keras::prelude::*;
///
/// // The share of outputs within 0.1 of their label.
/// let near = CustomMetric::of_rows("near", |y_true, y_pred| {
///     let (t, p) = (y_true.float_rows()?, y_pred.float_rows()?);
///     let rows = p.dims()[0];
///     Ok((t - p).abs().lower_elem(0.1).float().mean_dim(1).reshape([rows]))
/// });
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("adam", "mse", ("mae", near))?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct CustomMetric {
    rows: Arc<Rows>,
}

impl CustomMetric {
    /// The mean over all rows of what `rows` gives for labels and output of a batch: one value for each row.
    pub fn of_rows(
        name: impl Into<String>,
        rows: impl Fn(&AnyTensor, &AnyTensor) -> Result<Tensor<1>> + Send + Sync + 'static,
    ) -> MeanOfRows<Self> {
        let rows: Arc<Rows> = Arc::new(rows);
        MeanOfRows::new(name, Self { rows })
    }
}

impl std::fmt::Debug for CustomMetric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomMetric").finish_non_exhaustive()
    }
}

impl RowValues for CustomMetric {
    fn labels(&self) -> Labels {
        Labels::Any
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        (self.rows)(y_true, y_pred)
    }
}
