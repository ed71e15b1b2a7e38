//! A rule with what all optimizers have.

use serde_json::{Map, Value, json};

use super::clipping::Clipping;
use super::{Adam, NAMES, RmsProp, Rule, Sgd};
use crate::config::Config;
use crate::{Error, Result};

/// A rule with what all optimizers have: clipping of gradients and decay of weights.
///
/// Made from any rule: `Adam::new().clipnorm(1.0)` (see [`RuleExt`]).
#[derive(Debug)]
pub struct Optimizer {
    pub(super) rule: Box<dyn Rule>,
    pub(super) clipping: Clipping,
    pub(super) weight_decay: f32,
    problem: Option<Error>,
}

impl Clone for Optimizer {
    fn clone(&self) -> Self {
        Self {
            rule: self.rule.boxed_clone(),
            clipping: self.clipping,
            weight_decay: self.weight_decay,
            problem: self.problem.clone(),
        }
    }
}

impl From<Box<dyn Rule>> for Optimizer {
    fn from(rule: Box<dyn Rule>) -> Self {
        Self {
            rule,
            clipping: Clipping::None,
            weight_decay: 0.0,
            problem: None,
        }
    }
}

impl Optimizer {
    /// Scales each weight's gradient down to this norm where it is longer.
    pub fn clipnorm(self, norm: f32) -> Self {
        self.clip_by(Clipping::Norm(norm))
    }

    /// Holds each value of a gradient within ± this.
    pub fn clipvalue(self, value: f32) -> Self {
        self.clip_by(Clipping::Value(value))
    }

    /// Scales all gradients together down to this norm where it is longer.
    pub fn global_clipnorm(self, norm: f32) -> Self {
        self.clip_by(Clipping::GlobalNorm(norm))
    }

    fn clip_by(mut self, clipping: Clipping) -> Self {
        let place = self.rule.class_name();
        let limit = match clipping {
            Clipping::None => 1.0,
            Clipping::Norm(limit) | Clipping::Value(limit) | Clipping::GlobalNorm(limit) => limit,
        };
        if self.clipping != Clipping::None {
            self.problem.get_or_insert(Error::argument(
                place,
                "clipnorm, clipvalue and global_clipnorm",
                "exclude each other; give one of them",
            ));
        } else if !(limit > 0.0 && limit.is_finite()) {
            self.problem.get_or_insert(Error::argument(
                place,
                "the limit of clipping",
                format!("is {limit}; it must be a number above 0"),
            ));
        }
        self.clipping = clipping;
        self
    }

    /// The first argument that cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let rate = self.rule.learning_rate();
        if !(rate >= 0.0 && rate.is_finite()) {
            return Err(Error::argument(
                self.rule.class_name(),
                "learning_rate",
                format!("is {rate}; it must be a number of at least 0"),
            ));
        }
        Ok(())
    }

    /// Takes this share of every weight, times the learning rate, away before each step.
    pub fn weight_decay(mut self, share: f32) -> Self {
        self.weight_decay = share;
        self
    }

    /// Keras' serialised form, `{"class_name": "RMSprop", "config": {..}}`.
    pub fn to_config(&self) -> Value {
        let name = keras_format::optimizer_name(self.rule.class_name());
        let limit = |wanted: fn(&Clipping) -> Option<f32>| wanted(&self.clipping);
        let mut config = Map::from_iter([
            ("name".to_string(), json!(name)),
            (
                "learning_rate".to_string(),
                json!(f64::from(self.rule.learning_rate())),
            ),
            (
                "weight_decay".to_string(),
                json!((self.weight_decay != 0.0).then_some(self.weight_decay)),
            ),
            (
                "clipnorm".to_string(),
                json!(limit(|c| match c {
                    Clipping::Norm(n) => Some(*n),
                    _ => None,
                })),
            ),
            (
                "global_clipnorm".to_string(),
                json!(limit(|c| match c {
                    Clipping::GlobalNorm(n) => Some(*n),
                    _ => None,
                })),
            ),
            (
                "clipvalue".to_string(),
                json!(limit(|c| match c {
                    Clipping::Value(n) => Some(*n),
                    _ => None,
                })),
            ),
            ("use_ema".to_string(), json!(false)),
            ("ema_momentum".to_string(), json!(0.99)),
            ("ema_overwrite_frequency".to_string(), Value::Null),
            ("loss_scale_factor".to_string(), Value::Null),
            ("gradient_accumulation_steps".to_string(), Value::Null),
        ]);
        for (key, value) in self.rule.config() {
            config.entry(key).or_insert(value);
        }
        json!({
            "module": "keras.optimizers",
            "class_name": self.rule.class_name(),
            "config": config,
            "registered_name": null,
        })
    }

    /// Reads Keras' serialised form, `{"class_name": "RMSprop", "config": {..}}`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for an optimizer that does not exist, [`Error::Config`] for an option that is not
    /// supported.
    pub fn from_config(object: &Value) -> Result<Self> {
        let (class_name, config) = Config::of_object(object, "optimizer")?;
        config.must_be_neutral(&[
            "use_ema",
            "loss_scale_factor",
            "gradient_accumulation_steps",
        ])?;
        let rule: Box<dyn Rule> = match class_name.to_lowercase().as_str() {
            "rmsprop" => Box::new(RmsProp::from_config(&config)?),
            "adam" => Box::new(Adam::from_config(&config)?),
            "sgd" => Box::new(Sgd::from_config(&config)?),
            _ => return Err(Error::unknown("optimizer", &class_name, NAMES)),
        };
        let mut optimizer = Self::from(rule);
        optimizer.weight_decay = config.f32_or("weight_decay", 0.0)?;
        if let Some(norm) = config.opt_f32("clipnorm")? {
            optimizer = optimizer.clipnorm(norm);
        }
        if let Some(value) = config.opt_f32("clipvalue")? {
            optimizer = optimizer.clipvalue(value);
        }
        if let Some(norm) = config.opt_f32("global_clipnorm")? {
            optimizer = optimizer.global_clipnorm(norm);
        }
        Ok(optimizer)
    }
}

/// What every rule can be given: clipping of gradients and decay of weights.
pub trait RuleExt: Rule + Sized + 'static {
    /// See [`Optimizer::clipnorm`].
    fn clipnorm(self, norm: f32) -> Optimizer {
        self.into_plain().clipnorm(norm)
    }

    /// See [`Optimizer::clipvalue`].
    fn clipvalue(self, value: f32) -> Optimizer {
        self.into_plain().clipvalue(value)
    }

    /// See [`Optimizer::global_clipnorm`].
    fn global_clipnorm(self, norm: f32) -> Optimizer {
        self.into_plain().global_clipnorm(norm)
    }

    /// See [`Optimizer::weight_decay`].
    fn weight_decay(self, share: f32) -> Optimizer {
        self.into_plain().weight_decay(share)
    }

    /// The rule without any of these.
    fn into_plain(self) -> Optimizer {
        Optimizer::from(Box::new(self) as Box<dyn Rule>)
    }
}

impl<R: Rule + 'static> RuleExt for R {}
