//! Recurrent layers: they read `[batch, timesteps, features]` one step at a time and carry states from step to step.
//!
//! [`steps`] is the one loop that all of them run when they are not run as a single fused operation.

use serde_json::{Map, Value, json};

use crate::Result;
use crate::config::Config;
use crate::dims::Dims;
use crate::error::Error;

mod lstm;
pub mod steps;

pub use lstm::Lstm;

/// How a recurrent layer computes. All ways give the same numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Implementation {
    /// The fastest that applies; `summary` says which one that is.
    #[default]
    Auto,
    /// One operation over the whole sequence, by the crate `burn-recurrent`: on `flex` and `ndarray`, with tanh and
    /// sigmoid.
    Fused,
    /// burn's own module, on any backend and with any activation.
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
    /// Accepted for Keras' sake: every loop here is unrolled by nature.
    pub unroll: bool,
    /// Whether masked steps put out zeros instead of the output before them.
    pub zero_output_for_mask: bool,
}

impl RecurrentOptions {
    /// Adds the options to a Keras configuration.
    pub fn write(&self, config: &mut Map<String, Value>) {
        config.insert("return_sequences".into(), json!(self.return_sequences));
        config.insert("return_state".into(), json!(self.return_state));
        config.insert("go_backwards".into(), json!(self.go_backwards));
        config.insert("stateful".into(), json!(false));
        config.insert("unroll".into(), json!(self.unroll));
        config.insert(
            "zero_output_for_mask".into(),
            json!(self.zero_output_for_mask),
        );
    }

    /// Reads the options from a Keras configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a value of the wrong type, or `stateful`.
    pub fn read(config: &Config) -> Result<Self> {
        config.must_be_neutral(&["stateful", "time_major"])?;
        Ok(Self {
            return_sequences: config.bool_or("return_sequences", false)?,
            return_state: config.bool_or("return_state", false)?,
            go_backwards: config.bool_or("go_backwards", false)?,
            unroll: config.bool_or("unroll", false)?,
            zero_output_for_mask: config.bool_or("zero_output_for_mask", false)?,
        })
    }

    /// The output shapes of a layer with `units` outputs and states of these sizes.
    pub fn output_dims(&self, input: &Dims, units: usize, states: &[usize]) -> Vec<Dims> {
        let batch = input.axis(0);
        let output = if self.return_sequences {
            Dims::new([batch, input.axis(1), Some(units)])
        } else {
            Dims::new([batch, Some(units)])
        };
        let mut all = vec![output];
        if self.return_state {
            all.extend(states.iter().map(|size| Dims::new([batch, Some(*size)])));
        }
        all
    }
}

/// Checks what every recurrent layer needs of its input: `[batch, timesteps, features]` with known features.
///
/// # Errors
///
/// [`Error::Shape`] naming the missing axis and the three ways to add it.
pub fn check_sequence(layer: &str, dims: &Dims) -> Result<usize> {
    const NEEDS: &str = "3 axes, [batch, timesteps, features]";
    match dims.rank() {
        3 => match dims.last() {
            Some(0) | None => Err(Error::shape(
                layer,
                "a known number of features (the last axis)",
                dims.named(&["batch", "timesteps", "features"]),
                "Give the last axis of `input_shape` a size; only timesteps may be `None`: `.input_shape((None, 16))`.",
            )),
            Some(features) => Ok(features),
        },
        2 => {
            let steps = dims
                .axis(1)
                .map_or("timesteps".to_string(), |n| n.to_string());
            Err(Error::shape(
                layer,
                NEEDS,
                format!(
                    "2 axes, {}: one axis is missing",
                    dims.named(&["batch", "timesteps"])
                ),
                format!(
                    "If these are outputs of another recurrent layer, that one needs `.return_sequences(true)`.\n\
                     If each sample is {steps} steps of one number, add the features axis: reshape to [batch, {steps}, 1] \
                     and use `.input_shape([{steps}, 1])`.\n\
                     If each sample is {steps} steps of a category, put `Embedding::new(categories, 8).input_shape([{steps}])` \
                     in front, or one-hot encode to [batch, {steps}, categories].\n\
                     If each sample is a single step of {steps} features, reshape to [batch, 1, {steps}] and use \
                     `.input_shape([1, {steps}])`."
                ),
            ))
        }
        4 => Err(Error::shape(
            layer,
            NEEDS,
            format!("4 axes, {dims}"),
            "`input_shape` is the shape of one sample, without the batch: `.input_shape([timesteps, features])`. If a \
             step really has two axes, flatten them into one first.",
        )),
        rank => Err(Error::shape(
            layer,
            NEEDS,
            format!("{rank} axes, {dims}"),
            "`input_shape` is the shape of one sample, without the batch: `.input_shape([timesteps, features])`.",
        )),
    }
}
