//! The problem that a call's tensors state, and dropout on its input.

use super::super::{Arguments, Call};
use super::{Float, Host, Slices};
use crate::kernel::{Kind, Problem, Shape};
use crate::simd::Real;
use crate::workspace::Buffer;
use burn::backend::TensorMetadata;

/// The problem a call states, and its input with dropout applied, if any.
pub(super) struct Stated<E: Real> {
    pub(super) problem: Problem<E>,
    pub(super) dropped: Option<Buffer<E>>,
}

/// States the problem. The pointers in it are valid while `slices` and `arguments` live.
pub(super) fn state<B: Host, E: Float>(
    slices: &Slices<B>,
    arguments: &Arguments<B>,
    call: Call,
) -> Stated<E> {
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

/// The gradient of `x` from those of its copies with dropout.
pub(super) fn undrop_input<E: Real>(dropped: &[E], factors: &[E], shape: &Shape, dx: &mut [E]) {
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
