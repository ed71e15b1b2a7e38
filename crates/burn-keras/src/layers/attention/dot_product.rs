//! Scores from products of query and key.

use std::ops::RangeInclusive;

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::{
    AttentionOptions, Scored, attention_setters, query_and_key, same_features, scored_attention,
    scored_dims, scored_values, sequences, unknown_argument,
};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::layers::any_weight::AnyWeight;
use crate::layers::basics::layer_basics;
use crate::layers::{Context, Layer, LayerOptions, MaskPolicy, WeightBuilder, describe};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// How [`Attention`] scores a query step against a key step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreMode {
    /// Their scalar product (Luong et al., 2015).
    #[default]
    Dot,
    /// The sum of `tanh(query + key)` over the features.
    Concat,
}

impl ScoreMode {
    fn name(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Concat => "concat",
        }
    }
}

/// What `.score_mode(..)` accepts: a name, or a [`ScoreMode`].
pub trait IntoScoreMode {
    /// The mode.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_score_mode(self) -> Result<ScoreMode>;
}

impl IntoScoreMode for ScoreMode {
    fn into_score_mode(self) -> Result<ScoreMode> {
        Ok(self)
    }
}

impl IntoScoreMode for &str {
    fn into_score_mode(self) -> Result<ScoreMode> {
        match self {
            "dot" => Ok(ScoreMode::Dot),
            "concat" => Ok(ScoreMode::Concat),
            other => Err(Error::unknown("score mode", other, ["dot", "concat"])),
        }
    }
}

/// Each step of the query sees a mean of the value's steps, weighted by how well query and key go together.
///
/// Called on query `[batch, queries, features]` and value `[batch, values, features]`, and perhaps a key for each step
/// of the value (else the value is the key): `.call((&query, &value))`. The output is `[batch, queries, features]`:
///
/// ```text
/// output = softmax(query · keyᵀ) value
/// ```
///
/// Steps that the value's mask leaves out are not seen; the query's mask makes its steps 0 and travels on.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let (query, value) = (Input::new([5, 16]), Input::new([8, 16]));
/// let seen = Attention::new().call((&query, &value))?;
/// assert_eq!(seen.dims().to_string(), "(None, 5, 16)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Attention {
    scale: Option<AnyWeight>,
    concat_score_weight: Option<AnyWeight>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    use_scale: bool,
    #[module(skip)]
    score_mode: ScoreMode,
    #[module(skip)]
    attention: AttentionOptions,
}

impl Default for Attention {
    fn default() -> Self {
        Self::new()
    }
}

impl Attention {
    /// The layer that scores by scalar products.
    pub fn new() -> Self {
        Self {
            scale: None,
            concat_score_weight: None,
            options: LayerOptions::default(),
            use_scale: false,
            score_mode: ScoreMode::Dot,
            attention: AttentionOptions::default(),
        }
    }

    /// Whether scores are multiplied by a learned number (they are not by default).
    pub fn use_scale(mut self, use_scale: bool) -> Self {
        self.use_scale = use_scale;
        self
    }

    /// How scores are made: `"dot"` (the default) or `"concat"`.
    pub fn score_mode(mut self, score_mode: impl IntoScoreMode) -> Self {
        let found = score_mode.into_score_mode();
        if let Some(found) = self.options.accept("score_mode", found) {
            self.score_mode = found;
        }
        self
    }

    attention_setters!("[batch, queries, values]");

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mode = config
            .opt_str("score_mode")?
            .unwrap_or_else(|| "dot".to_string());
        let mut layer = Self::new()
            .use_scale(config.bool_or("use_scale", false)?)
            .score_mode(mode.as_str())
            .dropout(config.f32_or("dropout", 0.0)?);
        layer.attention.seed = config.seed()?;
        Ok(layer)
    }

    fn scores(&self, query: Tensor<3>, key: Tensor<3>) -> Result<Tensor<3>> {
        let number = |w: &Option<AnyWeight>| {
            w.as_ref()
                .map(|w| w.value().float_as([1, 1, 1]))
                .transpose()
        };
        let scale = number(&self.scale)?;
        Ok(match self.score_mode {
            ScoreMode::Dot => {
                let scores = query.matmul(key.swap_dims(1, 2));
                match scale {
                    Some(scale) => scores * scale,
                    None => scores,
                }
            }
            ScoreMode::Concat => {
                let [batch, queries, features] = query.dims();
                let values = key.dims()[1];
                let mut sum = query.reshape([batch, queries, 1, features])
                    + key.reshape([batch, 1, values, features]);
                if let Some(scale) = scale {
                    sum = sum * scale.unsqueeze::<4>();
                }
                let scores = sum.tanh().sum_dim(3).reshape([batch, queries, values]);
                match number(&self.concat_score_weight)? {
                    Some(weight) => scores * weight,
                    None => scores,
                }
            }
        })
    }
}

impl Layer for Attention {
    layer_basics!("Attention");
    scored_attention!();

    fn build(&mut self, _inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        if self.use_scale {
            self.scale = Some(AnyWeight::new(weights, &[], &Initializer::Ones)?);
        }
        if self.score_mode == ScoreMode::Concat {
            self.concat_score_weight = Some(AnyWeight::new(weights, &[], &Initializer::Ones)?);
        }
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let all = sequences(self, inputs)?;
        same_features(self, all[0], all[2])?;
        Ok(scored_dims(self.attention.call, all))
    }

    fn largest_inside(&self, inputs: &[Dims], _training: bool) -> u64 {
        scored_values(inputs, self.score_mode == ScoreMode::Concat)
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let [query, key] = query_and_key(self, inputs)?;
        if self.use_scale && self.scale.is_none() {
            return Err(Error::NotBuilt {
                needed_for: describe(self),
            });
        }
        Scored {
            scores: self.scores(query, key)?,
            query: &inputs[0],
            value: &inputs[1],
            attention: &self.attention,
        }
        .outputs(context)
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("use_scale".to_string(), json!(self.use_scale)),
            ("score_mode".to_string(), json!(self.score_mode.name())),
            ("dropout".to_string(), json!(self.attention.dropout)),
            ("seed".to_string(), json!(self.attention.seed)),
        ])
    }
}
