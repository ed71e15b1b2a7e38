//! An activation function as a layer of its own.

use burn::module::Module;
use serde_json::{Map, Value, json};

use super::{Context, Layer, LayerOptions, Packed, describe, only};
use crate::Result;
use crate::activations::{Activation as Function, IntoActivation};
use crate::config::Config;
use crate::dims::Dims;
use crate::tensor::AnyTensor;

/// Applies an activation function to its input, of any shape: Keras' `Activation`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(4).input_shape([3]))?;
/// model.add(Activation::new("relu"))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 4)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Activation {
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    function: Function,
}

impl Activation {
    /// The layer for a function's name, as `"relu"`, or for an [`activations::Activation`](Function).
    ///
    /// A name that does not exist is reported by `add` or `call`.
    pub fn new(function: impl IntoActivation) -> Self {
        let mut options = LayerOptions::default();
        let function = options.accept("activation", function.into_activation());
        Self {
            options,
            function: function.unwrap_or(Function::Linear),
        }
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self::new(
            config.activation("activation", Function::Linear)?,
        ))
    }
}

impl Layer for Activation {
    fn class_name(&self) -> &str {
        "Activation"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let dims = only(inputs)?;
        if let Some(last) = dims.last() {
            self.function.check_size(&describe(self), last)?;
        }
        Ok(vec![dims.with_last(
            dims.last().map(|n| self.function.output_size(n)),
        )])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        Ok(vec![self.function.apply(only(inputs)?)?])
    }

    fn packed(&self) -> Result<Option<Packed>> {
        Ok(
            burn_recurrent::packed::Activation::by_name(self.function.name())
                .map(Packed::Activation),
        )
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("activation".to_string(), json!(self.function.name()))])
    }
}
