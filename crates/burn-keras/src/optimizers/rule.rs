//! What an optimizer does to one weight.

use burn::tensor::Tensor;
use serde_json::{Map, Value};

use super::LearningRate;
use crate::Result;

/// What a rule is told about a step beside the values.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The learning rate of this step.
    pub learning_rate: f32,
    /// The number of this step, from 1.
    pub number: u64,
    /// The weight's shape; its values come flat, row after row.
    pub shape: &'a [usize],
    /// Where the weight is in the model, as `lstm/cell/kernel`; empty where nobody knows.
    pub path: &'a str,
}

/// Values that a rule keeps beside a weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// The name, as `momentum`.
    pub name: &'static str,
    /// The shape; `[]` for a single value.
    pub shape: Vec<usize>,
    /// What all its values are before the first step.
    pub initial: f32,
    /// Its place in a file: Keras writes the slots of group 0 weight by weight, then those of group 1, and so on.
    pub group: usize,
}

impl Slot {
    /// Values like the weight's, all 0 at first, written weight by weight.
    pub fn like(name: &'static str, shape: &[usize]) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            initial: 0.0,
            group: 0,
        }
    }

    /// The same with another value before the first step.
    pub fn starting_at(self, initial: f32) -> Self {
        Self { initial, ..self }
    }

    /// The same in another group.
    pub fn in_group(self, group: usize) -> Self {
        Self { group, ..self }
    }

    /// The number of its values.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How a weight changes in one step.
pub trait Rule: std::fmt::Debug + Send + Sync {
    /// The class as Keras names it, as `RMSprop`.
    fn class_name(&self) -> &'static str;

    /// The learning rate: a number, or a schedule.
    fn learning_rate(&self) -> &LearningRate;

    /// Replaces the learning rate.
    fn set_learning_rate(&mut self, learning_rate: LearningRate);

    /// What is kept beside a weight of this shape at this place.
    fn slots(&self, shape: &[usize], path: &str) -> Vec<Slot>;

    /// The weight after a step. Weight and gradient are flat and of one size; `slots` are those of [`Rule::slots`],
    /// flat too.
    fn update(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        step: &Step<'_>,
    ) -> Tensor<1>;

    /// The same in a step that takes a share `decay` of the weight away first.
    fn update_with_decay(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        slots: &mut [Tensor<1>],
        step: &Step<'_>,
        decay: f32,
    ) -> Tensor<1> {
        let weight = if decay == 0.0 {
            weight
        } else {
            weight.clone() - weight * decay
        };
        self.update(weight, gradient, slots, step)
    }

    /// The same arithmetic on values in the host's memory, where the rule has it.
    fn by_values(&self) -> Option<&dyn ValueRule> {
        None
    }

    /// The share of a weight that is taken away each step, times the learning rate; `common` is what was asked for all
    /// weights.
    fn weight_decay(&self, _step: &Step<'_>, common: Option<f32>) -> Option<f32> {
        common
    }

    /// Values that Keras writes to a file after all slots, as they are after this many steps.
    fn scalars(&self, _steps: u64) -> Vec<(&'static str, f32)> {
        Vec::new()
    }

    /// Keras' configuration of what is the rule's own.
    fn config(&self) -> Map<String, Value>;

    /// The first option that cannot work.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`](crate::Error::Argument) naming it.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// A copy.
    fn boxed_clone(&self) -> Box<dyn Rule>;
}

/// A rule's step in place on host values.
pub trait ValueRule {
    /// Changes weight and slots in one pass.
    fn update_values(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        slots: &mut [Vec<f32>],
        step: &Step<'_>,
    );
}

/// Declares a rule's struct: its options with Keras' defaults, and its learning rate.
macro_rules! rule_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($rate:literal) { $($options:tt)* }
    ) => {
        crate::settings::settings! {
            $(#[$meta])*
            pub struct $name() { $($options)* }
            hidden { learning_rate: super::LearningRate = $rate.into() }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl $name {
            /// How far each step goes: a number, or a [schedule](crate::optimizers::schedules).
            pub fn learning_rate(mut self, learning_rate: impl Into<super::LearningRate>) -> Self {
                self.learning_rate = learning_rate.into();
                self
            }

            pub(super) fn from_config(config: &crate::config::Config) -> crate::Result<Self> {
                let mut rule = Self::read(config)?;
                if let Some(rate) = super::LearningRate::from_config(config)? {
                    rule.learning_rate = rate;
                }
                Ok(rule)
            }
        }
    };
}
pub(super) use rule_struct;

/// The functions of [`Rule`] that follow from [`rule_struct`].
macro_rules! rule_basics {
    ($class_name:literal) => {
        fn class_name(&self) -> &'static str {
            $class_name
        }

        fn learning_rate(&self) -> &super::LearningRate {
            &self.learning_rate
        }

        fn set_learning_rate(&mut self, learning_rate: super::LearningRate) {
            self.learning_rate = learning_rate;
        }

        fn config(&self) -> serde_json::Map<String, serde_json::Value> {
            self.write()
        }

        fn boxed_clone(&self) -> Box<dyn super::Rule> {
            Box::new(self.clone())
        }
    };
}
pub(super) use rule_basics;

/// The update functions of a [`Rule`] that is an [`ElementRule`](super::elementwise::ElementRule).
macro_rules! rule_by_elements {
    () => {
        fn update(
            &self,
            weight: burn::tensor::Tensor<1>,
            gradient: burn::tensor::Tensor<1>,
            slots: &mut [burn::tensor::Tensor<1>],
            step: &super::Step<'_>,
        ) -> burn::tensor::Tensor<1> {
            self.update_with_decay(weight, gradient, slots, step, 0.0)
        }

        fn update_with_decay(
            &self,
            weight: burn::tensor::Tensor<1>,
            gradient: burn::tensor::Tensor<1>,
            slots: &mut [burn::tensor::Tensor<1>],
            step: &super::Step<'_>,
            decay: f32,
        ) -> burn::tensor::Tensor<1> {
            super::elementwise::update_tensors(self, step, decay, weight, gradient, slots)
        }

        fn by_values(&self) -> Option<&dyn super::ValueRule> {
            Some(self)
        }
    };
}
pub(super) use rule_by_elements;
