//! A whole sequence forward.

mod plan;
mod steps;

pub(crate) use plan::{Cut, Memory, Plan, Weights};

use super::{Problem, Shared, pack};
use crate::simd::{Real, SimdLevel, Vector};
use crate::team::{self, Work};
use crate::workspace::Buffer;
use std::ops::Range;

/// What the backward pass needs of a forward pass.
#[derive(Debug)]
pub(crate) struct Saved<E: Real> {
    pub(crate) level: SimdLevel,
    /// `[panel][step][row][slot][lane]`
    pub(crate) z: Buffer<E>,
    /// States before the first and after each step, `[step][row][padded unit]`.
    pub(crate) h: Buffer<E>,
    pub(crate) c: Option<Buffer<E>>,
    /// Reset states, `[step][row][padded unit]`.
    pub(crate) rh: Option<Buffer<E>>,
}

/// Where a forward pass writes its result. All of it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Output<E> {
    /// The output at the first step processed, of the first sequence; rows of `units`.
    pub(crate) y: Option<Shared<E>>,
    pub(crate) y_batch: isize,
    /// Negative where the output goes back to the input's time order.
    pub(crate) y_time: isize,
    /// The last step's output `[batch, units]`.
    pub(crate) last: Option<Shared<E>>,
    /// The final states `[batch, units]`.
    pub(crate) h: Option<Shared<E>>,
    pub(crate) c: Option<Shared<E>>,
}

/// Runs the problem; keeps what a backward pass needs if `save`.
///
/// # Safety
///
/// The machine supports `V`, the pointers of `p` are valid for its shape, and those of `output` for
/// writing `[batch, steps, units]` or `[batch, units]`. There is at least one step, row and unit.
pub(crate) unsafe fn forward<V: Vector>(
    p: &Problem<V::E>,
    output: &Output<V::E>,
    save: bool,
) -> Option<Saved<V::E>> {
    let shape = &p.shape;
    let padded = shape.panels(V::LANES) * V::LANES;
    let cut = Cut::new::<V>(p, save);
    let (states, rh_steps, plan) = (cut.states, cut.rh_steps, cut.plan);
    let buffer = Buffer::<V::E>::new;
    let weights = Weights::new(shape, V::LANES);
    let z = buffer(cut.z_len::<V>(shape));
    let h = buffer(states * shape.batch * padded);
    let c = p
        .kind
        .has_cell_state()
        .then(|| buffer(states * shape.batch * padded));
    let rh = (p.kind.stages() == 2).then(|| buffer(rh_steps * shape.batch * padded));
    let dropped = p
        .state_masks
        .map(|_| buffer(3 * shape.gates * shape.batch * padded));
    let share = |b: &Option<Buffer<V::E>>| b.as_ref().map(|b| Shared(b.ptr()));
    let memory = Memory {
        weights: &weights,
        z: Shared(z.ptr()),
        h: Shared(h.ptr()),
        c: share(&c),
        rh: share(&rh),
        dropped: share(&dropped),
    };
    let work = Forward::<V>::new(p, output, cut, memory, false);
    team::run(&work, plan.helpers);
    // SAFETY: all phases are done; the caller vouches for the output.
    unsafe { work.copy_states() };
    save.then(|| Saved {
        level: V::LEVEL,
        z,
        h,
        c,
        rh,
    })
}

pub(crate) struct Forward<'a, V: Vector> {
    p: &'a Problem<V::E>,
    output: &'a Output<V::E>,
    plan: Plan,
    save: bool,
    fuse: bool,
    block: usize,
    z_steps: usize,
    states: usize,
    rh_steps: usize,
    /// Weights are packed and states in place.
    ready: bool,
    panels: usize,
    padded: usize,
    /// Floats of a row of a panel.
    wide: usize,
    w: Shared<V::E>,
    u: Shared<V::E>,
    bias: Shared<V::E>,
    z: Shared<V::E>,
    h: Shared<V::E>,
    c: Option<Shared<V::E>>,
    rh: Option<Shared<V::E>>,
    dropped: Option<Shared<V::E>>,
}

impl<'a, V: Vector> Forward<'a, V> {
    /// `ready` says that the weights are packed and the first states in place.
    pub(crate) fn new(
        p: &'a Problem<V::E>,
        output: &'a Output<V::E>,
        cut: Cut,
        memory: Memory<'a, V::E>,
        ready: bool,
    ) -> Self {
        let panels = p.shape.panels(V::LANES);
        Self {
            p,
            output,
            plan: cut.plan,
            save: cut.save,
            fuse: cut.fuse,
            block: cut.block,
            z_steps: cut.z_steps,
            states: cut.states,
            rh_steps: cut.rh_steps,
            ready,
            panels,
            padded: panels * V::LANES,
            wide: p.shape.slots * V::LANES,
            w: Shared(memory.weights.kernel.ptr()),
            u: Shared(memory.weights.recurrent_kernel.ptr()),
            bias: Shared(memory.weights.bias.ptr()),
            z: memory.z,
            h: memory.h,
            c: memory.c,
            rh: memory.rh,
            dropped: memory.dropped,
        }
    }
}

/// What a phase does where threads share the columns.
enum Phase {
    Input(Range<usize>),
    Step(usize, usize),
    Nothing,
}

impl<V: Vector> Work for Forward<'_, V> {
    fn phases(&self) -> usize {
        if !self.plan.columns {
            return 2;
        }
        1 + self.p.shape.steps.div_ceil(self.block) * self.block_phases()
    }

    fn tasks(&self, phase: usize) -> usize {
        match phase {
            0 if self.ready => 1,
            0 => self.panels + 1,
            _ if self.plan.columns => self.panels,
            _ => self.plan.chunks,
        }
    }

    fn run(&self, phase: usize, task: usize) {
        let batch = self.p.shape.batch;
        // SAFETY: tasks of a phase write to panels, or rows, of their own, and read what earlier
        // phases, or they themselves, wrote.
        unsafe {
            match phase {
                0 if self.ready => {}
                0 if task == self.panels => self.first_states(),
                0 => self.pack(task),
                _ if !self.plan.columns => self.chunk(self.plan.chunk(batch, task)),
                _ => match self.column_phase(phase - 1) {
                    Phase::Input(steps) => self.input(task, steps, 0..batch),
                    Phase::Step(step, stage) => self.step(step, stage, task, 0..batch),
                    Phase::Nothing => {}
                },
            }
        }
    }
}

impl<V: Vector> Forward<'_, V> {
    fn block_phases(&self) -> usize {
        usize::from(!self.fuse) + self.block * self.p.kind.stages()
    }

    fn column_phase(&self, phase: usize) -> Phase {
        let steps = self.p.shape.steps;
        let first = phase / self.block_phases() * self.block;
        let mut within = phase % self.block_phases();
        if !self.fuse {
            if within == 0 {
                return Phase::Input(first..(first + self.block).min(steps));
            }
            within -= 1;
        }
        let step = first + within / self.p.kind.stages();
        if step < steps {
            Phase::Step(step, within % self.p.kind.stages())
        } else {
            Phase::Nothing
        }
    }

    /// Packs a panel's weights and bias.
    pub(crate) unsafe fn pack(&self, panel: usize) {
        let p = self.p;
        let shape = &p.shape;
        let lanes = V::LANES;
        // SAFETY: panel `panel` of each buffer is this task's alone.
        unsafe {
            let w = self.w.0.add(panel * shape.features * self.wide);
            pack::panel::<V>(
                shape,
                p.kernel,
                shape.features,
                p.kind.input_slots(),
                panel,
                w,
            );
            let u = self.u.0.add(panel * shape.units * self.wide);
            pack::panel::<V>(
                shape,
                p.recurrent_kernel,
                shape.units,
                p.kind.state_slots(),
                panel,
                u,
            );
            let bias =
                std::slice::from_raw_parts_mut(self.bias.0.add(panel * self.wide), self.wide);
            bias.fill(V::E::default());
            let first = panel * lanes;
            let n = lanes.min(shape.units - first);
            for (source, slots) in [
                (p.bias, p.kind.input_slots()),
                (p.recurrent_bias, p.kind.state_slots()),
            ] {
                let Some(source) = source else { continue };
                for (slot, gate) in slots.iter().take(shape.slots).enumerate() {
                    let Some(gate) = gate else { continue };
                    for lane in 0..n {
                        let b = &mut bias[slot * lanes + lane];
                        *b = *b + *source.add(gate * shape.units + first + lane);
                    }
                }
            }
        }
    }

    unsafe fn first_states(&self) {
        let shape = &self.p.shape;
        let (batch, units, padded) = (shape.batch, shape.units, self.padded);
        // SAFETY: the first slots of the states and all of the factors are this task's alone.
        unsafe {
            pad_rows(self.p.h, batch, units, padded, self.h.0);
            if let Some(c) = self.c {
                pad_rows(self.p.c, batch, units, padded, c.0);
            }
            if let Some(dropped) = self.dropped {
                let rows = shape.gates * batch;
                let factors = dropped.0.add(2 * rows * padded);
                pad_rows(self.p.state_masks, rows, units, padded, factors);
                for i in 0..rows * padded {
                    let h = *self.h.0.add(i % (batch * padded));
                    *dropped.0.add(i) = h * *factors.add(i);
                }
            }
        }
    }

    /// All steps of some of the sequences.
    pub(crate) unsafe fn chunk(&self, rows: Range<usize>) {
        let steps = self.p.shape.steps;
        let mut first = 0;
        while first < steps {
            let end = (first + self.block).min(steps);
            // SAFETY: these rows are this task's alone.
            unsafe {
                if !self.fuse {
                    for panel in 0..self.panels {
                        self.input(panel, first..end, rows.clone());
                    }
                }
                for step in first..end {
                    for stage in 0..self.p.kind.stages() {
                        for panel in 0..self.panels {
                            self.step(step, stage, panel, rows.clone());
                        }
                    }
                }
            }
            first = end;
        }
    }

    /// Hands the final states out.
    pub(crate) unsafe fn copy_states(&self) {
        let p = self.p;
        let (batch, units, steps) = (p.shape.batch, p.shape.units, p.shape.steps);
        let copy = |from: Shared<V::E>, to: Option<Shared<V::E>>, masked: bool| {
            let Some(to) = to else { return };
            for row in 0..batch {
                // SAFETY: within the states and, by the caller's word, the output.
                unsafe {
                    let skipped = p
                        .mask_at(steps - 1, row)
                        .is_some_and(|mask| *mask == V::E::default());
                    let to = to.0.add(row * units);
                    if masked && skipped {
                        std::slice::from_raw_parts_mut(to, units).fill(V::E::default());
                    } else {
                        std::ptr::copy_nonoverlapping(self.state_at(from, steps, row), to, units);
                    }
                }
            }
        };
        copy(self.h, self.output.last, p.zero_output);
        copy(self.h, self.output.h, false);
        if let Some(c) = self.c {
            copy(c, self.output.c, false);
        }
    }
}

/// Copies rows of `units` to rows of `padded`, filling up with zeros; zeros where there is no source.
///
/// # Safety
///
/// `from` and `to` are valid for those sizes.
pub(crate) unsafe fn pad_rows<E: Real>(
    from: Option<*const E>,
    rows: usize,
    units: usize,
    padded: usize,
    to: *mut E,
) {
    for row in 0..rows {
        // SAFETY: the caller vouches for the sizes.
        unsafe {
            let to = std::slice::from_raw_parts_mut(to.add(row * padded), padded);
            match from {
                Some(from) => {
                    let from = std::slice::from_raw_parts(from.add(row * units), units);
                    to[..units].copy_from_slice(from);
                    to[units..].fill(E::default());
                }
                None => to.fill(E::default()),
            }
        }
    }
}
