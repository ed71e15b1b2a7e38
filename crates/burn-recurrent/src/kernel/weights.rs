//! The weights' gradients: products over all steps of all sequences.
//!
//! A task owns some panels' columns and goes over the rows in one fixed order, so that sums come out
//! the same whoever computes them.

use super::Shared;
use super::backward::Backward;
use super::pack;
use super::tile::{ALL, Product, Start, Target, product};
use crate::simd::Vector;
use crate::workspace::Buffer;
use std::ops::Range;

/// Rows that are read together: their gates' gradients, and a part of the inputs, stay cached.
const ROWS: usize = 128;

/// Where the gradients wanted go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightGradients<E> {
    /// `[features, gates * units]`
    pub(crate) kernel: Option<Shared<E>>,
    /// `[units, gates * units]`
    pub(crate) recurrent_kernel: Option<Shared<E>>,
    /// `[gates * units]`
    pub(crate) bias: Option<Shared<E>>,
    /// `[gates * units]`
    pub(crate) recurrent_bias: Option<Shared<E>>,
}

impl<E> Default for WeightGradients<E> {
    fn default() -> Self {
        Self {
            kernel: None,
            recurrent_kernel: None,
            bias: None,
            recurrent_bias: None,
        }
    }
}

/// Rows of the problem: some sequences at some steps.
struct Block {
    steps: Range<usize>,
    rows: Range<usize>,
}

/// The gradients in the columns of some panels.
pub(super) unsafe fn gradients<V: Vector>(job: &Backward<'_, V>, panels: Range<usize>) {
    let shape = &job.p.shape;
    let wanted = &job.wanted.weights;
    let (features, units, wide) = (shape.features, shape.units, job.wide);
    let rows = |wanted: &Option<Shared<V::E>>, n: usize| if wanted.is_some() { n } else { 0 };
    let dw = Buffer::<V::E>::new(rows(&wanted.kernel, features) * panels.len() * wide);
    let du = Buffer::<V::E>::new(rows(&wanted.recurrent_kernel, units) * panels.len() * wide);
    let mut db = Buffer::<V::E>::zeroed(panels.len() * wide);
    let dropped = job
        .factors
        .map(|_| Buffer::<V::E>::new((ROWS + shape.batch) * job.padded));
    let some_rows = ROWS.min(shape.batch);
    let some_steps = ROWS.div_ceil(shape.batch);
    let mut fresh = true;
    for step in (0..shape.steps).step_by(some_steps) {
        for row in (0..shape.batch).step_by(some_rows) {
            let block = Block {
                steps: step..(step + some_steps).min(shape.steps),
                rows: row..(row + some_rows).min(shape.batch),
            };
            let start = if fresh { Start::Zero } else { Start::Result };
            fresh = false;
            // SAFETY: the buffers are this task's, and everything else is only read.
            unsafe {
                for (i, panel) in panels.clone().enumerate() {
                    if wanted.kernel.is_some() {
                        input(job, &block, panel, start, dw.ptr().add(i * features * wide));
                    }
                    bias(job, &block, panel, db.ptr().add(i * wide));
                }
                if wanted.recurrent_kernel.is_some() {
                    state(
                        job,
                        &block,
                        &panels,
                        start,
                        dropped.as_ref().map(Buffer::ptr),
                        du.ptr(),
                    );
                }
            }
        }
    }
    let kind = job.p.kind;
    for (i, panel) in panels.enumerate() {
        for (from, to, n, slots) in [
            (dw.ptr(), wanted.kernel, features, kind.input_slots()),
            (du.ptr(), wanted.recurrent_kernel, units, kind.state_slots()),
            (db.as_mut_ptr(), wanted.bias, 1, kind.input_slots()),
            (
                db.as_mut_ptr(),
                wanted.recurrent_bias,
                1,
                kind.state_slots(),
            ),
        ] {
            let Some(to) = to else { continue };
            // SAFETY: these columns of the result are this task's alone.
            unsafe {
                let from = from.add(i * n * wide);
                pack::unpanel(shape, V::LANES, from, n, slots, panel, to.0);
            }
        }
    }
}

fn target<E>(c: *mut E, wide: usize) -> Target<E> {
    Target {
        c,
        row: wide as isize,
        columns: ALL,
    }
}

/// Adds a block's part of the gradient of `kernel`, in one panel.
unsafe fn input<V: Vector>(
    job: &Backward<'_, V>,
    block: &Block,
    panel: usize,
    start: Start<V::E>,
    to: *mut V::E,
) {
    let p = job.p;
    for part in p.kind.input_products(p.x_gate.is_some()) {
        let at = part.slot * V::LANES;
        // SAFETY: within `x`, `z` and the task's buffer.
        unsafe {
            let over_rows = Product {
                a: p.x_at(part.gate, block.steps.start, block.rows.start),
                row: 1,
                k: p.x_batch,
                len: block.rows.len(),
                block: p.x_time,
                blocks: block.steps.len(),
                b: job.z_at(panel, block.steps.start, block.rows.start).add(at),
                b_step: job.wide,
            };
            let to = target(to.add(at), job.wide);
            product::<V>(part.registers, p.shape.features, &[over_rows], start, to);
        }
    }
}

/// Adds a block's part of the gradient of `recurrent_kernel`, in all of the task's panels.
unsafe fn state<V: Vector>(
    job: &Backward<'_, V>,
    block: &Block,
    panels: &Range<usize>,
    start: Start<V::E>,
    dropped: Option<*mut V::E>,
    to: *mut V::E,
) {
    let p = job.p;
    let units = p.shape.units;
    let rows = block.steps.len() * block.rows.len();
    let first = (block.steps.start * p.shape.batch + block.rows.start) * job.padded;
    for stage in 0..p.kind.stages() {
        for part in p.kind.state_products(stage, dropped.is_some()) {
            // SAFETY: within the states, `z` and the task's buffers.
            unsafe {
                // Several steps come only with all sequences: the rows lie one after the other.
                let a = match (job.rh, dropped) {
                    (Some(rh), _) if stage == 1 => rh.0.add(first).cast_const(),
                    (_, Some(dropped)) => {
                        drop_states(job, block, part.gate, dropped);
                        dropped.cast_const()
                    }
                    _ => job.h.0.add(first).cast_const(),
                };
                for (i, panel) in panels.clone().enumerate() {
                    let at = part.slot * V::LANES;
                    let over_rows = Product {
                        a,
                        row: 1,
                        k: job.padded as isize,
                        len: rows,
                        block: 0,
                        blocks: 1,
                        b: job.z_at(panel, block.steps.start, block.rows.start).add(at),
                        b_step: job.wide,
                    };
                    let to = target(to.add(i * units * job.wide + at), job.wide);
                    product::<V>(part.registers, units, &[over_rows], start, to);
                }
            }
        }
    }
}

/// Writes the states that a gate's product has read.
unsafe fn drop_states<V: Vector>(job: &Backward<'_, V>, block: &Block, gate: usize, to: *mut V::E) {
    let Some(factors) = job.factors else { return };
    let batch = job.p.shape.batch;
    let mut to = to;
    for step in block.steps.clone() {
        for row in block.rows.clone() {
            for unit in 0..job.padded {
                // SAFETY: within the states, the factors and the task's buffer.
                unsafe {
                    let h = *job.h.0.add((step * batch + row) * job.padded + unit);
                    *to.add(unit) = h * *factors.0.add((gate * batch + row) * job.padded + unit);
                }
            }
            // SAFETY: as above.
            to = unsafe { to.add(job.padded) };
        }
    }
}

/// Adds up a block's rows of gate gradients, of one panel.
unsafe fn bias<V: Vector>(job: &Backward<'_, V>, block: &Block, panel: usize, to: *mut V::E) {
    let rows = block.steps.len() * block.rows.len();
    // SAFETY: within `z` and the task's buffer.
    unsafe {
        let z = job
            .z_at(panel, block.steps.start, block.rows.start)
            .cast_const();
        V::vectorize(
            #[inline(always)]
            || match job.wide / V::LANES {
                4 => add_rows::<V, 4>(z, rows, to),
                _ => add_rows::<V, 1>(z, rows, to),
            },
        );
    }
}

#[inline(always)]
unsafe fn add_rows<V: Vector, const N: usize>(z: *const V::E, rows: usize, to: *mut V::E) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        let mut sums = [V::splat(V::E::default()); N];
        for i in 0..N {
            sums[i] = V::load(to.add(i * V::LANES));
        }
        for row in 0..rows {
            for i in 0..N {
                sums[i] = sums[i].add(V::load(z.add((row * N + i) * V::LANES)));
            }
        }
        for i in 0..N {
            sums[i].store(to.add(i * V::LANES));
        }
    }
}
