//! What metrics have taken in as numbers, for a training that is killed inside an epoch.

use burn::tensor::{Device, Tensor, TensorData};

use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// What a metric keeps between batches.
pub(super) trait Kept: Sized {
    /// It as numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand them over.
    fn to_numbers(&self) -> Result<Vec<f64>>;

    /// What [`Kept::to_numbers`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when it is something else.
    fn of_numbers(numbers: &[f64], device: &Device) -> Result<Self>;
}

fn wrong() -> Error {
    Error::config("a metric", "has no such state")
}

/// The shape, then the values of each tensor, one after the other; nothing for none.
pub(super) fn tensors_to_numbers<const D: usize>(tensors: &[Tensor<D>]) -> Result<Vec<f64>> {
    let mut numbers = Vec::new();
    for tensor in tensors {
        numbers.extend(tensor.dims().map(|size| size as f64));
        let values = AnyTensor::from(tensor.clone()).to_vec()?;
        numbers.extend(values.into_iter().map(f64::from));
    }
    Ok(numbers)
}

/// The `N` tensors of [`tensors_to_numbers`]; `None` where there was none.
pub(super) fn tensors_of_numbers<const D: usize, const N: usize>(
    numbers: &[f64],
    device: &Device,
) -> Result<Option<[Tensor<D>; N]>> {
    if numbers.is_empty() {
        return Ok(None);
    }
    let mut left = numbers;
    let mut tensors = Vec::new();
    for _ in 0..N {
        let (shape, rest) = left.split_at_checked(D).ok_or_else(wrong)?;
        let shape: Vec<usize> = shape.iter().map(|size| *size as usize).collect();
        let count = shape
            .iter()
            .try_fold(1usize, |count, size| count.checked_mul(*size));
        let (values, rest) = count
            .and_then(|count| rest.split_at_checked(count))
            .ok_or_else(wrong)?;
        let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        tensors.push(Tensor::from_data(TensorData::new(values, shape), device));
        left = rest;
    }
    if !left.is_empty() {
        return Err(wrong());
    }
    tensors.try_into().map(Some).map_err(|_| wrong())
}

/// [`Kept`] of a type that holds some tensors or none yet, in its only field.
macro_rules! kept_tensors {
    ($kept:ident { $field:tt }) => {
        impl super::kept::Kept for $kept {
            fn to_numbers(&self) -> crate::Result<Vec<f64>> {
                super::kept::tensors_to_numbers(self.$field.as_ref().map_or(&[], |t| &t[..]))
            }

            fn of_numbers(numbers: &[f64], device: &burn::tensor::Device) -> crate::Result<Self> {
                let tensors = super::kept::tensors_of_numbers(numbers, device)?;
                Ok(Self { $field: tensors })
            }
        }
    };
}
pub(super) use kept_tensors;
