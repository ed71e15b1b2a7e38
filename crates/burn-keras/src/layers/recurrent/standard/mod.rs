//! The cells with a kernel, a recurrent kernel and a bias: what LSTM, GRU and SimpleRNN share.
//!
//! [`StandardCell`] holds weights and options; a [`Gates`] says how many gates there are and what is computed with them.

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use burn_recurrent::{Kind, Options};
use serde_json::{Map, Value};

use super::cell::{Cell, DropoutMasks};
use super::steps::{self, Run, Sequence};
use super::{LayerCell, Recurrent, RecurrentOptions};
use crate::config::Config;
use crate::layers::{Context, LayerOptions, Packed, WeightBuilder, WeightRule, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod bias;
mod packed;
mod setters;
mod settings;

pub use bias::Bias;
use setters::set_recurrent_activation;
pub use setters::{CellExt, Gated, Parts};
pub use settings::CellSettings;

/// The equations of a cell with a kernel, a recurrent kernel and a bias.
pub trait Gates: Clone + std::fmt::Debug + Default + Send + Sync + 'static {
    /// Keras' name of the cell, as `LSTMCell`.
    const CELL_CLASS: &'static str;
    /// The Rust name of the cell.
    const CELL_TYPE: &'static str;
    /// Keras' name of the layer, as `LSTM`.
    const LAYER_CLASS: &'static str;
    /// The Rust name of the layer.
    const LAYER_TYPE: &'static str;
    /// How many blocks of `units` columns the weights have.
    const COUNT: usize;
    /// What the states are called; the first is the output too.
    const STATES: &'static [&'static str];
    /// Whether it has a `recurrent_activation`.
    const GATED: bool;
    /// How [`Gates::run`] computes, for `summary`.
    const RUN_WORDS: &'static str = "Run step by step";

    /// Which of the fused operations computes it.
    fn kind(&self) -> Kind;

    /// Makes the bias, once kernel and recurrent kernel are made.
    ///
    /// # Errors
    ///
    /// Those of [`WeightBuilder::weight`].
    fn build_bias(&self, settings: &CellSettings, weights: &mut WeightBuilder<'_>) -> Result<Bias> {
        let width = Self::COUNT * settings.units;
        let bias = weights.weight([width], &settings.bias.initializer)?;
        Ok(Bias::Joint(bias))
    }

    /// The new states, from `x` `[batch, features]` and the states `[batch, units]`.
    fn step(
        &self,
        weights: &CellWeights,
        settings: &CellSettings,
        x: &Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Vec<Tensor<2>>;

    /// Runs the cell over a sequence by other means than the fused operation.
    ///
    /// # Errors
    ///
    /// Those of [`steps::run`].
    fn run(cell: &StandardCell<Self>, sequence: Sequence<'_>) -> Result<Run> {
        steps::run(cell, sequence)
    }

    /// Runs the fused operation.
    ///
    /// # Errors
    ///
    /// Those of `burn-recurrent`.
    fn run_fused(
        &self,
        x: Tensor<3>,
        weights: CellWeights,
        states: Option<Vec<Tensor<2>>>,
        options: &Options,
    ) -> burn_recurrent::Result<FusedRun>;

    /// Adds the keys that only this kind of cell has to a configuration.
    fn write(&self, config: &mut Map<String, Value>) {
        let _ = config;
    }

    /// Reads the same keys.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a value of the wrong type.
    fn read(config: &Config) -> Result<Self> {
        let _ = config;
        Ok(Self::default())
    }
}

/// The values of a cell's weights.
#[derive(Clone, Debug)]
pub struct CellWeights {
    /// `[features, gates * units]`
    pub kernel: Tensor<2>,
    /// `[units, gates * units]`
    pub recurrent_kernel: Tensor<2>,
    /// `[1 or 2, gates * units]`
    pub bias: Option<Tensor<2>>,
}

/// What a fused operation gives: all outputs or the last one, and the final states if they were asked for.
#[derive(Clone, Debug)]
pub struct FusedRun {
    /// `[batch, timesteps, units]`
    pub sequence: Option<Tensor<3>>,
    /// `[batch, units]`
    pub last: Option<Tensor<2>>,
    /// `[batch, units]` each
    pub states: Vec<Tensor<2>>,
}

/// A cell with a kernel, a recurrent kernel and a bias: [`LstmCell`](super::LstmCell), [`GruCell`](super::GruCell) and
/// [`SimpleRnnCell`](super::SimpleRnnCell) are this type with different equations.
#[derive(Module, Debug)]
pub struct StandardCell<K: Gates> {
    pub(super) kernel: Option<Param<Tensor<2>>>,
    pub(super) recurrent_kernel: Option<Param<Tensor<2>>>,
    pub(super) bias: Option<Bias>,
    #[module(skip)]
    pub(super) options: LayerOptions,
    #[module(skip)]
    pub(super) settings: CellSettings,
    #[module(skip)]
    pub(super) gates: K,
}

impl<K: Gates> StandardCell<K> {
    /// A cell with states of this size; 0 is reported by `add` or `call`.
    pub fn new(units: usize) -> Self {
        let mut options = LayerOptions::default();
        options.set_automatic_name(keras_format::naming::snake_case(K::CELL_CLASS));
        let units = options.at_least_1("units", units);
        Self {
            kernel: None,
            recurrent_kernel: None,
            bias: None,
            options,
            settings: CellSettings::new(units),
            gates: K::default(),
        }
    }

    /// The size of its states.
    pub fn units(&self) -> usize {
        self.settings.units
    }

    /// What keeps the fused operations, which have tanh and sigmoid, from computing the cell; `None` when nothing does.
    fn other_activation(&self) -> Option<String> {
        let settings = &self.settings;
        let gates = K::GATED.then(|| settings.recurrent_activation.name());
        let refusal =
            burn_recurrent::activations::check(settings.activation.name(), gates).err()?;
        Some(refusal.to_string())
    }

    /// The values of its weights.
    pub(super) fn weights(&self) -> Result<CellWeights> {
        let (Some(kernel), Some(recurrent_kernel)) = (&self.kernel, &self.recurrent_kernel) else {
            return Err(Error::NotBuilt {
                needed_for: describe(self),
            });
        };
        Ok(CellWeights {
            kernel: kernel.val(),
            recurrent_kernel: recurrent_kernel.val(),
            bias: self.bias.as_ref().map(Bias::rows),
        })
    }
}

impl<K: Gates> Cell for StandardCell<K> {
    fn class_name(&self) -> &str {
        K::CELL_CLASS
    }

    fn type_name(&self) -> &str {
        K::CELL_TYPE
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn state_sizes(&self) -> Vec<usize> {
        vec![self.settings.units; K::STATES.len()]
    }

    fn state_names(&self) -> Vec<&'static str> {
        K::STATES.to_vec()
    }

    fn features(&self) -> Option<usize> {
        self.kernel.as_ref().map(|kernel| kernel.lazy_shape()[0])
    }

    fn build(&mut self, features: usize, weights: &mut WeightBuilder<'_>) -> Result<()> {
        let settings = &self.settings;
        let width = K::COUNT.saturating_mul(settings.units);
        let kernel = weights.weight([features, width], &settings.kernel.initializer)?;
        let recurrent = &settings.recurrent_kernel.initializer;
        let recurrent_kernel = weights.weight([settings.units, width], recurrent)?;
        self.bias = match settings.use_bias {
            true => Some(self.gates.build_bias(settings, weights)?),
            false => None,
        };
        self.kernel = Some(kernel);
        self.recurrent_kernel = Some(recurrent_kernel);
        Ok(())
    }

    fn draw_masks(
        &self,
        [batch, features]: [usize; 2],
        place: (&Device, DType),
        context: &mut Context,
    ) -> Result<DropoutMasks> {
        let settings = &self.settings;
        // As in Keras, recurrent dropout is what gives each gate its own masks (`keras/src/layers/rnn/lstm.py`).
        let copies = if settings.recurrent_dropout > 0.0 {
            K::COUNT
        } else {
            1
        };
        let mut draw = |rate: f32, size: usize| {
            let copies = if rate > 0.0 { copies } else { 0 };
            DropoutMasks::draw(copies, [batch, size], (rate, settings.seed), place, context)
        };
        Ok(DropoutMasks {
            input: draw(settings.dropout, features)?,
            recurrent: draw(settings.recurrent_dropout, settings.units)?,
            cells: Vec::new(),
        })
    }

    fn step(
        &self,
        x: Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>)> {
        let states = self
            .gates
            .step(&self.weights()?, &self.settings, &x, states, masks);
        let output = states
            .first()
            .cloned()
            .ok_or_else(|| Error::tensor(describe(self), "computed no state".to_string()))?;
        Ok((output, states))
    }

    fn run(&self, sequence: Sequence<'_>) -> Result<Run> {
        K::run(self, sequence)
    }

    fn run_words(&self) -> &'static str {
        K::RUN_WORDS
    }

    fn not_fused(&self, device: &Device, dtype: DType) -> Option<String> {
        self.other_activation().or_else(|| {
            let refusal = burn_recurrent::check_support(device, dtype).err()?;
            Some(refusal.to_string())
        })
    }

    fn largest_fused(&self, sizes: [usize; 3], training: bool) -> u64 {
        if self.other_activation().is_some() {
            return 0;
        }
        let settings = &self.settings;
        let gate_masks = training && settings.recurrent_dropout > 0.0;
        let kind = self.gates.kind();
        burn_recurrent::largest_buffer(kind, sizes, settings.units, training, gate_masks) as u64
    }

    fn run_fused(&self, sequence: Sequence<'_>) -> Result<Run> {
        let Sequence {
            x,
            states,
            mask,
            dropout,
            options,
        } = sequence;
        if let Some(reason) = self.not_fused(&x.device(), x.dtype()) {
            return Err(Error::argument(
                K::LAYER_TYPE,
                "implementation",
                format!("Fused cannot be used: {reason}"),
            ));
        }
        let stacked =
            |masks: Vec<Tensor<2>>| (!masks.is_empty()).then(|| Tensor::stack::<3>(masks, 0));
        let fused = Options {
            return_sequences: options.return_sequences,
            return_state: options.return_state || options.stateful,
            reverse: options.go_backwards,
            // Keras' outputs stay in the order in which they were computed.
            restore_order: false,
            mask,
            zero_output_for_mask: options.zero_output_for_mask,
            input_dropout: stacked(dropout.input),
            recurrent_dropout: stacked(dropout.recurrent),
        };
        let refused = |e: burn_recurrent::Error| Error::tensor(K::LAYER_TYPE, e.to_string());
        let run = self
            .gates
            .run_fused(x, self.weights()?, states, &fused)
            .map_err(refused)?;
        let output = match (run.sequence, run.last) {
            (Some(sequence), _) => AnyTensor::from(sequence),
            (None, Some(last)) => AnyTensor::from(last),
            (None, None) => {
                return Err(Error::tensor(
                    K::LAYER_TYPE,
                    "the fused operation returned no output",
                ));
            }
        };
        Ok(Run {
            output,
            states: run.states,
        })
    }

    fn config(&self) -> Map<String, Value> {
        let mut config = Map::new();
        self.write(&mut config);
        config
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        self.settings.rules()
    }
}

impl<K: Gates> LayerCell for StandardCell<K> {
    const LAYER_CLASS: &'static str = K::LAYER_CLASS;
    const LAYER_TYPE: &'static str = K::LAYER_TYPE;

    fn write_into_layer(&self, config: &mut Map<String, Value>) {
        self.write(config);
    }

    fn packed(&self, options: &RecurrentOptions) -> Result<Option<Packed>> {
        self.pack(options)
    }
}

impl<K: Gates> Recurrent<StandardCell<K>> {
    /// A layer with states of this size; 0 is reported by `add` or `call`.
    pub fn new(units: usize) -> Self {
        let mut options = LayerOptions::default();
        let units = options.at_least_1("units", units);
        Self {
            options,
            ..Self::around(StandardCell::new(units))
        }
    }

    /// The size of its states.
    pub fn units(&self) -> usize {
        self.cell.units()
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut layer = Self::around(StandardCell::from_config(config)?);
        layer.recurrent = RecurrentOptions::read(config)?;
        Ok(layer)
    }
}
