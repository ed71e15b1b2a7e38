//! One step of one panel: products, then the cell.

use super::super::Shared;
use super::super::cell::{self, Dropped, Rows};
use super::super::tile::{ALL, Product, Start, Target, product};
use super::Forward;
use crate::simd::Vector;
use std::ops::Range;

impl<V: Vector> Forward<'_, V> {
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
    pub(super) unsafe fn state_at(&self, of: Shared<V::E>, step: usize, row: usize) -> *mut V::E {
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
    pub(super) unsafe fn input(&self, panel: usize, steps: Range<usize>, rows: Range<usize>) {
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
    pub(super) unsafe fn step(&self, step: usize, stage: usize, panel: usize, rows: Range<usize>) {
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
}
