//! Tensors of the Flex backend as slices.

use super::host::{Float, Host};
use burn::backend::{Flex, tensor::FloatTensor};
use burn::tensor::TensorData;

impl Host for Flex {
    fn slice<E: Float>(tensor: &FloatTensor<Self>) -> Option<&[E]> {
        E::flex(tensor)
    }

    fn contiguous<E: Float>(tensor: &FloatTensor<Self>) -> FloatTensor<Self> {
        tensor.to_contiguous()
    }

    fn from_data(data: TensorData) -> FloatTensor<Self> {
        FloatTensor::<Self>::from_data(data)
    }
}
