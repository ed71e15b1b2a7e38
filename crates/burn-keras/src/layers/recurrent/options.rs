//! What all recurrent layers can be told, whatever their cell.

use serde_json::{Map, Value, json};

use crate::Result;
use crate::config::Config;
use crate::dims::Dims;

/// How a recurrent layer computes. All ways give the same numbers.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).implementation(Implementation::Burn).input_shape([8, 16]))?;
/// assert!(!model.summary().to_string().contains("Run fused"));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Implementation {
    /// The fastest that applies; `summary` says which one that is.
    #[default]
    Auto,
    /// One operation over the whole sequence, by the crate `burn-recurrent`: on `flex` and `ndarray`, with tanh and
    /// sigmoid.
    Fused,
    /// burn's own module or operations, on any backend and with any activation.
    Burn,
}

/// What Keras' recurrent layers have in common, whatever their cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecurrentOptions {
    /// Whether the outputs of all steps come out, instead of the last one's only.
    pub return_sequences: bool,
    /// Whether the final states come out too.
    pub return_state: bool,
    /// Whether the sequence is read from its end; outputs come in the order in which they were computed.
    pub go_backwards: bool,
    /// Whether the states after one batch are the initial states of the next.
    pub stateful: bool,
    /// Every loop here is unrolled by nature. What remains of the option is what Keras on JAX then puts out at masked
    /// steps before the first counted one: zeros, and not the initial state.
    pub unroll: bool,
    /// Whether masked steps put out zeros instead of the output before them.
    pub zero_output_for_mask: bool,
    /// Which implementation computes; no part of Keras' configuration.
    pub implementation: Implementation,
}

impl RecurrentOptions {
    /// Adds the options to a Keras configuration.
    pub fn write(&self, config: &mut Map<String, Value>) {
        for (key, value) in [
            ("return_sequences", self.return_sequences),
            ("return_state", self.return_state),
            ("go_backwards", self.go_backwards),
            ("stateful", self.stateful),
            ("unroll", self.unroll),
            ("zero_output_for_mask", self.zero_output_for_mask),
        ] {
            config.insert(key.into(), json!(value));
        }
    }

    /// Reads the options from a Keras configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) for a value of the wrong type.
    pub fn read(config: &Config) -> Result<Self> {
        config.must_be_neutral(&["time_major"])?;
        Ok(Self {
            return_sequences: config.bool_or("return_sequences", false)?,
            return_state: config.bool_or("return_state", false)?,
            go_backwards: config.bool_or("go_backwards", false)?,
            stateful: config.bool_or("stateful", false)?,
            unroll: config.bool_or("unroll", false)?,
            zero_output_for_mask: config.bool_or("zero_output_for_mask", false)?,
            implementation: Implementation::Auto,
        })
    }

    /// The output shapes of a layer with outputs and states of these sizes.
    pub fn output_dims(&self, input: &Dims, output: usize, states: &[usize]) -> Vec<Dims> {
        let batch = input.axis(0);
        let output = if self.return_sequences {
            Dims::new([batch, input.axis(1), Some(output)])
        } else {
            Dims::new([batch, Some(output)])
        };
        let mut all = vec![output];
        if self.return_state {
            all.extend(states.iter().map(|size| Dims::new([batch, Some(*size)])));
        }
        all
    }
}
