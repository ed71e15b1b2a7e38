//! The gradients of a whole sequence: time runs backwards once, then come the products over all steps.

use super::forward::{Output, Plan, Saved, pad_rows};
use super::grad_cell::{self, GradRows};
use super::pack::{self, order_len};
use super::tile::{ALL, NONE, Product, Start, Target, product};
use super::weights::{self, WeightGradients};
use super::{Problem, Shared};
use crate::simd::{Real, Vector};
use crate::team::{self, Work};
use crate::workspace::Buffer;
use std::ops::Range;

/// Length of `k` whose packed panel stays in the nearest cache but one.
const K_BLOCK: usize = 512;
/// Rows that one pass over a packed panel should at least serve.
const ROWS: usize = 640;

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

    pub(super) unsafe fn z_at(&self, panel: usize, step: usize, row: usize) -> *mut V::E {
        let shape = &self.p.shape;
        // SAFETY: within `z`.
        unsafe {
            self.z
                .0
                .add(((panel * shape.steps + step) * shape.batch + row) * self.wide)
        }
    }

    /// From a panel to the next.
    fn panel_stride(&self) -> isize {
        (self.p.shape.steps * self.p.shape.batch * self.wide) as isize
    }

    /// Adds to the gradient of the state before `step` what comes through its recurrent products.
    unsafe fn state_gradient(&self, step: usize, group: usize, rows: Range<usize>) {
        if step == 0 && self.wanted.h.is_none() {
            return;
        }
        let apart = self.factors.is_some();
        let order = self.p.kind.state_order(apart);
        let lists = order.len() - usize::from(self.p.kind.stages() == 2);
        // SAFETY: the group's columns of these rows are this task's alone.
        unsafe {
            let dh = self.dh.0.add(rows.start * self.padded);
            if !apart {
                let mut products = [self.through(order, 0, step, group, rows.start); 2];
                if lists == 2 {
                    products[1] = self.through(order, 1, step, group, rows.start);
                }
                self.add_to(dh, group, rows.len(), &products[..lists], Start::Result);
                return;
            }
            let (Some(scratch), Some(factors)) = (self.scratch, self.factors) else {
                return;
            };
            let scratch = scratch.0.add(rows.start * self.padded);
            let panels = self.group(group);
            for list in 0..lists {
                let through = self.through(order, list, step, group, rows.start);
                self.add_to(scratch, group, rows.len(), &[through], Start::Zero);
                let factors = factors
                    .0
                    .add((list * self.p.shape.batch + rows.start) * self.padded);
                for row in 0..rows.len() {
                    for unit in panels.start * V::LANES..panels.end * V::LANES {
                        let at = row * self.padded + unit;
                        *dh.add(at) = *dh.add(at) + *factors.add(at) * *scratch.add(at);
                    }
                }
            }
        }
    }

    /// The product of the gates' gradients at a step with a list of `recurrent_kernel`'s gates.
    unsafe fn through(
        &self,
        order: pack::Order,
        list: usize,
        step: usize,
        group: usize,
        row: usize,
    ) -> Product<V::E> {
        let panels = self.group(group);
        let width = panels.len() * V::LANES;
        let k = order_len(order, self.panels, V::LANES);
        let before = order_len(&order[..list], self.panels, V::LANES);
        // SAFETY: within `z` and the packed weights.
        unsafe {
            Product {
                a: self.z_at(0, step, row).add(order[list][0].0 * V::LANES),
                row: self.wide as isize,
                k: 1,
                len: order[list].len() * V::LANES,
                block: self.panel_stride(),
                blocks: self.panels,
                b: self.u.0.add(k * panels.start * V::LANES + before * width),
                b_step: width,
            }
        }
    }

    /// Adds products to a group's columns of `rows` padded rows at `to`.
    unsafe fn add_to(
        &self,
        to: *mut V::E,
        group: usize,
        rows: usize,
        products: &[Product<V::E>],
        start: Start<V::E>,
    ) {
        let panels = self.group(group);
        // SAFETY: the group's columns of these rows are the task's alone.
        unsafe {
            let c = to.add(panels.start * V::LANES);
            let target = Target {
                c,
                row: self.padded as isize,
                columns: ALL,
            };
            product::<V>((panels.len(), NONE), rows, products, start, target);
        }
    }

    /// One stage of one step, of one group of panels.
    unsafe fn step(&self, step: usize, stage: usize, group: usize, rows: Range<usize>) {
        let p = self.p;
        // SAFETY: the group's columns of these rows are this task's alone.
        unsafe {
            if stage == 1 {
                if let Some(drh) = self.drh {
                    let order = p.kind.state_order(self.factors.is_some());
                    let through = self.through(order, order.len() - 1, step, group, rows.start);
                    let drh = drh.0.add(rows.start * self.padded);
                    self.add_to(drh, group, rows.len(), &[through], Start::Zero);
                }
            } else if step + 1 < p.shape.steps {
                self.state_gradient(step + 1, group, rows.clone());
            }
            for panel in self.group(group) {
                grad_cell::backward::<V>(p.kind, stage, &self.cell_rows(step, panel, &rows));
            }
        }
    }

    unsafe fn cell_rows(&self, step: usize, panel: usize, rows: &Range<usize>) -> GradRows<V::E> {
        let p = self.p;
        let batch = p.shape.batch;
        let unit = panel * V::LANES;
        let row = rows.start;
        // SAFETY: all within the buffers and the gradients given.
        unsafe {
            let at = |of: Option<Shared<V::E>>, step: usize| match of {
                Some(of) => of.0.add((step * batch + row) * self.padded + unit),
                None => std::ptr::null_mut(),
            };
            let given = self.given;
            GradRows {
                rows: rows.len(),
                lanes: V::LANES.min(p.shape.units - unit),
                z: self.z_at(panel, step, row),
                h: at(Some(self.h), step),
                c: at(self.c, step),
                c_next: at(self.c, step + 1),
                dh: at(Some(self.dh), 0),
                dc: at(self.dc, 0),
                drh: at(self.drh, 0),
                stride: self.padded,
                dy: given.y.map(|dy| {
                    let at = given.y_batch * row as isize + given.y_time * step as isize;
                    (dy.0.offset(at).add(unit).cast_const(), given.y_batch)
                }),
                mask: p.mask_at(step, row).map(|mask| (mask, p.shape.steps)),
                zero_output: p.zero_output,
                factors: self.factors.map(|_| at(self.factors, 2).cast_const()),
            }
        }
    }

    /// The input's gradient at some steps of some of the sequences.
    unsafe fn input(&self, steps: Range<usize>, rows: Range<usize>) {
        let (Some(dx), Some(w)) = (self.wanted.x, self.w) else {
            return;
        };
        let p = self.p;
        let order = p.kind.input_order(p.x_gate.is_some());
        // A lone sequence has its steps for rows.
        let alone = p.shape.batch == 1;
        let block = ROWS.div_ceil(if alone { 1 } else { rows.len() });
        let (n, row_stride) = if alone {
            (0, p.x_time)
        } else {
            (rows.len(), p.x_batch)
        };
        let k = order_len(order, self.panels, V::LANES);
        for (list, slots) in order.iter().enumerate() {
            let before = order_len(&order[..list], self.panels, V::LANES);
            let len = slots.len() * V::LANES;
            let some_panels = (K_BLOCK / len).max(1);
            let mut first = steps.start;
            while first < steps.end {
                let end = (first + block).min(steps.end);
                for panel in (0..self.panels).step_by(some_panels) {
                    for group in 0..self.feature_groups() {
                        let (feature, registers) = self.feature_group(group);
                        let width = registers * V::LANES;
                        let firsts = if alone { first..first + 1 } else { first..end };
                        for step in firsts {
                            // SAFETY: these rows of `dx` are this task's alone.
                            unsafe {
                                let gate = p.x_gate.unwrap_or(0) * list as isize;
                                let at = gate
                                    + p.x_time * step as isize
                                    + p.x_batch * rows.start as isize;
                                let target = Target {
                                    c: dx.0.offset(at).add(feature),
                                    row: row_stride,
                                    columns: p.shape.features - feature,
                                };
                                let through = Product {
                                    a: self
                                        .z_at(panel, step, rows.start)
                                        .add(slots[0].0 * V::LANES),
                                    row: self.wide as isize,
                                    k: 1,
                                    len,
                                    block: self.panel_stride(),
                                    blocks: some_panels.min(self.panels - panel),
                                    b: w.0.add(k * feature + (before + panel * len) * width),
                                    b_step: width,
                                };
                                let start = if panel == 0 {
                                    Start::Zero
                                } else {
                                    Start::Result
                                };
                                let n = if alone { end - first } else { n };
                                product::<V>((registers, NONE), n, &[through], start, target);
                            }
                        }
                    }
                }
                first = end;
            }
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
