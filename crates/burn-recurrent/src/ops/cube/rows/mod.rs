//! Softmax and cross-entropy over rows.

mod kernels;

use super::super::rows::RowKernels;
use super::plan::most_threads;
use super::tensors::{argument, empty_like};
use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::prelude::{CubeCount, CubeDim};
use burn_cubecl::cubecl::server::CubeCountSelection;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::{CubeBackend, tensor::CubeTensor};

/// How a launch covers a tensor: a cube for each row, whose classes its threads share.
struct Layout {
    client: Client,
    rows: u32,
    classes: u32,
    count: CubeCount,
    dim: CubeDim,
    threads: usize,
}

impl Layout {
    fn of(tensor: &CubeTensor) -> Self {
        let [rows, classes] = tensor.shape().dims();
        let client = tensor.client.clone();
        let most = 1 << most_threads(&client).min(256).ilog2();
        let threads = classes.next_power_of_two().clamp(1, most);
        Self {
            rows: rows as u32,
            classes: classes as u32,
            count: CubeCountSelection::new(&client, rows as u32).cube_count(),
            dim: CubeDim::new_1d(threads as u32),
            client,
            threads,
        }
    }
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
        let at = Layout::of(&x);
        // SAFETY: all stay within `[rows, classes]`, the shape of both; so below.
        unsafe {
            kernels::softmax::launch_unchecked(
                &at.client,
                at.count,
                at.dim,
                argument(&x),
                argument(&y),
                at.rows,
                at.classes,
                at.threads,
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
        let at = Layout::of(&y);
        // SAFETY: as above.
        unsafe {
            kernels::softmax_gradient::launch_unchecked(
                &at.client,
                at.count,
                at.dim,
                argument(&y),
                argument(&gradient),
                argument(&dx),
                at.rows,
                at.classes,
                at.threads,
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
        let at = Layout::of(&p);
        let losses = empty_like(&p, [p.shape()[0]]);
        let [low, high] = limits(epsilon);
        // SAFETY: as above; the labels' shape was checked.
        unsafe {
            kernels::cross_entropy::launch_unchecked(
                &at.client,
                at.count,
                at.dim,
                argument(&p),
                argument(&labels),
                argument(&losses),
                at.rows,
                at.classes,
                low,
                high,
                labels.rank() == 2,
                at.threads,
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
        let at = Layout::of(&p);
        let dp = empty_like(&p, p.shape());
        let [low, high] = limits(epsilon);
        // SAFETY: as above.
        unsafe {
            kernels::cross_entropy_gradient::launch_unchecked(
                &at.client,
                at.count,
                at.dim,
                argument(&p),
                argument(&labels),
                argument(&gradient),
                argument(&dp),
                at.rows,
                at.classes,
                low,
                high,
                labels.rank() == 2,
                at.threads,
            );
        }
        dp
    }
}
