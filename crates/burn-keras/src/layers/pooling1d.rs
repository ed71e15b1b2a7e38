//! The largest or the mean value of windows of timesteps.

use burn::module::Module;
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{Tensor, module};
use serde_json::{Map, Value, json};

use super::basics::layer_basics;
use super::windows::{IntoPadding, Padding, Windows};
use super::{Context, Layer, LayerOptions, MaskPolicy, describe, only};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// One pooling layer: its documentation, its names, and what it does with `[batch, features, timesteps]`.
macro_rules! pooling_layer {
    ($(#[$doc:meta])* $name:ident, $class:literal, $type:literal, |$x:ident, $windows:ident, $ends:ident| $pool:expr) => {
        $(#[$doc])*
        #[doc(alias = $class)]
        #[derive(Module, Debug)]
        pub struct $name {
            #[module(skip)]
            options: LayerOptions,
            #[module(skip)]
            windows: Windows,
        }

        impl $name {
            /// The layer for windows of `pool_size` steps, one behind the other; 0 is reported by `add` or `call`.
            pub fn new(pool_size: usize) -> Self {
                let mut options = LayerOptions::default();
                let size = options.at_least_1("pool_size", pool_size);
                Self {
                    options,
                    windows: Windows {
                        size,
                        strides: size,
                        dilation: 1,
                        padding: Padding::Valid,
                    },
                }
            }

            /// How many steps lie between the beginnings of two windows (`pool_size`).
            pub fn strides(mut self, strides: usize) -> Self {
                self.windows.strides = self.options.at_least_1("strides", strides);
                self
            }

            /// What happens at the ends: `"valid"` (the default) or `"same"`.
            pub fn padding(mut self, padding: impl IntoPadding) -> Self {
                let found = padding.into_padding().and_then(not_causal);
                if let Some(found) = self.options.accept("padding", found) {
                    self.windows.padding = found;
                }
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
                let size = config.size_or("pool_size", 2)?;
                Ok(Self::new(size)
                    .strides(config.size_or("strides", size)?)
                    .padding(Windows::read_padding(config)?))
            }
        }

        impl Layer for $name {
            layer_basics!($class, $type);

            fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
                let dims = only(inputs)?;
                Ok(vec![self.windows.output_dims(&describe(self), dims, dims.last())?])
            }

            fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
                let x: Tensor<3> = only(inputs)?.float()?;
                let steps = x.dims()[1];
                self.windows.count(&describe(self), steps)?;
                let ($x, $windows, $ends) = (x.swap_dims(1, 2), self.windows, self.windows.ends(steps));
                Ok(vec![AnyTensor::from($pool.swap_dims(1, 2))])
            }

            fn mask_policy(&self) -> MaskPolicy {
                MaskPolicy::Lose
            }

            fn config(&self) -> Map<String, Value> {
                Map::from_iter([
                    ("pool_size".to_string(), json!([self.windows.size])),
                    ("padding".to_string(), json!(self.windows.padding.name())),
                    ("strides".to_string(), json!([self.windows.strides])),
                    ("data_format".to_string(), json!("channels_last")),
                ])
            }
        }
    };
}

fn not_causal(padding: Padding) -> Result<Padding> {
    match padding {
        Padding::Causal => Err(Error::argument(
            "",
            "",
            "is \"causal\", which only convolutions have; use \"valid\" or \"same\"",
        )),
        other => Ok(other),
    }
}

pooling_layer! {
    /// The largest value of each feature in windows of timesteps: `[batch, timesteps, features]` becomes
    /// `[batch, windows, features]`.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(MaxPooling1d::new(2).input_shape([8, 16]))?;
    /// assert_eq!(model.output_shape()?.to_string(), "(None, 4, 16)");
    /// # Ok::<(), Error>(())
    /// ```
    MaxPooling1d, "MaxPooling1D", "MaxPooling1d", |x, windows, ends| {
        let mut options = MaxPoolOptions::new([windows.size]).with_stride([windows.strides]);
        options.padding = [ends];
        module::max_pool1d(x, options)
    }
}

pooling_layer! {
    /// The mean of each feature over windows of timesteps: `[batch, timesteps, features]` becomes
    /// `[batch, windows, features]`.
    ///
    /// With `"same"` a window at an end counts only the steps that exist.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(AveragePooling1d::new(2).input_shape([8, 16]))?;
    /// assert_eq!(model.output_shape()?.to_string(), "(None, 4, 16)");
    /// # Ok::<(), Error>(())
    /// ```
    AveragePooling1d, "AveragePooling1D", "AveragePooling1d", |x, windows, ends| {
        let mut options = AvgPoolOptions::new([windows.size]).with_stride([windows.strides]);
        options.padding = [ends];
        options.count_include_pad = false;
        module::avg_pool1d(x, options)
    }
}
