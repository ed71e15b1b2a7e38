//! Layers in which every step of a query looks at all steps of a value.

use burn::tensor::{Bool, Device, Tensor, activation};
use serde_json::{Map, Value, json};

use super::{Context, Layer, describe};
use crate::dims::Dims;
use crate::error::Cause;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod additive;
mod dot_product;
mod multi_head;

pub use additive::AdditiveAttention;
pub use dot_product::{Attention, ScoreMode};
pub use multi_head::MultiHeadAttention;

/// What is taken from the scores of masked steps; softmax makes 0 of them.
const MASKED: f32 = 1e9;

/// What Keras takes at the call of an attention layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CallOptions {
    use_causal_mask: bool,
    return_attention_scores: bool,
}

impl CallOptions {
    fn to_arguments(self) -> Map<String, Value> {
        let set = [
            ("use_causal_mask", self.use_causal_mask),
            ("return_attention_scores", self.return_attention_scores),
        ];
        set.into_iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| (name.to_string(), json!(true)))
            .collect()
    }

    /// Takes the argument if it is one of these.
    fn take(&mut self, name: &str, value: &Value) -> bool {
        let on = value.as_bool();
        match (name, on) {
            ("use_causal_mask", Some(on)) => self.use_causal_mask = on,
            ("return_attention_scores", Some(on)) => self.return_attention_scores = on,
            _ => return false,
        }
        true
    }

    fn output_names(self) -> Vec<&'static str> {
        if self.return_attention_scores {
            vec!["output", "attention_scores"]
        } else {
            vec!["output"]
        }
    }
}

/// What every attention layer has besides its scores.
#[derive(Clone, Debug, Default)]
struct AttentionOptions {
    /// The rate of dropout on the weights.
    dropout: f32,
    seed: Option<u64>,
    call: CallOptions,
}

impl AttentionOptions {
    /// The weights, with dropout while training.
    fn dropped<const D: usize>(
        &self,
        weights: Tensor<D>,
        context: &mut Context,
    ) -> Result<Tensor<D>> {
        if context.is_training() && self.dropout > 0.0 {
            let (shape, device) = (weights.dims(), weights.device());
            let mask = context.dropout_mask(&shape, self.dropout, self.seed, &device)?;
            return Ok(weights * mask.float_as(shape)?);
        }
        Ok(weights)
    }
}

/// The setters of [`AttentionOptions`], held in a field `attention`; `$scores` is the shape of the weights.
macro_rules! attention_setters {
    ($scores:literal) => {
        /// The rate of dropout on the weights while training (0).
        pub fn dropout(mut self, dropout: f32) -> Self {
            self.attention.dropout =
                $crate::layers::dropout::check_rate(&mut self.options, "dropout", dropout);
            self
        }

        /// Seeds the dropout by itself, apart from the seed of `fit`.
        pub fn seed(mut self, seed: u64) -> Self {
            self.attention.seed = Some(seed);
            self
        }

        /// Whether a query step sees only steps that are not behind it (it sees all by default).
        ///
        /// Keras takes this at the call.
        pub fn use_causal_mask(mut self, use_causal_mask: bool) -> Self {
            self.attention.call.use_causal_mask = use_causal_mask;
            self
        }

        #[doc = concat!("Whether the weights come out too, as a second output `", $scores, "`.")]
        ///
        /// Keras takes this at the call.
        pub fn return_attention_scores(mut self, return_attention_scores: bool) -> Self {
            self.attention.call.return_attention_scores = return_attention_scores;
            self
        }
    };
}
use attention_setters;

/// What [`Attention`] and [`AdditiveAttention`] do alike as layers.
macro_rules! scored_attention {
    () => {
        fn input_count(&self) -> RangeInclusive<usize> {
            2..=3
        }

        fn output_names(&self) -> Vec<&'static str> {
            self.attention.call.output_names()
        }

        fn mask_policy(&self) -> MaskPolicy {
            MaskPolicy::Own
        }

        fn call_arguments(&self) -> Map<String, Value> {
            self.attention.call.to_arguments()
        }

        fn set_call_arguments(&mut self, arguments: &Map<String, Value>) -> Result<()> {
            for (name, value) in arguments {
                if !self.attention.call.take(name, value) {
                    return Err(unknown_argument(self, name, value));
                }
            }
            Ok(())
        }
    };
}
use scored_attention;

/// The values of the scores `[batch, queries, values]`, or of what is summed up over the features for them.
fn scored_values(inputs: &[Dims], over_features: bool) -> u64 {
    let [query, value, ..] = inputs else { return 0 };
    let features = if over_features { query.axis(2) } else { None };
    let sizes = [query.axis(0), query.axis(1), value.axis(1), features];
    let sizes = sizes.into_iter().map(|size| size.unwrap_or(1) as u64);
    sizes.fold(1, u64::saturating_mul)
}

/// The error about a call argument that the layer does not have.
fn unknown_argument(layer: &(impl Layer + ?Sized), name: &str, value: &Value) -> Error {
    Error::config(
        describe(layer),
        format!("is called with `{name}` = {value}, which is not supported"),
    )
}

/// The error about an input without steps.
fn three_axes(layer: &(impl Layer + ?Sized), dims: &Dims) -> Error {
    Error::shape(
        describe(layer),
        "query, value and key with 3 axes each, [batch, timesteps, features]",
        dims.in_words(),
        "Attention looks from the steps of one sequence at those of another.",
    )
    .because(Cause::NoTimesteps)
}

/// Query, value and key with 3 axes each.
fn sequences<'a>(layer: &(impl Layer + ?Sized), inputs: &'a [Dims]) -> Result<[&'a Dims; 3]> {
    let all = query_value_key(layer, inputs)?;
    if let Some(dims) = all.into_iter().find(|dims| dims.rank() != 3) {
        return Err(three_axes(layer, dims));
    }
    let [_, value, key] = all;
    same_steps(layer, value, key)?;
    Ok(all)
}

/// Query, value and, if there is one, key; else the value again.
fn query_value_key<'a>(layer: &(impl Layer + ?Sized), inputs: &'a [Dims]) -> Result<[&'a Dims; 3]> {
    let (query, value, key) = match inputs {
        [query, value] => (query, value, value),
        [query, value, key, ..] => (query, value, key),
        _ => {
            return Err(Error::tensor(
                describe(layer),
                "takes query, value and perhaps key",
            ));
        }
    };
    Ok([query, value, key])
}

/// Checks that a key has a step for each of the value's, along each axis between batch and features.
fn same_steps(layer: &(impl Layer + ?Sized), value: &Dims, key: &Dims) -> Result<()> {
    let between = 1..value.rank().saturating_sub(1);
    let differ = |axis| value.axis(axis).zip(key.axis(axis)).filter(|(v, k)| v != k);
    match between.into_iter().find_map(differ) {
        Some((values, keys)) => Err(Error::shape(
            describe(layer),
            "a key for each step of the value",
            format!("{values} steps of the value and {keys} of the key"),
            "Take both from the same sequence.",
        )),
        None => Ok(()),
    }
}

/// `[1, queries, values]`: true where the value's step is not behind the query's.
fn causal_mask(queries: usize, values: usize, device: &Device) -> Tensor<3, Bool> {
    // burn's mask is true where a triangle is to be left out.
    Tensor::<2, Bool>::tril_mask([queries, values], 0, device)
        .bool_not()
        .unsqueeze::<3>()
}

/// `[1, queries, values]`: true where the two steps are fewer than `steps` apart.
fn window_mask(queries: usize, values: usize, steps: usize, device: &Device) -> Tensor<3, Bool> {
    let reach = i64::try_from(steps).unwrap_or(i64::MAX).saturating_sub(1);
    // burn's masks are true where a triangle is to be left out: what is too far in front, and too far behind.
    let in_front = Tensor::<2, Bool>::tril_mask([queries, values], reach, device);
    let behind = Tensor::<2, Bool>::triu_mask([queries, values], -reach, device);
    in_front.bool_or(behind).bool_not().unsqueeze::<3>()
}

/// What [`Attention`] and [`AdditiveAttention`] do with their scores `[batch, queries, values]`: mask, softmax, dropout
/// (Bahdanau et al. 2015; Luong et al. 2015).
struct Scored<'a> {
    scores: Tensor<3>,
    query: &'a AnyTensor,
    value: &'a AnyTensor,
    attention: &'a AttentionOptions,
}

impl Scored<'_> {
    /// The outputs: what each query step sees, and the scores if they are asked for.
    fn outputs(self, context: &mut Context) -> Result<Vec<AnyTensor>> {
        let [batch, queries, values] = self.scores.dims();
        let shape = [batch, queries, values];
        let mut visible: Option<Tensor<3, Bool>> = self
            .value
            .mask()
            .map(|mask| mask.clone().reshape([batch, 1, values]).expand(shape));
        if self.attention.call.use_causal_mask {
            let causal = causal_mask(queries, values, &self.scores.device()).expand(shape);
            visible = Some(match visible {
                Some(visible) => visible.bool_and(causal),
                None => causal,
            });
        }
        let scores = match visible {
            Some(visible) => {
                let hidden = visible.bool_not().float().cast(self.scores.dtype());
                self.scores - hidden * MASKED
            }
            None => self.scores,
        };
        let weights = self
            .attention
            .dropped(activation::softmax(scores, 2), context)?;
        let mut output = weights.clone().matmul(self.value.float::<3>()?);
        if let Some(mask) = self.query.mask() {
            let absent = mask.clone().bool_not().reshape([batch, queries, 1]);
            let absent = absent.expand(output.dims());
            output = output.mask_fill(absent, 0.0);
        }
        let output = AnyTensor::from(output).with_mask(self.query.mask().cloned());
        Ok(if self.attention.call.return_attention_scores {
            vec![output, weights.into()]
        } else {
            vec![output]
        })
    }
}

/// The shapes of what [`Scored::outputs`] gives.
fn scored_dims(call: CallOptions, [query, value, _]: [&Dims; 3]) -> Vec<Dims> {
    let batch = query.axis(0).or(value.axis(0));
    let mut all = vec![Dims::new([batch, query.axis(1), value.axis(2)])];
    if call.return_attention_scores {
        all.push(Dims::new([batch, query.axis(1), value.axis(1)]));
    }
    all
}

/// Query and key as tensors, with features that must agree.
fn query_and_key(layer: &(impl Layer + ?Sized), inputs: &[AnyTensor]) -> Result<[Tensor<3>; 2]> {
    let dims: Vec<Dims> = inputs.iter().map(AnyTensor::dims).collect();
    let [query, _, key] = sequences(layer, &dims)?;
    same_features(layer, query, key)?;
    let key = inputs.get(2).unwrap_or(&inputs[1]);
    Ok([inputs[0].float()?, key.float()?])
}

fn same_features(layer: &(impl Layer + ?Sized), query: &Dims, key: &Dims) -> Result<()> {
    match (query.last(), key.last()) {
        (Some(a), Some(b)) if a != b => Err(Error::shape(
            describe(layer),
            "as many features of the query as of the key",
            format!("{} and {}", query.in_words(), key.in_words()),
            "Bring one to the other's size with a `Dense`, or use `MultiHeadAttention`.",
        )),
        _ => Ok(()),
    }
}
