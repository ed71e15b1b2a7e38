//! One step of one group of panels: the state's gradient, then the cell's.

use super::super::Shared;
use super::super::grad_cell::{self, GradRows};
use super::super::pack::{self, order_len};
use super::super::tile::{ALL, NONE, Product, Start, Target, product};
use super::Backward;
use crate::simd::Vector;
use std::ops::Range;

impl<V: Vector> Backward<'_, V> {
    pub(in crate::kernel) unsafe fn z_at(
        &self,
        panel: usize,
        step: usize,
        row: usize,
    ) -> *mut V::E {
        let shape = &self.p.shape;
        // SAFETY: within `z`.
        unsafe {
            self.z
                .0
                .add(((panel * shape.steps + step) * shape.batch + row) * self.wide)
        }
    }

    /// From a panel to the next.
    pub(super) fn panel_stride(&self) -> isize {
        (self.p.shape.steps * self.p.shape.batch * self.wide) as isize
    }

    /// Adds to the gradient of the state before `step` what comes through its recurrent products.
    pub(super) unsafe fn state_gradient(&self, step: usize, group: usize, rows: Range<usize>) {
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
    pub(super) unsafe fn step(&self, step: usize, stage: usize, group: usize, rows: Range<usize>) {
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
}
