//! Gradient descent.

use serde_json::{Map, Value, json};

use super::elementwise::{ElementRule, Elementwise};
use super::{Rule, rule_by_elements};
use crate::Result;
use crate::config::Config;

/// Gradient descent, with momentum if asked for (`keras/src/optimizers/sgd.py`).
///
/// ```text
/// without momentum:  w = w - lr g
/// with momentum m:   v = m v - lr g;  w = w + v          (nesterov: w = w + m v - lr g)
/// ```
#[doc(alias = "SGD")]
#[derive(Clone, Debug)]
pub struct Sgd {
    learning_rate: f32,
    momentum: f32,
    nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self::new()
    }
}

impl Sgd {
    /// Learning rate 0.01, no momentum.
    pub fn new() -> Self {
        Self {
            learning_rate: 0.01,
            momentum: 0.0,
            nesterov: false,
        }
    }

    /// How far each step goes.
    pub fn learning_rate(mut self, learning_rate: f32) -> Self {
        self.learning_rate = learning_rate;
        self
    }

    /// How much of the last step's movement is kept, between 0 and 1.
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether momentum looks one step ahead; without momentum it changes nothing, as in Keras.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    pub(super) fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            learning_rate: config.f32_or("learning_rate", 0.01)?,
            momentum: config.f32_or("momentum", 0.0)?,
            nesterov: config.bool_or("nesterov", false)?,
        })
    }
}

impl ElementRule for Sgd {
    #[inline(always)]
    fn apply<E: Elementwise>(
        &self,
        weight: E,
        gradient: E,
        slots: &mut [E],
        learning_rate: f32,
        _step: u64,
    ) -> E {
        let step = gradient.scale(learning_rate);
        let [velocity] = slots else {
            return weight - step;
        };
        let v = velocity.clone().scale(self.momentum) - step.clone();
        *velocity = v.clone();
        if self.nesterov {
            weight + v.scale(self.momentum) - step
        } else {
            weight + v
        }
    }
}

impl Rule for Sgd {
    fn class_name(&self) -> &'static str {
        "SGD"
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f32) {
        self.learning_rate = learning_rate;
    }

    fn slots(&self) -> Vec<&'static str> {
        if self.momentum == 0.0 {
            vec![]
        } else {
            vec!["momentum"]
        }
    }

    rule_by_elements!();

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("learning_rate".to_string(), json!(self.learning_rate)),
            ("momentum".to_string(), json!(self.momentum)),
            ("nesterov".to_string(), json!(self.nesterov)),
        ])
    }

    fn boxed_clone(&self) -> Box<dyn Rule> {
        Box::new(self.clone())
    }
}
