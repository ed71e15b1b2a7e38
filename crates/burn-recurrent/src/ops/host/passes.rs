//! The forward and the backward pass over a call's tensors.

use super::super::{Arguments, Call, Returns};
use super::problem::{state, undrop_input};
use super::{AnySaved, Float, Host, Slices};
use crate::kernel::backward::{Given, Wanted, backward};
use crate::kernel::forward::{Output, forward};
use crate::kernel::weights::WeightGradients;
use crate::kernel::{Kind, Shape, Shared, at_level};
use crate::simd::SimdLevel;
use crate::workspace::Buffer;
use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::tensor::TensorData;

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
        let (sequence, last, (h, c)) = match call.returns {
            Returns::Sequence => (Some(0), None, (None, None)),
            Returns::Last => (None, Some(0), (None, None)),
            Returns::SequenceAndStates => (Some(0), None, after(steps * state)),
            Returns::LastAndStates => (None, Some(0), after(state)),
        };
        Self {
            sequence,
            last,
            h,
            c,
            shape: call.returns.shape(call.kind, [batch, steps, units]),
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

pub(super) fn run<B: Host, E: Float>(
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

pub(super) fn gradients<B: Host, E: Float>(
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
