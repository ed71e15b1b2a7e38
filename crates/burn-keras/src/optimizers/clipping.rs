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
    /// The argument's name and value, where there is one.
    pub fn limit(&self) -> Option<(&'static str, f32)> {
        match *self {
            Self::None => None,
            Self::Norm(limit) => Some(("clipnorm", limit)),
            Self::Value(limit) => Some(("clipvalue", limit)),
            Self::GlobalNorm(limit) => Some(("global_clipnorm", limit)),
        }
    }

    /// The limit, if the argument has this name.
    pub fn named(&self, name: &str) -> Option<f32> {
        self.limit().filter(|(own, _)| *own == name).map(|l| l.1)
    }

    /// Clips gradients as `keras/src/optimizers/base_optimizer.py` does.
    pub fn clip(self, gradients: &mut [Change]) {
        match self {
            Self::None => {}
            Self::Value(value) => {
                for change in gradients {
                    change.gradient = change.gradient.clone().clamp(-value, value);
                }
            }
            Self::Norm(limit) => {
                for change in gradients {
                    let length = squared_length(&change.gradient).sqrt();
                    change.gradient =
                        change.gradient.clone() * (length.clamp_min(limit).recip() * limit);
                }
            }
            Self::GlobalNorm(limit) => {
                let squares = gradients
                    .iter()
                    .map(|c| squared_length(&c.gradient))
                    .reduce(|a, b| a + b);
                let Some(squares) = squares else { return };
                // Not finite, the factor is not either: all gradients become NaN, as in Keras.
                let factor = (squares.sqrt().recip() * limit).clamp_max(1.0);
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
