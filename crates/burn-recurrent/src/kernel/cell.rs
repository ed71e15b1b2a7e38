//! The cells forward: from the sums of a panel's gates to its units' new state, in one pass.

use super::Kind;
use crate::simd::{Real, Vector, math};

/// Rows of one panel at one step. Pointers are at the first row and the panel's first unit.
#[derive(Clone, Copy)]
pub(crate) struct Rows<E> {
    pub(crate) rows: usize,
    /// Units of the panel that exist.
    pub(crate) lanes: usize,
    /// The gates' sums `[row][slot][lane]`.
    pub(crate) z: *mut E,
    /// Leave in `z` what the backward pass needs.
    pub(crate) save: bool,
    /// States before and after; rows `stride` apart.
    pub(crate) h: *const E,
    pub(crate) h_next: *mut E,
    pub(crate) c: *const E,
    pub(crate) c_next: *mut E,
    /// The reset state of `GruResetBefore`.
    pub(crate) rh: *mut E,
    pub(crate) stride: usize,
    /// The output at this step, its rows so far apart.
    pub(crate) y: Option<(*mut E, isize)>,
    /// Mask at this step, its rows so far apart.
    pub(crate) mask: Option<(*const E, usize)>,
    pub(crate) zero_output: bool,
    /// Dropped states `[gate][row][unit]` to be written, their factors, and the stride of a gate.
    pub(crate) dropped: Option<Dropped<E>>,
}

/// Where the states go that the recurrent products read, if dropout applies to them.
#[derive(Clone, Copy)]
pub(crate) struct Dropped<E> {
    /// States before this step; read by `GruResetBefore` alone.
    pub(crate) now: *const E,
    /// States after this step.
    pub(crate) next: *mut E,
    pub(crate) factors: *const E,
    pub(crate) gates: usize,
    pub(crate) gate_stride: usize,
}

/// Does stage `stage` of a step.
///
/// # Safety
///
/// The machine supports `V`, and the pointers of `rows` are valid for its sizes.
pub(crate) unsafe fn forward<V: Vector>(kind: Kind, stage: usize, rows: &Rows<V::E>) {
    // SAFETY: passed on to the caller.
    unsafe {
        match (kind, stage) {
            (Kind::Lstm, _) => V::vectorize(
                #[inline(always)]
                || lstm::<V>(rows),
            ),
            (Kind::Gru, _) => V::vectorize(
                #[inline(always)]
                || gru::<V>(rows),
            ),
            (Kind::GruResetBefore, 0) => V::vectorize(
                #[inline(always)]
                || reset::<V>(rows),
            ),
            (Kind::GruResetBefore, _) => V::vectorize(
                #[inline(always)]
                || gru_reset_before::<V>(rows),
            ),
            (Kind::SimpleRnn, _) => V::vectorize(
                #[inline(always)]
                || simple_rnn::<V>(rows),
            ),
        }
    }
}

impl<E: Real> Rows<E> {
    /// Whether the mask skips row `r`.
    #[inline(always)]
    unsafe fn skips(&self, r: usize) -> bool {
        // SAFETY: `r < rows`.
        self.mask
            .is_some_and(|(mask, stride)| unsafe { *mask.add(r * stride) == E::default() })
    }

    /// Stores a row's new state and output.
    #[inline(always)]
    unsafe fn emit<V: Vector<E = E>>(&self, r: usize, h: V, skipped: bool) {
        // SAFETY: `r < rows`; units beyond `lanes` exist in the states, not in the output.
        unsafe {
            h.store(self.h_next.add(r * self.stride));
            if let Some((y, stride)) = self.y {
                let zero = skipped && self.zero_output;
                let value = if zero { V::splat(E::default()) } else { h };
                let p = y.offset(r as isize * stride);
                if self.lanes >= V::LANES {
                    value.store(p)
                } else {
                    value.store_first(p, self.lanes)
                }
            }
            if let Some(dropped) = self.dropped {
                for gate in 0..dropped.gates {
                    let at = gate * dropped.gate_stride + r * self.stride;
                    h.mul(V::load(dropped.factors.add(at)))
                        .store(dropped.next.add(at));
                }
            }
        }
    }
}

/// `c' = f∘c + i∘g`, `h' = o∘tanh(c')`; leaves the four activations.
#[inline(always)]
unsafe fn lstm<V: Vector>(rows: &Rows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for r in 0..rows.rows {
            let at = r * rows.stride;
            let c = V::load(rows.c.add(at));
            if rows.skips(r) {
                c.store(rows.c_next.add(at));
                rows.emit(r, V::load(rows.h.add(at)), true);
                continue;
            }
            let z = rows.z.add(r * 4 * V::LANES);
            let i = math::sigmoid(V::load(z));
            let f = math::sigmoid(V::load(z.add(V::LANES)));
            let g = math::tanh(V::load(z.add(2 * V::LANES)));
            let o = math::sigmoid(V::load(z.add(3 * V::LANES)));
            let c = f.fma(c, i.mul(g));
            if rows.save {
                i.store(z);
                f.store(z.add(V::LANES));
                g.store(z.add(2 * V::LANES));
                o.store(z.add(3 * V::LANES));
            }
            c.store(rows.c_next.add(at));
            rows.emit(r, o.mul(math::tanh(c)), false);
        }
    }
}

/// `n = tanh(xh + r∘hh)`, `h' = z∘h + (1 - z)∘n`; leaves `z, r, n, hh`.
#[inline(always)]
unsafe fn gru<V: Vector>(rows: &Rows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for row in 0..rows.rows {
            let h = V::load(rows.h.add(row * rows.stride));
            if rows.skips(row) {
                rows.emit(row, h, true);
                continue;
            }
            let p = rows.z.add(row * 4 * V::LANES);
            let z = math::sigmoid(V::load(p));
            let r = math::sigmoid(V::load(p.add(V::LANES)));
            let hh = V::load(p.add(3 * V::LANES));
            let n = math::tanh(r.fma(hh, V::load(p.add(2 * V::LANES))));
            if rows.save {
                z.store(p);
                r.store(p.add(V::LANES));
                n.store(p.add(2 * V::LANES));
            }
            rows.emit(row, z.fma(h.sub(n), n), false);
        }
    }
}

/// `z` and `r`, and the state that the candidate's product reads: `r∘h`, of the dropped state if
/// dropout applies.
#[inline(always)]
unsafe fn reset<V: Vector>(rows: &Rows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for row in 0..rows.rows {
            let at = row * rows.stride;
            let h = match rows.dropped {
                Some(dropped) => V::load(dropped.now.add(2 * dropped.gate_stride + at)),
                None => V::load(rows.h.add(at)),
            };
            let p = rows.z.add(row * 4 * V::LANES);
            let z = math::sigmoid(V::load(p));
            let r = math::sigmoid(V::load(p.add(V::LANES)));
            z.store(p);
            r.store(p.add(V::LANES));
            r.mul(h).store(rows.rh.add(at));
        }
    }
}

/// `n = tanh(..)`, `h' = z∘h + (1 - z)∘n`; leaves `z, r, n`.
#[inline(always)]
unsafe fn gru_reset_before<V: Vector>(rows: &Rows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for row in 0..rows.rows {
            let h = V::load(rows.h.add(row * rows.stride));
            if rows.skips(row) {
                rows.emit(row, h, true);
                continue;
            }
            let p = rows.z.add(row * 4 * V::LANES);
            let z = V::load(p);
            let n = math::tanh(V::load(p.add(2 * V::LANES)));
            n.store(p.add(2 * V::LANES));
            rows.emit(row, z.fma(h.sub(n), n), false);
        }
    }
}

/// `h' = tanh(..)`; leaves it.
#[inline(always)]
unsafe fn simple_rnn<V: Vector>(rows: &Rows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for r in 0..rows.rows {
            if rows.skips(r) {
                rows.emit(r, V::load(rows.h.add(r * rows.stride)), true);
                continue;
            }
            let z = rows.z.add(r * V::LANES);
            let h = math::tanh(V::load(z));
            if rows.save {
                h.store(z);
            }
            rows.emit(r, h, false);
        }
    }
}
