//! What a kernel is compiled for, and where things lie in the buffers that kernels share.

use super::super::{Arguments, Call, Returns};
use crate::buffers::recurrent_apart;
pub(super) use crate::buffers::{GradientParts, SavedParts, aligned};
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
        recurrent_apart(self.kind)
    }

    /// Whether one launch does the whole sequence: a unit has a thread, and a row's states fit the shared
    /// memory. Past [`PERSISTENT_UNITS`] the recurrent weights are too large to be read again by each
    /// row at each step, and a product over all rows is the better way.
    pub(super) fn persistent(&self, client: &Client) -> bool {
        let hardware = &client.properties().hardware;
        let shared = SHARED_VALUES * self.units * size_of::<f32>();
        self.units <= PERSISTENT_UNITS.min(most_threads(client))
            && shared <= hardware.max_shared_memory_size
    }
}

/// The most threads that a cube in one dimension can have.
pub(super) fn most_threads(client: &Client) -> usize {
    let hardware = &client.properties().hardware;
    hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize
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

impl GradientParts {
    pub(super) fn new(plan: &Plan, sizes: Sizes) -> Self {
        Self::of(plan.kind, plan.units, sizes.batch, sizes.steps)
    }
}
