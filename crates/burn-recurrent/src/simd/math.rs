//! `exp`, sigmoid and tanh over vectors, within 4 ulp of the true value everywhere.

use super::{Real, Vector};

/// Splits `x` into `n·ln 2 + r` and returns `(n, exp(r) - 1)`.
#[inline(always)]
unsafe fn reduce<V: Vector>(x: V) -> (V, V) {
    // SAFETY: the caller runs inside `vectorize`.
    unsafe {
        let n = x.mul(V::splat(V::E::LOG2_E)).round();
        let r = n.fnma(V::splat(V::E::LN2_HI), x);
        let r = n.fnma(V::splat(V::E::LN2_LO), r);
        let mut q = V::splat(V::E::EXP_POLY[0]);
        for &c in &V::E::EXP_POLY[1..] {
            q = q.fma(r, V::splat(c));
        }
        (n, q.fma(r.mul(r), r))
    }
}

/// `exp(-|x|)`.
#[inline(always)]
pub(crate) unsafe fn exp_neg_abs<V: Vector>(x: V) -> V {
    // SAFETY: the caller runs inside `vectorize`.
    unsafe {
        let zero = V::splat(V::E::default());
        let (n, p) = reduce(zero.sub(V::splat(V::E::EXP_LIMIT).min(x.abs())));
        p.add(V::splat(V::E::ONE)).scale(n)
    }
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) unsafe fn sigmoid<V: Vector>(x: V) -> V {
    // SAFETY: the caller runs inside `vectorize`.
    unsafe {
        // The exponent is never positive, so nothing overflows and both tails keep their digits.
        let e = exp_neg_abs(x);
        let one = V::splat(V::E::ONE);
        x.if_negative(e, one).divide(one.add(e))
    }
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) unsafe fn tanh<V: Vector>(x: V) -> V {
    // SAFETY: the caller runs inside `vectorize`.
    unsafe {
        // With m = exp(-2|x|) - 1, tanh |x| = -m / (2 + m): exact digits near zero, no overflow.
        let zero = V::splat(V::E::default());
        let a = x.abs();
        let (n, p) = reduce(zero.sub(V::splat(V::E::EXP_LIMIT).min(a.add(a))));
        let one = V::splat(V::E::ONE);
        let s = one.scale(n);
        let minus_m = zero.sub(p).fma(s, one.sub(s));
        minus_m
            .divide(V::splat(V::E::TWO).sub(minus_m))
            .with_sign(x)
    }
}
