//! The operation on tracked tensors: one node on the tape, whatever the number of steps.

use super::{Arguments, Call, RecurrentKernels, RecurrentOps};
use burn::backend::{
    Autodiff,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

#[derive(Debug)]
struct Recurrent;

impl<B: RecurrentKernels> Backward<B, 6> for Recurrent {
    type State = (Arguments<B>, Call, Option<B::Saved>);

    fn backward(
        self,
        ops: Ops<Self::State, 6>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let (arguments, call, saved) = ops.state;
        let Some(saved) = saved else { return };
        let wanted = std::array::from_fn(|i| ops.parents[i].is_some());
        let gradients = B::gradients(&arguments, call, saved, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: RecurrentKernels + RecurrentOps, C: CheckpointStrategy> RecurrentOps for Autodiff<B, C> {
    fn recurrent(
        x: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        recurrent_kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        h: FloatTensor<Self>,
        c: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        input_dropout: FloatTensor<Self>,
        state_dropout: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self> {
        let nodes = [
            x.node(),
            kernel.node(),
            recurrent_kernel.node(),
            bias.node(),
            h.node(),
            c.node(),
        ];
        let arguments = Arguments::<B> {
            differentiable: [x, kernel, recurrent_kernel, bias, h, c]
                .map(|tensor| tensor.into_primitive()),
            constant: [mask, input_dropout, state_dropout].map(|tensor| tensor.into_primitive()),
        };
        // Recomputing a whole sequence is dearer than keeping its gates: never recomputed.
        match Recurrent.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (result, saved) = B::run(&arguments, call, true);
                prepared.finish((arguments, call, saved), result)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::run(&arguments, call, false).0),
        }
    }
}
