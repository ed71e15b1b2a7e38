//! Adaptive steps that remember a row and a column in place of a matrix.

use burn::tensor::Tensor;

use super::rule::{rule_basics, rule_struct};
use super::{Rule, Slot, Step};

rule_struct! {
    /// Adafactor (Shazeer and Stern, 2018; `keras/src/optimizers/adafactor.py`).
    ///
    /// ```text
    /// rho = min(lr, 1 / sqrt(t));  alpha = max(epsilon_2, rms(w)) rho;  beta = 1 - t^beta_2_decay
    /// with two axes or more, over the last two:
    ///     r = beta r + (1 - beta) row means of (g² + epsilon_1);  c the same over columns;  v = r c / mean(r)
    /// else v = beta v + (1 - beta)(g² + epsilon_1)
    /// u = g / sqrt(v);  w = w - alpha u / max(1, rms(u) / clip_threshold)
    /// ```
    pub struct Adafactor(0.001) {
        /// The exponent by which the running means forget, below 0.
        beta_2_decay: f32 = -0.8,
        /// What keeps the squared gradients above 0.
        epsilon_1: f32 = 1e-30,
        /// The size that a weight has at least when its step is measured by it.
        epsilon_2: f32 = 1e-3,
        /// The root mean square that a step has at most, before the learning rate.
        clip_threshold: f32 = 1.0,
        /// Whether the learning rate is held under `1 / sqrt(t)`. The formula does that anyway, in Keras too.
        relative_step: bool = true,
    }
}

/// The last two axes, and how many matrices the others make.
fn matrices(shape: &[usize]) -> Option<[usize; 3]> {
    match shape {
        [front @ .., rows, columns] => Some([front.iter().product(), *rows, *columns]),
        _ => None,
    }
}

fn rms(values: &Tensor<1>) -> Tensor<1> {
    (values.clone() * values.clone()).mean().sqrt()
}

impl Rule for Adafactor {
    rule_basics!("Adafactor");

    fn slots(&self, shape: &[usize], _path: &str) -> Vec<Slot> {
        let (rows, columns) = match shape {
            [front @ .., rows, columns] => {
                ([front, &[*rows]].concat(), [front, &[*columns]].concat())
            }
            // Keras keeps two unused numbers for a vector, and counts them in its files.
            _ => (vec![], vec![]),
        };
        vec![
            Slot::like("r", &rows),
            Slot::like("c", &columns),
            Slot::like("velocity", shape),
        ]
    }

    fn update(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        step: &Step<'_>,
    ) -> Tensor<1> {
        let [r, c, v] = slots else {
            return weight;
        };
        let number = step.number as f32;
        let rho = step.learning_rate.min(1.0 / number.sqrt());
        let alpha = rms(&weight).clamp_min(self.epsilon_2) * rho;
        let beta = 1.0 - number.powf(self.beta_2_decay);
        let squares = gradient.clone() * gradient.clone() + self.epsilon_1;
        let count = weight.dims()[0];
        *v = match matrices(step.shape) {
            Some([n, rows, columns]) => {
                let squares: Tensor<3> = squares.reshape([n, rows, columns]);
                let of_rows = squares.clone().mean_dim(2).reshape([n * rows]);
                let of_columns = squares.mean_dim(1).reshape([n * columns]);
                *r = r.clone() * beta + of_rows * (1.0 - beta);
                *c = c.clone() * beta + of_columns * (1.0 - beta);
                let by_row: Tensor<3> = r.clone().reshape([n, rows, 1]);
                let by_row = by_row.clone() / by_row.mean_dim(1);
                let by_column: Tensor<3> = c.clone().reshape([n, 1, columns]);
                (by_row * by_column).reshape([count])
            }
            None => v.clone() * beta + squares * (1.0 - beta),
        };
        let movement = gradient / v.clone().sqrt();
        let shrink = (rms(&movement) / self.clip_threshold).clamp_min(1.0);
        weight - movement / shrink * alpha
    }
}
