//! Vectors as short arrays, for machines without AVX2; the compiler maps them to SSE2 or NEON.

use super::{SimdLevel, Vector};

macro_rules! portable {
    ($name:ident, $float:ty, $bits:ty, $lanes:literal, $magic:literal, $bias:literal, $mantissa:literal) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name([$float; $lanes]);

        impl $name {
            #[inline(always)]
            fn zip(self, b: Self, f: impl Fn($float, $float) -> $float) -> Self {
                let mut out = self.0;
                for (o, b) in out.iter_mut().zip(b.0) {
                    *o = f(*o, b);
                }
                Self(out)
            }
        }

        // SAFETY (whole impl): no instruction set is needed; pointers are the caller's to vouch for.
        impl Vector for $name {
            type E = $float;
            const LANES: usize = $lanes;
            const ROWS: usize = 2;
            const LEVEL: SimdLevel = SimdLevel::Portable;

            #[inline(always)]
            unsafe fn splat(v: $float) -> Self {
                Self([v; $lanes])
            }
            #[inline(always)]
            unsafe fn load(p: *const $float) -> Self {
                // SAFETY: `p` is valid for all lanes.
                Self(unsafe { p.cast::<[$float; $lanes]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $float) {
                // SAFETY: `p` is valid for all lanes.
                unsafe { p.cast::<[$float; $lanes]>().write_unaligned(self.0) }
            }
            #[inline(always)]
            unsafe fn load_first(p: *const $float, n: usize) -> Self {
                let mut out = [0.0; $lanes];
                for (i, o) in out.iter_mut().enumerate().take(n) {
                    // SAFETY: `p` is valid for the first `n` lanes.
                    *o = unsafe { *p.add(i) };
                }
                Self(out)
            }
            #[inline(always)]
            unsafe fn store_first(self, p: *mut $float, n: usize) {
                for (i, v) in self.0.into_iter().enumerate().take(n) {
                    // SAFETY: `p` is valid for the first `n` lanes.
                    unsafe { *p.add(i) = v };
                }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                self.zip(b, |a, b| a + b)
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                self.zip(b, |a, b| a - b)
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                self.zip(b, |a, b| a * b)
            }
            #[inline(always)]
            unsafe fn fma(self, b: Self, c: Self) -> Self {
                // Without the instruction `mul_add` is a slow library call.
                if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
                    let mut out = self.0;
                    for ((o, b), c) in out.iter_mut().zip(b.0).zip(c.0) {
                        *o = o.mul_add(b, c);
                    }
                    Self(out)
                } else {
                    self.zip(b, |a, b| a * b).zip(c, |a, c| a + c)
                }
            }
            #[inline(always)]
            unsafe fn fnma(self, b: Self, c: Self) -> Self {
                // SAFETY: arithmetic only.
                unsafe { Self(self.0.map(|v| -v)).fma(b, c) }
            }
            #[inline(always)]
            unsafe fn min(self, b: Self) -> Self {
                self.zip(b, |a, b| if a < b { a } else { b })
            }
            #[inline(always)]
            unsafe fn abs(self) -> Self {
                Self(self.0.map(<$float>::abs))
            }
            #[inline(always)]
            unsafe fn round(self) -> Self {
                // Adding 1.5·2^mantissa pushes the fraction out of the significand.
                Self(self.0.map(|v| (v + $magic) - $magic))
            }
            #[inline(always)]
            unsafe fn scale(self, n: Self) -> Self {
                // In two steps: 2^n itself may be too small for a normal number.
                let power = |n: $float| {
                    <$float>::from_bits(((n + $magic).to_bits().wrapping_add($bias)) << $mantissa)
                };
                self.zip(n, |a, n| {
                    let half = ((n * 0.5) + $magic) - $magic;
                    a * power(half) * power(n - half)
                })
            }
            #[inline(always)]
            unsafe fn if_negative(self, neg: Self, pos: Self) -> Self {
                let mut out = pos.0;
                for ((o, n), v) in out.iter_mut().zip(neg.0).zip(self.0) {
                    *o = if v < 0.0 { n } else { *o };
                }
                Self(out)
            }
            #[inline(always)]
            unsafe fn with_sign(self, s: Self) -> Self {
                self.zip(s, <$float>::copysign)
            }
            #[inline(always)]
            unsafe fn divide(self, d: Self) -> Self {
                self.zip(d, |a, b| a / b)
            }
            #[inline(always)]
            unsafe fn prefetch(_: *const $float) {}
            #[inline(always)]
            unsafe fn vectorize<R>(f: impl FnOnce() -> R) -> R {
                f()
            }
        }
    };
}

portable!(F32x4, f32, u32, 4, 12_582_912.0, 127, 23);
portable!(F64x2, f64, u64, 2, 6_755_399_441_055_744.0, 1023, 52);
