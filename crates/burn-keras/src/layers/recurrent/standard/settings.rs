//! What a cell with gates can be told, and Keras' words for it.

use serde_json::{Map, Value, json};

use super::{CellExt, Gates, StandardCell};
use crate::Result;
use crate::activations::Activation;
use crate::config::Config;
use crate::initializers::Initializer;
use crate::layers::{WeightOptions, WeightRule};

/// The options of the cells with `kernel`, `recurrent_kernel` and `bias`.
#[derive(Clone, Debug)]
pub struct CellSettings {
    /// The size of the output and of each state.
    pub units: usize,
    /// The function of the candidate (and of the output, in LSTM).
    pub activation: Activation,
    /// The function of the gates, in cells that have some.
    pub recurrent_activation: Activation,
    /// Whether there is a bias.
    pub use_bias: bool,
    /// The weights of the input.
    pub kernel: WeightOptions,
    /// The weights of the state.
    pub recurrent_kernel: WeightOptions,
    /// The bias.
    pub bias: WeightOptions,
    /// The share of the input's features that is dropped while training.
    pub dropout: f32,
    /// The share of the state's units that is dropped in the recurrent products while training.
    pub recurrent_dropout: f32,
    /// Seeds the cell's dropout apart from the model's.
    pub seed: Option<u64>,
}

impl CellSettings {
    /// Keras' defaults.
    pub(super) fn new(units: usize) -> Self {
        Self {
            units,
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
            use_bias: true,
            kernel: WeightOptions::new(Initializer::glorot_uniform()),
            recurrent_kernel: WeightOptions::new(Initializer::orthogonal()),
            bias: WeightOptions::new(Initializer::Zeros),
            dropout: 0.0,
            recurrent_dropout: 0.0,
            seed: None,
        }
    }

    /// Penalties and constraints of the weights.
    pub(super) fn rules(&self) -> Vec<WeightRule> {
        let rules = [
            self.kernel.rule("kernel"),
            self.recurrent_kernel.rule("recurrent_kernel"),
            self.bias.rule("bias"),
        ];
        rules.into_iter().flatten().collect()
    }
}

impl<K: Gates> StandardCell<K> {
    /// Reads the cell's own keys of Keras' configuration; those of the layer around it are the same.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut cell = Self::new(config.usize("units")?)
            .activation(config.activation("activation", Activation::Tanh)?)
            .use_bias(config.bool_or("use_bias", true)?)
            .dropout(config.f32_or("dropout", 0.0)?)
            .recurrent_dropout(config.f32_or("recurrent_dropout", 0.0)?);
        if K::GATED {
            let found = config.activation("recurrent_activation", Activation::Sigmoid)?;
            super::set_recurrent_activation((&mut cell.options, &mut cell.settings), found);
        }
        let settings = &mut cell.settings;
        settings.kernel = WeightOptions::read(config, "kernel", Initializer::glorot_uniform())?;
        settings.recurrent_kernel =
            WeightOptions::read(config, "recurrent", Initializer::orthogonal())?;
        settings.bias = WeightOptions::read(config, "bias", Initializer::Zeros)?;
        settings.seed = config.seed()?;
        cell.gates = K::read(config)?;
        Ok(cell)
    }

    /// Adds the same keys to a configuration.
    pub(super) fn write(&self, config: &mut Map<String, Value>) {
        let settings = &self.settings;
        config.insert("units".into(), json!(settings.units));
        config.insert("activation".into(), json!(settings.activation.name()));
        if K::GATED {
            config.insert(
                "recurrent_activation".into(),
                json!(settings.recurrent_activation.name()),
            );
        }
        config.insert("use_bias".into(), json!(settings.use_bias));
        settings.kernel.write("kernel", config);
        settings.recurrent_kernel.write("recurrent", config);
        settings.bias.write("bias", config);
        config.insert("dropout".into(), json!(settings.dropout));
        config.insert(
            "recurrent_dropout".into(),
            json!(settings.recurrent_dropout),
        );
        self.gates.write(config);
        config.insert("seed".into(), json!(settings.seed));
    }
}
