//! A `Sequential` from Keras' configuration of it.

use serde_json::Value;

use super::{Input, Sequential};
use crate::config::Config;
use crate::layers::{LayerHandle, Registry};
use crate::tensor::Kind;
use crate::{Error, Result};

impl Sequential {
    /// The model of Keras' `model.get_config()`: its name and layers, with new weights.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] or [`Error::UnknownName`], naming the layer and the key that cannot be read; those of
    /// [`Sequential::add`].
    pub fn from_config(config: &Value, registry: &Registry) -> Result<Self> {
        let mut model = Self::new();
        if let Some(name) = config.get("name").and_then(Value::as_str) {
            model = model.named(name);
        }
        let layers = config
            .get("layers")
            .and_then(Value::as_array)
            .ok_or_else(|| Error::config("Sequential", "`layers` is missing"))?;
        for object in layers {
            let (class_name, config) = Config::of_object(object, "layer")?;
            if class_name == "InputLayer" {
                model.add(input(&config)?)?;
            } else {
                model.add(LayerHandle::from_box(registry.layer(&class_name, &config)?))?;
            }
        }
        Ok(model)
    }
}

fn input(config: &Config) -> Result<Input> {
    let dims = config
        .opt_dims("batch_shape")?
        .ok_or_else(|| Error::config(config.place(), "`batch_shape` is missing"))?;
    let mut input = Input::of_batch(dims);
    if let Some(name) = config.opt_str("name")? {
        input = input.name(name);
    }
    if config
        .opt_str("dtype")?
        .is_some_and(|dtype| dtype.starts_with("int"))
    {
        input = input.dtype(Kind::Int);
    }
    Ok(input)
}
