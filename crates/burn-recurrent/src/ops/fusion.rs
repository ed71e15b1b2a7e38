//! The operations on tensors of burn's fusion: registered whole, so that each runs in its turn among the
//! operations that burn puts off.

use super::rows::RowKernels;
use super::{Arguments, Call, RecurrentKernels, Returns};
use crate::kernel::Kind;
use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{DType, Shape};
use burn_fusion::custom::{
    CustomOpIr, HandleContainer, Operation, OperationIr, OperationOutput, ScalarIr, StreamId,
    TensorIr,
};
use burn_fusion::{ExecutionError, Fusion, FusionBackend, FusionRuntime, FusionTensor};
use std::marker::PhantomData;

/// A backend that burn's fusion can wrap: its kernels keep one tensor.
pub(crate) trait Wrapped: RecurrentKernels<Saved = FloatTensor<Self>> + RowKernels {
    /// Elements of that tensor, for so many steps of all sequences together.
    fn saved_len(kind: Kind, units: usize, rows: usize) -> usize;
}

/// What is to be run in its turn, on the inner backend's tensors.
struct Deferred<B, F> {
    description: CustomOpIr,
    work: F,
    _backend: PhantomData<B>,
}

impl<B, F> std::fmt::Debug for Deferred<B, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.description.fmt(f)
    }
}

impl<B, F> Operation<B::FusionRuntime> for Deferred<B, F>
where
    B: FusionBackend,
    F: Fn(Vec<FloatTensor<B>>) -> Vec<FloatTensor<B>> + Send + Sync,
{
    fn execute(
        &self,
        handles: &mut HandleContainer<<B::FusionRuntime as FusionRuntime>::FusionHandle>,
    ) -> Result<(), ExecutionError> {
        let inputs = self.description.inputs.iter();
        let inputs = inputs.map(|input| handles.get_float_tensor::<B>(input));
        let results = (self.work)(inputs.collect());
        for (result, output) in results.into_iter().zip(&self.description.outputs) {
            handles.register_float_tensor::<B>(&output.id, result);
        }
        Ok(())
    }
}

/// Registers the work; its results are of these shapes, in order. `scalars` tell it from other work on
/// tensors of the same shapes.
fn register<B: FusionBackend>(
    name: &'static str,
    inputs: Vec<FloatTensor<Fusion<B>>>,
    shapes: Vec<Shape>,
    scalars: Vec<ScalarIr>,
    work: impl Fn(Vec<FloatTensor<B>>) -> Vec<FloatTensor<B>> + Send + Sync + 'static,
) -> Vec<FloatTensor<Fusion<B>>> {
    let client = inputs[0].client.clone();
    let outputs: Vec<TensorIr> = shapes
        .into_iter()
        .map(|shape| TensorIr::uninit(client.create_empty_handle(), shape, DType::F32))
        .collect();
    let inputs: Vec<TensorIr> = inputs.into_iter().map(FusionTensor::into_ir).collect();
    let description = CustomOpIr::with_scalars(name, &inputs, &outputs, scalars);
    let deferred = Deferred::<B, _> {
        description: description.clone(),
        work,
        _backend: PhantomData,
    };
    let operation = OperationIr::Custom(description);
    client.register(StreamId::current(), operation, deferred)
}

/// A call as scalars.
fn scalars(call: Call, flags: &[bool]) -> Vec<ScalarIr> {
    let kind = match call.kind {
        Kind::Lstm => 0,
        Kind::Gru => 1,
        Kind::GruResetBefore => 2,
        Kind::SimpleRnn => 3,
    };
    let returns = match call.returns {
        Returns::Sequence => 0,
        Returns::Last => 1,
        Returns::SequenceAndStates => 2,
        Returns::LastAndStates => 3,
    };
    let of_call = [call.reverse, call.restore_order, call.zero_output];
    let flags = of_call.iter().chain(flags).copied().map(ScalarIr::Bool);
    let numbers = [kind, returns].map(ScalarIr::UInt);
    numbers.into_iter().chain(flags).collect()
}

/// The nine arguments in their order, and what comes after them.
fn arguments<B: RecurrentKernels>(
    inputs: Vec<FloatTensor<B>>,
) -> (Arguments<B>, Vec<FloatTensor<B>>) {
    let mut inputs = inputs.into_iter();
    // The description has as many inputs as were registered: at least nine.
    let mut next = || inputs.next().expect("nine arguments");
    let arguments = Arguments {
        differentiable: std::array::from_fn(|_| next()),
        constant: std::array::from_fn(|_| next()),
    };
    (arguments, inputs.collect())
}

impl<B: FusionBackend + Wrapped> RecurrentKernels for Fusion<B> {
    type Saved = FloatTensor<Self>;

    fn run(
        given: &Arguments<Self>,
        call: Call,
        save: bool,
    ) -> (FloatTensor<Self>, Option<Self::Saved>) {
        let [batch, steps, _] = given.differentiable[0].shape().dims();
        let [units, _] = given.differentiable[2].shape().dims();
        let shape = call.returns.shape(call.kind, [batch, steps, units]);
        let mut shapes = vec![Shape::from(shape)];
        if save {
            let len = B::saved_len(call.kind, units, batch * steps);
            shapes.push(Shape::from([len]));
        }
        let scalars = scalars(call, &[save]);
        let work = move |inputs| {
            let (result, saved) = B::run(&arguments::<B>(inputs).0, call, save);
            std::iter::once(result).chain(saved).collect()
        };
        let results = register::<B>("recurrent::run", given.all(), shapes, scalars, work);
        match save {
            true => {
                let [result, saved] = results.outputs();
                (result, Some(saved))
            }
            false => (results.output(), None),
        }
    }

    fn gradients(
        given: &Arguments<Self>,
        call: Call,
        saved: Self::Saved,
        gradient: FloatTensor<Self>,
        wanted: [bool; 6],
    ) -> [Option<FloatTensor<Self>>; 6] {
        let of = &given.differentiable;
        // An argument that a call lacks has no gradient, whatever is wanted.
        let wanted: [bool; 6] =
            std::array::from_fn(|i| wanted[i] && of[i].shape().num_elements() > 0);
        let shapes = (0..6).filter(|i| wanted[*i]).map(|i| of[i].shape());
        let mut inputs = given.all();
        inputs.extend([saved, gradient]);
        let scalars = scalars(call, &wanted);
        let work = move |inputs| {
            let (arguments, rest) = arguments::<B>(inputs);
            let [saved, gradient] = rest.outputs();
            let found = B::gradients(&arguments, call, saved, gradient, wanted);
            found.into_iter().flatten().collect()
        };
        let results = register::<B>(
            "recurrent::gradients",
            inputs,
            shapes.collect(),
            scalars,
            work,
        );
        let mut results = results.into_iter();
        wanted.map(|wanted| if wanted { results.next() } else { None })
    }
}

impl<B: FusionBackend + Wrapped> RowKernels for Fusion<B> {
    fn softmax_forward(x: &FloatTensor<Self>) -> FloatTensor<Self> {
        let work = |inputs: Vec<_>| vec![B::softmax_forward(&inputs[0])];
        let (inputs, shape) = (vec![x.clone()], vec![x.shape()]);
        register::<B>("recurrent::softmax", inputs, shape, Vec::new(), work).output()
    }

    fn softmax_gradient(y: &FloatTensor<Self>, gradient: &FloatTensor<Self>) -> FloatTensor<Self> {
        let work = |inputs: Vec<_>| vec![B::softmax_gradient(&inputs[0], &inputs[1])];
        let (inputs, shape) = (vec![y.clone(), gradient.clone()], vec![y.shape()]);
        register::<B>(
            "recurrent::softmax_gradient",
            inputs,
            shape,
            Vec::new(),
            work,
        )
        .output()
    }

    fn cross_entropy_forward(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let work =
            move |inputs: Vec<_>| vec![B::cross_entropy_forward(&inputs[0], &inputs[1], epsilon)];
        let (inputs, shape) = (vec![p.clone(), labels.clone()], Shape::from([p.shape()[0]]));
        let scalars = vec![ScalarIr::Float(epsilon)];
        register::<B>(
            "recurrent::cross_entropy",
            inputs,
            vec![shape],
            scalars,
            work,
        )
        .output()
    }

    fn cross_entropy_gradient(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let work = move |inputs: Vec<_>| {
            let [p, labels, gradient] = [&inputs[0], &inputs[1], &inputs[2]];
            vec![B::cross_entropy_gradient(p, labels, gradient, epsilon)]
        };
        let inputs = vec![p.clone(), labels.clone(), gradient.clone()];
        let scalars = vec![ScalarIr::Float(epsilon)];
        register::<B>(
            "recurrent::cross_entropy_gradient",
            inputs,
            vec![p.shape()],
            scalars,
            work,
        )
        .output()
    }
}
