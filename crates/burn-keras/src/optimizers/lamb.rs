//! Adam with steps as long as the weight they change.

use burn::tensor::Tensor;

use super::adam::{adam_slots, moments};
use super::rule::{rule_basics, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// LAMB (You et al., 2020; `keras/src/optimizers/lamb.py`).
    ///
    /// ```text
    /// m and v as in Adam;  r = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
    /// w = w - lr r |w| / |r|          (the quotient of the norms is 1 where either is 0)
    /// ```
    #[doc(alias = "LAMB")]
    pub struct Lamb(0.001) {
        /// How much of the running mean of gradients is kept each step.
        beta_1: f32 = 0.9,
        /// How much of the running mean of squared gradients is kept each step.
        beta_2: f32 = 0.999,
        /// What keeps the division finite; it is added to the root.
        epsilon: f32 = 1e-7,
    }
}

impl Rule for Lamb {
    rule_basics!("Lamb");

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        adam_slots(shape, false)
    }

    fn update(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        step: &Step<'_>,
    ) -> Tensor<1> {
        let [momentum, velocity] = slots else {
            return weight;
        };
        let (m, v) = moments(momentum, velocity, &gradient, self.beta_1, self.beta_2);
        let step_number = step.number as f32;
        let m = m / (1.0 - self.beta_1.powf(step_number));
        let v = v / (1.0 - self.beta_2.powf(step_number));
        let direction = m / (v.sqrt() + self.epsilon);
        let norm = |x: &Tensor<1>| (x.clone() * x.clone()).sum().sqrt();
        let (of_weight, of_direction) = (norm(&weight), norm(&direction));
        let either_zero = (of_weight.clone() * of_direction.clone()).lower_equal_elem(0.0);
        let ratio = (of_weight / of_direction).mask_fill(either_zero, 1.0);
        weight - direction * ratio * step.learning_rate
    }
}
