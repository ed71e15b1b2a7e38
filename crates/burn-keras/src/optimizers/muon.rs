//! Momentum made orthogonal.

use burn::tensor::Tensor;

use super::adam::AdamConstants;
use super::rule::{rule_basics, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// Muon (Jordan et al., 2024; `keras/src/optimizers/muon.py`): matrices move along the orthogonal matrix nearest to
    /// their momentum, everything else as under [`Adam`](super::Adam).
    ///
    /// ```text
    /// m = momentum m + g;  u = g + momentum m          (without nesterov: u = m)
    /// x = u / |u|;  ns_steps times:  A = x xᵀ;  x = a x + (b A + c A²) x          (transposed if taller than wide)
    /// w = w - lr x sqrt(max(rows, columns)) rms_rate
    /// ```
    ///
    /// Vectors, weights with three axes or more, embeddings and what `exclude_layers` names go to Adam.
    pub struct Muon(0.001) {
        /// The share of each matrix, times the learning rate, that is taken away before each step.
        weight_decay: Option<f32> = Some(0.004),
        /// Adam's beta 1 for what is no matrix.
        adam_beta_1: f32 = 0.9,
        /// Adam's beta 2 for what is no matrix.
        adam_beta_2: f32 = 0.999,
        /// Adam's epsilon.
        epsilon: f32 = 1e-7,
        /// Texts that keep a weight from Muon when they stand in its path. Keras takes regular expressions here; only
        /// plain text is supported.
        exclude_layers: Vec<String> = Vec::new(),
        /// The coefficient of `x` in the iteration.
        muon_a: f32 = 3.4445,
        /// The coefficient of `A x`.
        muon_b: f32 = -4.775,
        /// The coefficient of `A² x`.
        muon_c: f32 = 2.0315,
        /// The learning rate of Adam as a share of Muon's.
        adam_lr_ratio: f32 = 1.0,
        /// How much of the momentum is kept each step.
        momentum: f32 = 0.95,
        /// How many times the iteration runs.
        ns_steps: usize = 5,
        /// Whether momentum looks one step ahead.
        nesterov: bool = true,
        /// Whether embeddings go to Adam.
        exclude_embeddings: bool = true,
        /// The decay of what goes to Adam.
        adam_weight_decay: Option<f32> = Some(0.004),
        /// The size of a step's values; without it the step is not scaled by the matrix' size.
        rms_rate: Option<f32> = Some(0.2),
    }
}

impl Muon {
    fn goes_to_adam(&self, shape: &[usize], path: &str) -> bool {
        shape.len() != 2
            || (self.exclude_embeddings && path.to_lowercase().contains("embedding"))
            || self
                .exclude_layers
                .iter()
                .any(|text| path.contains(text.as_str()))
    }

    /// Nearly the orthogonal factor of `x`, by Newton and Schulz's iteration.
    fn orthogonal(&self, x: Tensor<2>) -> Tensor<2> {
        let [rows, columns] = x.dims();
        let tall = rows > columns;
        let x = if tall { x.transpose() } else { x };
        let norm = (x.clone() * x.clone()).sum().sqrt() + 1e-7;
        let mut x = x / norm.unsqueeze();
        for _ in 0..self.ns_steps {
            let a = x.clone().matmul(x.clone().transpose());
            let b = a.clone() * self.muon_b + (a.clone() * self.muon_c).matmul(a);
            x = x.clone() * self.muon_a + b.matmul(x);
        }
        if tall { x.transpose() } else { x }
    }
}

impl Rule for Muon {
    rule_basics!("Muon");

    fn slots(&self, shape: &[usize], path: &str) -> Vec<Slot> {
        let mut slots = vec![Slot::like("momentum", shape)];
        if self.goes_to_adam(shape, path) {
            slots.push(Slot::like("velocity", shape));
        }
        slots
    }

    fn update(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        step: &Step<'_>,
    ) -> Tensor<1> {
        let (momentum, &[rows, columns]) = match (&mut *slots, step.shape) {
            ([momentum], [_, _]) => {
                let Ok(shape) = <&[usize; 2]>::try_from(step.shape) else {
                    return weight;
                };
                (momentum, shape)
            }
            _ => {
                let betas = (self.adam_beta_1, self.adam_beta_2);
                let rate = step.learning_rate * self.adam_lr_ratio;
                let adam = AdamConstants::new(rate, betas, self.epsilon, step.number);
                return adam.apply(weight, gradient, slots);
            }
        };
        *momentum =
            momentum.clone() + (gradient.clone() + momentum.clone() * (self.momentum - 1.0));
        let direction = if self.nesterov {
            gradient + momentum.clone() * self.momentum
        } else {
            momentum.clone()
        };
        let size = self
            .rms_rate
            .map_or(1.0, |rate| (rows.max(columns) as f32).sqrt() * rate);
        let movement = self.orthogonal(direction.reshape([rows, columns]));
        weight - movement.reshape([rows * columns]) * step.learning_rate * size
    }

    fn weight_decay(&self, step: &Step<'_>, common: Option<f32>) -> Option<f32> {
        if self.goes_to_adam(step.shape, step.path) {
            self.adam_weight_decay
        } else {
            common.or(self.weight_decay)
        }
    }
}
