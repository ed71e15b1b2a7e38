//! Randomly silenced values while training.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::{Context, Layer, LayerOptions, Packed, describe, only};
use crate::config::Config;
use crate::dims::{Dims, IntoDims};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Sets each value to 0 with probability `rate` while training and scales the others by `1 / (1 - rate)`; does nothing
/// when predicting.
///
/// Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014).
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).input_shape([8, 16]))?;
/// model.add(Dropout::new(0.2))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Dropout {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    rate: f32,
    #[module(skip)]
    noise_shape: Option<Dims>,
    #[module(skip)]
    seed: Option<u64>,
}

/// A rate within 0 and 1; another is remembered as the layer's problem.
pub(super) fn check_rate(options: &mut LayerOptions, argument: &str, rate: f32) -> f32 {
    let valid = if (0.0..=1.0).contains(&rate) {
        Ok(rate)
    } else {
        let problem = format!("is {rate}; it must lie between 0 and 1");
        Err(Error::argument("", "", problem))
    };
    options.accept(argument, valid).unwrap_or_default()
}

impl Dropout {
    /// The layer for a rate between 0 (nothing is silenced) and 1 (everything is).
    ///
    /// Another rate is reported by `add` or `call`.
    pub fn new(rate: f32) -> Self {
        let mut options = LayerOptions::default();
        let rate = check_rate(&mut options, "rate", rate);
        Self {
            options,
            rate,
            noise_shape: None,
            seed: None,
        }
    }

    /// The shape of the mask, batch axis included: along an axis of 1 all values share one draw, `None` is the input's
    /// size.
    ///
    /// `.noise_shape((None, 1, None))` silences whole features of a sequence, at all timesteps.
    pub fn noise_shape(mut self, noise_shape: impl IntoDims) -> Self {
        let shape = noise_shape.into_dims();
        let valid = if shape.axes().contains(&Some(0)) {
            let problem = format!("is {shape}; every axis must be at least 1");
            Err(Error::argument("", "", problem))
        } else {
            Ok(shape)
        };
        self.noise_shape = self.options.accept("noise_shape", valid);
        self
    }

    /// Seeds this layer's masks by themselves, apart from the seed of `fit`.
    ///
    /// The same seed and the same step of training give the same mask.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut layer = Self::new(config.f32_or("rate", 0.0)?);
        if let Some(shape) = config.opt_dims("noise_shape")? {
            layer = layer.noise_shape(shape);
        }
        layer.seed = config.seed()?;
        Ok(layer)
    }

    /// The shape of the mask for an input.
    fn mask_shape(&self, input: &Dims) -> Result<Dims> {
        let Some(noise) = &self.noise_shape else {
            return Ok(input.clone());
        };
        let merged = noise.axes().iter().zip(input.axes());
        let fits = noise.rank() == input.rank()
            && merged.clone().all(|(n, size)| match (n, size) {
                (None | Some(1), _) | (_, None) => true,
                (Some(n), Some(size)) => n == size,
            });
        if !fits {
            return Err(Error::argument(
                describe(self),
                "noise_shape",
                format!(
                    "is {noise}; for inputs {input} each axis must be 1, the input's size or `None`"
                ),
            ));
        }
        let axes: Vec<_> = merged.map(|(n, size)| n.or(*size)).collect();
        Ok(Dims::new(axes))
    }
}

impl Layer for Dropout {
    fn class_name(&self) -> &str {
        "Dropout"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        self.mask_shape(dims)?;
        Ok(vec![dims.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        if !context.is_training() || self.rate == 0.0 {
            return Ok(vec![x.clone()]);
        }
        let Some(shape) = self.mask_shape(&x.dims())?.to_known() else {
            return Err(Error::tensor(
                describe(self),
                "got a shape that is not known",
            ));
        };
        let mask = context.dropout_mask(&shape, self.rate, self.seed, &x.device())?;
        Ok(vec![x.zip(&mask, |x, mask| x * mask)?])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(Some(Packed::Nothing))
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("rate".to_string(), json!(self.rate)),
            ("seed".to_string(), json!(self.seed)),
            (
                "noise_shape".to_string(),
                json!(self.noise_shape.as_ref().map(|s| s.axes().to_vec())),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;
    use crate::random::Generator;

    #[test]
    fn training_scales_what_is_kept_and_prediction_changes_nothing() -> Result<()> {
        let device = default_device()?;
        let x = AnyTensor::from_f32(vec![1.0; 10_000], &[100, 100], &device)?;
        let layer = Dropout::new(0.4);
        let same = layer.forward(std::slice::from_ref(&x), &mut Context::inference())?;
        assert_eq!(same[0].to_vec()?, x.to_vec()?);
        let mut training = Context::training(Generator::new(1));
        let y = layer.forward(&[x], &mut training)?[0].to_vec()?;
        assert!(y.iter().all(|v| *v == 0.0 || (*v - 1.0 / 0.6).abs() < 1e-6));
        let kept = y.iter().filter(|v| **v > 0.0).count();
        assert!((5800..6200).contains(&kept), "{kept}");
        Ok(())
    }

    #[test]
    fn a_rate_over_1_is_reported_with_the_layer_and_the_argument() {
        let text =
            crate::layers::LayerExt::call(&Dropout::new(1.5), &crate::models::Input::new([3]))
                .unwrap_err()
                .to_string();
        assert_eq!(text, "Dropout: rate is 1.5; it must lie between 0 and 1");
    }
}
