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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Real, SimdLevel};

    /// Applies `f` to all values at once, at every level the machine has.
    fn at_every_level(values: &[f32], check: impl Fn(SimdLevel, &[f32], &[f32])) {
        fn go<V: Vector<E = f32>>(values: &[f32], check: &impl Fn(SimdLevel, &[f32], &[f32])) {
            if !V::LEVEL.is_supported() {
                return;
            }
            let mut out = [vec![0.0; values.len()], vec![0.0; values.len()]];
            for i in (0..values.len()).step_by(V::LANES) {
                let n = V::LANES.min(values.len() - i);
                let [s, t] = &mut out;
                // SAFETY: the level is supported, and `n` values are left.
                unsafe {
                    V::vectorize(
                        #[inline(always)]
                        || {
                            let x = V::load_first_or_all(&values[i..], n);
                            sigmoid(x).store_first_or_all(&mut s[i..], n);
                            tanh(x).store_first_or_all(&mut t[i..], n);
                        },
                    );
                }
            }
            check(V::LEVEL, &out[0], &out[1]);
        }
        go::<<f32 as Real>::Portable>(values, &check);
        #[cfg(target_arch = "x86_64")]
        {
            go::<<f32 as Real>::Avx2>(values, &check);
            go::<<f32 as Real>::Avx512>(values, &check);
        }
    }

    trait Partial: Vector {
        unsafe fn load_first_or_all(from: &[Self::E], n: usize) -> Self;
        unsafe fn store_first_or_all(self, to: &mut [Self::E], n: usize);
    }
    impl<V: Vector> Partial for V {
        #[inline(always)]
        unsafe fn load_first_or_all(from: &[V::E], n: usize) -> V {
            // SAFETY: `n` values are there.
            unsafe {
                if n == V::LANES {
                    V::load(from.as_ptr())
                } else {
                    V::load_first(from.as_ptr(), n)
                }
            }
        }
        #[inline(always)]
        unsafe fn store_first_or_all(self, to: &mut [V::E], n: usize) {
            // SAFETY: there is room for `n` values.
            unsafe {
                if n == V::LANES {
                    self.store(to.as_mut_ptr())
                } else {
                    self.store_first(to.as_mut_ptr(), n)
                }
            }
        }
    }

    /// The distance of an `f32` from a true value, in units in the last place of the true value.
    fn ulps(given: f32, truth: f64) -> f64 {
        let exponent = truth.abs().log2().floor().max(-126.0);
        (f64::from(given) - truth).abs() / (exponent - 23.0).exp2()
    }

    fn true_sigmoid(x: f64) -> f64 {
        if x >= 0.0 {
            1.0 / (1.0 + (-x).exp())
        } else {
            x.exp() / (1.0 + x.exp())
        }
    }

    #[test]
    fn sigmoid_and_tanh_are_within_4_ulp_over_the_whole_range_of_f32() {
        // Every exponent and sign, with significands spread over all of theirs.
        let values: Vec<f32> = (0..u32::MAX / 769)
            .map(|i| f32::from_bits(i * 769))
            .filter(|v| v.is_finite())
            .collect();
        let truth: Vec<_> = values
            .iter()
            .map(|v| (true_sigmoid(f64::from(*v)), f64::from(*v).tanh()))
            .collect();
        at_every_level(&values, |level, s, t| {
            let mut worst = (0.0f64, 0.0f64);
            for (i, (sigmoid, tanh)) in truth.iter().enumerate() {
                let error = (ulps(s[i], *sigmoid), ulps(t[i], *tanh));
                assert!(
                    error.0 <= 4.0,
                    "{level:?} sigmoid({}) = {}, off {}",
                    values[i],
                    s[i],
                    error.0
                );
                assert!(
                    error.1 <= 4.0,
                    "{level:?} tanh({}) = {}, off {}",
                    values[i],
                    t[i],
                    error.1
                );
                worst = (worst.0.max(error.0), worst.1.max(error.1));
            }
            println!("{level:?}: sigmoid {} ulp, tanh {} ulp", worst.0, worst.1);
        });
    }

    #[test]
    fn the_ends_of_the_range_and_nan() {
        let values = [
            0.0,
            -0.0,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NAN,
            f32::MAX,
            f32::MIN,
        ];
        at_every_level(&values, |_, s, t| {
            assert_eq!(s[..4], [0.5, 0.5, 1.0, 0.0]);
            assert_eq!(t[..4], [0.0, 0.0, 1.0, -1.0]);
            assert!(t[1].is_sign_negative());
            assert!(s[4].is_nan() && t[4].is_nan());
            assert_eq!((s[5], s[6], t[5], t[6]), (1.0, 0.0, 1.0, -1.0));
        });
    }

    #[test]
    fn double_precision_agrees_with_the_standard_library() {
        fn go<V: Vector<E = f64>>() {
            if !V::LEVEL.is_supported() {
                return;
            }
            for i in -4000..4000 {
                let x = f64::from(i) * 0.011;
                let mut out = [[0.0; 8]; 2];
                // SAFETY: the level is supported, and a vector has at most 8 lanes.
                unsafe {
                    V::vectorize(
                        #[inline(always)]
                        || {
                            sigmoid(V::splat(x)).store(out[0].as_mut_ptr());
                            tanh(V::splat(x)).store(out[1].as_mut_ptr());
                        },
                    );
                }
                for (given, truth) in [(out[0][0], true_sigmoid(x)), (out[1][0], x.tanh())] {
                    let bound = 4.0 * f64::EPSILON * truth.abs();
                    assert!(
                        (given - truth).abs() <= bound,
                        "{:?} {x}: {given} {truth}",
                        V::LEVEL
                    );
                }
            }
        }
        go::<<f64 as Real>::Portable>();
        #[cfg(target_arch = "x86_64")]
        {
            go::<<f64 as Real>::Avx2>();
            go::<<f64 as Real>::Avx512>();
        }
    }
}
