//! A rule with what all optimizers have.

use serde_json::{Map, Value, json};

use super::clipping::Clipping;
use super::{Rule, at_least, between, of_class};
use crate::config::Config;
use crate::settings::{Setting, refuse_unknown};
use crate::{Error, Result};

/// A rule with what all optimizers have: clipping of gradients, decay and averages of weights, gradients summed over
/// several steps.
///
/// Made from any rule by the setters of [`RuleExt`].
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(1).input_shape([3]))?;
/// model.compile(Adam::new().learning_rate(1e-3).global_clipnorm(1.0).weight_decay(0.01), "mse", ())?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Optimizer {
    pub(super) rule: Box<dyn Rule>,
    pub(super) clipping: Clipping,
    pub(super) weight_decay: Option<f32>,
    pub(super) excluded_from_decay: Vec<String>,
    pub(super) average: Option<Average>,
    pub(super) loss_scale: Option<f32>,
    pub(super) accumulation_steps: Option<u64>,
    // Kept beside the averages, since Keras writes it without them too.
    ema_momentum: f32,
    ema_overwrite_frequency: Option<u64>,
    name: Option<String>,
    problem: Option<Error>,
}

/// How the weights are averaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Average {
    pub momentum: f32,
    pub overwrite_frequency: Option<u64>,
}

impl Clone for Optimizer {
    fn clone(&self) -> Self {
        Self {
            rule: self.rule.boxed_clone(),
            clipping: self.clipping,
            weight_decay: self.weight_decay,
            excluded_from_decay: self.excluded_from_decay.clone(),
            average: self.average,
            loss_scale: self.loss_scale,
            accumulation_steps: self.accumulation_steps,
            ema_momentum: self.ema_momentum,
            ema_overwrite_frequency: self.ema_overwrite_frequency,
            name: self.name.clone(),
            problem: self.problem.clone(),
        }
    }
}

impl From<Box<dyn Rule>> for Optimizer {
    fn from(rule: Box<dyn Rule>) -> Self {
        Self {
            rule,
            clipping: Clipping::None,
            weight_decay: None,
            excluded_from_decay: Vec::new(),
            average: None,
            loss_scale: None,
            accumulation_steps: None,
            ema_momentum: 0.99,
            ema_overwrite_frequency: None,
            name: None,
            problem: None,
        }
    }
}

/// What every rule can be given, and what it then is: an [`Optimizer`].
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).input_shape([8, 16]))?;
/// model.compile(Adam::new().learning_rate(1e-3).clipnorm(1.0), "mse", ())?;
/// # Ok::<(), Error>(())
/// ```
pub trait RuleExt: Sized {
    /// The rule without any of these.
    fn into_plain(self) -> Optimizer;

    /// Scales each weight's gradient down to this norm where it is longer.
    fn clipnorm(self, norm: f32) -> Optimizer {
        self.into_plain().clip_by(Clipping::Norm(norm))
    }

    /// Holds each value of a gradient within ± this.
    fn clipvalue(self, value: f32) -> Optimizer {
        self.into_plain().clip_by(Clipping::Value(value))
    }

    /// Scales all gradients together down to this norm where it is longer.
    fn global_clipnorm(self, norm: f32) -> Optimizer {
        self.into_plain().clip_by(Clipping::GlobalNorm(norm))
    }

    /// Takes this share of every weight, times the learning rate, away before each step.
    fn weight_decay(self, share: f32) -> Optimizer {
        self.into_plain().with(|o| o.weight_decay = Some(share))
    }

    /// Spares weights from decay in whose name one of these texts stands: `["bias", "gamma"]`.
    ///
    /// Keras takes regular expressions here; these are plain texts.
    fn exclude_from_weight_decay<T: Into<String>>(
        self,
        names: impl IntoIterator<Item = T>,
    ) -> Optimizer {
        let names = names.into_iter().map(Into::into).collect();
        self.into_plain().with(|o| o.excluded_from_decay = names)
    }

    /// Keeps a running average of the weights (of 0.99 of itself and 0.01 of the weights), which takes their place at
    /// the end of `fit`.
    fn use_ema(self, use_ema: bool) -> Optimizer {
        self.into_plain().with(|o| {
            o.average = use_ema.then_some(Average {
                momentum: o.ema_momentum,
                overwrite_frequency: o.ema_overwrite_frequency,
            });
        })
    }

    /// How much of the running average is kept each step, between 0 and 1.
    fn ema_momentum(self, momentum: f32) -> Optimizer {
        self.into_plain().with(|o| {
            o.ema_momentum = momentum;
            if let Some(average) = &mut o.average {
                average.momentum = momentum;
            }
        })
    }

    /// After how many steps the average takes the weights' place during training, again and again.
    fn ema_overwrite_frequency(self, steps: u64) -> Optimizer {
        self.into_plain().with(|o| {
            o.ema_overwrite_frequency = Some(steps);
            if let Some(average) = &mut o.average {
                average.overwrite_frequency = Some(steps);
            }
        })
    }

    /// Multiplies the loss by this, and divides the gradients by it again, so that small ones do not vanish.
    fn loss_scale_factor(self, factor: f32) -> Optimizer {
        self.into_plain().with(|o| o.loss_scale = Some(factor))
    }

    /// Changes the weights only every so many steps, by the mean of their gradients.
    fn gradient_accumulation_steps(self, steps: u64) -> Optimizer {
        self.into_plain()
            .with(|o| o.accumulation_steps = Some(steps))
    }
}

impl<R: Rule + 'static> RuleExt for R {
    fn into_plain(self) -> Optimizer {
        Optimizer::from(Box::new(self) as Box<dyn Rule>)
    }
}

impl RuleExt for Optimizer {
    fn into_plain(self) -> Optimizer {
        self
    }
}

impl Optimizer {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn clip_by(mut self, clipping: Clipping) -> Self {
        if self.clipping != Clipping::None {
            self.problem.get_or_insert(Error::argument(
                self.rule.class_name(),
                "clipnorm, clipvalue and global_clipnorm",
                "exclude each other; give one of them",
            ));
        }
        self.clipping = clipping;
        self
    }

    /// The rule.
    pub fn rule(&self) -> &dyn Rule {
        &*self.rule
    }

    /// The first argument that cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let place = self.rule.class_name();
        self.rule.learning_rate().check(place)?;
        self.rule.check()?;
        if let Some((name, limit)) = self.clipping.limit() {
            at_least(place, name, limit, f32::MIN_POSITIVE)?;
        }
        if let Some(decay) = self.weight_decay {
            at_least(place, "weight_decay", decay, 0.0)?;
        }
        if self.average.is_some() {
            between(place, "ema_momentum", self.ema_momentum, 0.0, 1.0)?;
        }
        if self.ema_overwrite_frequency == Some(0) {
            let problem = "is 0; it must be at least 1";
            return Err(Error::argument(place, "ema_overwrite_frequency", problem));
        }
        if let Some(factor) = self.loss_scale {
            at_least(place, "loss_scale_factor", factor, f32::MIN_POSITIVE)?;
        }
        match self.accumulation_steps {
            Some(steps @ 0..=1) => Err(Error::argument(
                place,
                "gradient_accumulation_steps",
                format!("is {steps}; it must be at least 2, or left out"),
            )),
            _ => Ok(()),
        }
    }

    /// Reads Keras' serialised form, `{"class_name": "RMSprop", "config": {..}}`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for an optimizer that does not exist, [`Error::Config`] for an option that is not
    /// supported.
    pub fn from_config(object: &Value) -> Result<Self> {
        let (class_name, config) = Config::of_object(object, "optimizer")?;
        if class_name == "LossScaleOptimizer" {
            let problem = "scales the loss up and down, for numbers of 16 bits; here they have 32. Compile with the \
                           optimizer inside it, whose `loss_scale_factor` can be set";
            return Err(Error::config(config.place(), problem));
        }
        let mut optimizer = Self::from(of_class(&class_name, &config)?);
        refuse_unknown(&config, &optimizer.settings())?;
        optimizer.weight_decay = config.opt_f32("weight_decay")?;
        if let Some(norm) = config.opt_f32("clipnorm")? {
            optimizer = optimizer.clipnorm(norm);
        }
        if let Some(value) = config.opt_f32("clipvalue")? {
            optimizer = optimizer.clipvalue(value);
        }
        if let Some(norm) = config.opt_f32("global_clipnorm")? {
            optimizer = optimizer.global_clipnorm(norm);
        }
        optimizer = optimizer.ema_momentum(config.f32_or("ema_momentum", 0.99)?);
        optimizer.ema_overwrite_frequency = Setting::read(&config, "ema_overwrite_frequency")?;
        optimizer = optimizer.use_ema(config.bool_or("use_ema", false)?);
        optimizer.loss_scale = config.opt_f32("loss_scale_factor")?;
        optimizer.accumulation_steps = Setting::read(&config, "gradient_accumulation_steps")?;
        optimizer.name = config.opt_str("name")?;
        Ok(optimizer)
    }

    /// Keras' serialised form, which [`Optimizer::from_config`] reads.
    ///
    /// Keras has no place for the names given to [`RuleExt::exclude_from_weight_decay`]; they are not in it.
    pub fn to_config(&self) -> Value {
        let class_name = self.rule.class_name();
        json!({
            "module": "keras.optimizers",
            "class_name": class_name,
            "config": self.settings(),
            "registered_name": null,
        })
    }

    fn settings(&self) -> Map<String, Value> {
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| keras_format::optimizer_name(self.rule.class_name()));
        let clip = |name: &str| self.clipping.named(name).write();
        let mut map = Map::from_iter([
            ("name".to_string(), Value::from(name)),
            (
                "learning_rate".to_string(),
                self.rule.learning_rate().config(),
            ),
            ("weight_decay".to_string(), self.weight_decay.write()),
            ("clipnorm".to_string(), clip("clipnorm")),
            ("global_clipnorm".to_string(), clip("global_clipnorm")),
            ("clipvalue".to_string(), clip("clipvalue")),
            ("use_ema".to_string(), Value::from(self.average.is_some())),
            ("ema_momentum".to_string(), self.ema_momentum.write()),
            (
                "ema_overwrite_frequency".to_string(),
                self.ema_overwrite_frequency.write(),
            ),
            ("loss_scale_factor".to_string(), self.loss_scale.write()),
            (
                "gradient_accumulation_steps".to_string(),
                self.accumulation_steps.write(),
            ),
        ]);
        for (key, value) in self.rule.config() {
            // A decay that was asked for all weights stands above the rule's own.
            if map.get(&key).is_none_or(Value::is_null) {
                map.insert(key, value);
            }
        }
        map
    }
}
