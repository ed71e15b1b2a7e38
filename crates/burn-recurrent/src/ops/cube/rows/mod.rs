//! Softmax and cross-entropy over rows.

mod kernels;

use super::super::rows::RowKernels;
use super::tensors::{argument, empty_like};
use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn_cubecl::cubecl::prelude::{CubeCount, CubeDim};
use burn_cubecl::cubecl::server::CubeCountSelection;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

/// Rows, classes, and the threads that share the classes of a row.
fn layout(tensor: &CubeTensor) -> ([u32; 2], CubeCount, usize) {
    let [rows, classes] = tensor.shape().dims();
    let hardware = &tensor.client.properties().hardware;
    let most = hardware.max_units_per_cube.min(hardware.max_cube_dim.0);
    let most = 1 << most.min(256).max(1).ilog2();
    let threads = classes.next_power_of_two().clamp(1, most);
    let count = CubeCountSelection::new(&tensor.client, rows as u32).cube_count();
    ([rows as u32, classes as u32], count, threads)
}

/// `epsilon` and `1 - epsilon`.
fn limits(epsilon: f64) -> [f32; 2] {
    let epsilon = epsilon as f32;
    [epsilon, 1.0 - epsilon]
}

impl RowKernels for CubeBackend {
    fn softmax_forward(x: &FloatTensor<Self>) -> FloatTensor<Self> {
        let x = into_contiguous(x.clone());
        let y = empty_like(&x, x.shape());
        let ([rows, classes], count, threads) = layout(&x);
        // SAFETY: all stay within `[rows, classes]`, the shape of both; so below.
        unsafe {
            kernels::softmax::launch_unchecked(
                &x.client,
                count,
                CubeDim::new_1d(threads as u32),
                argument(&x),
                argument(&y),
                rows,
                classes,
                threads,
            );
        }
        y
    }

    fn softmax_gradient(y: &FloatTensor<Self>, gradient: &FloatTensor<Self>) -> FloatTensor<Self> {
        let (y, gradient) = (
            into_contiguous(y.clone()),
            into_contiguous(gradient.clone()),
        );
        let dx = empty_like(&y, y.shape());
        let ([rows, classes], count, threads) = layout(&y);
        // SAFETY: as above.
        unsafe {
            kernels::softmax_gradient::launch_unchecked(
                &y.client,
                count,
                CubeDim::new_1d(threads as u32),
                argument(&y),
                argument(&gradient),
                argument(&dx),
                rows,
                classes,
                threads,
            );
        }
        dx
    }

    fn cross_entropy_forward(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let (p, labels) = (into_contiguous(p.clone()), into_contiguous(labels.clone()));
        let ([rows, classes], count, threads) = layout(&p);
        let losses = empty_like(&p, [rows as usize]);
        let [low, high] = limits(epsilon);
        // SAFETY: as above; the labels' shape was checked.
        unsafe {
            kernels::cross_entropy::launch_unchecked(
                &p.client,
                count,
                CubeDim::new_1d(threads as u32),
                argument(&p),
                argument(&labels),
                argument(&losses),
                rows,
                classes,
                low,
                high,
                labels.rank() == 2,
                threads,
            );
        }
        losses
    }

    fn cross_entropy_gradient(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let (p, labels) = (into_contiguous(p.clone()), into_contiguous(labels.clone()));
        let gradient = into_contiguous(gradient.clone());
        let ([rows, classes], count, threads) = layout(&p);
        let dp = empty_like(&p, p.shape());
        let [low, high] = limits(epsilon);
        // SAFETY: as above.
        unsafe {
            kernels::cross_entropy_gradient::launch_unchecked(
                &p.client,
                count,
                CubeDim::new_1d(threads as u32),
                argument(&p),
                argument(&labels),
                argument(&gradient),
                argument(&dp),
                rows,
                classes,
                low,
                high,
                labels.rank() == 2,
                threads,
            );
        }
        dp
    }
}
