//! Tensors of the NdArray backend as slices. burn 0.23 drops this backend; so can we, with this file.

use super::host::{Float, Host};
use burn::backend::{NdArray, tensor::FloatTensor};
use burn::tensor::TensorData;

impl Host for NdArray {
    fn slice<E: Float>(tensor: &FloatTensor<Self>) -> Option<&[E]> {
        E::ndarray(tensor)
    }

    fn contiguous<E: Float>(tensor: &FloatTensor<Self>) -> FloatTensor<Self> {
        E::ndarray_contiguous(tensor)
    }

    fn from_data(data: TensorData) -> FloatTensor<Self> {
        FloatTensor::<Self>::from_data(data)
    }
}
