//! Tensors on the GPU: buffers with several parts, products, and rearrangements.

use super::plan::aligned;
use burn::backend::TensorMetadata;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::prelude::BufferArg;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::kernel::matmul::{MatmulStrategy, matmul};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

/// A tensor beside another, its elements in order and not yet written.
pub(super) fn empty_like(tensor: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_contiguous_dtype(
        tensor.client.clone(),
        tensor.device.clone(),
        shape.into(),
        DType::F32,
    )
}

/// The tensor as a kernel's argument. Its elements must be in order.
pub(super) fn argument(tensor: &CubeTensor) -> BufferArg {
    tensor.clone().binding().into_buffer_arg()
}

/// The part of a buffer from `at`, which is a multiple of [`ALIGNMENT`](crate::buffers::ALIGNMENT), as a
/// tensor of its own. It shares the memory.
pub(super) fn part<const D: usize>(
    buffer: &CubeTensor,
    at: usize,
    shape: [usize; D],
) -> CubeTensor {
    let size = size_of::<f32>();
    let end = at + aligned(shape.iter().product());
    let after = buffer.shape().num_elements() - end;
    let handle = buffer
        .handle
        .clone()
        .offset_start((at * size) as u64)
        .offset_end((after * size) as u64);
    CubeTensor::new_contiguous(
        buffer.client.clone(),
        buffer.device.clone(),
        Shape::from(shape),
        handle,
        DType::F32,
    )
}

/// The matrix product, batched over leading dimensions, into `out`.
pub(super) fn product_into(lhs: CubeTensor, rhs: CubeTensor, out: CubeTensor) {
    // The shapes were checked before the call, and the type is one that all devices have.
    matmul(lhs, rhs, Some(out), MatmulStrategy::default(), DType::F32)
        .expect("a product of matrices of numbers");
}

/// The matrix product, batched over leading dimensions; its elements are in order.
pub(super) fn product<const D: usize>(
    lhs: CubeTensor,
    rhs: CubeTensor,
    shape: [usize; D],
) -> CubeTensor {
    let out = empty_like(&lhs, shape);
    product_into(lhs, rhs, out.clone());
    out
}

/// The tensor in another shape, elements in order.
pub(super) fn reshaped<const D: usize>(tensor: CubeTensor, shape: [usize; D]) -> CubeTensor {
    into_contiguous(CubeBackend::float_reshape(tensor, Shape::from(shape)))
}

/// The last two dimensions exchanged; a view.
pub(super) fn transposed(tensor: CubeTensor) -> CubeTensor {
    let rank = tensor.rank();
    CubeBackend::float_swap_dims(tensor, rank - 2, rank - 1)
}

/// `[n, gates * units]` as `[gates, n, units]`; a view.
pub(super) fn gates_first(weights: CubeTensor, gates: usize) -> CubeTensor {
    let [n, width] = weights.shape().dims();
    let split = reshaped(weights, [n, gates, width / gates]);
    CubeBackend::float_swap_dims(split, 0, 1)
}

/// `[gates, n, units]` as `[n, gates * units]`.
pub(super) fn gates_last(weights: CubeTensor) -> CubeTensor {
    let [gates, n, units] = weights.shape().dims();
    reshaped(
        CubeBackend::float_swap_dims(weights, 0, 1),
        [n, gates * units],
    )
}

/// The tensors behind each other, flat; `None` if there are none.
pub(super) fn joined(tensors: Vec<CubeTensor>) -> Option<CubeTensor> {
    let mut flat: Vec<CubeTensor> = tensors
        .into_iter()
        .map(|tensor| {
            let len = tensor.shape().num_elements();
            reshaped(tensor, [len])
        })
        .collect();
    match flat.len() {
        0 | 1 => flat.pop(),
        _ => Some(into_contiguous(CubeBackend::float_cat(flat, 0))),
    }
}

/// The sum over a dimension, which is 1 afterwards.
pub(super) fn sum(tensor: CubeTensor, dim: usize) -> CubeTensor {
    CubeBackend::float_sum_dim(tensor, dim)
}
