//! From one value a row to one for the batch.

use burn::tensor::Tensor;
use serde_json::Value;

use super::Loss;
use crate::config::Config;
use crate::settings::Setting;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// How the values of the rows become one (`keras/src/losses/loss.py`, `reduce_values`).
///
/// ```
/// use burn_keras::losses::{MeanSquaredError, Reduction};
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile("sgd", MeanSquaredError::new().reduction(Reduction::Sum), ())?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum over their number. Weights count in the sum only; masked rows count in neither.
    #[default]
    SumOverBatchSize,
    /// The same under another name.
    Mean,
    /// Their sum.
    Sum,
    /// Their weighted sum over the sum of the weights.
    MeanWithSampleWeight,
    /// They stay as they are: for use by hand, not for training.
    None,
}

impl Reduction {
    const NAMES: [(&'static str, Self); 5] = [
        ("sum_over_batch_size", Self::SumOverBatchSize),
        ("mean", Self::Mean),
        ("sum", Self::Sum),
        ("mean_with_sample_weight", Self::MeanWithSampleWeight),
        ("none", Self::None),
    ];
}

impl Setting for Reduction {
    fn read(config: &Config, key: &str) -> Result<Option<Self>> {
        let Some(name) = config.opt_str(key)? else {
            return Ok(config.has(key).then_some(Self::None));
        };
        match Self::NAMES.iter().find(|(own, _)| *own == name) {
            Some((_, reduction)) => Ok(Some(*reduction)),
            None => {
                Err(
                    Error::unknown("reduction", &name, Self::NAMES.iter().map(|(own, _)| *own))
                        .at(config.place()),
                )
            }
        }
    }

    fn write(&self) -> Value {
        let name = Self::NAMES.iter().find(|(_, own)| own == self);
        Value::from(name.map(|(name, _)| *name))
    }
}

/// The loss of a batch: one value, or one for each row where the loss has [`Reduction::None`].
///
/// `weights` and `mask` have one value for each row that [`Loss::rows`] gives; a mask is 1 where a row counts and 0
/// elsewhere. A loss with one value for the whole batch takes weights of any number, as in Keras.
///
/// # Errors
///
/// [`Error::Tensor`] when labels, output, weights and mask do not fit each other.
pub fn batch_loss(
    loss: &dyn Loss,
    y_true: &AnyTensor,
    y_pred: &AnyTensor,
    weights: Option<&Tensor<1>>,
    mask: Option<&Tensor<1>>,
) -> Result<Tensor<1>> {
    let values = loss.rows(y_true, y_pred)?;
    reduce(loss, values, (y_true, y_pred), weights, mask)
}

/// [`batch_loss`] from the values of the rows.
pub(crate) fn reduce(
    loss: &dyn Loss,
    mut values: Tensor<1>,
    (y_true, y_pred): (&AnyTensor, &AnyTensor),
    weights: Option<&Tensor<1>>,
    mask: Option<&Tensor<1>>,
) -> Result<Tensor<1>> {
    let counted = loss.counted(y_true, y_pred)?;
    let mask = match (mask, counted) {
        (Some(mask), Some(counted)) => Some(mask.clone() * counted),
        (None, counted) => counted,
        (mask, None) => mask.cloned(),
    };
    let weights = match (weights, &mask) {
        (Some(weights), Some(mask)) => {
            same_number(loss, mask, weights.dims()[0], "weights")?;
            Some(weights.clone() * mask.clone())
        }
        (None, mask) => mask.clone(),
        (weights, None) => weights.cloned(),
    };
    if let Some(weights) = &weights {
        let rows = weights.dims()[0];
        if values.dims()[0] == 1 && rows > 1 {
            values = values.expand([rows]);
        }
        same_number(loss, &values, rows, "weights or mask")?;
        values = values * weights.clone();
    }
    let rows = values.dims()[0];
    Ok(match (loss.reduction(), weights, mask) {
        (Reduction::None, ..) => values,
        (Reduction::Sum, ..) => values.sum(),
        (Reduction::MeanWithSampleWeight, Some(weights), _) => over(values.sum(), weights.sum()),
        (Reduction::Mean | Reduction::SumOverBatchSize, _, Some(mask)) => {
            over(values.sum(), mask.sum())
        }
        _ => values.sum() / rows as f32,
    })
}

/// `sum / number`, and 0 where the number is 0.
fn over(sum: Tensor<1>, number: Tensor<1>) -> Tensor<1> {
    let nothing = number.clone().equal_elem(0.0);
    let number = number.mask_fill(nothing.clone(), 1.0);
    (sum / number).mask_fill(nothing, 0.0)
}

fn same_number(loss: &dyn Loss, values: &Tensor<1>, given: usize, what: &str) -> Result<()> {
    let rows = values.dims()[0];
    if rows == given {
        return Ok(());
    }
    Err(Error::tensor(
        loss.name(),
        format!("has {rows} rows, but {given} {what} were given; each row needs one"),
    ))
}
