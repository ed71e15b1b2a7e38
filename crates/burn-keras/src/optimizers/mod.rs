//! Optimizers with Keras' arithmetic, which differs from burn's in where epsilon stands and what momentum holds.
//!
//! A [`Rule`] says how one weight changes; each rule is also a burn [`Optimizer`](burn::optim::Optimizer), so it can be
//! used in a burn training loop of one's own.

use std::collections::HashMap;

use burn::module::ParamId;
use burn::tensor::{Tensor, TensorData};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::{Error, Result};

mod adam;
mod burn_optimizer;
pub mod elementwise;
mod rmsprop;
mod sgd;

pub use adam::Adam;
pub use burn_optimizer::SlotState;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

/// How a weight changes in one step.
pub trait Rule: std::fmt::Debug + Send + Sync {
    /// The class as Keras names it, as `RMSprop`.
    fn class_name(&self) -> &'static str;

    /// The learning rate.
    fn learning_rate(&self) -> f32;

    /// Sets the learning rate.
    fn set_learning_rate(&mut self, learning_rate: f32);

    /// The names of the values kept beside each weight, as `["momentum", "velocity"]`; all start at 0.
    fn slots(&self) -> Vec<&'static str>;

    /// The weight after a step. All tensors are flat and of one size; `step` counts from 1.
    fn update(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        learning_rate: f32,
        step: u64,
    ) -> Tensor<1>;

    /// The same step in place on host values, in one pass.
    fn update_values(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>],
        learning_rate: f32,
        step: u64,
    );

    /// Keras' configuration.
    fn config(&self) -> Map<String, Value>;

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Rule>;
}

/// The two update functions of a [`Rule`] that is an [`ElementRule`](elementwise::ElementRule).
macro_rules! rule_by_elements {
    () => {
        fn update(
            &self,
            weight: burn::tensor::Tensor<1>,
            gradient: burn::tensor::Tensor<1>,
            slots: &mut [burn::tensor::Tensor<1>],
            learning_rate: f32,
            step: u64,
        ) -> burn::tensor::Tensor<1> {
            self.apply(weight, gradient, slots, learning_rate, step)
        }

        fn update_values(
            &self,
            weight: &mut [f32],
            gradient: &[f32],
            slots: &mut [Vec<f32>],
            learning_rate: f32,
            step: u64,
        ) {
            super::elementwise::update_slices(self, weight, gradient, slots, learning_rate, step);
        }
    };
}
use rule_by_elements;

/// The names there are, for the error that lists the nearest.
const NAMES: [&str; 3] = ["rmsprop", "adam", "sgd"];

/// The optimizer of this name, upper or lower case, with Keras' default arguments.
///
/// # Errors
///
/// [`Error::UnknownName`] with the nearest names.
pub fn by_name(name: &str) -> Result<Box<dyn Rule>> {
    match name.to_lowercase().as_str() {
        "rmsprop" => Ok(Box::new(RmsProp::new())),
        "adam" => Ok(Box::new(Adam::new())),
        "sgd" => Ok(Box::new(Sgd::new())),
        _ => Err(Error::unknown("optimizer", name, NAMES)),
    }
}

/// A rule with what all optimizers have: clipping of gradients and decay of weights.
///
/// Made from any rule: `Adam::new().clipnorm(1.0)` (see [`RuleExt`]).
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn Rule>,
    clipping: Clipping,
    weight_decay: f32,
    problem: Option<Error>,
}

/// How gradients are kept small; Keras allows one way at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Clipping {
    None,
    /// Each weight's gradient scaled to at most this norm.
    Norm(f32),
    /// Each value held within plus and minus this.
    Value(f32),
    /// All gradients together scaled to at most this norm.
    GlobalNorm(f32),
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

    /// Clips gradients as `keras/src/optimizers/base_optimizer.py` does.
    fn clip(&self, gradients: &mut [Change]) {
        let norm = |squares: Tensor<1>| squares.sqrt();
        match self.clipping {
            Clipping::None => {}
            Clipping::Value(value) => {
                for change in gradients {
                    change.gradient = change.gradient.clone().clamp(-value, value);
                }
            }
            Clipping::Norm(limit) => {
                for change in gradients {
                    let length = norm(squared_length(&change.gradient));
                    change.gradient =
                        change.gradient.clone() * (length.clamp_min(limit).recip() * limit);
                }
            }
            Clipping::GlobalNorm(limit) => {
                let squares = gradients
                    .iter()
                    .map(|c| squared_length(&c.gradient))
                    .reduce(|a, b| a + b);
                let Some(squares) = squares else { return };
                // Not finite, the factor is not either: all gradients become NaN, as in Keras.
                let factor = (norm(squares).recip() * limit).clamp_max(1.0);
                for change in gradients {
                    change.gradient = change.gradient.clone() * factor.clone();
                }
            }
        }
    }
}

fn squared_length(gradient: &Tensor<1>) -> Tensor<1> {
    (gradient.clone() * gradient.clone()).sum()
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

/// A weight on its way through a step: flat, with its flat gradient.
#[derive(Debug)]
pub(crate) struct Change {
    pub id: ParamId,
    pub weight: Tensor<1>,
    pub gradient: Tensor<1>,
}

/// An optimizer together with what it has learned about each weight.
#[derive(Clone, Debug)]
pub(crate) struct OptimizerState {
    optimizer: Optimizer,
    iterations: u64,
    slots: HashMap<ParamId, Slots>,
}

/// What a rule keeps about one weight: on the host where the weight is in its memory too, else on the device.
#[derive(Clone, Debug)]
enum Slots {
    Host(Vec<Vec<f32>>),
    Device(Vec<Tensor<1>>),
}

impl OptimizerState {
    /// An optimizer that has not seen any weight.
    pub fn new(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            iterations: 0,
            slots: HashMap::new(),
        }
    }

    /// The rule.
    pub fn rule(&self) -> &dyn Rule {
        &*self.optimizer.rule
    }

    /// The rule, to change its learning rate.
    pub fn rule_mut(&mut self) -> &mut dyn Rule {
        &mut *self.optimizer.rule
    }

    /// The number of steps done.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Does a step: gives each weight's new value, flat, in the order of `changes`.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when values cannot be read.
    pub fn step(&mut self, mut changes: Vec<Change>) -> Result<Vec<(ParamId, Tensor<1>)>> {
        self.optimizer.clip(&mut changes);
        let rule = &*self.optimizer.rule;
        let learning_rate = rule.learning_rate();
        let decay = self.optimizer.weight_decay * learning_rate;
        self.iterations += 1;
        let step = self.iterations;
        changes
            .into_iter()
            .map(
                |Change {
                     id,
                     weight,
                     gradient,
                 }| {
                    let count = rule.slots().len();
                    let slots = self.slots.entry(id).or_insert_with(|| {
                        if is_on_host(&weight) {
                            Slots::Host(vec![vec![0.0; weight.dims()[0]]; count])
                        } else {
                            Slots::Device(vec![weight.zeros_like(); count])
                        }
                    });
                    let updated = match slots {
                        Slots::Host(slots) => {
                            let device = weight.device();
                            let mut values = host_values(weight)?;
                            let gradient = host_values(gradient)?;
                            if decay != 0.0 {
                                values.iter_mut().for_each(|w| *w -= *w * decay);
                            }
                            rule.update_values(&mut values, &gradient, slots, learning_rate, step);
                            let count = values.len();
                            Tensor::from_data(TensorData::new(values, [count]), &device)
                        }
                        Slots::Device(slots) => {
                            let weight = if decay == 0.0 {
                                weight
                            } else {
                                weight.clone() - weight * decay
                            };
                            rule.update(weight, gradient, slots, learning_rate, step)
                        }
                    };
                    Ok((id, updated))
                },
            )
            .collect()
    }
}

/// Whether a tensor's values lie in the host's memory, where a pass over them costs less than tensor operations.
fn is_on_host(tensor: &Tensor<1>) -> bool {
    crate::backend::is_cpu(&tensor.device())
}

fn host_values(tensor: Tensor<1>) -> Result<Vec<f32>> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|e| Error::Device(format!("reading a weight failed: {e}")))
}
