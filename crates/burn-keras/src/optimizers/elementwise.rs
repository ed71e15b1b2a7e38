//! Arithmetic that a rule is written in once, and that runs on single values and on whole tensors alike.
//!
//! On the CPU a weight is updated in one pass over its values, on a GPU by one kernel made of the same arithmetic, and
//! elsewhere by tensor operations.

use std::ops::{Add, Div, Mul, Sub};

use burn::tensor::Tensor;

use super::{Step, ValueRule};

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
    /// To a power.
    fn power(self, exponent: f32) -> Self;
    /// The larger of two.
    fn larger(self, other: Self) -> Self;
    /// Without its sign.
    fn size(self) -> Self;
    /// -1, 0 or 1.
    fn sign_of(self) -> Self;
    /// Held within plus and minus a limit.
    fn within(self, limit: f32) -> Self;
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

    #[inline(always)]
    fn power(self, exponent: f32) -> Self {
        self.powf(exponent)
    }

    #[inline(always)]
    fn size(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn sign_of(self) -> Self {
        // Not `f32::signum`, which is 1 for 0.
        f32::from(self > 0.0) - f32::from(self < 0.0)
    }

    #[inline(always)]
    fn within(self, limit: f32) -> Self {
        self.clamp(-limit, limit)
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

    fn power(self, exponent: f32) -> Self {
        self.powf_scalar(exponent)
    }

    fn size(self) -> Self {
        self.abs()
    }

    fn sign_of(self) -> Self {
        self.sign()
    }

    fn within(self, limit: f32) -> Self {
        self.clamp(-limit, limit)
    }
}

/// A rule that does the same to each value, from the value, its gradient and its slots alone.
pub trait ElementRule {
    /// What is the same for all values of a step.
    type Constants;

    /// Worked out once a step.
    fn constants(&self, step: &Step<'_>) -> Self::Constants;

    /// The new value; `slots` are changed in place.
    fn apply<E: Elementwise>(
        &self,
        constants: &Self::Constants,
        weight: E,
        gradient: E,
        slots: &mut [E],
    ) -> E;
}

impl<R: ElementRule> ValueRule for R {
    fn update_values(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>],
        step: &Step<'_>,
    ) {
        update_slices(self, &self.constants(step), weight, gradient, slots);
    }
}

/// A rule's step on tensors, after a share `decay` of the weight is taken away.
pub(super) fn update_tensors<R: ElementRule>(
    rule: &R,
    step: &Step<'_>,
    decay: f32,
    weight: Tensor<1>,
    gradient: Tensor<1>,
    slots: &mut [Tensor<1>],
) -> Tensor<1> {
    fn apply<R: ElementRule, E: Elementwise>(
        rule: &R,
        constants: &R::Constants,
        decay: f32,
        (weight, gradient): (E, E),
        slots: &mut [E],
    ) -> E {
        let weight = if decay == 0.0 {
            weight
        } else {
            weight.clone() - weight.scale(decay)
        };
        rule.apply(constants, weight, gradient, slots)
    }
    let constants = rule.constants(step);
    #[cfg(feature = "cube")]
    if let Some(updated) = super::one_launch::step(&weight, &gradient, slots, |w, g, s| {
        apply(rule, &constants, decay, (w, g), s)
    }) {
        return updated;
    }
    apply(rule, &constants, decay, (weight, gradient), slots)
}

/// A rule over slices in one pass, with the number of slots known to the compiler.
fn update_slices<R: ElementRule>(
    rule: &R,
    constants: &R::Constants,
    weight: &mut [f32],
    gradient: &[f32],
    slots: &mut [Vec<f32>],
) {
    fn pass<R: ElementRule, const S: usize>(
        rule: &R,
        constants: &R::Constants,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>; S],
    ) {
        // One length for all, known before the loop: nothing is checked inside, and the compiler takes several
        // values at a time.
        let lengths = slots.iter().map(Vec::len);
        let count = lengths.fold(weight.len().min(gradient.len()), usize::min);
        let (weight, gradient) = (&mut weight[..count], &gradient[..count]);
        let slots = slots.each_mut().map(|s| &mut s[..count]);
        for i in 0..count {
            let mut values: [f32; S] = std::array::from_fn(|s| slots[s][i]);
            weight[i] = rule.apply(constants, weight[i], gradient[i], &mut values);
            for s in 0..S {
                slots[s][i] = values[s];
            }
        }
    }
    /// For rules with more slots than the compiler is told of.
    fn pass_any<R: ElementRule>(
        rule: &R,
        constants: &R::Constants,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>],
    ) {
        let mut values = vec![0.0; slots.len()];
        for (i, (w, g)) in weight.iter_mut().zip(gradient).enumerate() {
            for (value, slot) in values.iter_mut().zip(slots.iter()) {
                *value = slot.get(i).copied().unwrap_or_default();
            }
            *w = rule.apply(constants, *w, *g, &mut values);
            for (value, slot) in values.iter().zip(slots.iter_mut()) {
                if let Some(place) = slot.get_mut(i) {
                    *place = *value;
                }
            }
        }
    }
    macro_rules! by_count {
        ($($count:literal),+) => {
            match slots.len() {
                $($count => {
                    if let Ok(slots) = <&mut [Vec<f32>; $count]>::try_from(slots) {
                        pass::<R, $count>(rule, constants, weight, gradient, slots);
                    }
                })+
                _ => pass_any(rule, constants, weight, gradient, slots),
            }
        };
    }
    by_count!(0, 1, 2, 3);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds the gradient to the first slot, that slot to the second, and so on; the last one goes to the weight.
    struct Chain;

    impl ElementRule for Chain {
        type Constants = ();

        fn constants(&self, _: &Step<'_>) {}

        fn apply<E: Elementwise>(&self, _: &(), weight: E, gradient: E, slots: &mut [E]) -> E {
            let mut carry = gradient;
            for slot in slots {
                *slot = slot.clone() + carry;
                carry = slot.clone();
            }
            weight + carry
        }
    }

    #[test]
    fn a_rule_may_have_any_number_of_slots() {
        for count in 0..6 {
            let mut slots = vec![vec![1.0, 2.0]; count];
            let mut weight = [10.0, 20.0];
            update_slices(&Chain, &(), &mut weight, &[0.5, 0.25], &mut slots);
            let added = count as f32;
            assert_eq!(weight, [10.5 + added, 20.25 + 2.0 * added]);
            assert!(
                slots
                    .last()
                    .is_none_or(|s| *s == [0.5 + added, 0.25 + 2.0 * added])
            );
        }
    }
}
