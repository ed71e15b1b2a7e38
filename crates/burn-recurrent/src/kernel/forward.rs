//! A whole sequence forward.

use super::cell::{self, Dropped, Rows};
use super::tile::{ALL, Product, Start, Target, product};
use super::{Problem, Shape, Shared, pack};
use crate::simd::{Real, SimdLevel, Vector};
use crate::team::{self, Work};
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

    /// The gates' sums of a panel at a step.
    unsafe fn z_at(&self, panel: usize, step: usize, row: usize) -> *mut V::E {
        let batch = self.p.shape.batch;
        // SAFETY: within `z`.
        unsafe {
            self.z
                .0
                .add(((panel * self.z_steps + step % self.z_steps) * batch + row) * self.wide)
        }
    }

    /// A state before step `step`.
    unsafe fn state_at(&self, of: Shared<V::E>, step: usize, row: usize) -> *mut V::E {
        // SAFETY: within the states.
        unsafe {
            of.0.add((step % self.states * self.p.shape.batch + row) * self.padded)
        }
    }

    unsafe fn rh_at(&self, step: usize, row: usize) -> *mut V::E {
        let at = (step % self.rh_steps * self.p.shape.batch + row) * self.padded;
        // SAFETY: within `rh`; never read where there is none.
        self.rh
            .map_or(std::ptr::null_mut(), |rh| unsafe { rh.0.add(at) })
    }

    /// The state a recurrent product reads: dropped for its gate where dropout applies.
    unsafe fn operand(&self, gate: usize, stage: usize, step: usize, row: usize) -> *const V::E {
        // SAFETY: within the states.
        unsafe {
            match self.dropped {
                _ if stage == 1 => self.rh_at(step, row),
                Some(dropped) => {
                    let gate = step % 2 * self.p.shape.gates + gate;
                    dropped
                        .0
                        .add((gate * self.p.shape.batch + row) * self.padded)
                }
                None => self.state_at(self.h, step, row),
            }
        }
    }

    /// The input's part of the gates' sums, and the bias.
    unsafe fn input(&self, panel: usize, steps: Range<usize>, rows: Range<usize>) {
        // A lone sequence has its steps for rows.
        let alone = self.p.shape.batch == 1;
        let n = if alone { steps.len() } else { rows.len() };
        let row_stride = if alone { self.p.x_time } else { self.p.x_batch };
        let firsts = if alone {
            steps.start..steps.start + 1
        } else {
            steps
        };
        for step in firsts {
            // SAFETY: the panel's rows at these steps are this task's alone.
            unsafe {
                let start = self.start_bias(panel, step, rows.start, n);
                self.add_input(panel, step, rows.start, n, row_stride, start);
            }
        }
    }

    /// How the first product starts: from the bias, already written where each gate has a product of
    /// its own, as those needn't cover every slot.
    unsafe fn start_bias(&self, panel: usize, step: usize, row: usize, n: usize) -> Start<V::E> {
        // SAFETY: the panel's rows at this step are this task's alone.
        unsafe {
            let bias = self.bias.0.add(panel * self.wide);
            if self.p.x_gate.is_none() {
                return Start::Row(bias);
            }
            for r in 0..n {
                let z = self.z_at(panel, step, row).add(r * self.wide);
                std::ptr::copy_nonoverlapping(bias, z, self.wide);
            }
            Start::Result
        }
    }

    unsafe fn add_input(
        &self,
        panel: usize,
        step: usize,
        row: usize,
        n: usize,
        row_stride: isize,
        start: Start<V::E>,
    ) {
        let features = self.p.shape.features;
        for part in self.p.kind.input_products(self.p.x_gate.is_some()) {
            let at = part.slot * V::LANES;
            // SAFETY: the panel's rows at this step are this task's alone.
            unsafe {
                let a = self.p.x_at(part.gate, step, row);
                let b = self.w.0.add(panel * features * self.wide + at);
                let product_ = self.full(a, row_stride, features, b);
                product::<V>(
                    part.registers,
                    n,
                    &[product_],
                    start,
                    self.target(panel, step, row, at),
                );
            }
        }
    }

    unsafe fn add_state(
        &self,
        panel: usize,
        step: usize,
        stage: usize,
        rows: &Range<usize>,
        start: Start<V::E>,
    ) {
        let units = self.p.shape.units;
        for part in self.p.kind.state_products(stage, self.dropped.is_some()) {
            let at = part.slot * V::LANES;
            // SAFETY: the panel's rows at this step are this task's alone.
            unsafe {
                let a = self.operand(part.gate, stage, step, rows.start);
                let b = self.u.0.add(panel * units * self.wide + at);
                let product_ = self.full(a, self.padded as isize, units, b);
                let target = self.target(panel, step, rows.start, at);
                product::<V>(part.registers, rows.len(), &[product_], start, target);
            }
        }
    }

    /// The product of rows that lie contiguous.
    fn full(&self, a: *const V::E, row: isize, len: usize, b: *const V::E) -> Product<V::E> {
        Product {
            a,
            row,
            k: 1,
            len,
            block: 0,
            blocks: 1,
            b,
            b_step: self.wide,
        }
    }

    unsafe fn target(&self, panel: usize, step: usize, row: usize, at: usize) -> Target<V::E> {
        // SAFETY: within `z`.
        let c = unsafe { self.z_at(panel, step, row).add(at) };
        Target {
            c,
            row: self.wide as isize,
            columns: ALL,
        }
    }

    /// One stage of one step, of one panel.
    unsafe fn step(&self, step: usize, stage: usize, panel: usize, rows: Range<usize>) {
        let p = self.p;
        let (features, units) = (p.shape.features, p.shape.units);
        let alike = self.dropped.is_none() && p.x_gate.is_none() && p.kind.stages() == 1;
        // SAFETY: the panel's rows at this step are this task's alone.
        unsafe {
            if self.fuse && stage == 0 {
                let (parts, others) = (
                    p.kind.input_products(false),
                    p.kind.state_products(0, false),
                );
                if alike && parts[0].registers == others[0].registers {
                    // Both products in one go: the sums never leave the registers.
                    let w = self.w.0.add(panel * features * self.wide);
                    let u = self.u.0.add(panel * units * self.wide);
                    let h = self.operand(0, 0, step, rows.start);
                    let both = [
                        self.full(p.x_at(0, step, rows.start), p.x_batch, features, w),
                        self.full(h, self.padded as isize, units, u),
                    ];
                    let bias = Start::Row(self.bias.0.add(panel * self.wide).cast_const());
                    let target = self.target(panel, step, rows.start, 0);
                    product::<V>(parts[0].registers, rows.len(), &both, bias, target);
                } else {
                    let start = self.start_bias(panel, step, rows.start, rows.len());
                    self.add_input(panel, step, rows.start, rows.len(), p.x_batch, start);
                    self.add_state(panel, step, 0, &rows, Start::Result);
                }
            } else {
                self.add_state(panel, step, stage, &rows, Start::Result);
            }
            cell::forward::<V>(p.kind, stage, &self.cell_rows(step, panel, &rows));
        }
    }

    unsafe fn cell_rows(&self, step: usize, panel: usize, rows: &Range<usize>) -> Rows<V::E> {
        let p = self.p;
        let unit = panel * V::LANES;
        let row = rows.start;
        // SAFETY: all within the buffers and the output.
        unsafe {
            let state = |of: Option<Shared<V::E>>, step| match of {
                Some(of) => self.state_at(of, step, row).add(unit),
                None => std::ptr::null_mut(),
            };
            let output = self.output;
            Rows {
                rows: rows.len(),
                lanes: V::LANES.min(p.shape.units - unit),
                z: self.z_at(panel, step, row),
                save: self.save,
                h: state(Some(self.h), step),
                h_next: state(Some(self.h), step + 1),
                c: state(self.c, step),
                c_next: state(self.c, step + 1),
                rh: self.rh_at(step, row).wrapping_add(unit),
                stride: self.padded,
                y: output.y.map(|y| {
                    let at = output.y_batch * row as isize + output.y_time * step as isize;
                    (y.0.offset(at).add(unit), output.y_batch)
                }),
                mask: p.mask_at(step, row).map(|mask| (mask, p.shape.steps)),
                zero_output: p.zero_output,
                dropped: self.dropped.map(|dropped| {
                    let gate_stride = p.shape.batch * self.padded;
                    let at = |set: usize| {
                        dropped
                            .0
                            .add(set * p.shape.gates * gate_stride + row * self.padded + unit)
                    };
                    Dropped {
                        now: at(step % 2),
                        next: at((step + 1) % 2),
                        factors: at(2),
                        gates: p.shape.gates,
                        gate_stride,
                    }
                }),
            }
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
