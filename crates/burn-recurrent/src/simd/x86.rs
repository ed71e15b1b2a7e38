//! AVX2 and AVX-512 registers.
//!
//! SAFETY of this whole file: the intrinsics need their instruction set, which the contract of
//! [`Vector`] puts on the caller (`vectorize`); pointers are the caller's to vouch for.

use super::{SimdLevel, Vector};
use std::arch::x86_64::*;

macro_rules! x86_vector {
    (
        $name:ident, $reg:ty, $float:ty, $lanes:literal, rows $rows:literal, $level:ident, $features:literal,
        $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $fma:ident $fnma:ident $min:ident,
        load_first: |$lp:ident, $ln:ident| $load_first:expr,
        store_first: |$ss:ident, $sp:ident, $sn:ident| $store_first:expr,
        abs: |$a:ident| $abs:expr,
        round: |$r:ident| $round:expr,
        scale: |$x:ident, $n:ident| $scale:expr,
        if_negative: |$c:ident, $neg:ident, $pos:ident| $blend:expr,
        with_sign: |$m:ident, $s:ident| $sign:expr,
        divide: |$q:ident, $d:ident| $divide:expr,
    ) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name($reg);

        impl Vector for $name {
            type E = $float;
            const LANES: usize = $lanes;
            const ROWS: usize = $rows;
            const LEVEL: SimdLevel = SimdLevel::$level;

            #[inline(always)]
            unsafe fn splat(v: $float) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $splat(v) })
            }
            #[inline(always)]
            unsafe fn load(p: *const $float) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $load(p) })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $float) {
                // SAFETY: see the head of the file.
                unsafe { $store(p, self.0) }
            }
            #[inline(always)]
            unsafe fn load_first($lp: *const $float, $ln: usize) -> Self {
                // SAFETY: see the head of the file; masked lanes are not touched.
                Self(unsafe { $load_first })
            }
            #[inline(always)]
            unsafe fn store_first(self, $sp: *mut $float, $sn: usize) {
                let $ss = self.0;
                // SAFETY: see the head of the file; masked lanes are not touched.
                unsafe { $store_first }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $add(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $sub(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $mul(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn fma(self, b: Self, c: Self) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $fma(self.0, b.0, c.0) })
            }
            #[inline(always)]
            unsafe fn fnma(self, b: Self, c: Self) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $fnma(self.0, b.0, c.0) })
            }
            #[inline(always)]
            unsafe fn min(self, b: Self) -> Self {
                // SAFETY: see the head of the file.
                Self(unsafe { $min(self.0, b.0) })
            }
            #[inline(always)]
            unsafe fn abs(self) -> Self {
                let $a = self.0;
                // SAFETY: see the head of the file.
                Self(unsafe { $abs })
            }
            #[inline(always)]
            unsafe fn round(self) -> Self {
                let $r = self.0;
                // SAFETY: see the head of the file.
                Self(unsafe { $round })
            }
            #[inline(always)]
            unsafe fn scale(self, n: Self) -> Self {
                let ($x, $n) = (self.0, n.0);
                // SAFETY: see the head of the file.
                Self(unsafe { $scale })
            }
            #[inline(always)]
            unsafe fn if_negative(self, neg: Self, pos: Self) -> Self {
                let ($c, $neg, $pos) = (self.0, neg.0, pos.0);
                // SAFETY: see the head of the file.
                Self(unsafe { $blend })
            }
            #[inline(always)]
            unsafe fn with_sign(self, s: Self) -> Self {
                let ($m, $s) = (self.0, s.0);
                // SAFETY: see the head of the file.
                Self(unsafe { $sign })
            }
            #[inline(always)]
            unsafe fn divide(self, d: Self) -> Self {
                let ($q, $d) = (self.0, d.0);
                // SAFETY: see the head of the file.
                Self(unsafe { $divide })
            }
            #[inline(always)]
            unsafe fn prefetch(p: *const $float) {
                // SAFETY: a prefetch never faults.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
            }
            #[inline(always)]
            unsafe fn vectorize<R>(f: impl FnOnce() -> R) -> R {
                #[target_feature(enable = $features)]
                unsafe fn enter<R>(f: impl FnOnce() -> R) -> R {
                    f()
                }
                // SAFETY: the caller has checked the level.
                unsafe { enter(f) }
            }
        }
    };
}

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

x86_vector!(
    F32x16, __m512, f32, 16, rows 6, Avx512, "avx2,fma,avx512f,avx512dq",
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps
    _mm512_fmadd_ps _mm512_fnmadd_ps _mm512_min_ps,
    load_first: |p, n| _mm512_maskz_loadu_ps(((1u32 << n) - 1) as u16, p),
    store_first: |v, p, n| _mm512_mask_storeu_ps(p, ((1u32 << n) - 1) as u16, v),
    abs: |v| _mm512_abs_ps(v),
    round: |v| _mm512_roundscale_ps::<NEAREST>(v),
    scale: |v, n| _mm512_scalef_ps(v, n),
    if_negative: |c, neg, pos| _mm512_mask_blend_ps(
        _mm512_cmp_ps_mask::<_CMP_LT_OQ>(c, _mm512_setzero_ps()), pos, neg),
    with_sign: |m, s| _mm512_or_ps(m, _mm512_and_ps(s, _mm512_set1_ps(-0.0))),
    // A division takes 16 cycles of this unit, a reciprocal estimate with a correction 5.
    divide: |a, d| {
        let r = _mm512_rcp14_ps(d);
        let r = _mm512_fmadd_ps(r, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(1.0)), r);
        _mm512_mul_ps(a, r)
    },
);

x86_vector!(
    F64x8, __m512d, f64, 8, rows 6, Avx512, "avx2,fma,avx512f,avx512dq",
    _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd
    _mm512_fmadd_pd _mm512_fnmadd_pd _mm512_min_pd,
    load_first: |p, n| _mm512_maskz_loadu_pd(((1u32 << n) - 1) as u8, p),
    store_first: |v, p, n| _mm512_mask_storeu_pd(p, ((1u32 << n) - 1) as u8, v),
    abs: |v| _mm512_abs_pd(v),
    round: |v| _mm512_roundscale_pd::<NEAREST>(v),
    scale: |v, n| _mm512_scalef_pd(v, n),
    if_negative: |c, neg, pos| _mm512_mask_blend_pd(
        _mm512_cmp_pd_mask::<_CMP_LT_OQ>(c, _mm512_setzero_pd()), pos, neg),
    with_sign: |m, s| _mm512_or_pd(m, _mm512_and_pd(s, _mm512_set1_pd(-0.0))),
    divide: |a, d| _mm512_div_pd(a, d),
);

/// All ones in the first `n` of eight 32-bit lanes.
#[inline(always)]
unsafe fn first_8(n: usize) -> __m256i {
    // SAFETY: AVX2 is there, see the head of the file.
    unsafe {
        _mm256_cmpgt_epi32(
            _mm256_set1_epi32(n as i32),
            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
        )
    }
}

/// All ones in the first `n` of four 64-bit lanes.
#[inline(always)]
unsafe fn first_4(n: usize) -> __m256i {
    // SAFETY: AVX2 is there, see the head of the file.
    unsafe { _mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), _mm256_setr_epi64x(0, 1, 2, 3)) }
}

/// `2^n` for an integral `n` in the range of normal numbers.
#[inline(always)]
unsafe fn power_f32(n: __m256) -> __m256 {
    // SAFETY: AVX2 is there, see the head of the file.
    unsafe {
        let n = _mm256_cvtps_epi32(n);
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(
            n,
            _mm256_set1_epi32(127),
        )))
    }
}

/// `2^n` for an integral `n` in the range of normal numbers.
#[inline(always)]
unsafe fn power_f64(n: __m256d) -> __m256d {
    // SAFETY: AVX2 is there, see the head of the file.
    unsafe {
        // AVX2 has no conversion to 64-bit integers: 1.5·2^52 leaves n in the low bits.
        let n = _mm256_castpd_si256(_mm256_add_pd(n, _mm256_set1_pd(6_755_399_441_055_744.0)));
        _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_add_epi64(
            n,
            _mm256_set1_epi64x(1023),
        )))
    }
}

x86_vector!(
    F32x8, __m256, f32, 8, rows 3, Avx2, "avx2,fma",
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps
    _mm256_fmadd_ps _mm256_fnmadd_ps _mm256_min_ps,
    load_first: |p, n| _mm256_maskload_ps(p, first_8(n)),
    store_first: |v, p, n| _mm256_maskstore_ps(p, first_8(n), v),
    abs: |v| _mm256_andnot_ps(_mm256_set1_ps(-0.0), v),
    round: |v| _mm256_round_ps::<NEAREST>(v),
    // In two steps: 2^n itself may be too small for a normal number.
    scale: |v, n| {
        let half = _mm256_round_ps::<NEAREST>(_mm256_mul_ps(n, _mm256_set1_ps(0.5)));
        _mm256_mul_ps(_mm256_mul_ps(v, power_f32(half)), power_f32(_mm256_sub_ps(n, half)))
    },
    if_negative: |c, neg, pos| _mm256_blendv_ps(
        pos, neg, _mm256_cmp_ps::<_CMP_LT_OQ>(c, _mm256_setzero_ps())),
    with_sign: |m, s| _mm256_or_ps(m, _mm256_and_ps(s, _mm256_set1_ps(-0.0))),
    divide: |a, d| _mm256_div_ps(a, d),
);

x86_vector!(
    F64x4, __m256d, f64, 4, rows 3, Avx2, "avx2,fma",
    _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd
    _mm256_fmadd_pd _mm256_fnmadd_pd _mm256_min_pd,
    load_first: |p, n| _mm256_maskload_pd(p, first_4(n)),
    store_first: |v, p, n| _mm256_maskstore_pd(p, first_4(n), v),
    abs: |v| _mm256_andnot_pd(_mm256_set1_pd(-0.0), v),
    round: |v| _mm256_round_pd::<NEAREST>(v),
    scale: |v, n| {
        let half = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(n, _mm256_set1_pd(0.5)));
        _mm256_mul_pd(_mm256_mul_pd(v, power_f64(half)), power_f64(_mm256_sub_pd(n, half)))
    },
    if_negative: |c, neg, pos| _mm256_blendv_pd(
        pos, neg, _mm256_cmp_pd::<_CMP_LT_OQ>(c, _mm256_setzero_pd())),
    with_sign: |m, s| _mm256_or_pd(m, _mm256_and_pd(s, _mm256_set1_pd(-0.0))),
    divide: |a, d| _mm256_div_pd(a, d),
);
