//! Activations of a packed dense layer, in place on slices.

use super::Float;
use crate::kernel::at_level;
use crate::simd::{SimdLevel, Vector, math};

/// A function applied to the outputs of a [`PackedDense`](super::PackedDense).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// `x`
    Linear,
    /// `max(x, 0)`
    Relu,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `exp(x)` over its sum in each row.
    Softmax,
}

impl Activation {
    /// The function of this name, if it is one of these.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "linear" => Self::Linear,
            "relu" => Self::Relu,
            "sigmoid" => Self::Sigmoid,
            "tanh" => Self::Tanh,
            "softmax" => Self::Softmax,
            _ => return None,
        })
    }

    /// Applies the function to `values` `[rows, width]`; only softmax looks at the rows.
    ///
    /// Values beyond the last whole row are left alone by softmax.
    pub fn apply<E: Float>(self, values: &mut [E], width: usize) {
        let level = SimdLevel::current();
        // SAFETY: the level is supported.
        unsafe { at_level!(level, E, apply(self, values, width)) };
    }
}

/// # Safety
///
/// The machine supports `V`.
unsafe fn apply<V: Vector<E: Float>>(activation: Activation, values: &mut [V::E], width: usize) {
    // SAFETY: the machine supports `V`; closures run inside `vectorize`.
    unsafe {
        match activation {
            Activation::Linear => {}
            Activation::Relu => V::vectorize(
                #[inline(always)]
                || {
                    each::<V>(
                        values,
                        #[inline(always)]
                        |x| x.if_negative(V::splat(V::E::default()), x),
                    )
                },
            ),
            Activation::Sigmoid => V::vectorize(
                #[inline(always)]
                || {
                    each::<V>(
                        values,
                        #[inline(always)]
                        |x| math::sigmoid(x),
                    )
                },
            ),
            Activation::Tanh => V::vectorize(
                #[inline(always)]
                || {
                    each::<V>(
                        values,
                        #[inline(always)]
                        |x| math::tanh(x),
                    )
                },
            ),
            Activation::Softmax => V::vectorize(
                #[inline(always)]
                || {
                    for row in values.chunks_exact_mut(width.max(1)) {
                        softmax::<V>(row);
                    }
                },
            ),
        }
    }
}

/// # Safety
///
/// Runs inside `vectorize`.
#[inline(always)]
unsafe fn each<V: Vector>(values: &mut [V::E], f: impl Fn(V) -> V) {
    let mut blocks = values.chunks_exact_mut(V::LANES);
    // SAFETY: a block has all lanes; what is left has fewer.
    unsafe {
        for block in &mut blocks {
            f(V::load(block.as_ptr())).store(block.as_mut_ptr());
        }
        let rest = blocks.into_remainder();
        if !rest.is_empty() {
            f(V::load_first(rest.as_ptr(), rest.len())).store_first(rest.as_mut_ptr(), rest.len());
        }
    }
}

/// # Safety
///
/// Runs inside `vectorize`.
#[inline(always)]
unsafe fn softmax<V: Vector<E: Float>>(row: &mut [V::E]) {
    let Some(&first) = row.first() else { return };
    // A comparison with NaN is false: the NaN stays in the row and reaches the sum.
    let largest = row.iter().fold(first, |a, &b| if b > a { b } else { a });
    // SAFETY: runs inside `vectorize`.
    unsafe {
        let largest = V::splat(largest);
        each::<V>(
            row,
            #[inline(always)]
            |x| math::exp_neg_abs(x.sub(largest)),
        );
    }
    let sum = row.iter().fold(V::E::default(), |a, &b| a + b);
    for value in row {
        *value = *value / sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(activation: Activation, values: &[f64], width: usize) -> Vec<f64> {
        let mut values = values.to_vec();
        activation.apply(&mut values, width);
        values
    }

    #[test]
    fn every_function_gives_what_its_formula_gives() {
        let values: Vec<f64> = (0..21).map(|i| f64::from(i - 10) * 0.37).collect();
        let check = |activation, f: &dyn Fn(f64) -> f64| {
            for (given, x) in applied(activation, &values, 7).iter().zip(&values) {
                assert!(
                    (given - f(*x)).abs() < 1e-14,
                    "{activation:?}({x}) = {given}"
                );
            }
        };
        check(Activation::Linear, &|x| x);
        check(Activation::Relu, &|x| x.max(0.0));
        check(Activation::Sigmoid, &|x| 1.0 / (1.0 + (-x).exp()));
        check(Activation::Tanh, &f64::tanh);
        let softmax = applied(Activation::Softmax, &values, 7);
        for (row, x) in softmax.chunks(7).zip(values.chunks(7)) {
            let sum: f64 = x.iter().map(|x| x.exp()).sum();
            for (given, x) in row.iter().zip(x) {
                assert!(
                    (given - x.exp() / sum).abs() < 1e-14,
                    "softmax({x}) = {given}"
                );
            }
        }
    }

    #[test]
    fn softmax_takes_large_values_and_hands_on_nan() {
        assert_eq!(
            applied(Activation::Softmax, &[1e4, -1e4, 1e4], 3),
            [0.5, 0.0, 0.5]
        );
        let with_nan = applied(Activation::Softmax, &[1.0, f64::NAN, 2.0], 3);
        assert!(with_nan.iter().all(|v| v.is_nan()));
    }
}
