//! From a configuration in Keras' JSON back to a layer.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::{
    Activation, ActivityRegularization, Add, AdditiveAttention, Attention, Average,
    AveragePooling1d, BatchNormalization, Bidirectional, Concatenate, Conv1d, Cropping1d, Dense,
    Dot, Dropout, DynLayer, Elu, Embedding, Flatten, GaussianNoise, GlobalAveragePooling1d,
    GlobalMaxPooling1d, Gru, GruCell, Identity, LayerNormalization, LeakyRelu, Lstm, LstmCell,
    Masking, MaxPooling1d, Maximum, Minimum, MultiHeadAttention, Multiply, Normalization, PRelu,
    Permute, Relu, RepeatVector, Rescaling, Reshape, Rnn, SimpleRnn, SimpleRnnCell, Softmax,
    SpatialDropout1d, StackedRnnCells, Subtract, TimeDistributed, UpSampling1d, ZeroPadding1d,
};
use crate::config::Config;
use crate::models::{Model, is_model};
use crate::{Error, Result};

type Constructor = Arc<dyn Fn(&Config, &Registry) -> Result<Box<dyn DynLayer>> + Send + Sync>;

/// The classes that a configuration may name, each with the function that reads it.
///
/// ```
/// use burn_keras::layers::Registry;
///
/// let registry = Registry::new();
/// assert!(registry.class_names().contains(&"LSTM"));
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    constructors: HashMap<String, Constructor>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry")
            .field(&self.class_names())
            .finish()
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// All layers of this library.
    pub fn new() -> Self {
        let mut registry = Self {
            constructors: HashMap::new(),
        };
        registry.register("Activation", Activation::from_config);
        registry.register(
            "ActivityRegularization",
            ActivityRegularization::from_config,
        );
        registry.register("Add", Add::from_config);
        registry.register("AdditiveAttention", AdditiveAttention::from_config);
        registry.register("Attention", Attention::from_config);
        registry.register("Average", Average::from_config);
        registry.register("AveragePooling1D", AveragePooling1d::from_config);
        registry.register("BatchNormalization", BatchNormalization::from_config);
        registry.register("Concatenate", Concatenate::from_config);
        registry.register("Conv1D", Conv1d::from_config);
        registry.register("Cropping1D", Cropping1d::from_config);
        registry.register("Dense", Dense::from_config);
        registry.register("Dot", Dot::from_config);
        registry.register("Dropout", Dropout::from_config);
        registry.register("ELU", Elu::from_config);
        registry.register("Embedding", Embedding::from_config);
        registry.register("Flatten", Flatten::from_config);
        registry.register("GRU", Gru::from_config);
        registry.register("GRUCell", GruCell::from_config);
        registry.register("GaussianNoise", GaussianNoise::from_config);
        registry.register(
            "GlobalAveragePooling1D",
            GlobalAveragePooling1d::from_config,
        );
        registry.register("GlobalMaxPooling1D", GlobalMaxPooling1d::from_config);
        registry.register("Identity", Identity::from_config);
        registry.register("LSTM", Lstm::from_config);
        registry.register("LSTMCell", LstmCell::from_config);
        registry.register("LayerNormalization", LayerNormalization::from_config);
        registry.register("LeakyReLU", LeakyRelu::from_config);
        registry.register("Masking", Masking::from_config);
        registry.register("MaxPooling1D", MaxPooling1d::from_config);
        registry.register("Maximum", Maximum::from_config);
        registry.register("Minimum", Minimum::from_config);
        registry.register("MultiHeadAttention", MultiHeadAttention::from_config);
        registry.register("Multiply", Multiply::from_config);
        registry.register("Normalization", Normalization::from_config);
        registry.register("PReLU", PRelu::from_config);
        registry.register("Permute", Permute::from_config);
        registry.register("ReLU", Relu::from_config);
        registry.register("RepeatVector", RepeatVector::from_config);
        registry.register("Rescaling", Rescaling::from_config);
        registry.register("Reshape", Reshape::from_config);
        registry.register("SimpleRNN", SimpleRnn::from_config);
        registry.register("SimpleRNNCell", SimpleRnnCell::from_config);
        registry.register("Softmax", Softmax::from_config);
        registry.register("SpatialDropout1D", SpatialDropout1d::from_config);
        registry.register("Subtract", Subtract::from_config);
        registry.register("UpSampling1D", UpSampling1d::from_config);
        registry.register("ZeroPadding1D", ZeroPadding1d::from_config);
        registry.register_wrapper("Bidirectional", Bidirectional::from_config);
        registry.register_wrapper("RNN", Rnn::from_config);
        registry.register_wrapper("StackedRNNCells", StackedRnnCells::from_config);
        registry.register_wrapper("TimeDistributed", TimeDistributed::from_config);
        registry
    }

    /// Adds a class, or replaces one: `read` makes the layer from its own keys of the configuration.
    pub fn register<L: DynLayer + 'static>(
        &mut self,
        class_name: &str,
        read: impl Fn(&Config) -> Result<L> + Send + Sync + 'static,
    ) {
        self.constructors.insert(
            class_name.to_string(),
            Arc::new(move |config, _| Ok(Box::new(read(config)?))),
        );
    }

    /// Adds a class that holds other layers, or replaces one: `read` finds them by the registry it is given.
    pub fn register_wrapper<L: DynLayer + 'static>(
        &mut self,
        class_name: &str,
        read: impl Fn(&Config, &Self) -> Result<L> + Send + Sync + 'static,
    ) {
        self.constructors.insert(
            class_name.to_string(),
            Arc::new(move |config, registry| Ok(Box::new(read(config, registry)?))),
        );
    }

    /// Whether the class is one of this library's, and so of Keras' own.
    pub(crate) fn is_keras_class(class_name: &str) -> bool {
        static OWN: OnceLock<HashSet<String>> = OnceLock::new();
        OWN.get_or_init(|| Self::new().constructors.into_keys().collect())
            .contains(class_name)
    }

    /// The classes there are, in alphabetical order.
    pub fn class_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.constructors.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The layer of a class with this configuration.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for a class that is not registered; [`Error::Config`] for a key that cannot be read, has
    /// an unsupported value, or a `dtype` other than float32.
    pub fn layer(&self, class_name: &str, config: &Config) -> Result<Box<dyn DynLayer>> {
        let read = self
            .constructors
            .get(class_name)
            .ok_or_else(|| Error::unknown("layer class", class_name, self.class_names()))?;
        check_dtype(config)?;
        let mut layer = read(config, self)?;
        let options = layer.options_mut();
        if let Some(name) = config.opt_str("name")? {
            options.set_name(name);
        }
        options.set_trainable(config.bool_or("trainable", true)?);
        options.set_activity_regularizer(config.regularizer("activity_regularizer")?);
        Ok(layer)
    }

    /// The layer of a serialised object: `{"class_name": "LSTM", "config": {..}}`; a whole model is a layer too.
    ///
    /// # Errors
    ///
    /// As [`Registry::layer`] and [`Model::from_config`].
    pub fn layer_from_json(&self, object: &Value) -> Result<Box<dyn DynLayer>> {
        if is_model(object) {
            return Ok(Box::new(Model::inside_from_config(object, self)?));
        }
        let (class_name, config) = Config::of_object(object, "layer")?;
        self.layer(&class_name, &config)
    }
}

fn check_dtype(config: &Config) -> Result<()> {
    let name = match config.get("dtype") {
        None => return Ok(()),
        Some(Value::String(name)) => name.as_str(),
        Some(policy) => policy
            .pointer("/config/name")
            .and_then(Value::as_str)
            .unwrap_or("unnamed"),
    };
    if name == "float32" {
        Ok(())
    } else {
        Err(Error::config(
            config.place(),
            format!("`dtype` \"{name}\" is not supported; only \"float32\" is"),
        ))
    }
}
