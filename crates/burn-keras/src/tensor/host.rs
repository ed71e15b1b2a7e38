//! Values of tensors in the memory of this process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use burn::tensor::{Device, Int, Tensor};

use crate::error::panic_message;
use crate::{Error, Result};

static READ_BACKS: AtomicU64 = AtomicU64::new(0);

/// How often this process has waited for a GPU and copied values from it. A training loop that is slow on a GPU often
/// asks for values in every step; `fit` does so for what it shows and at the end of an epoch.
pub fn read_backs() -> u64 {
    READ_BACKS.load(Ordering::Relaxed)
}

/// The values of a flat tensor.
///
/// # Errors
///
/// [`Error::Device`] when the device fails to hand them over.
pub(crate) fn host_values(tensor: Tensor<1>) -> Result<Vec<f32>> {
    #[cfg(feature = "ndarray")]
    if let Some(values) = ndarray_values(&tensor) {
        return Ok(values);
    }
    read(&tensor.device(), || tensor.try_into_vec_as::<f32>())
}

/// The values of a tensor of whole numbers, its elements in order.
///
/// # Errors
///
/// As [`host_values`].
pub(crate) fn host_ints<const D: usize>(tensor: Tensor<D, Int>) -> Result<Vec<i32>> {
    read(&tensor.device(), || tensor.try_into_vec_as::<i32>())
}

/// Takes values from the device and counts it, unless the device is the CPU.
fn read<T, E: std::fmt::Display>(
    device: &Device,
    values: impl FnOnce() -> Result<T, E>,
) -> Result<T> {
    if crate::backend::is_cpu(device) {
        return values().map_err(failed);
    }
    READ_BACKS.fetch_add(1, Ordering::Relaxed);
    // What failed on the device since the last time comes out here; some drivers panic on it.
    match catch_unwind(AssertUnwindSafe(values)) {
        Ok(values) => values.map_err(failed),
        Err(panic) => Err(failed(panic_message(&*panic))),
    }
}

fn failed(problem: impl std::fmt::Display) -> Error {
    Error::Device(format!(
        "reading values back from the device failed: {problem}"
    ))
}

/// The values in one copy: burn's own way takes them one by one where the tensor is shared.
#[cfg(feature = "ndarray")]
#[allow(deprecated)]
fn ndarray_values(tensor: &Tensor<1>) -> Option<Vec<f32>> {
    use burn::backend::ndarray::NdArrayTensor;
    use burn::backend::{DispatchTensorKind, NdArray};

    let tensor = tensor.clone();
    if !matches!(
        tensor.clone().into_dispatch().kind,
        DispatchTensorKind::NdArray(_)
    ) {
        return None;
    }
    match tensor.try_into_primitive::<NdArray>() {
        Ok(NdArrayTensor::F32(storage)) => storage.view().to_slice().map(<[f32]>::to_vec),
        _ => None,
    }
}
