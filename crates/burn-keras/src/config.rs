//! Reading Keras' JSON configurations: every key asked for by name and type, and a clear error where it does not fit.

use serde_json::{Map, Value};

use crate::activations::Activation;
use crate::constraints::Constraint;
use crate::dims::Dims;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;
use crate::settings::Setting;
use crate::{Error, Result};

/// The `config` of a layer, an optimizer or the like, with the name to use in errors.
#[derive(Clone, Debug)]
pub struct Config {
    place: String,
    map: Map<String, Value>,
}

impl Config {
    /// The configuration of what errors call `place`.
    pub fn new(place: impl Into<String>, map: Map<String, Value>) -> Self {
        Self {
            place: place.into(),
            map,
        }
    }

    /// The configuration in a JSON object; empty for another value.
    pub(crate) fn of_map(place: impl Into<String>, value: &Value) -> Self {
        Self::new(place, value.as_object().cloned().unwrap_or_default())
    }

    /// Takes apart an object of the form `{"class_name": .., "config": {..}}`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when it has another form; `what` names the object.
    pub fn of_object(value: &Value, what: &str) -> Result<(String, Self)> {
        let class_name = value
            .get("class_name")
            .and_then(Value::as_str)
            .ok_or_else(|| Error::config(what, format!("has no `class_name`: {value}")))?;
        let map = match value.get("config") {
            Some(Value::Object(map)) => map.clone(),
            None | Some(Value::Null) => Map::new(),
            Some(other) => {
                return Err(Error::config(
                    what,
                    format!("`config` is no object but {other}"),
                ));
            }
        };
        Ok((class_name.to_string(), Self::new(class_name, map)))
    }

    /// What errors call it.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The value under `key`; `None` when it is absent or null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    /// Whether the key is there, null or not.
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.map.keys().map(String::as_str)
    }

    fn typed<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>> {
        self.get(key)
            .map(|value| {
                read(value).ok_or_else(|| {
                    Error::config(
                        &self.place,
                        format!("`{key}` is {value}; it must be {wanted}"),
                    )
                })
            })
            .transpose()
    }

    fn required<T>(&self, key: &str, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| Error::config(&self.place, format!("`{key}` is missing")))
    }

    /// A whole number of at least 0.
    ///
    /// # Errors
    ///
    /// As all readers here: [`Error::Config`] naming the key, when it is missing or of another type.
    pub fn usize(&self, key: &str) -> Result<usize> {
        let found = self.opt_usize(key)?;
        self.required(key, found)
    }

    /// A whole number of at least 0, if the key is there.
    pub fn opt_usize(&self, key: &str) -> Result<Option<usize>> {
        self.typed(key, "a whole number of at least 0", whole)
    }

    /// A whole number or `default`.
    pub fn usize_or(&self, key: &str, default: usize) -> Result<usize> {
        Ok(self.opt_usize(key)?.unwrap_or(default))
    }

    /// A number, if the key is there.
    pub fn opt_f32(&self, key: &str) -> Result<Option<f32>> {
        self.typed(key, "a number", |v| v.as_f64().map(|n| n as f32))
    }

    /// A number or `default`.
    pub fn f32_or(&self, key: &str, default: f32) -> Result<f32> {
        Ok(self.opt_f32(key)?.unwrap_or(default))
    }

    /// A number, if the key is there, in full precision.
    pub fn opt_f64(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A whole number of any sign, if the key is there.
    pub fn opt_i64(&self, key: &str) -> Result<Option<i64>> {
        self.typed(key, "a whole number", Value::as_i64)
    }

    /// True or false, if the key is there.
    pub fn opt_bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "true or false", Value::as_bool)
    }

    /// True or false, or `default`.
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.opt_bool(key)?.unwrap_or(default))
    }

    /// A value that must be there, of a type that settings can have.
    pub(crate) fn needed<T: Setting>(&self, key: &str) -> Result<T> {
        let found = T::read(self, key)?;
        self.required(key, found)
    }

    /// A text, if the key is there.
    pub fn opt_str(&self, key: &str) -> Result<Option<String>> {
        self.typed(key, "a text", |v| v.as_str().map(String::from))
    }

    /// An activation's name, or `default`.
    pub fn activation(&self, key: &str, default: Activation) -> Result<Activation> {
        match self.get(key) {
            None if self.map.contains_key(key) => Ok(Activation::Linear),
            None => Ok(default),
            Some(Value::String(name)) => {
                Activation::by_name(name).map_err(|e| e.at(format!("{}, `{key}`", self.place)))
            }
            Some(other) => Err(Error::config(
                &self.place,
                format!("`{key}` is {other}; only activations known by a name are supported"),
            )),
        }
    }

    /// An initializer, or `default`.
    pub fn initializer(&self, key: &str, default: Initializer) -> Result<Initializer> {
        match self.get(key) {
            None => Ok(default),
            Some(value) => Initializer::from_config(value)
                .map_err(|e| e.at(format!("{}, `{key}`", self.place))),
        }
    }

    /// A regularizer, if the key is there.
    ///
    /// # Errors
    ///
    /// Those of [`Regularizer::from_config`], naming the key.
    pub fn regularizer(&self, key: &str) -> Result<Option<Regularizer>> {
        self.object(key, Regularizer::from_config)
    }

    /// A constraint, if the key is there.
    ///
    /// # Errors
    ///
    /// Those of [`Constraint::from_config`], naming the key.
    pub fn constraint(&self, key: &str) -> Result<Option<Constraint>> {
        self.object(key, Constraint::from_config)
    }

    fn object<T>(&self, key: &str, read: impl FnOnce(&Value) -> Result<T>) -> Result<Option<T>> {
        self.get(key)
            .map(|value| read(value).map_err(|e| e.at(format!("{}, `{key}`", self.place))))
            .transpose()
    }

    /// Refuses keys whose value would change the result but that are not supported.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the first such key.
    pub fn must_be_neutral(&self, keys: &[&str]) -> Result<()> {
        for key in keys {
            match self.get(key) {
                None | Some(Value::Bool(false)) => {}
                Some(Value::Number(n)) if n.as_f64() == Some(0.0) => {}
                Some(value) => {
                    return Err(Error::config(
                        &self.place,
                        format!("`{key}` = {value} is not supported"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The `seed` of something random, if it has one.
    pub fn seed(&self) -> Result<Option<u64>> {
        match self.get("seed") {
            None | Some(Value::Object(_)) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| {
                Error::config(
                    &self.place,
                    format!("`seed` is {value}; it must be a whole number of at least 0"),
                )
            }),
        }
    }

    /// Whole numbers, if the key is there: one, or a list of them, as Keras writes sizes along axes.
    pub fn opt_integers(&self, key: &str) -> Result<Option<Vec<i64>>> {
        let integer = |v: &Value| {
            v.as_i64()
                .or_else(|| v.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64))
        };
        self.typed(
            key,
            "a whole number or a list of them",
            |value| match value {
                Value::Array(items) => items.iter().map(integer).collect(),
                other => integer(other).map(|n| vec![n]),
            },
        )
    }

    /// The size along the only axis, or `default`: a number, or a list of one.
    pub fn size_or(&self, key: &str, default: usize) -> Result<usize> {
        match self.opt_integers(key)?.as_deref() {
            None => Ok(default),
            Some(&[size]) if size >= 0 => Ok(size as usize),
            Some(other) => Err(Error::config(
                &self.place,
                format!("`{key}` is {other:?}; it must be one whole number of at least 0"),
            )),
        }
    }

    /// A pair of sizes, or `default`: two numbers, or one that stands for both.
    pub fn pair_or(&self, key: &str, default: (usize, usize)) -> Result<(usize, usize)> {
        match self.opt_integers(key)?.as_deref() {
            None => Ok(default),
            Some(&[both]) if both >= 0 => Ok((both as usize, both as usize)),
            Some(&[a, b]) if a >= 0 && b >= 0 => Ok((a as usize, b as usize)),
            Some(other) => Err(Error::config(
                &self.place,
                format!("`{key}` is {other:?}; it must be one or two whole numbers of at least 0"),
            )),
        }
    }

    /// Numbers, if the key is there: one, or a list of them, nested or not, row after row, or an array as Keras writes it.
    pub fn opt_numbers(&self, key: &str) -> Result<Option<Vec<f32>>> {
        fn flatten(value: &Value, into: &mut Vec<f32>) -> Option<()> {
            match value {
                Value::Array(items) => items.iter().try_for_each(|v| flatten(v, into)),
                Value::Object(object) => {
                    let class_name = object.get("class_name")?.as_str()?;
                    let array = ["__tensor__", "__numpy__"].contains(&class_name);
                    flatten(object.get("config")?.get("value").filter(|_| array)?, into)
                }
                other => {
                    into.push(other.as_f64()? as f32);
                    Some(())
                }
            }
        }
        self.typed(key, "a number or a list of them", |value| {
            let mut numbers = Vec::new();
            flatten(value, &mut numbers).map(|()| numbers)
        })
    }

    /// Refuses the layout in which features come before timesteps.
    pub fn must_be_channels_last(&self) -> Result<()> {
        match self.opt_str("data_format")?.as_deref() {
            None | Some("channels_last") => Ok(()),
            Some(other) => Err(Error::config(
                &self.place,
                format!("`data_format` \"{other}\" is not supported; only \"channels_last\" is"),
            )),
        }
    }

    /// A shape in which an axis may be null, if the key is there.
    pub fn opt_dims(&self, key: &str) -> Result<Option<Dims>> {
        self.typed(key, "a list of sizes", |value| {
            value
                .as_array()?
                .iter()
                .map(|axis| match axis {
                    Value::Null => Some(None),
                    other => whole(other).map(Some),
                })
                .collect::<Option<Vec<_>>>()
                .map(Dims::new)
        })
    }
}

fn whole(value: &Value) -> Option<usize> {
    match value.as_u64() {
        Some(n) => usize::try_from(n).ok(),
        // Python writes 3.0 where a size went through a float.
        None => value
            .as_f64()
            .filter(|f| f.fract() == 0.0 && *f >= 0.0 && *f < 9e15)
            .map(|f| f as usize),
    }
}

/// The `dtype` entry that Keras 3 writes into every layer; this library computes in float32.
pub fn float32_policy() -> Value {
    serde_json::json!({
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": null,
    })
}
