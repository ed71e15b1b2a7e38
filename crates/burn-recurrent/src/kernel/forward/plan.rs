//! How a forward pass is cut into steps and threads, and the memory it works in.

use super::super::{Problem, Shape, Shared};
use crate::simd::{Real, Vector};
use crate::team;
use crate::workspace::Buffer;
use std::ops::Range;

/// Packed weights up to this size are read for the input and the state of a step at once; larger ones
/// would push each other out of the cache, so the input goes first, for many steps together.
const FUSE_BYTES: usize = 1_280 << 10;
/// Recurrent weights beyond this don't stay in one core's cache: threads then share the columns of a
/// step, not the sequences of the batch.
const COLUMN_BYTES: usize = 1_536 << 10;
/// Work too small to be worth waking another thread for, in floating-point operations.
const PARALLEL_WORK: usize = 1_500_000;
/// A step too small to be worth a barrier.
const PARALLEL_STEP: usize = 1_500_000;
/// Rows that one pass over a packed panel should at least serve.
const ROWS: usize = 640;

/// How the work is cut up. It depends on the number of threads; results don't.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Threads share the columns of each step, with a barrier, instead of the batch.
    pub(crate) columns: bool,
    /// Parts of the batch.
    pub(crate) chunks: usize,
    /// Threads to ask for.
    pub(crate) helpers: usize,
}

impl Plan {
    pub(crate) fn new<V: Vector>(p: &Problem<V::E>) -> Self {
        let shape = &p.shape;
        let threads = team::threads();
        let panels = shape.panels(V::LANES);
        if threads < 2 || shape.work() < PARALLEL_WORK {
            return Self {
                columns: false,
                chunks: 1,
                helpers: 0,
            };
        }
        let step = 2 * shape.batch * shape.units * shape.units * shape.gates;
        let bytes = shape.units * panels * shape.slots * V::LANES * size_of::<V::E>();
        let few_rows = shape.batch < 4 * threads;
        let columns =
            (few_rows || bytes > COLUMN_BYTES) && step >= PARALLEL_STEP && panels >= threads;
        let chunks = if columns {
            1
        } else {
            threads.min(shape.batch.div_ceil(V::ROWS))
        };
        let helpers = if columns { threads - 1 } else { chunks - 1 };
        Self {
            columns,
            chunks,
            helpers,
        }
    }

    /// The rows of a chunk.
    pub(crate) fn chunk(&self, batch: usize, chunk: usize) -> Range<usize> {
        chunk * batch / self.chunks..(chunk + 1) * batch / self.chunks
    }
}

/// Packed weights.
#[derive(Debug)]
pub(crate) struct Weights<E: Real> {
    pub(crate) kernel: Buffer<E>,
    pub(crate) recurrent_kernel: Buffer<E>,
    pub(crate) bias: Buffer<E>,
}

impl<E: Real> Weights<E> {
    /// Room for a layer's weights.
    pub(crate) fn new(shape: &Shape, lanes: usize) -> Self {
        let panels = shape.panels(lanes);
        let wide = shape.slots * lanes;
        Self {
            kernel: Buffer::new(panels * shape.features * wide),
            recurrent_kernel: Buffer::new(panels * shape.units * wide),
            bias: Buffer::new(panels * wide),
        }
    }
}

/// Working memory of a forward pass.
pub(crate) struct Memory<'a, E: Real> {
    pub(crate) weights: &'a Weights<E>,
    pub(crate) z: Shared<E>,
    pub(crate) h: Shared<E>,
    pub(crate) c: Option<Shared<E>>,
    pub(crate) rh: Option<Shared<E>>,
    /// `[2][gate][row][padded unit]`, then the factors `[gate][row][padded unit]`.
    pub(crate) dropped: Option<Shared<E>>,
}

/// How a forward pass is cut into steps and threads.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) plan: Plan,
    /// Input and state are multiplied together at each step.
    pub(crate) fuse: bool,
    /// Steps whose input is multiplied at once.
    pub(crate) block: usize,
    /// Steps that `z`, the states and `rh` have room for, used in turn.
    pub(crate) z_steps: usize,
    pub(crate) states: usize,
    pub(crate) rh_steps: usize,
    pub(crate) save: bool,
}

impl Cut {
    pub(crate) fn new<V: Vector>(p: &Problem<V::E>, save: bool) -> Self {
        let shape = &p.shape;
        let plan = Plan::new::<V>(p);
        let wide = shape.panels(V::LANES) * shape.slots * V::LANES;
        let bytes = (shape.features + shape.units) * wide * size_of::<V::E>();
        // A lone sequence has all its steps for the rows of one product.
        let fuse = shape.batch > 1 && bytes <= FUSE_BYTES;
        let rows = if plan.columns {
            shape.batch
        } else {
            shape.batch.div_ceil(plan.chunks)
        };
        let block = if fuse {
            1
        } else {
            ROWS.div_ceil(rows).min(shape.steps)
        };
        Self {
            plan,
            fuse,
            block,
            z_steps: if save { shape.steps } else { block },
            states: if save { shape.steps + 1 } else { 2 },
            rh_steps: if save { shape.steps } else { 1 },
            save,
        }
    }

    /// Floats that `z` needs.
    pub(crate) fn z_len<V: Vector>(&self, shape: &Shape) -> usize {
        shape.panels(V::LANES) * self.z_steps * shape.batch * shape.slots * V::LANES
    }
}
