//! What is to be computed: sizes, kind of cell, and where the data lies.

use super::pack::{Order, Slots};
use super::tile::NONE;

/// The cell of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Long short-term memory; gates `i, f, c, o`.
    Lstm,
    /// Gated recurrent unit with the reset gate applied after the recurrent product; gates `z, r, h`.
    Gru,
    /// Gated recurrent unit with the reset gate applied to the state before the product.
    GruResetBefore,
    /// Fully connected recurrence through tanh.
    SimpleRnn,
}

/// Gates that one product computes together: from `slot` of a panel, `(registers, register left out)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Together {
    pub(crate) slot: usize,
    pub(crate) registers: (usize, usize),
    /// The dropout mask that applies, where each gate has its own.
    pub(crate) gate: usize,
}

const fn together(slot: usize, registers: usize, skip: usize, gate: usize) -> Together {
    Together {
        slot,
        registers: (registers, skip),
        gate,
    }
}

impl Kind {
    /// Gates of the weights.
    pub const fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru | Self::GruResetBefore => 3,
            Self::SimpleRnn => 1,
        }
    }

    /// Registers a panel has for a unit: the gates, for `Gru` the candidate's two parts apart.
    pub(crate) const fn slots(self) -> usize {
        match self {
            Self::SimpleRnn => 1,
            _ => 4,
        }
    }

    /// Whether the cell carries a second state.
    pub(crate) const fn has_cell_state(self) -> bool {
        matches!(self, Self::Lstm)
    }

    /// Products a step must do one after the other.
    pub(crate) const fn stages(self) -> usize {
        match self {
            Self::GruResetBefore => 2,
            _ => 1,
        }
    }

    /// Where the input's part of each gate goes.
    pub(crate) const fn input_slots(self) -> Slots {
        match self {
            Self::Lstm => [Some(0), Some(1), Some(2), Some(3)],
            Self::Gru | Self::GruResetBefore => [Some(0), Some(1), Some(2), None],
            Self::SimpleRnn => [Some(0), None, None, None],
        }
    }

    /// Where the state's part of each gate goes.
    pub(crate) const fn state_slots(self) -> Slots {
        match self {
            Self::Gru => [Some(0), Some(1), None, Some(2)],
            _ => self.input_slots(),
        }
    }

    /// The input's products; `apart` if each gate has a dropout mask of its own.
    pub(crate) const fn input_products(self, apart: bool) -> &'static [Together] {
        const FOUR: [Together; 4] = [
            together(0, 1, NONE, 0),
            together(1, 1, NONE, 1),
            together(2, 1, NONE, 2),
            together(3, 1, NONE, 3),
        ];
        const THREE: [Together; 3] = [FOUR[0], FOUR[1], FOUR[2]];
        match (self, apart) {
            (Self::Lstm, false) => &const { [together(0, 4, NONE, 0)] },
            (Self::Lstm, true) => &FOUR,
            (Self::Gru | Self::GruResetBefore, false) => &const { [together(0, 4, 3, 0)] },
            (Self::Gru | Self::GruResetBefore, true) => &THREE,
            (Self::SimpleRnn, _) => &const { [FOUR[0]] },
        }
    }

    /// The state's products of a stage; `apart` if each gate has a dropout mask of its own.
    pub(crate) const fn state_products(self, stage: usize, apart: bool) -> &'static [Together] {
        match (self, stage, apart) {
            (Self::Gru, _, false) => &const { [together(0, 4, 2, 0)] },
            (Self::Gru, _, true) => {
                &const {
                    [
                        together(0, 1, NONE, 0),
                        together(1, 1, NONE, 1),
                        together(3, 1, NONE, 2),
                    ]
                }
            }
            (Self::GruResetBefore, 0, false) => &const { [together(0, 2, NONE, 0)] },
            (Self::GruResetBefore, 0, true) => {
                &const { [together(0, 1, NONE, 0), together(1, 1, NONE, 1)] }
            }
            (Self::GruResetBefore, _, _) => &const { [together(2, 1, NONE, 2)] },
            _ => self.input_products(apart),
        }
    }

    /// Order of `k` in the packed transpose of `kernel`.
    pub(crate) const fn input_order(self, apart: bool) -> Order {
        match (self, apart) {
            (Self::Lstm, false) => &[&[(0, 0), (1, 1), (2, 2), (3, 3)]],
            (Self::Lstm, true) => &[&[(0, 0)], &[(1, 1)], &[(2, 2)], &[(3, 3)]],
            (Self::Gru | Self::GruResetBefore, false) => &[&[(0, 0), (1, 1), (2, 2)]],
            (Self::Gru | Self::GruResetBefore, true) => &[&[(0, 0)], &[(1, 1)], &[(2, 2)]],
            (Self::SimpleRnn, _) => &[&[(0, 0)]],
        }
    }

    /// Order of `k` in the packed transpose of `recurrent_kernel`. For `GruResetBefore` the last list
    /// is the candidate's, whose product comes first in time.
    pub(crate) const fn state_order(self, apart: bool) -> Order {
        match (self, apart) {
            (Self::Gru, false) => &[&[(0, 0), (1, 1)], &[(3, 2)]],
            (Self::Gru, true) => &[&[(0, 0)], &[(1, 1)], &[(3, 2)]],
            (Self::GruResetBefore, false) => &[&[(0, 0), (1, 1)], &[(2, 2)]],
            _ => self.input_order(apart),
        }
    }
}

/// Sizes of a problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) features: usize,
    pub(crate) units: usize,
    pub(crate) gates: usize,
    pub(crate) slots: usize,
}

impl Shape {
    pub(crate) fn new(kind: Kind, [batch, steps, features]: [usize; 3], units: usize) -> Self {
        Self {
            batch,
            steps,
            features,
            units,
            gates: kind.gates(),
            slots: kind.slots(),
        }
    }

    pub(crate) fn panels(&self, lanes: usize) -> usize {
        self.units.div_ceil(lanes)
    }

    /// Floating-point operations of a forward pass, less the gates.
    pub(crate) fn work(&self) -> usize {
        2 * self.batch * self.steps * (self.features + self.units) * self.gates * self.units
    }
}

/// The inputs of a forward pass. All pointers stay valid, and nobody writes there, as long as it is in
/// use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Problem<E> {
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// The first step to be processed, of the first sequence.
    pub(crate) x: *const E,
    /// From a sequence to the next.
    pub(crate) x_batch: isize,
    /// From a step to the next one processed: negative if time runs backwards.
    pub(crate) x_time: isize,
    /// From a gate's copy of `x` to the next gate's, if each has its own dropout mask.
    pub(crate) x_gate: Option<isize>,
    /// `[features, gates * units]`
    pub(crate) kernel: *const E,
    /// `[units, gates * units]`
    pub(crate) recurrent_kernel: *const E,
    /// `[gates * units]`
    pub(crate) bias: Option<*const E>,
    /// `[gates * units]`, for `Kind::Gru`.
    pub(crate) recurrent_bias: Option<*const E>,
    /// `[batch, units]`; zeros if there is none.
    pub(crate) h: Option<*const E>,
    /// `[batch, units]`; zeros if there is none.
    pub(crate) c: Option<*const E>,
    /// `[batch, steps]` in the input's time order; zero skips the step.
    pub(crate) mask: Option<*const E>,
    pub(crate) reverse: bool,
    pub(crate) zero_output: bool,
    /// `[gates, batch, units]`, factors for the state in the recurrent products.
    pub(crate) state_masks: Option<*const E>,
}

// SAFETY: the pointers are only read, and the data outlives the problem.
unsafe impl<E> Send for Problem<E> {}
// SAFETY: as above.
unsafe impl<E> Sync for Problem<E> {}

impl<E: Copy> Problem<E> {
    /// `x` at a step, for the sequences from `row` on.
    ///
    /// # Safety
    ///
    /// `step` and `row` are within the shape.
    pub(crate) unsafe fn x_at(&self, gate: usize, step: usize, row: usize) -> *const E {
        let gate = self.x_gate.unwrap_or(0) * gate as isize;
        // SAFETY: within `x` by the caller's word.
        unsafe {
            self.x
                .offset(gate + self.x_time * step as isize + self.x_batch * row as isize)
        }
    }

    /// The mask at a step, for the sequences from `row` on; they lie `steps` apart.
    ///
    /// # Safety
    ///
    /// `step` and `row` are within the shape.
    pub(crate) unsafe fn mask_at(&self, step: usize, row: usize) -> Option<*const E> {
        let time = if self.reverse {
            self.shape.steps - 1 - step
        } else {
            step
        };
        // SAFETY: within the mask by the caller's word.
        self.mask
            .map(|mask| unsafe { mask.add(row * self.shape.steps + time) })
    }
}
