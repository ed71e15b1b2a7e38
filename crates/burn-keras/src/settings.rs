//! Structs of settings: optimizers, schedules, losses and metrics are declared as a list of options with Keras' names
//! and defaults, from which their setters and their configuration are made.

use serde_json::{Map, Value};

use crate::config::Config;
use crate::{Error, Result};

/// A value that a configuration can hold.
pub(crate) trait Setting: Sized {
    /// The value under `key`, or `None` where the key is absent.
    fn read(config: &Config, key: &str) -> Result<Option<Self>>;

    /// The value as JSON.
    fn write(&self) -> Value;
}

/// A number with the digits it was written with: 0.9, not the nearest float's 0.8999999761581421.
pub(crate) fn number(value: f32) -> Value {
    format!("{value}")
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

macro_rules! read_by {
    ($($kind:ty: $read:ident, $write:expr;)+) => {$(
        impl Setting for $kind {
            fn read(config: &Config, key: &str) -> Result<Option<Self>> {
                config.$read(key)
            }

            fn write(&self) -> Value {
                let write: fn(&$kind) -> Value = $write;
                write(self)
            }
        }
    )+};
}

read_by! {
    f32: opt_f32, |v| number(*v);
    bool: opt_bool, |v| Value::from(*v);
    usize: opt_usize, |v| Value::from(*v);
    i64: opt_i64, |v| Value::from(*v);
    String: opt_str, |v| Value::from(v.as_str());
}

impl Setting for u64 {
    fn read(config: &Config, key: &str) -> Result<Option<Self>> {
        Ok(config.opt_usize(key)?.map(|v| v as u64))
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

/// Null is a value of its own here: `None`.
impl<T: Setting> Setting for Option<T> {
    fn read(config: &Config, key: &str) -> Result<Option<Self>> {
        match T::read(config, key)? {
            None if config.has(key) => Ok(Some(None)),
            None => Ok(None),
            some => Ok(Some(some)),
        }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

/// An element of a list of settings.
pub(crate) trait Item: Sized {
    fn of(value: &Value) -> Option<Self>;
    fn to_value(&self) -> Value;
}

impl Item for i64 {
    fn of(value: &Value) -> Option<Self> {
        value.as_i64()
    }

    fn to_value(&self) -> Value {
        Value::from(*self)
    }
}

impl Item for f32 {
    fn of(value: &Value) -> Option<Self> {
        value.as_f64().map(|v| v as f32)
    }

    fn to_value(&self) -> Value {
        number(*self)
    }
}

impl Item for String {
    fn of(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }

    fn to_value(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl Item for u64 {
    fn of(value: &Value) -> Option<Self> {
        // Python writes 100.0 where a size went through a float.
        value
            .as_u64()
            .or_else(|| value.as_f64().filter(|v| *v >= 0.0).map(|v| v as u64))
    }

    fn to_value(&self) -> Value {
        Value::from(*self)
    }
}

impl Item for usize {
    fn of(value: &Value) -> Option<Self> {
        u64::of(value).map(|v| v as usize)
    }

    fn to_value(&self) -> Value {
        Value::from(*self)
    }
}

/// A list; a single value stands for a list of one.
impl<T: Item> Setting for Vec<T> {
    fn read(config: &Config, key: &str) -> Result<Option<Self>> {
        let Some(value) = config.get(key) else {
            return Ok(None);
        };
        // Keras writes what became a tensor as an object around the list.
        let plain = value.pointer("/config/value").unwrap_or(value);
        let items = match plain {
            Value::Array(items) => items.iter().map(T::of).collect::<Option<Vec<T>>>(),
            single => T::of(single).map(|item| vec![item]),
        };
        items.map(Some).ok_or_else(|| {
            Error::config(
                config.place(),
                format!("`{key}` is {value}; it must be a list of values of one kind"),
            )
        })
    }

    fn write(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

/// Refuses keys that nobody read and that could change a result.
///
/// # Errors
///
/// [`Error::Config`] naming the first such key.
pub(crate) fn refuse_unknown(config: &Config, known: &Map<String, Value>) -> Result<()> {
    // What says nothing about the arithmetic.
    const SILENT: [&str; 4] = ["name", "dtype", "jit_compile", "is_legacy_optimizer"];
    let unknown: Vec<&str> = config
        .keys()
        .filter(|key| !known.contains_key(*key) && !SILENT.contains(key))
        .collect();
    config.must_be_neutral(&unknown)
}

/// Declares a struct of settings.
///
/// `pub struct Name(required: T, ..) { option: T = default, .. }` becomes a struct with `new(required..)`, a setter for
/// each option, and `read` and `write` for its configuration. `hidden { field: T = value }` adds fields that have no
/// setter and stand in no configuration.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($($required:ident: $required_type:ty),*) {
            $($(#[$doc:meta])* $option:ident: $type:ty = $default:expr),* $(,)?
        }
        $(hidden { $($hidden:ident: $hidden_type:ty = $initial:expr),* $(,)? })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($required: $required_type,)*
            $($option: $type,)*
            $($($hidden: $hidden_type,)*)?
        }

        impl $name {
            /// With these arguments, and Keras' defaults for the rest.
            #[allow(clippy::new_without_default)]
            pub fn new($($required: $required_type),*) -> Self {
                Self {
                    $($required,)*
                    $($option: $default,)*
                    $($($hidden: $initial,)*)?
                }
            }

            $(
                $(#[$doc])*
                pub fn $option(mut self, $option: $type) -> Self {
                    self.$option = $option;
                    self
                }
            )*

            /// Reads it from Keras' configuration.
            #[allow(unused_variables)]
            pub(crate) fn read(config: &$crate::config::Config) -> $crate::Result<Self> {
                Ok(Self {
                    $($required: config.needed(stringify!($required))?,)*
                    $($option: <$type as $crate::settings::Setting>::read(config, stringify!($option))?
                        .unwrap_or_else(|| $default),)*
                    $($($hidden: $initial,)*)?
                })
            }

            /// Keras' configuration of it.
            pub(crate) fn write(&self) -> serde_json::Map<String, serde_json::Value> {
                #[allow(unused_mut)]
                let mut map = serde_json::Map::new();
                $(map.insert(
                    stringify!($required).to_string(),
                    $crate::settings::Setting::write(&self.$required),
                );)*
                $(map.insert(
                    stringify!($option).to_string(),
                    $crate::settings::Setting::write(&self.$option),
                );)*
                map
            }
        }
    };
}
pub(crate) use settings;
