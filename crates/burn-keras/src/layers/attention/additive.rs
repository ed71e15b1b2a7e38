//! Scores from sums of query and key.

use std::ops::RangeInclusive;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::{
    AttentionOptions, Scored, attention_setters, query_and_key, same_features, scored_attention,
    scored_dims, scored_values, sequences, unknown_argument,
};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::layers::basics::layer_basics;
use crate::layers::{Context, Layer, LayerOptions, MaskPolicy, WeightBuilder, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// As [`Attention`](super::Attention), with Bahdanau's scores: `Σ scale · tanh(query + key)` over the features.
///
/// Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate" (2015). The weight
/// `scale` is `[features]`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let query = Lstm::new(32).return_sequences(true).call(&input)?;
/// // Each of the 8 steps of the query looks at the 8 steps of the value.
/// let seen = AdditiveAttention::new().call((&query, &query))?;
/// assert_eq!(seen.dims().to_string(), "(None, 8, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct AdditiveAttention {
    scale: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    use_scale: bool,
    #[module(skip)]
    attention: AttentionOptions,
}

impl Default for AdditiveAttention {
    fn default() -> Self {
        Self::new()
    }
}

impl AdditiveAttention {
    /// The layer with a learned scale.
    pub fn new() -> Self {
        Self {
            scale: None,
            options: LayerOptions::default(),
            use_scale: true,
            attention: AttentionOptions::default(),
        }
    }

    /// Whether the features have learned factors (they have by default).
    pub fn use_scale(mut self, use_scale: bool) -> Self {
        self.use_scale = use_scale;
        self
    }

    attention_setters!("[batch, queries, values]");

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut layer = Self::new()
            .use_scale(config.bool_or("use_scale", true)?)
            .dropout(config.f32_or("dropout", 0.0)?);
        layer.attention.seed = config.seed()?;
        Ok(layer)
    }
}

impl Layer for AdditiveAttention {
    layer_basics!("AdditiveAttention");
    scored_attention!();

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        if self.use_scale {
            let [query, ..] = sequences(self, inputs)?;
            let features = query.last().ok_or_else(|| {
                Error::shape(
                    describe(self),
                    "a known number of features (the last axis)",
                    query.in_words(),
                    "Give the last axis of the query a size.",
                )
            })?;
            self.scale = Some(weights.weight([features], &Initializer::glorot_uniform())?);
        }
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let all = sequences(self, inputs)?;
        same_features(self, all[0], all[2])?;
        let built = self.scale.as_ref().map(|s| s.lazy_shape()[0]);
        if built.is_some() && all[0].last() != built {
            return Err(Error::shape(
                describe(self),
                format!(
                    "features = {}, which its scale was built for",
                    built.unwrap_or_default()
                ),
                all[0].in_words(),
                "Use another `AdditiveAttention` there (a clone has its own weights).",
            ));
        }
        Ok(scored_dims(self.attention.call, all))
    }

    fn largest_inside(&self, inputs: &[Dims], _training: bool) -> u64 {
        scored_values(inputs, true)
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let [query, key] = query_and_key(self, inputs)?;
        let [batch, queries, features] = query.dims();
        let values = key.dims()[1];
        let sum = query.reshape([batch, queries, 1, features])
            + key.reshape([batch, 1, values, features]);
        let mut terms = sum.tanh();
        if let Some(scale) = &self.scale {
            if scale.lazy_shape()[0] != features {
                let problem = format!("was not built for {features} features");
                return Err(Error::tensor(describe(self), problem));
            }
            terms = terms * scale.val().reshape([1, 1, 1, features]);
        }
        Scored {
            scores: terms.sum_dim(3).reshape([batch, queries, values]),
            query: &inputs[0],
            value: &inputs[1],
            attention: &self.attention,
        }
        .outputs(context)
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("use_scale".to_string(), json!(self.use_scale)),
            ("dropout".to_string(), json!(self.attention.dropout)),
            ("seed".to_string(), json!(self.attention.seed)),
        ])
    }
}
