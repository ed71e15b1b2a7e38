//! The gradients of a whole sequence: time runs backwards once, then come the products over all steps.

mod input;
mod steps;

use super::forward::{Output, Plan, Saved, pad_rows};
use super::pack::{self, order_len};
use super::weights::{self, WeightGradients};
use super::{Problem, Shared};
use crate::simd::{Real, Vector};
use crate::team::{self, Work};
use crate::workspace::Buffer;
use std::ops::Range;

/// Gradients of the results. What is `None` is zero; pointers and strides as in [`Output`].
pub(crate) type Given<E> = Output<E>;

/// Where the gradients wanted go; nothing else is computed. All of each is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<E> {
    /// Laid out as the problem's `x`; one for each gate if `x` is.
    pub(crate) x: Option<Shared<E>>,
    pub(crate) weights: WeightGradients<E>,
    /// `[batch, units]`
    pub(crate) h: Option<Shared<E>>,
    pub(crate) c: Option<Shared<E>>,
}

/// Computes the gradients wanted. Overwrites what the forward pass saved.
///
/// # Safety
///
/// As for [`forward`](super::forward::forward), which has saved `saved` at level `V`.
pub(crate) unsafe fn backward<V: Vector>(
    p: &Problem<V::E>,
    saved: &mut Saved<V::E>,
    given: &Given<V::E>,
    wanted: &Wanted<V::E>,
) {
    let shape = &p.shape;
    let panels = shape.panels(V::LANES);
    let padded = panels * V::LANES;
    let plan = Plan::new::<V>(p);
    let threads = if plan.columns { plan.helpers + 1 } else { 1 };
    let group = (panels / threads).clamp(1, 4);
    let buffer = Buffer::<V::E>::new;
    let state_order = p.kind.state_order(p.state_masks.is_some());
    let input_order = p.kind.input_order(p.x_gate.is_some());
    let u = buffer(order_len(state_order, panels, V::LANES) * padded);
    let feature_registers = shape.features.div_ceil(V::LANES);
    let w = wanted
        .x
        .map(|_| buffer(order_len(input_order, panels, V::LANES) * feature_registers * V::LANES));
    let rows = shape.batch * padded;
    let dh = buffer(rows);
    let dc = p.kind.has_cell_state().then(|| buffer(rows));
    let drh = (p.kind.stages() == 2).then(|| buffer(rows));
    let factors = p.state_masks.map(|_| buffer(shape.gates * rows));
    let scratch = p.state_masks.map(|_| buffer(rows));
    let share = |b: &Option<Buffer<V::E>>| b.as_ref().map(|b| Shared(b.ptr()));
    let work = Backward::<V> {
        p,
        given,
        wanted,
        plan,
        panels,
        padded,
        wide: shape.slots * V::LANES,
        group,
        feature_registers,
        weight_group: (panels / (plan.helpers + 1)).clamp(1, 4),
        z: Shared(saved.z.ptr()),
        h: Shared(saved.h.ptr()),
        c: share(&saved.c),
        rh: share(&saved.rh),
        u: Shared(u.ptr()),
        w: share(&w),
        dh: Shared(dh.ptr()),
        dc: share(&dc),
        drh: share(&drh),
        factors: share(&factors),
        scratch: share(&scratch),
    };
    team::run(&work, plan.helpers);
    for (from, to) in [(Some(work.dh), wanted.h), (work.dc, wanted.c)] {
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        for row in 0..shape.batch {
            // SAFETY: both hold `batch` rows; `from`'s are padded.
            unsafe {
                let (from, to) = (from.0.add(row * padded), to.0.add(row * shape.units));
                std::ptr::copy_nonoverlapping(from, to, shape.units);
            }
        }
    }
}

pub(super) struct Backward<'a, V: Vector> {
    pub(super) p: &'a Problem<V::E>,
    given: &'a Given<V::E>,
    pub(super) wanted: &'a Wanted<V::E>,
    plan: Plan,
    panels: usize,
    pub(super) padded: usize,
    pub(super) wide: usize,
    /// Panels of the state's gradient that one task computes together.
    group: usize,
    feature_registers: usize,
    /// Panels whose weight gradients one task computes together.
    weight_group: usize,
    z: Shared<V::E>,
    pub(super) h: Shared<V::E>,
    c: Option<Shared<V::E>>,
    pub(super) rh: Option<Shared<V::E>>,
    u: Shared<V::E>,
    w: Option<Shared<V::E>>,
    dh: Shared<V::E>,
    dc: Option<Shared<V::E>>,
    drh: Option<Shared<V::E>>,
    pub(super) factors: Option<Shared<V::E>>,
    scratch: Option<Shared<V::E>>,
}

impl<V: Vector> Work for Backward<'_, V> {
    fn phases(&self) -> usize {
        let recurrence = match self.plan.columns {
            true => self.p.shape.steps * self.p.kind.stages() + 1,
            false => 1,
        };
        1 + recurrence + 1
    }

    fn tasks(&self, phase: usize) -> usize {
        let last = phase + 1 == self.phases();
        match (phase, self.plan.columns) {
            (0, _) => self.groups() + self.feature_groups() + 1,
            (_, true) if last => self.weight_tasks() + self.time_tasks(),
            (_, false) if last => self.weight_tasks().max(1),
            (_, true) => self.groups(),
            (_, false) => self.plan.chunks,
        }
    }

    fn run(&self, phase: usize, task: usize) {
        let shape = &self.p.shape;
        let batch = shape.batch;
        // SAFETY: tasks of a phase write to panels, rows or steps of their own, and read what earlier
        // phases, or they themselves, wrote.
        unsafe {
            if phase == 0 {
                return self.prepare(task);
            }
            if phase + 1 == self.phases() {
                if task < self.weight_tasks() {
                    let first = task * self.weight_group;
                    weights::gradients(self, first..(first + self.weight_group).min(self.panels));
                } else if self.plan.columns {
                    let (n, i) = (self.time_tasks(), task - self.weight_tasks());
                    self.input(i * shape.steps / n..(i + 1) * shape.steps / n, 0..batch);
                }
                return;
            }
            if !self.plan.columns {
                return self.chunk(self.plan.chunk(batch, task));
            }
            let stages = self.p.kind.stages();
            match shape.steps.checked_sub(1 + (phase - 1) / stages) {
                Some(step) => self.step(step, (phase - 1) % stages, task, 0..batch),
                None => self.state_gradient(0, task, 0..batch),
            }
        }
    }
}

impl<V: Vector> Backward<'_, V> {
    fn groups(&self) -> usize {
        self.panels.div_ceil(self.group)
    }

    /// The panels of a group.
    fn group(&self, group: usize) -> Range<usize> {
        group * self.group..((group + 1) * self.group).min(self.panels)
    }

    fn feature_groups(&self) -> usize {
        if self.w.is_some() {
            self.feature_registers.div_ceil(4)
        } else {
            0
        }
    }

    fn weight_tasks(&self) -> usize {
        if self.wanted.weights.any() {
            self.panels.div_ceil(self.weight_group)
        } else {
            0
        }
    }

    fn time_tasks(&self) -> usize {
        match self.w {
            Some(_) => (4 * (self.plan.helpers + 1)).min(self.p.shape.steps),
            None => 1,
        }
    }

    /// Packs the weights, and begins with the gradients of the final states.
    unsafe fn prepare(&self, task: usize) {
        let p = self.p;
        let shape = &p.shape;
        let lanes = V::LANES;
        // SAFETY: each group's part, and the gradients, are one task's alone.
        unsafe {
            if task < self.groups() {
                let panels = self.group(task);
                let columns = (panels.start * lanes, panels.len() * lanes);
                let order = p.kind.state_order(p.state_masks.is_some());
                let k = order_len(order, self.panels, lanes);
                let out = self.u.0.add(k * columns.0);
                pack::transposed(
                    shape,
                    lanes,
                    p.recurrent_kernel,
                    shape.units,
                    order,
                    columns,
                    out,
                );
            } else if let Some(w) = self
                .w
                .filter(|_| task < self.groups() + self.feature_groups())
            {
                let (first, registers) = self.feature_group(task - self.groups());
                let order = p.kind.input_order(p.x_gate.is_some());
                let out = w.0.add(order_len(order, self.panels, lanes) * first);
                let columns = (first, registers * lanes);
                pack::transposed(shape, lanes, p.kernel, shape.features, order, columns, out);
            } else {
                self.last_states();
            }
        }
    }

    /// First feature and registers of a group of features.
    fn feature_group(&self, group: usize) -> (usize, usize) {
        (
            group * 4 * V::LANES,
            (self.feature_registers - group * 4).min(4),
        )
    }

    unsafe fn last_states(&self) {
        let p = self.p;
        let (batch, units, padded) = (p.shape.batch, p.shape.units, self.padded);
        let given = |of: Option<Shared<V::E>>| of.map(|of| of.0.cast_const());
        // SAFETY: the gradients of the states and the factors are this task's alone.
        unsafe {
            pad_rows(given(self.given.h), batch, units, padded, self.dh.0);
            if let Some(dc) = self.dc {
                pad_rows(given(self.given.c), batch, units, padded, dc.0);
            }
            if let Some(factors) = self.factors {
                pad_rows(
                    p.state_masks,
                    p.shape.gates * batch,
                    units,
                    padded,
                    factors.0,
                );
            }
            let Some(last) = self.given.last else { return };
            for row in 0..batch {
                let mask = p.mask_at(p.shape.steps - 1, row);
                if p.zero_output && mask.is_some_and(|mask| *mask == V::E::default()) {
                    continue;
                }
                for unit in 0..units {
                    let dh = self.dh.0.add(row * padded + unit);
                    *dh = *dh + *last.0.add(row * units + unit);
                }
            }
        }
    }

    /// All steps of some of the sequences.
    unsafe fn chunk(&self, rows: Range<usize>) {
        let steps = self.p.shape.steps;
        // SAFETY: these rows are this task's alone.
        unsafe {
            for step in (0..steps).rev() {
                for stage in 0..self.p.kind.stages() {
                    for group in 0..self.groups() {
                        self.step(step, stage, group, rows.clone());
                    }
                }
            }
            for group in 0..self.groups() {
                self.state_gradient(0, group, rows.clone());
            }
            self.input(0..steps, rows);
        }
    }
}

impl<E: Real> WeightGradients<E> {
    fn any(&self) -> bool {
        self.kernel.is_some()
            || self.recurrent_kernel.is_some()
            || self.bias.is_some()
            || self.recurrent_bias.is_some()
    }
}
