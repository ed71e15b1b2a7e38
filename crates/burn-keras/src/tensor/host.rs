//! Values of tensors in the memory of this process.

use burn::tensor::Tensor;

use crate::{Error, Result};

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
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|e| Error::Device(format!("reading values back from the device failed: {e}")))
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
