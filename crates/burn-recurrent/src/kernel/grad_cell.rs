//! The cells backward: from the gradient of a panel's new state to those of its gates' sums.

use super::Kind;
use crate::simd::{Real, Vector, math};

/// Rows of one panel at one step. Pointers are at the first row and the panel's first unit.
#[derive(Clone, Copy)]
pub(crate) struct GradRows<E> {
    pub(crate) rows: usize,
    /// Units of the panel that exist.
    pub(crate) lanes: usize,
    /// What the forward pass left `[row][slot][lane]`, replaced by the gradients of the sums.
    pub(crate) z: *mut E,
    /// States before and after the step; rows `stride` apart.
    pub(crate) h: *const E,
    pub(crate) c: *const E,
    pub(crate) c_next: *const E,
    /// Gradient of the state after the step, replaced by that part of the gradient of the state before
    /// it which does not come through the recurrent products.
    pub(crate) dh: *mut E,
    /// The same for the cell state.
    pub(crate) dc: *mut E,
    /// Gradient of the reset state, for `GruResetBefore`.
    pub(crate) drh: *const E,
    pub(crate) stride: usize,
    /// Gradient of the output at this step, its rows so far apart.
    pub(crate) dy: Option<(*const E, isize)>,
    /// Mask at this step, its rows so far apart.
    pub(crate) mask: Option<(*const E, usize)>,
    pub(crate) zero_output: bool,
    /// Factors of the state in the candidate's product, for `GruResetBefore`.
    pub(crate) factors: Option<*const E>,
}

/// Does stage `stage` of a step backwards; stages count as they run.
///
/// # Safety
///
/// The machine supports `V`, and the pointers of `rows` are valid for its sizes.
pub(crate) unsafe fn backward<V: Vector>(kind: Kind, stage: usize, rows: &GradRows<V::E>) {
    // SAFETY: passed on to the caller.
    unsafe {
        match (kind, stage) {
            (Kind::Lstm, _) => V::vectorize(
                #[inline(always)]
                || lstm::<V>(rows),
            ),
            (Kind::Gru, _) => V::vectorize(
                #[inline(always)]
                || gru::<V>(rows, true),
            ),
            (Kind::GruResetBefore, 0) => V::vectorize(
                #[inline(always)]
                || gru::<V>(rows, false),
            ),
            (Kind::GruResetBefore, _) => V::vectorize(
                #[inline(always)]
                || reset::<V>(rows),
            ),
            (Kind::SimpleRnn, _) => V::vectorize(
                #[inline(always)]
                || simple_rnn::<V>(rows),
            ),
        }
    }
}

impl<E: Real> GradRows<E> {
    #[inline(always)]
    unsafe fn skips(&self, r: usize) -> bool {
        // SAFETY: `r < rows`.
        self.mask
            .is_some_and(|(mask, stride)| unsafe { *mask.add(r * stride) == E::default() })
    }

    /// The whole gradient of a row's new state.
    #[inline(always)]
    unsafe fn state_gradient<V: Vector<E = E>>(&self, r: usize, skipped: bool) -> V {
        // SAFETY: `r < rows`; units beyond `lanes` exist in the states, not in the output.
        unsafe {
            let dh = V::load(self.dh.add(r * self.stride));
            match self.dy {
                Some((dy, stride)) if !(skipped && self.zero_output) => {
                    let p = dy.offset(r as isize * stride);
                    let dy = if self.lanes >= V::LANES {
                        V::load(p)
                    } else {
                        V::load_first(p, self.lanes)
                    };
                    dh.add(dy)
                }
                _ => dh,
            }
        }
    }

    /// A skipped step: the state went through unchanged, the gates had no part in it.
    #[inline(always)]
    unsafe fn pass<V: Vector<E = E>>(&self, r: usize, dh: V, slots: usize) {
        // SAFETY: `r < rows`.
        unsafe {
            for slot in 0..slots {
                V::splat(E::default()).store(self.z.add((r * slots + slot) * V::LANES));
            }
            dh.store(self.dh.add(r * self.stride));
        }
    }
}

/// `s·(1 - s)·d`, the gradient through a sigmoid whose value is `s`.
#[inline(always)]
unsafe fn through_sigmoid<V: Vector>(s: V, d: V) -> V {
    // SAFETY: the caller runs inside `vectorize`.
    unsafe { s.fnma(s, s).mul(d) }
}

/// `(1 - t²)·d`, the gradient through a tanh whose value is `t`.
#[inline(always)]
unsafe fn through_tanh<V: Vector>(t: V, d: V) -> V {
    // SAFETY: the caller runs inside `vectorize`.
    unsafe { t.fnma(t, V::splat(V::E::ONE)).mul(d) }
}

#[inline(always)]
unsafe fn lstm<V: Vector>(rows: &GradRows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for r in 0..rows.rows {
            let at = r * rows.stride;
            let skipped = rows.skips(r);
            let dh = rows.state_gradient::<V>(r, skipped);
            if skipped {
                rows.pass(r, dh, 4);
                continue;
            }
            let z = rows.z.add(r * 4 * V::LANES);
            let i = V::load(z);
            let f = V::load(z.add(V::LANES));
            let g = V::load(z.add(2 * V::LANES));
            let o = V::load(z.add(3 * V::LANES));
            let tanh_c = math::tanh(V::load(rows.c_next.add(at)));
            let dc = V::load(rows.dc.add(at)).add(through_tanh(tanh_c, dh.mul(o)));
            through_sigmoid(i, dc.mul(g)).store(z);
            through_sigmoid(f, dc.mul(V::load(rows.c.add(at)))).store(z.add(V::LANES));
            through_tanh(g, dc.mul(i)).store(z.add(2 * V::LANES));
            through_sigmoid(o, dh.mul(tanh_c)).store(z.add(3 * V::LANES));
            dc.mul(f).store(rows.dc.add(at));
            V::splat(V::E::default()).store(rows.dh.add(at));
        }
    }
}

/// All of `Gru`, where `after`; else the part of `GruResetBefore` that needs no product.
#[inline(always)]
unsafe fn gru<V: Vector>(rows: &GradRows<V::E>, after: bool) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        let one = V::splat(V::E::ONE);
        for row in 0..rows.rows {
            let at = row * rows.stride;
            let skipped = rows.skips(row);
            let dh = rows.state_gradient::<V>(row, skipped);
            if skipped {
                rows.pass(row, dh, 4);
                continue;
            }
            let p = rows.z.add(row * 4 * V::LANES);
            let z = V::load(p);
            let n = V::load(p.add(2 * V::LANES));
            let dz = through_sigmoid(z, dh.mul(V::load(rows.h.add(at)).sub(n)));
            let dn = through_tanh(n, dh.mul(one.sub(z)));
            dz.store(p);
            dn.store(p.add(2 * V::LANES));
            if after {
                let r = V::load(p.add(V::LANES));
                let hh = V::load(p.add(3 * V::LANES));
                through_sigmoid(r, dn.mul(hh)).store(p.add(V::LANES));
                dn.mul(r).store(p.add(3 * V::LANES));
            }
            dh.mul(z).store(rows.dh.add(at));
        }
    }
}

/// The reset gate of `GruResetBefore`, once the gradient of `r∘h` is there.
#[inline(always)]
unsafe fn reset<V: Vector>(rows: &GradRows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for row in 0..rows.rows {
            if rows.skips(row) {
                continue;
            }
            let at = row * rows.stride;
            let p = rows.z.add((row * 4 + 1) * V::LANES);
            let r = V::load(p);
            let mut d = V::load(rows.drh.add(at));
            if let Some(factors) = rows.factors {
                d = d.mul(V::load(factors.add(at)));
            }
            through_sigmoid(r, d.mul(V::load(rows.h.add(at)))).store(p);
            d.fma(r, V::load(rows.dh.add(at))).store(rows.dh.add(at));
        }
    }
}

#[inline(always)]
unsafe fn simple_rnn<V: Vector>(rows: &GradRows<V::E>) {
    // SAFETY: the caller vouches for the pointers and runs inside `vectorize`.
    unsafe {
        for r in 0..rows.rows {
            let skipped = rows.skips(r);
            let dh = rows.state_gradient::<V>(r, skipped);
            if skipped {
                rows.pass(r, dh, 1);
                continue;
            }
            let z = rows.z.add(r * V::LANES);
            through_tanh(V::load(z), dh).store(z);
            V::splat(V::E::default()).store(rows.dh.add(r * rows.stride));
        }
    }
}
