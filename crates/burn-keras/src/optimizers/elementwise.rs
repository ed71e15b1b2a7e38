//! Arithmetic that a rule is written in once, and that runs on single values and on whole tensors alike.
//!
//! On the CPU a weight is updated in one pass over its values; on a GPU by tensor operations.

use std::ops::{Add, Div, Mul, Sub};

use burn::tensor::Tensor;

/// A value, or a tensor of values.
pub trait Elementwise:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Times a number.
    fn scale(self, factor: f32) -> Self;
    /// Plus a number.
    fn plus(self, number: f32) -> Self;
    /// The square root.
    fn root(self) -> Self;
    /// The larger of two.
    fn larger(self, other: Self) -> Self;
}

impl Elementwise for f32 {
    #[inline(always)]
    fn scale(self, factor: f32) -> Self {
        self * factor
    }

    #[inline(always)]
    fn plus(self, number: f32) -> Self {
        self + number
    }

    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // Not `f32::max`, which drops a NaN.
        if other > self { other } else { self }
    }
}

impl Elementwise for Tensor<1> {
    fn scale(self, factor: f32) -> Self {
        self * factor
    }

    fn plus(self, number: f32) -> Self {
        self + number
    }

    fn root(self) -> Self {
        self.sqrt()
    }

    fn larger(self, other: Self) -> Self {
        self.max_pair(other)
    }
}

/// One step of a rule for a value, or a tensor of values, with its slots.
pub trait ElementRule {
    /// The new value; `slots` are changed in place.
    fn apply<E: Elementwise>(
        &self,
        weight: E,
        gradient: E,
        slots: &mut [E],
        learning_rate: f32,
        step: u64,
    ) -> E;
}

/// A rule over slices in one pass, with the number of slots known to the compiler.
pub(super) fn update_slices(
    rule: &impl ElementRule,
    weight: &mut [f32],
    gradient: &[f32],
    slots: &mut [Vec<f32>],
    learning_rate: f32,
    step: u64,
) {
    fn pass<const S: usize>(
        rule: &impl ElementRule,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>; S],
        learning_rate: f32,
        step: u64,
    ) {
        let mut slots = slots.each_mut().map(|s| s.iter_mut());
        for (w, g) in weight.iter_mut().zip(gradient) {
            let mut places = slots.each_mut().map(Iterator::next);
            let mut values = places
                .each_ref()
                .map(|p| p.as_deref().copied().unwrap_or_default());
            *w = rule.apply(*w, *g, &mut values, learning_rate, step);
            for (place, value) in places.iter_mut().zip(values) {
                if let Some(place) = place {
                    **place = value;
                }
            }
        }
    }
    macro_rules! by_count {
        ($($count:literal),+) => {
            match slots.len() {
                $($count => {
                    if let Ok(slots) = <&mut [Vec<f32>; $count]>::try_from(slots) {
                        pass::<$count>(rule, weight, gradient, slots, learning_rate, step);
                    }
                })+
                count => unreachable!("a rule with {count} slots"),
            }
        };
    }
    by_count!(0, 1, 2, 3);
}
