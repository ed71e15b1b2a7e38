//! Weights in the order the tiles read them.
//!
//! A *panel* holds one register's worth of units. `kernel` and `recurrent_kernel` are packed with a
//! panel's gates side by side (`[panel][k][slot][lane]`), so that one tile ends up with every gate of
//! its units and the cell can follow at once. Their transposes, for the backward pass, are packed by
//! groups of registers of the columns wanted (`[group][k][lanes of the group]`), with `k` in the order
//! in which the gradients of the gates lie.

use super::Shape;
use crate::simd::{Real, Vector};

/// Which gate a slot of a panel takes its weights from; `None` leaves the slot zero.
pub(crate) type Slots = [Option<usize>; 4];

/// Packs panel `panel` of `weights` `[rows, gates * units]` to `out` `[rows][slots][lanes]`.
///
/// # Safety
///
/// `weights` and `out` are valid for those sizes.
pub(crate) unsafe fn panel<V: Vector>(
    shape: &Shape,
    weights: *const V::E,
    rows: usize,
    slots: Slots,
    panel: usize,
    out: *mut V::E,
) {
    let lanes = V::LANES;
    let first = panel * lanes;
    let n = lanes.min(shape.units - first);
    // SAFETY: the caller vouches for the sizes.
    unsafe {
        V::vectorize(
            #[inline(always)]
            || {
                let mut out = out;
                for row in 0..rows {
                    for gate in slots.iter().take(shape.slots) {
                        let value = match gate {
                            Some(gate) => {
                                let at = row * shape.gates * shape.units + gate * shape.units;
                                let p = weights.add(at + first);
                                if n == lanes {
                                    V::load(p)
                                } else {
                                    V::load_first(p, n)
                                }
                            }
                            None => V::splat(V::E::default()),
                        };
                        value.store(out);
                        out = out.add(lanes);
                    }
                }
            },
        );
    }
}

/// The order of `k` in a packed transpose: for each list of `(slot, gate)`, all panels, the list's
/// slots, their lanes.
pub(crate) type Order = &'static [&'static [(usize, usize)]];

/// Number of `k`s of an order.
pub(crate) fn order_len(order: Order, panels: usize, lanes: usize) -> usize {
    order.iter().map(|list| list.len()).sum::<usize>() * panels * lanes
}

/// Packs columns `first..first + width` of the transpose of `weights` `[rows, gates * units]`; `out`
/// is `[k][width]`. Columns beyond `rows` and `k`s beyond `units` become zeros.
///
/// # Safety
///
/// `weights` and `out` are valid for those sizes.
pub(crate) unsafe fn transposed<E: Real>(
    shape: &Shape,
    lanes: usize,
    weights: *const E,
    rows: usize,
    order: Order,
    (first, width): (usize, usize),
    out: *mut E,
) {
    let n = width.min(rows - first);
    let mut out = out;
    for list in order {
        for panel in 0..shape.panels(lanes) {
            for (_, gate) in *list {
                let unit = panel * lanes;
                let valid = lanes.min(shape.units - unit);
                for column in 0..width {
                    for lane in 0..lanes {
                        let value = if lane < valid && column < n {
                            let row = (first + column) * shape.gates * shape.units;
                            // SAFETY: `first + column < rows`, `unit + lane < units`.
                            unsafe { *weights.add(row + gate * shape.units + unit + lane) }
                        } else {
                            E::default()
                        };
                        // SAFETY: the caller vouches for the size of `out`.
                        unsafe { *out.add(lane * width + column) = value };
                    }
                }
                // SAFETY: as above.
                out = unsafe { out.add(lanes * width) };
            }
        }
    }
}

/// Writes a panel of weight gradients `[rows][slots][lanes]` to its columns of `out`
/// `[rows, gates * units]`.
///
/// # Safety
///
/// `from` and `out` are valid for those sizes.
pub(crate) unsafe fn unpanel<E: Real>(
    shape: &Shape,
    lanes: usize,
    from: *const E,
    rows: usize,
    slots: Slots,
    panel: usize,
    out: *mut E,
) {
    let first = panel * lanes;
    let n = lanes.min(shape.units - first);
    for row in 0..rows {
        for (slot, gate) in slots.iter().take(shape.slots).enumerate() {
            let Some(gate) = gate else { continue };
            // SAFETY: the caller vouches for the sizes.
            unsafe {
                let from = from.add((row * shape.slots + slot) * lanes);
                let at = row * shape.gates * shape.units + gate * shape.units + first;
                std::ptr::copy_nonoverlapping(from, out.add(at), n);
            }
        }
    }
}

/// Packs `weights` `[rows, columns]` as `[group][row][columns of the group]`; groups are `width` wide
/// but for the last, which ends at `padded`. `out` holds zeros.
pub(crate) fn columns<E: Real>(
    weights: &[E],
    columns: usize,
    (padded, width): (usize, usize),
    out: &mut [E],
) {
    let rows = weights.len() / columns;
    for first in (0..padded).step_by(width) {
        let width = width.min(padded - first);
        let n = width.min(columns - first);
        for (row, weights) in weights.chunks_exact(columns).enumerate() {
            let at = first * rows + row * width;
            out[at..at + n].copy_from_slice(&weights[first..first + n]);
        }
    }
}
