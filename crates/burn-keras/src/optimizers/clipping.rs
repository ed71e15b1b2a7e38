//! Keeping gradients small.

use burn::tensor::Tensor;

use super::state::Change;

/// How gradients are kept small; Keras allows one way at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Clipping {
    None,
    /// Each weight's gradient scaled to at most this norm.
    Norm(f32),
    /// Each value held within plus and minus this.
    Value(f32),
    /// All gradients together scaled to at most this norm.
    GlobalNorm(f32),
}

impl Clipping {
    /// Clips gradients as `keras/src/optimizers/base_optimizer.py` does.
    pub fn clip(self, gradients: &mut [Change]) {
        let norm = |squares: Tensor<1>| squares.sqrt();
        match self {
            Clipping::None => {}
            Clipping::Value(value) => {
                for change in gradients {
                    change.gradient = change.gradient.clone().clamp(-value, value);
                }
            }
            Clipping::Norm(limit) => {
                for change in gradients {
                    let length = norm(squared_length(&change.gradient));
                    change.gradient =
                        change.gradient.clone() * (length.clamp_min(limit).recip() * limit);
                }
            }
            Clipping::GlobalNorm(limit) => {
                let squares = gradients
                    .iter()
                    .map(|c| squared_length(&c.gradient))
                    .reduce(|a, b| a + b);
                let Some(squares) = squares else { return };
                // Not finite, the factor is not either: all gradients become NaN, as in Keras.
                let factor = (norm(squares).recip() * limit).clamp_max(1.0);
                for change in gradients {
                    change.gradient = change.gradient.clone() * factor.clone();
                }
            }
        }
    }
}

fn squared_length(gradient: &Tensor<1>) -> Tensor<1> {
    (gradient.clone() * gradient.clone()).sum()
}
