//! Randomly silenced values while training.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::{Context, Layer, LayerOptions, Packed, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Sets each value to 0 with probability `rate` while training and scales the others by `1 / (1 - rate)`; does nothing
/// when predicting.
///
/// Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014).
#[derive(Module, Debug)]
pub struct Dropout {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    rate: f32,
    #[module(skip)]
    seed: Option<u64>,
}

impl Dropout {
    /// The layer for a rate between 0 (nothing is silenced) and 1 (everything is).
    ///
    /// Another rate is reported by `add` or `call`.
    pub fn new(rate: f32) -> Self {
        let mut options = LayerOptions::default();
        let valid = if (0.0..=1.0).contains(&rate) {
            Ok(rate)
        } else {
            Err(Error::argument(
                "",
                "",
                format!("is {rate}; it must lie between 0 and 1"),
            ))
        };
        let rate = options.accept("rate", valid).unwrap_or_default();
        Self {
            options,
            rate,
            seed: None,
        }
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
        if let Some(shape) = config.get("noise_shape") {
            return Err(Error::config(
                config.place(),
                format!("`noise_shape` {shape} is not supported; leave it out"),
            ));
        }
        let mut layer = Self::new(config.f32_or("rate", 0.0)?);
        layer.seed = config.seed()?;
        Ok(layer)
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
        Ok(vec![only(inputs)?.clone()])
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x = only(inputs)?;
        if !context.is_training() || self.rate == 0.0 {
            return Ok(vec![x.clone()]);
        }
        let shape = x.shape();
        let mask = context.dropout_mask(&shape, self.rate, self.seed, &x.device())?;
        let y = x.float_flat()? * mask.float_flat()?;
        Ok(vec![AnyTensor::from_flat(y, &shape)?])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(Some(Packed::Nothing))
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("rate".to_string(), json!(self.rate)),
            ("seed".to_string(), json!(self.seed)),
            ("noise_shape".to_string(), Value::Null),
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
