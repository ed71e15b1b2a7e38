//! The input's gradient: a product over the gates, for all steps.

use super::super::pack::order_len;
use super::super::tile::{NONE, Product, Start, Target, product};
use super::Backward;
use crate::simd::Vector;
use std::ops::Range;

/// Length of `k` whose packed panel stays in the nearest cache but one.
const K_BLOCK: usize = 512;
/// Rows that one pass over a packed panel should at least serve.
const ROWS: usize = 640;

impl<V: Vector> Backward<'_, V> {
    /// The input's gradient at some steps of some of the sequences.
    pub(super) unsafe fn input(&self, steps: Range<usize>, rows: Range<usize>) {
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
