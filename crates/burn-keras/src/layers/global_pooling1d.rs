//! The largest or the mean value of each feature over all timesteps.

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::{Context, Layer, LayerOptions, MaskPolicy, check_three_axes, describe, only};
use crate::Result;
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;

/// One global pooling layer: its documentation, its names, what becomes of a mask, and how
/// `[batch, timesteps, features]` becomes `[batch, 1, features]`.
macro_rules! global_pooling_layer {
    ($(#[$doc:meta])* $name:ident, $class:literal, $type:literal, $policy:ident, |$input:ident, $x:ident| $pool:expr) => {
        $(#[$doc])*
        #[doc(alias = $class)]
        #[derive(Module, Debug)]
        pub struct $name {
            #[module(skip)]
            options: LayerOptions,
            #[module(skip)]
            keepdims: bool,
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $name {
            /// The layer.
            pub fn new() -> Self {
                Self {
                    options: LayerOptions::default(),
                    keepdims: false,
                }
            }

            /// Whether the timesteps stay as an axis of size 1: `[batch, 1, features]` (they do not by default).
            pub fn keepdims(mut self, keepdims: bool) -> Self {
                self.keepdims = keepdims;
                self
            }

            /// Reads the layer's own keys of Keras' configuration.
            ///
            /// # Errors
            ///
            /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not
            /// supported.
            pub fn from_config(config: &Config) -> Result<Self> {
                config.must_be_channels_last()?;
                Ok(Self::new().keepdims(config.bool_or("keepdims", false)?))
            }
        }

        impl Layer for $name {
            layer_basics!($class, $type);

            fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
                let dims = only(inputs)?;
                check_three_axes(&describe(self), dims)?;
                let (batch, features) = (dims.axis(0), dims.axis(2));
                Ok(vec![if self.keepdims {
                    Dims::new([batch, Some(1), features])
                } else {
                    Dims::new([batch, features])
                }])
            }

            fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
                let $input = only(inputs)?;
                let $x: Tensor<3> = $input.float()?;
                let [batch, _, features] = $x.dims();
                let y: Tensor<3> = $pool;
                Ok(vec![if self.keepdims {
                    y.into()
                } else {
                    y.reshape([batch, features]).into()
                }])
            }

            fn mask_policy(&self) -> MaskPolicy {
                MaskPolicy::$policy
            }

            fn config(&self) -> Map<String, Value> {
                Map::from_iter([
                    ("data_format".to_string(), json!("channels_last")),
                    ("keepdims".to_string(), json!(self.keepdims)),
                ])
            }
        }
    };
}

global_pooling_layer! {
    /// The largest value of each feature over all timesteps: `[batch, timesteps, features]` becomes `[batch, features]`.
    ///
    /// A mask is not looked at, as in Keras: steps left out count too.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(GlobalMaxPooling1d::new().input_shape([8, 16]))?;
    /// assert_eq!(model.output_shape()?.to_string(), "(None, 16)");
    /// # Ok::<(), Error>(())
    /// ```
    GlobalMaxPooling1d, "GlobalMaxPooling1D", "GlobalMaxPooling1d", Lose, |_input, x| x.max_dim(1)
}

global_pooling_layer! {
    /// The mean of each feature over all timesteps: `[batch, timesteps, features]` becomes `[batch, features]`.
    ///
    /// Steps that the input's mask leaves out do not count; a sample without any step is NaN, as in Keras.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Embedding::new(1000, 16).mask_zero(true).input_shape([31]))?;
    /// model.add(GlobalAveragePooling1d::new())?;
    /// assert_eq!(model.output_shape()?.to_string(), "(None, 16)");
    /// # Ok::<(), Error>(())
    /// ```
    GlobalAveragePooling1d, "GlobalAveragePooling1D", "GlobalAveragePooling1d", Consume, |input, x| {
        match input.mask() {
            None => x.mean_dim(1),
            Some(mask) => {
                let [batch, timesteps] = mask.dims();
                let counts = mask.clone().float().cast(x.dtype()).reshape([batch, timesteps, 1]);
                (x * counts.clone()).sum_dim(1) / counts.sum_dim(1)
            }
        }
    }
}
