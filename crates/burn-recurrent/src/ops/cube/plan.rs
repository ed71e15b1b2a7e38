//! What a kernel is compiled for, and where things lie in the buffers that kernels share.

use super::super::{Arguments, Call, Returns};
use crate::kernel::Kind;
use burn::backend::TensorMetadata;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::client::Client;

/// What a kernel is compiled for: a change compiles another one. Batch and timesteps are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) units: usize,
    /// Which of the optional arguments the call has.
    pub(super) bias: bool,
    pub(super) h: bool,
    pub(super) c: bool,
    pub(super) mask: bool,
    pub(super) input_dropout: bool,
    pub(super) state_dropout: bool,
    /// Gates lie one after the other, `[gates, rows, units]`, not side by side, `[rows, gates * units]`:
    /// where their products have different operands.
    pub(super) apart: bool,
    pub(super) reverse: bool,
    pub(super) restore_order: bool,
    pub(super) zero_output: bool,
    /// The result begins with every step's output, not the last one's.
    pub(super) sequence: bool,
    /// The result ends with the final states.
    pub(super) states: bool,
    /// Keep what the backward pass needs.
    pub(super) save: bool,
}

impl Plan {
    pub(super) fn new(arguments: &Arguments<CubeBackend>, call: Call, save: bool) -> Self {
        let [_, _, _, bias, h, c] = &arguments.differentiable;
        let [mask, input_dropout, state_dropout] = &arguments.constant;
        let given = |tensor: &burn_cubecl::tensor::CubeTensor| tensor.shape().num_elements() > 0;
        let per_gate = given(input_dropout) && input_dropout.shape()[0] > 1;
        let [units, _] = arguments.differentiable[2].shape().dims();
        let (sequence, states) = match call.returns {
            Returns::Sequence => (true, false),
            Returns::Last => (false, false),
            Returns::SequenceAndStates => (true, true),
            Returns::LastAndStates => (false, true),
        };
        Self {
            kind: call.kind,
            units,
            bias: given(bias),
            h: given(h),
            c: given(c),
            mask: given(mask),
            input_dropout: given(input_dropout),
            state_dropout: given(state_dropout),
            apart: per_gate || given(state_dropout) || call.kind == Kind::GruResetBefore,
            reverse: call.reverse,
            restore_order: call.restore_order,
            zero_output: call.zero_output,
            sequence,
            states,
            save,
        }
    }

    pub(super) fn gates(&self) -> usize {
        self.kind.gates()
    }

    /// Gates whose products with the state come first; the candidate of `GruResetBefore` waits for the
    /// reset gate.
    pub(super) fn first_gates(&self) -> usize {
        match self.kind {
            Kind::GruResetBefore => 2,
            kind => kind.gates(),
        }
    }

    /// Whether the recurrent products' gradients differ from the input products'.
    pub(super) fn recurrent_apart(&self) -> bool {
        self.kind == Kind::Gru
    }

    /// Whether one launch does the whole sequence: a unit has a thread, and a row's states fit the shared
    /// memory. Past [`PERSISTENT_UNITS`] the recurrent weights are too large to be read again by each
    /// row at each step, and a product over all rows is the better way.
    pub(super) fn persistent(&self, client: &Client) -> bool {
        let hardware = &client.properties().hardware;
        let threads = hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize;
        let shared = SHARED_VALUES * self.units * size_of::<f32>();
        self.units <= PERSISTENT_UNITS.min(threads) && shared <= hardware.max_shared_memory_size
    }
}

/// The most units that the persistent kernels are used for. All WebGPU devices run 256 threads in a cube.
const PERSISTENT_UNITS: usize = 256;

/// Shared values per unit, at most: the four gates of a step.
const SHARED_VALUES: usize = 4;

/// Batch, timesteps and features.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) steps: usize,
    pub(super) features: usize,
}

impl Sizes {
    pub(super) fn of(arguments: &Arguments<CubeBackend>) -> Self {
        let [batch, steps, features] = arguments.differentiable[0].shape().dims();
        Self {
            batch,
            steps,
            features,
        }
    }

    /// Rows of the products over all steps.
    pub(super) fn rows(&self) -> usize {
        self.batch * self.steps
    }
}

/// Elements that a part of a shared buffer begins at a multiple of: 1 KiB, which all runtimes can bind.
pub(super) const ALIGNMENT: usize = 256;

/// A length up to the next place where a part can begin.
pub(super) fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT)
}

/// Where the parts of what the forward pass saves begin; the activations are at 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct SavedParts {
    /// The states before each step, `[batch, timesteps, units]`.
    pub(super) hidden: usize,
    /// The second value, if any, of the same shape.
    pub(super) second: usize,
    pub(super) len: usize,
}

impl SavedParts {
    pub(super) fn new(kind: Kind, units: usize, rows: usize) -> Self {
        let state = rows * units;
        let hidden = aligned(kind.gates() * state);
        let second = hidden + aligned(state);
        let has_second = kind != Kind::SimpleRnn;
        Self {
            hidden,
            second,
            len: second + if has_second { aligned(state) } else { 0 },
        }
    }
}

/// Where the parts of the backward pass' result begin; the gradients of the input's sums are at 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct GradientParts {
    /// The gradients of the recurrent sums: at 0 as well, where they are the same.
    pub(super) recurrent: usize,
    pub(super) h: usize,
    pub(super) c: usize,
    pub(super) len: usize,
}

impl GradientParts {
    pub(super) fn new(plan: &Plan, sizes: Sizes) -> Self {
        let sums = aligned(plan.gates() * sizes.rows() * plan.units);
        let state = aligned(sizes.batch * plan.units);
        let recurrent = if plan.recurrent_apart() { sums } else { 0 };
        let h = recurrent + sums;
        let c = h + state;
        Self {
            recurrent,
            h,
            c,
            len: if plan.kind.has_cell_state() {
                c + state
            } else {
                c
            },
        }
    }
}
