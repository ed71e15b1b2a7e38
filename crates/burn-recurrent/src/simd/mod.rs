//! Vectors of floats, one type per instruction set, and the choice among them at run time.
//!
//! Kernels are written once, generic over [`Vector`], as `#[inline(always)]` functions, and entered
//! through [`Vector::vectorize`], which carries the instruction set's `#[target_feature]`: only code
//! inlined into it may use the wide registers.

pub(crate) mod math;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::atomic::{AtomicU8, Ordering};

/// An instruction set the kernels are compiled for.
///
/// Levels are ordered: a machine that supports one supports those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SimdLevel {
    /// Plain Rust over short arrays, which the compiler turns into SSE2 or NEON. NEON is untested.
    Portable,
    /// AVX2 with fused multiply-add: 8 `f32` or 4 `f64` at a time.
    Avx2,
    /// AVX-512 F and DQ: 16 `f32` or 8 `f64` at a time.
    Avx512,
}

impl SimdLevel {
    /// All levels, lowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Whether this machine can run the level.
    pub fn is_supported(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            match self {
                Self::Portable => true,
                Self::Avx2 => avx2,
                Self::Avx512 => {
                    avx2 && is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512dq")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Portable
        }
    }

    /// The highest level this machine supports, or the one that [`force_simd_level`] asked for.
    pub fn current() -> Self {
        match FORCED.load(Ordering::Relaxed) {
            1 => Self::Portable,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => *Self::ALL
                .iter()
                .rev()
                .find(|l| l.is_supported())
                .unwrap_or(&Self::Portable),
        }
    }
}

static FORCED: AtomicU8 = AtomicU8::new(0);

/// Makes every later call in this process use `level`, for tests and comparisons; `None` goes back to
/// the best one. A level the machine lacks is ignored.
///
/// Results differ between levels in the last bits. A backward pass runs at the level of its forward.
pub fn force_simd_level(level: Option<SimdLevel>) {
    let code = match level {
        Some(level) if level.is_supported() => level as u8 + 1,
        _ => 0,
    };
    FORCED.store(code, Ordering::Relaxed);
}

/// A float the kernels work on: `f32` or `f64`.
pub(crate) trait Real:
    Copy
    + Default
    + Send
    + Sync
    + PartialEq
    + std::ops::Add<Output = Self>
    + PartialOrd
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::fmt::Debug
    + 'static
{
    /// Coefficients of `(exp(r) - 1 - r) / r²` on `|r| <= ln(2)/2`, highest power first.
    const EXP_POLY: &'static [Self];
    /// `exp(-EXP_LIMIT)` is zero.
    const EXP_LIMIT: Self;
    /// `1 / ln(2)`.
    const LOG2_E: Self;
    /// Leading digits of `ln(2)`, few enough that a multiple of them is exact.
    const LN2_HI: Self;
    /// The rest of `ln(2)`.
    const LN2_LO: Self;
    const ONE: Self;
    const TWO: Self;

    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<E = Self>;
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<E = Self>;
    type Portable: Vector<E = Self>;
}

impl Real for f32 {
    // Cephes' expf.
    const EXP_POLY: &'static [f32] = &[
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    const EXP_LIMIT: f32 = 104.0;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HI: f32 = 0.693_359_4;
    const LN2_LO: f32 = -2.121_944_4e-4;
    const ONE: f32 = 1.0;
    const TWO: f32 = 2.0;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::F32x16;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::F32x8;
    type Portable = portable::F32x4;
}

impl Real for f64 {
    // Taylor: the first term left out is 1e-17 of the sum.
    const EXP_POLY: &'static [f64] = &[
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    const EXP_LIMIT: f64 = 746.0;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN2_HI: f64 = 6.931_457_519_531_25e-1;
    const LN2_LO: f64 = 1.428_606_820_309_417_2e-6;
    const ONE: f64 = 1.0;
    const TWO: f64 = 2.0;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::F64x8;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::F64x4;
    type Portable = portable::F64x2;
}

/// A register of `LANES` floats.
///
/// # Safety
///
/// Every method but [`vectorize`](Self::vectorize) must be inlined into a closure that `vectorize`
/// runs, on a machine that has the instruction set; pointers must be valid for the lanes named. They
/// need no alignment.
pub(crate) trait Vector: Copy + 'static {
    type E: Real;
    const LANES: usize;
    /// The most rows of a tile four registers wide that the register file holds.
    const ROWS: usize;
    /// The level this type is for.
    const LEVEL: SimdLevel;

    unsafe fn splat(v: Self::E) -> Self;
    unsafe fn load(p: *const Self::E) -> Self;
    unsafe fn store(self, p: *mut Self::E);
    /// Loads `n < LANES` floats and fills the rest with zeros.
    unsafe fn load_first(p: *const Self::E, n: usize) -> Self;
    /// Stores the first `n < LANES` floats.
    unsafe fn store_first(self, p: *mut Self::E, n: usize);
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// `self * b + c`.
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    unsafe fn fnma(self, b: Self, c: Self) -> Self;
    /// The smaller; `b` if either is NaN.
    unsafe fn min(self, b: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// The nearest integer.
    unsafe fn round(self) -> Self;
    /// `self * 2^n` for an integral `n`, with gradual underflow.
    unsafe fn scale(self, n: Self) -> Self;
    /// `neg` in the lanes where `self < 0`, else `pos`.
    unsafe fn if_negative(self, neg: Self, pos: Self) -> Self;
    /// `self` with the sign of `s`; `self` must be non-negative.
    unsafe fn with_sign(self, s: Self) -> Self;
    /// `self / d` for `d` in `[1, 2]`, to within an ulp.
    unsafe fn divide(self, d: Self) -> Self;

    /// Asks for the cache line at `p`, which may be any address.
    unsafe fn prefetch(p: *const Self::E);

    /// Runs `f` as code compiled for this instruction set.
    ///
    /// # Safety
    ///
    /// The machine must support [`LEVEL`](Self::LEVEL); `f` must be `#[inline(always)]`.
    unsafe fn vectorize<R>(f: impl FnOnce() -> R) -> R;
}
