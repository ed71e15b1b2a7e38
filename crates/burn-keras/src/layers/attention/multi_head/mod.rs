//! Several attentions side by side.

use std::ops::RangeInclusive;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation};
use serde_json::{Map, Value, json};

use super::{AttentionOptions, MASKED, attention_setters, query_value_key, unknown_argument};
use crate::config::Config;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::layers::basics::layer_basics;
use crate::layers::penalties::add_penalties;
use crate::layers::weight_options::weight_setters;
use crate::layers::{
    Context, Layer, LayerOptions, MaskPolicy, WeightBuilder, WeightOptions, WeightRule, describe,
};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

mod axes;
mod visible;

/// Attention in several heads, each over projections of its own (Vaswani et al., "Attention Is All You Need", 2017).
///
/// Called on query `[batch, queries, features]` and value `[batch, values, features]`, and perhaps a key (else the value
/// is the key): `.call((&query, &value))`. With N heads, H = `key_dim`:
///
/// ```text
/// head   = softmax(query Wq (key Wk)ᵀ / √H) value Wv        for each head
/// output = [head 1, …, head N] Wo + bo                      [batch, queries, output_shape]
/// ```
///
/// With inputs of more axes, [`attention_axes`](Self::attention_axes) says along which of them a query looks.
///
/// Weights, in Keras' order: kernel `[features, N, H]` and bias `[N, H]` of query, key and value, then the output's
/// `[N, H, output_shape]` and `[output_shape]`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let seen = MultiHeadAttention::new(4, 8).use_causal_mask(true).call((&input, &input))?;
/// assert_eq!(seen.dims().to_string(), "(None, 8, 16)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Module, Debug)]
pub struct MultiHeadAttention {
    query_kernel: Option<Param<Tensor<3>>>,
    query_bias: Option<Param<Tensor<2>>>,
    key_kernel: Option<Param<Tensor<3>>>,
    key_bias: Option<Param<Tensor<2>>>,
    gate_kernel: Option<Param<Tensor<3>>>,
    gate_bias: Option<Param<Tensor<2>>>,
    value_kernel: Option<Param<Tensor<3>>>,
    value_bias: Option<Param<Tensor<2>>>,
    output_kernel: Option<Param<Tensor<3>>>,
    output_bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    settings: Settings,
    #[module(skip)]
    attention: AttentionOptions,
    #[module(skip)]
    kernel_options: WeightOptions,
    #[module(skip)]
    bias_options: WeightOptions,
}

#[derive(Clone, Debug)]
struct Settings {
    num_heads: usize,
    key_dim: usize,
    value_dim: Option<usize>,
    output_shape: Option<usize>,
    use_bias: bool,
    use_gate: bool,
    sliding_window: Option<usize>,
    /// From the front once built.
    attention_axes: Option<Vec<i64>>,
    attention_mask: bool,
}

impl MultiHeadAttention {
    /// The layer with this many heads, each comparing vectors of size `key_dim`; 0 is reported by `add` or `call`.
    pub fn new(num_heads: usize, key_dim: usize) -> Self {
        let mut options = LayerOptions::default();
        let num_heads = options.at_least_1("num_heads", num_heads);
        let key_dim = options.at_least_1("key_dim", key_dim);
        Self {
            query_kernel: None,
            query_bias: None,
            key_kernel: None,
            key_bias: None,
            gate_kernel: None,
            gate_bias: None,
            value_kernel: None,
            value_bias: None,
            output_kernel: None,
            output_bias: None,
            options,
            settings: Settings {
                num_heads,
                key_dim,
                value_dim: None,
                output_shape: None,
                use_bias: true,
                use_gate: false,
                sliding_window: None,
                attention_axes: None,
                attention_mask: false,
            },
            attention: AttentionOptions::default(),
            kernel_options: WeightOptions::new(Initializer::glorot_uniform()),
            bias_options: WeightOptions::new(Initializer::Zeros),
        }
    }

    /// The size of the vectors that a head passes on (`key_dim`).
    pub fn value_dim(mut self, value_dim: usize) -> Self {
        self.settings.value_dim = Some(self.options.at_least_1("value_dim", value_dim));
        self
    }

    /// The number of features that come out (those of the query).
    pub fn output_shape(mut self, output_shape: usize) -> Self {
        self.settings.output_shape = Some(self.options.at_least_1("output_shape", output_shape));
        self
    }

    /// Whether the projections have a bias (they have by default).
    pub fn use_bias(mut self, use_bias: bool) -> Self {
        self.settings.use_bias = use_bias;
        self
    }

    /// Whether what a head passes on is multiplied by `sigmoid(query Wg + bg)`, a gate of its own (it is not by default).
    ///
    /// Qiu et al., "Gated Attention for Large Language Models" (2025). Its weights stand before those of the value.
    pub fn use_gate(mut self, use_gate: bool) -> Self {
        self.settings.use_gate = use_gate;
        self
    }

    /// Lets a query step see only value steps fewer than `steps` away, in front of it and behind it (it sees all).
    pub fn sliding_window(mut self, steps: usize) -> Self {
        self.settings.sliding_window = Some(self.options.at_least_1("sliding_window", steps));
        self
    }

    /// The axes along which a query looks at the value (all between batch and features), the batch being axis 0.
    ///
    /// Inputs `[batch, rows, columns, features]` look along their rows with `[1]`, each column by itself, along their
    /// columns with `[2]`, and everywhere with `[1, 2]`. Negative numbers count from the last axis.
    pub fn attention_axes(mut self, axes: impl Into<Vec<i64>>) -> Self {
        self.settings.attention_axes = Some(axes.into());
        self
    }

    attention_setters!("[batch, heads, queries, values]");

    /// Whether the last input is a mask `[batch, queries, values]`: not 0 where a step may be seen.
    ///
    /// It may have an axis of heads, `[batch, heads, queries, values]`; an axis of size 1 stands for all of its places.
    /// With several [`attention_axes`](Self::attention_axes) there are as many axes of queries and of values; axes that
    /// are not among them come before the heads.
    ///
    /// Keras takes it at the call, as `attention_mask=`.
    pub fn attention_mask(mut self, attention_mask: bool) -> Self {
        self.settings.attention_mask = attention_mask;
        self
    }

    weight_setters! {
        kernel_options, "each kernel", "glorot_uniform":
            kernel_initializer, kernel_regularizer, kernel_constraint;
        bias_options, "each bias", "zeros":
            bias_initializer, bias_regularizer, bias_constraint;
    }

    /// Reads the layer's own keys of Keras' configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) naming a key that cannot be read or has a value that is not supported.
    pub fn from_config(config: &Config) -> Result<Self> {
        let mut layer = Self::new(config.usize("num_heads")?, config.usize("key_dim")?)
            .dropout(config.f32_or("dropout", 0.0)?)
            .use_bias(config.bool_or("use_bias", true)?)
            .use_gate(config.bool_or("use_gate", false)?);
        if let Some(steps) = config.opt_usize("sliding_window")? {
            layer = layer.sliding_window(steps);
        }
        if let Some(axes) = config.opt_integers("attention_axes")? {
            layer = layer.attention_axes(axes);
        }
        if let Some(value_dim) = config.opt_usize("value_dim")? {
            layer = layer.value_dim(value_dim);
        }
        if config.get("output_shape").is_some() {
            layer = layer.output_shape(config.size_or("output_shape", 0)?);
        }
        layer.attention.seed = config.seed()?;
        layer.kernel_options =
            WeightOptions::read(config, "kernel", layer.kernel_options.initializer)?;
        layer.bias_options = WeightOptions::read(config, "bias", layer.bias_options.initializer)?;
        Ok(layer)
    }

    fn value_size(&self) -> usize {
        self.settings.value_dim.unwrap_or(self.settings.key_dim)
    }

    /// The mask among the inputs split off.
    fn split<'a, T>(&self, inputs: &'a [T]) -> (&'a [T], Option<&'a T>) {
        match inputs.split_last() {
            Some((mask, rest)) if self.settings.attention_mask => (rest, Some(mask)),
            _ => (inputs, None),
        }
    }

    /// Adds the penalty on what a projection of `batch` samples gives: Keras regularizes the activity of each, not of the
    /// layer.
    fn penalize(&self, projected: &Tensor<4>, batch: usize, context: &mut Context) -> Result<()> {
        match self.options.activity_regularizer() {
            Some(regularizer) => {
                let [rows, heads, steps, size] = projected.dims();
                let shape = [batch, rows / batch.max(1) * heads, steps, size];
                let values = projected.clone().reshape(shape).into();
                add_penalties(regularizer, &[values], context)
            }
            None => Ok(()),
        }
    }

    /// `[rows, heads, steps, size]` of `[rows, steps, features]`.
    fn project(
        &self,
        x: &Tensor<3>,
        kernel: Option<&Param<Tensor<3>>>,
        bias: Option<&Param<Tensor<2>>>,
    ) -> Result<Tensor<4>> {
        let kernel = self.built(kernel)?.val();
        let [features, heads, size] = kernel.dims();
        let [batch, steps, given] = x.dims();
        if given != features {
            let problem = format!("was built for {features} features but got {given}");
            return Err(Error::tensor(describe(self), problem));
        }
        let mut y = x
            .clone()
            .reshape([batch * steps, features])
            .matmul(kernel.reshape([features, heads * size]));
        if let Some(bias) = bias {
            y = y + bias.val().reshape([1, heads * size]);
        }
        Ok(y.reshape([batch, steps, heads, size]).swap_dims(1, 2))
    }

    fn built<'a, T>(&self, weight: Option<&'a T>) -> Result<&'a T> {
        weight.ok_or_else(|| Error::NotBuilt {
            needed_for: describe(self),
        })
    }
}

impl Layer for MultiHeadAttention {
    layer_basics!("MultiHeadAttention");

    fn input_count(&self) -> RangeInclusive<usize> {
        let mask = usize::from(self.settings.attention_mask);
        2 + mask..=3 + mask
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let (inputs, _) = self.split(inputs);
        let all = query_value_key(self, inputs)?;
        let axes = self.axes(all)?;
        self.settings.attention_axes = Some(axes.attended().iter().map(|a| *a as i64).collect());
        let [query, value, key] = all.map(|d| d.last().unwrap_or_default());
        let (heads, size, value_size) = (
            self.settings.num_heads,
            self.settings.key_dim,
            self.value_size(),
        );
        let output = self.settings.output_shape.unwrap_or(query);
        let use_bias = self.settings.use_bias;
        let (kernels, biases) = (
            &self.kernel_options.initializer,
            &self.bias_options.initializer,
        );
        let mut projection = |features, size| -> Result<_> {
            let kernel = weights.weight([features, heads, size], kernels)?;
            let bias = use_bias
                .then(|| weights.weight([heads, size], biases))
                .transpose()?;
            Ok((Some(kernel), bias))
        };
        (self.query_kernel, self.query_bias) = projection(query, size)?;
        (self.key_kernel, self.key_bias) = projection(key, size)?;
        if self.settings.use_gate {
            (self.gate_kernel, self.gate_bias) = projection(query, value_size)?;
        }
        (self.value_kernel, self.value_bias) = projection(value, value_size)?;
        self.output_kernel = Some(weights.weight([heads, value_size, output], kernels)?);
        self.output_bias = use_bias
            .then(|| weights.weight([output], biases))
            .transpose()?;
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (inputs, _) = self.split(inputs);
        let all = query_value_key(self, inputs)?;
        let axes = self.axes(all)?;
        let kernels = [&self.query_kernel, &self.value_kernel, &self.key_kernel];
        for ((dims, kernel), name) in all.iter().zip(kernels).zip(["query", "value", "key"]) {
            let features = dims.last().ok_or_else(|| {
                Error::shape(
                    describe(self),
                    format!("a known number of features of the {name} (the last axis)"),
                    dims.in_words(),
                    "Give the last axis a size.",
                )
            })?;
            match kernel.as_ref().map(|k| k.lazy_shape()[0]) {
                Some(built) if built != features => {
                    return Err(Error::shape(
                        describe(self),
                        format!("a {name} with features = {built}, which its kernel was built for"),
                        dims.in_words(),
                        "Use another `MultiHeadAttention` there (a clone has its own weights).",
                    ));
                }
                _ => {}
            }
        }
        let [query, value, _] = all;
        let features = self.settings.output_shape.or(query.last());
        let mut outputs = vec![query.with_last(features)];
        if self.attention.call.return_attention_scores {
            outputs.push(axes.scores(query, self.settings.num_heads, value));
        }
        Ok(outputs)
    }

    fn output_names(&self) -> Vec<&'static str> {
        self.attention.call.output_names()
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        let projections = ["query", "key", "gate", "value", "output"];
        let rules = projections.iter().flat_map(|name| {
            [
                self.kernel_options.rule(&format!("{name}_kernel")),
                self.bias_options.rule(&format!("{name}_bias")),
            ]
        });
        rules.flatten().collect()
    }

    fn largest_inside(&self, inputs: &[Dims], _training: bool) -> u64 {
        let (inputs, _) = self.split(inputs);
        let Ok(all) = query_value_key(self, inputs) else {
            return 0;
        };
        let Ok(axes) = self.axes(all) else { return 0 };
        let heads = self.settings.num_heads;
        let values = |dims: &Dims| dims.product(0).unwrap_or(usize::MAX) as u64;
        let width = heads * self.settings.key_dim.max(self.value_size());
        let projected = all.map(|dims| values(&dims.with_last(Some(width))));
        let scores = values(&axes.scores(all[0], heads, all[1]));
        projected.into_iter().fold(scores, u64::max)
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        let (inputs, attention_mask) = self.split(inputs);
        let dims: Vec<Dims> = inputs.iter().map(AnyTensor::dims).collect();
        let all = query_value_key(self, &dims)?;
        let axes = self.axes(all)?;
        let query_shape = inputs[0].shape();
        let batch = query_shape[0];
        let given = axes.fold(&inputs[0])?;
        let query = self.project(&given, self.query_kernel.as_ref(), self.query_bias.as_ref())?;
        let gate = self
            .gate_kernel
            .as_ref()
            .map(|kernel| self.project(&given, Some(kernel), self.gate_bias.as_ref()))
            .transpose()?
            .map(activation::sigmoid);
        let value = axes.fold(&inputs[1])?;
        let key = match inputs.get(2) {
            Some(key) => axes.fold(key)?,
            None => value.clone(),
        };
        let key = self.project(&key, self.key_kernel.as_ref(), self.key_bias.as_ref())?;
        let value = self.project(&value, self.value_kernel.as_ref(), self.value_bias.as_ref())?;
        let [rows, heads, queries, _] = query.dims();
        let (values, size) = (key.dims()[2], self.value_size());
        for projected in [&query, &key].into_iter().chain(&gate).chain([&value]) {
            self.penalize(projected, batch, context)?;
        }

        let scale = 1.0 / (self.settings.key_dim as f32).sqrt();
        let mut scores = (query * scale).matmul(key.swap_dims(2, 3));
        let hidden = self
            .visible(inputs, attention_mask, &axes, &scores)?
            .map(|visible| visible.bool_not().expand([rows, heads, queries, values]));
        if let Some(hidden) = &hidden {
            scores = scores.mask_fill(hidden.clone(), -MASKED);
        }
        let mut weights = activation::softmax(scores, 3);
        // A query that may see nothing gets the mean of all values from Keras' fused attention, and nothing from the one
        // that Keras takes for dropout, for scores that are asked for, and for further axes.
        let fused = self.attention.dropout == 0.0
            && !self.attention.call.return_attention_scores
            && query_shape.len() == 3;
        if let Some(hidden) = hidden.filter(|_| !fused) {
            weights = weights.mask_fill(hidden, 0.0);
        }
        let used = self.attention.dropped(weights.clone(), context)?;
        let mut seen = used.matmul(value);
        if let Some(gate) = gate {
            seen = seen * gate;
        }
        let seen = seen.swap_dims(1, 2).reshape([rows * queries, heads * size]);
        let kernel = self.built(self.output_kernel.as_ref())?.val();
        let features = kernel.dims()[2];
        let mut y = seen.matmul(kernel.reshape([heads * size, features]));
        if let Some(bias) = &self.output_bias {
            y = y + bias.val().unsqueeze::<2>();
        }
        self.penalize(
            &y.clone().reshape([rows, 1, queries, features]),
            batch,
            context,
        )?;
        let y = axes.unfold(y.reshape([rows, queries, features]), &query_shape)?;
        let mut outputs = vec![y.with_any_mask(inputs[0].any_mask().cloned())];
        if self.attention.call.return_attention_scores {
            let shape = axes.scores(all[0], heads, all[1]);
            let shape = shape.to_known().unwrap_or_default();
            outputs.push(AnyTensor::from_flat(weights, &shape)?);
        }
        Ok(outputs)
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn regularizes_parts(&self) -> bool {
        true
    }

    fn call_arguments(&self) -> Map<String, Value> {
        let mut arguments = self.attention.call.to_arguments();
        if self.settings.attention_mask {
            arguments.insert("attention_mask".to_string(), json!(true));
        }
        arguments
    }

    fn set_call_arguments(&mut self, arguments: &Map<String, Value>) -> Result<()> {
        for (name, value) in arguments {
            match (name.as_str(), value) {
                ("attention_mask", Value::Bool(given)) => self.settings.attention_mask = *given,
                _ if self.attention.call.take(name, value) => {}
                _ => return Err(unknown_argument(self, name, value)),
            }
        }
        Ok(())
    }

    fn config(&self) -> Map<String, Value> {
        let settings = &self.settings;
        let mut config = Map::from_iter([
            ("num_heads".to_string(), json!(settings.num_heads)),
            ("key_dim".to_string(), json!(settings.key_dim)),
            ("value_dim".to_string(), json!(self.value_size())),
            ("dropout".to_string(), json!(self.attention.dropout)),
            ("use_bias".to_string(), json!(settings.use_bias)),
            ("use_gate".to_string(), json!(settings.use_gate)),
            ("sliding_window".to_string(), json!(settings.sliding_window)),
            ("output_shape".to_string(), json!(settings.output_shape)),
            ("attention_axes".to_string(), json!(settings.attention_axes)),
            ("seed".to_string(), json!(self.attention.seed)),
        ]);
        self.kernel_options.write("kernel", &mut config);
        self.bias_options.write("bias", &mut config);
        config
    }
}
