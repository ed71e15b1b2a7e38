//! The kernels for backends whose tensors are memory of this process.

use super::{Arguments, Call, RecurrentKernels, Returns};
use crate::kernel::backward::{Given, Wanted, backward};
use crate::kernel::forward::{Output, Saved, forward};
use crate::kernel::weights::WeightGradients;
use crate::kernel::{Kind, Problem, Shape, Shared, at_level};
use crate::simd::{Real, SimdLevel};
use crate::workspace::Buffer;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, Element, TensorData};
use std::sync::{Arc, Mutex};

/// A float the kernels have, in the tensors of the CPU backends.
pub(super) trait Float: Real + Element {
    /// Wraps what a forward pass has saved.
    fn wrap(saved: Saved<Self>) -> AnySaved;
    /// The reverse of [`wrap`](Self::wrap).
    fn unwrap(saved: AnySaved) -> Option<Saved<Self>>;
    /// A tensor's elements, if they are of this type and contiguous.
    #[cfg(feature = "flex")]
    fn flex(tensor: &FloatTensor<burn::backend::Flex>) -> Option<&[Self]>;
    /// A tensor's elements, if they are of this type and contiguous.
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)]
    fn ndarray(tensor: &FloatTensor<burn::backend::NdArray>) -> Option<&[Self]>;
    /// A contiguous copy.
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)]
    fn ndarray_contiguous(
        tensor: &FloatTensor<burn::backend::NdArray>,
    ) -> FloatTensor<burn::backend::NdArray>;
}

/// What a forward pass has saved, of either type.
#[derive(Debug)]
pub(crate) enum AnySaved {
    F32(Saved<f32>),
    F64(Saved<f64>),
}

macro_rules! float {
    ($float:ty, $variant:ident) => {
        impl Float for $float {
            fn wrap(saved: Saved<Self>) -> AnySaved {
                AnySaved::$variant(saved)
            }
            fn unwrap(saved: AnySaved) -> Option<Saved<Self>> {
                match saved {
                    AnySaved::$variant(saved) => Some(saved),
                    _ => None,
                }
            }
            #[cfg(feature = "flex")]
            fn flex(tensor: &FloatTensor<burn::backend::Flex>) -> Option<&[Self]> {
                tensor.as_slice()
            }
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            fn ndarray(tensor: &FloatTensor<burn::backend::NdArray>) -> Option<&[Self]> {
                match tensor {
                    burn::backend::ndarray::NdArrayTensor::$variant(storage) => {
                        storage.view().to_slice()
                    }
                    _ => None,
                }
            }
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            fn ndarray_contiguous(
                tensor: &FloatTensor<burn::backend::NdArray>,
            ) -> FloatTensor<burn::backend::NdArray> {
                match tensor {
                    burn::backend::ndarray::NdArrayTensor::$variant(storage) => {
                        let elements: Vec<$float> = storage.view().iter().copied().collect();
                        let shape = storage.shape().to_vec();
                        FloatTensor::<burn::backend::NdArray>::from_data(TensorData::new(
                            elements, shape,
                        ))
                    }
                    other => other.clone(),
                }
            }
        }
    };
}
float!(f32, F32);
float!(f64, F64);

/// A backend whose tensors are memory of this process.
pub(super) trait Host: Backend {
    /// A tensor's elements, if they are of this type and contiguous.
    fn slice<E: Float>(tensor: &FloatTensor<Self>) -> Option<&[E]>;
    /// A contiguous copy.
    fn contiguous<E: Float>(tensor: &FloatTensor<Self>) -> FloatTensor<Self>;
    /// A tensor that takes the data over.
    fn from_data(data: TensorData) -> FloatTensor<Self>;
}

/// Handed to the backward pass, which uses it up; the tape wants to be able to clone it.
pub(crate) type SharedSaved = Arc<Mutex<Option<AnySaved>>>;

impl<B: Host> RecurrentKernels for B {
    type Saved = SharedSaved;

    fn run(
        arguments: &Arguments<Self>,
        call: Call,
        save: bool,
    ) -> (FloatTensor<Self>, Option<Self::Saved>) {
        let (result, saved) = match arguments.differentiable[0].dtype() {
            DType::F64 => run::<B, f64>(arguments, call, save),
            _ => run::<B, f32>(arguments, call, save),
        };
        (result, saved.map(|saved| Arc::new(Mutex::new(Some(saved)))))
    }

    fn gradients(
        arguments: &Arguments<Self>,
        call: Call,
        saved: Self::Saved,
        gradient: FloatTensor<Self>,
        wanted: [bool; 6],
    ) -> [Option<FloatTensor<Self>>; 6] {
        let saved = saved.lock().ok().and_then(|mut saved| saved.take());
        match arguments.differentiable[0].dtype() {
            DType::F64 => gradients::<B, f64>(arguments, call, saved, gradient, wanted),
            _ => gradients::<B, f32>(arguments, call, saved, gradient, wanted),
        }
    }
}

/// A call's arguments as slices, copied where they weren't contiguous.
struct Slices<B: Host> {
    copies: [Option<FloatTensor<B>>; 9],
}

impl<B: Host> Slices<B> {
    fn new<E: Float>(arguments: &Arguments<B>) -> Self {
        let copies = std::array::from_fn(|i| {
            let tensor = Self::argument(arguments, i);
            B::slice::<E>(tensor)
                .is_none()
                .then(|| B::contiguous::<E>(tensor))
        });
        Self { copies }
    }

    fn argument(arguments: &Arguments<B>, i: usize) -> &FloatTensor<B> {
        arguments
            .differentiable
            .get(i)
            .unwrap_or_else(|| &arguments.constant[i - 6])
    }

    /// An argument; `None` if the call lacks it.
    fn get<'a, E: Float>(&'a self, arguments: &'a Arguments<B>, i: usize) -> Option<&'a [E]> {
        let tensor = self.copies[i]
            .as_ref()
            .unwrap_or_else(|| Self::argument(arguments, i));
        B::slice::<E>(tensor).filter(|slice| !slice.is_empty())
    }
}

/// The problem a call states, and its input with dropout applied, if any.
struct Stated<E: Real> {
    problem: Problem<E>,
    dropped: Option<Buffer<E>>,
}

/// States the problem. The pointers in it are valid while `slices` and `arguments` live.
fn state<B: Host, E: Float>(slices: &Slices<B>, arguments: &Arguments<B>, call: Call) -> Stated<E> {
    let get = |i| slices.get::<E>(arguments, i);
    let pointer = |i| get(i).map(<[E]>::as_ptr);
    let [batch, steps, features] = arguments.differentiable[0].shape().dims();
    let [units, _] = arguments.differentiable[2].shape().dims();
    let shape = Shape::new(call.kind, [batch, steps, features], units);
    let x = get(0).unwrap_or_default();
    let dropped = get(7).map(|factors| drop_input(x, factors, &shape));
    let copies = get(7).map_or(1, |factors| factors.len() / (batch * features));
    let x = dropped.as_deref().unwrap_or(x);
    let time = features as isize;
    let problem = Problem {
        kind: call.kind,
        shape,
        x: match call.reverse {
            true => x[(steps - 1) * features..].as_ptr(),
            false => x.as_ptr(),
        },
        x_batch: time * steps as isize,
        x_time: if call.reverse { -time } else { time },
        x_gate: (copies > 1).then_some((batch * steps * features) as isize),
        kernel: pointer(1).unwrap_or(std::ptr::null()),
        recurrent_kernel: pointer(2).unwrap_or(std::ptr::null()),
        bias: pointer(3),
        recurrent_bias: match call.kind {
            Kind::Gru => get(3).map(|bias| bias[shape.gates * units..].as_ptr()),
            _ => None,
        },
        h: pointer(4),
        c: pointer(5),
        mask: pointer(6),
        reverse: call.reverse,
        zero_output: call.zero_output,
        state_masks: pointer(8),
    };
    Stated { problem, dropped }
}

/// `x` times each of the factors `[copies, batch, features]`: `[copies, batch, steps, features]`.
fn drop_input<E: Real>(x: &[E], factors: &[E], shape: &Shape) -> Buffer<E> {
    let sequence = shape.steps * shape.features;
    let copies = factors.len() / (shape.batch * shape.features);
    let mut dropped = Buffer::new(copies * x.len());
    for (i, factors) in factors.chunks_exact(shape.features).enumerate() {
        let from = &x[i % shape.batch * sequence..][..sequence];
        let to = &mut dropped[i * sequence..][..sequence];
        for (from, to) in from
            .chunks_exact(shape.features)
            .zip(to.chunks_exact_mut(shape.features))
        {
            for ((to, from), factor) in to.iter_mut().zip(from).zip(factors) {
                *to = *from * *factor;
            }
        }
    }
    dropped
}

/// Where the parts of the result lie in it, by offset.
struct Layout {
    sequence: Option<usize>,
    last: Option<usize>,
    h: Option<usize>,
    c: Option<usize>,
    shape: Vec<usize>,
}

impl Layout {
    fn new(call: Call, shape: &Shape) -> Self {
        let (batch, steps, units) = (shape.batch, shape.steps, shape.units);
        let state = batch * units;
        let after = |n: usize| (Some(n), call.kind.has_cell_state().then_some(n + state));
        let states = 1 + usize::from(call.kind.has_cell_state());
        let (sequence, last, (h, c), shape) = match call.returns {
            Returns::Sequence => (Some(0), None, (None, None), vec![batch, steps, units]),
            Returns::Last => (None, Some(0), (None, None), vec![batch, units]),
            Returns::SequenceAndStates => (
                Some(0),
                None,
                after(steps * state),
                vec![(steps + states) * state],
            ),
            Returns::LastAndStates => (None, Some(0), after(state), vec![1 + states, batch, units]),
        };
        Self {
            sequence,
            last,
            h,
            c,
            shape,
        }
    }

    /// The parts of memory that holds the result.
    fn parts<E>(&self, at: *mut E, call: Call, shape: &Shape) -> Output<E> {
        let (steps, units) = (shape.steps as isize, shape.units as isize);
        let backwards = call.reverse && call.restore_order;
        let part = |offset: Option<usize>| offset.map(|offset| Shared(at.wrapping_add(offset)));
        let first = if backwards {
            (shape.steps - 1) * shape.units
        } else {
            0
        };
        Output {
            y: part(self.sequence.map(|offset| offset + first)),
            y_batch: steps * units,
            y_time: if backwards { -units } else { units },
            last: part(self.last),
            h: part(self.h),
            c: part(self.c),
        }
    }
}

fn run<B: Host, E: Float>(
    arguments: &Arguments<B>,
    call: Call,
    save: bool,
) -> (FloatTensor<B>, Option<AnySaved>) {
    let slices = Slices::<B>::new::<E>(arguments);
    let stated = state::<B, E>(&slices, arguments, call);
    let p = &stated.problem;
    let layout = Layout::new(call, &p.shape);
    let len = layout.shape.iter().product();
    let mut result = Vec::<E>::with_capacity(len);
    let output = layout.parts(result.as_mut_ptr(), call, &p.shape);
    // SAFETY: the level is supported, the shapes were checked before the call, and the result has room
    // for what the layout says.
    let saved = unsafe { at_level!(SimdLevel::current(), E, forward(p, &output, save)) };
    // SAFETY: the forward pass has written all of it.
    unsafe { result.set_len(len) };
    drop(stated.dropped);
    (
        B::from_data(TensorData::new(result, layout.shape)),
        saved.map(E::wrap),
    )
}

fn gradients<B: Host, E: Float>(
    arguments: &Arguments<B>,
    call: Call,
    saved: Option<AnySaved>,
    gradient: FloatTensor<B>,
    wanted: [bool; 6],
) -> [Option<FloatTensor<B>>; 6] {
    let slices = Slices::<B>::new::<E>(arguments);
    let stated = state::<B, E>(&slices, arguments, call);
    let p = &stated.problem;
    let shape = &p.shape;
    let layout = Layout::new(call, shape);
    // A second backward pass over the same node: the first one has used up what was saved.
    let saved = saved.and_then(E::unwrap).or_else(|| {
        let nowhere = Output::default();
        // SAFETY: as in `run`; nothing is written.
        unsafe { at_level!(SimdLevel::current(), E, forward(p, &nowhere, true)) }
    });
    let Some(mut saved) = saved else {
        return [const { None }; 6];
    };
    let copy = B::slice::<E>(&gradient)
        .is_none()
        .then(|| B::contiguous::<E>(&gradient));
    let gradient = B::slice::<E>(copy.as_ref().unwrap_or(&gradient)).unwrap_or_default();
    let given: Given<E> = layout.parts(gradient.as_ptr().cast_mut(), call, shape);
    let len = |i: usize| arguments.differentiable[i].shape().num_elements();
    let mut results: [Option<Vec<E>>; 6] =
        std::array::from_fn(|i| wanted[i].then(|| Vec::with_capacity(len(i))));
    if let (Some(dx), Some(_)) = (&mut results[0], &stated.dropped) {
        dx.resize(len(0), E::default());
    }
    let mut dropped = stated
        .dropped
        .as_ref()
        .filter(|_| wanted[0])
        .map(|x| Buffer::<E>::new(x.len()));
    let mut part = |i: usize| {
        results[i]
            .as_mut()
            .map(|result| Shared(result.as_mut_ptr()))
    };
    let x = match &mut dropped {
        Some(dropped) => Some(Shared(dropped.as_mut_ptr())),
        None => part(0),
    };
    let to_first = if call.reverse {
        (shape.steps - 1) * shape.features
    } else {
        0
    };
    let bias = part(3);
    let wanted = Wanted {
        x: x.map(|x| Shared(x.0.wrapping_add(to_first))),
        weights: WeightGradients {
            kernel: part(1),
            recurrent_kernel: part(2),
            bias,
            recurrent_bias: match call.kind {
                Kind::Gru => {
                    bias.map(|bias| Shared(bias.0.wrapping_add(shape.gates * shape.units)))
                }
                _ => None,
            },
        },
        h: part(4),
        c: part(5),
    };
    let saved_ = &mut saved;
    // SAFETY: as in `run`; the level is that of the forward pass, which has saved `saved`.
    unsafe { at_level!(saved_.level, E, backward(p, saved_, &given, &wanted)) };
    for (i, result) in results.iter_mut().enumerate() {
        if let Some(result) = result {
            // SAFETY: the backward pass has written all of it, but for `x` with dropout, which was
            // filled with zeros.
            unsafe { result.set_len(len(i)) };
        }
    }
    if let (Some(dropped), Some(dx), Some(factors)) =
        (&dropped, &mut results[0], slices.get::<E>(arguments, 7))
    {
        undrop_input(dropped, factors, shape, dx);
    }
    let mut i = 0;
    results.map(|result| {
        let shape = arguments.differentiable[i].shape();
        i += 1;
        result.map(|result| B::from_data(TensorData::new(result, shape)))
    })
}

/// The gradient of `x` from those of its copies with dropout.
fn undrop_input<E: Real>(dropped: &[E], factors: &[E], shape: &Shape, dx: &mut [E]) {
    let sequence = shape.steps * shape.features;
    for (i, factors) in factors.chunks_exact(shape.features).enumerate() {
        let from = &dropped[i * sequence..][..sequence];
        let to = &mut dx[i % shape.batch * sequence..][..sequence];
        let fresh = i < shape.batch;
        for (from, to) in from
            .chunks_exact(shape.features)
            .zip(to.chunks_exact_mut(shape.features))
        {
            for ((to, from), factor) in to.iter_mut().zip(from).zip(factors) {
                let d = *from * *factor;
                *to = if fresh { d } else { *to + d };
            }
        }
    }
}
