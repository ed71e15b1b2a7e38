//! Softmax and cross-entropy over rows as one burn operation each, a backend extension.

// burn marks its NdArray backend as deprecated; the macro names it.
#[allow(deprecated)]
mod extension {
    use super::RowKernels;
    use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

    /// The operations.
    #[backend_extension(
        Cube: cfg(feature = "cube"),
        Flex: cfg(feature = "flex"),
        NdArray: cfg(feature = "ndarray"),
        Autodiff,
    )]
    pub trait RowOps: Backend {
        /// Softmax over the rows of `x` `[rows, classes]`.
        fn softmax_rows(x: FloatTensor<Self>) -> FloatTensor<Self>;

        /// The cross-entropy `[rows]` of `p` `[rows, classes]`; `labels` are `[rows, classes]` or the
        /// classes' numbers, `[rows]`, and not differentiable.
        fn cross_entropy_rows(
            p: FloatTensor<Self>,
            labels: FloatTensor<Self>,
            epsilon: f64,
        ) -> FloatTensor<Self>;
    }

    macro_rules! on_kernels {
        ($backend:ty, $feature:literal $(, $($bounded:tt)*)?) => {
            #[cfg(feature = $feature)]
            impl$(<$($bounded)*>)? RowOps for $backend {
                fn softmax_rows(x: FloatTensor<Self>) -> FloatTensor<Self> {
                    Self::softmax_forward(&x)
                }
                fn cross_entropy_rows(
                    p: FloatTensor<Self>,
                    labels: FloatTensor<Self>,
                    epsilon: f64,
                ) -> FloatTensor<Self> {
                    Self::cross_entropy_forward(&p, &labels, epsilon)
                }
            }
        };
    }
    on_kernels!(burn::backend::Flex, "flex");
    on_kernels!(burn::backend::NdArray, "ndarray");
    on_kernels!(burn_cubecl::CubeBackend, "cube");
    on_kernels!(burn_fusion::Fusion<B>, "cube", B: burn_fusion::FusionBackend + crate::ops::fusion::Wrapped);
}
pub(crate) use extension::RowOps;

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

/// What a backend implements to take part.
pub(crate) trait RowKernels: Backend {
    /// Softmax over rows.
    fn softmax_forward(x: &FloatTensor<Self>) -> FloatTensor<Self>;
    /// The gradient of the input of [`softmax_forward`](Self::softmax_forward), from its result `y` and the result's gradient.
    fn softmax_gradient(y: &FloatTensor<Self>, gradient: &FloatTensor<Self>) -> FloatTensor<Self>;
    /// The cross-entropy of each row.
    fn cross_entropy_forward(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
    /// The gradient of `p`, from that of the rows.
    fn cross_entropy_gradient(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
}

#[derive(Debug)]
struct Softmax;

impl<B: RowKernels> Backward<B, 1> for Softmax {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            grads.register::<B>(parent.id, B::softmax_gradient(&ops.state, &gradient));
        }
    }
}

#[derive(Debug)]
struct CrossEntropy;

impl<B: RowKernels> Backward<B, 1> for CrossEntropy {
    type State = (FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let (p, labels, epsilon) = &ops.state;
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            let dp = B::cross_entropy_gradient(p, labels, &gradient, *epsilon);
            grads.register::<B>(parent.id, dp);
        }
    }
}

impl<B: RowKernels + RowOps, C: CheckpointStrategy> RowOps for Autodiff<B, C> {
    fn softmax_rows(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        match Softmax.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let y = B::softmax_forward(&x);
                prepared.finish(y.clone(), y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::softmax_forward(&x)),
        }
    }

    fn cross_entropy_rows(
        p: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let node = p.node();
        let (p, labels) = (p.into_primitive(), labels.into_primitive());
        match CrossEntropy.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let rows = B::cross_entropy_forward(&p, &labels, epsilon);
                prepared.finish((p, labels, epsilon), rows)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::cross_entropy_forward(&p, &labels, epsilon))
            }
        }
    }
}
