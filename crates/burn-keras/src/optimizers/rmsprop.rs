//! Steps divided by a running root mean square of the gradients.

use serde_json::{Map, Value, json};

use super::elementwise::{ElementRule, Elementwise};
use super::{Rule, rule_by_elements};
use crate::Result;
use crate::config::Config;

/// RMSprop (`keras/src/optimizers/rmsprop.py`): Keras' default optimizer, and the usual one for recurrent models.
///
/// ```text
/// v = rho v + (1 - rho) g²
/// w = w - lr g / sqrt(v + epsilon)          (centered: sqrt(v - a² + epsilon), a the running mean of g)
/// with momentum:  m = momentum m + lr g / sqrt(..);  w = w - m
/// ```
#[doc(alias = "RMSprop")]
#[derive(Clone, Debug)]
pub struct RmsProp {
    learning_rate: f32,
    rho: f32,
    momentum: f32,
    epsilon: f32,
    centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self::new()
    }
}

impl RmsProp {
    /// Learning rate 0.001, rho 0.9, no momentum, epsilon 1e-7, not centered.
    pub fn new() -> Self {
        Self {
            learning_rate: 0.001,
            rho: 0.9,
            momentum: 0.0,
            epsilon: 1e-7,
            centered: false,
        }
    }

    /// How far each step goes.
    pub fn learning_rate(mut self, learning_rate: f32) -> Self {
        self.learning_rate = learning_rate;
        self
    }

    /// How much of the running mean of squared gradients is kept each step.
    pub fn rho(mut self, rho: f32) -> Self {
        self.rho = rho;
        self
    }

    /// How much of the last step's movement is kept.
    pub fn momentum(mut self, momentum: f32) -> Self {
        self.momentum = momentum;
        self
    }

    /// What keeps the division finite; it stands inside the square root.
    pub fn epsilon(mut self, epsilon: f32) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether gradients are divided by their deviation instead of their root mean square.
    pub fn centered(mut self, centered: bool) -> Self {
        self.centered = centered;
        self
    }

    pub(super) fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            learning_rate: config.f32_or("learning_rate", 0.001)?,
            rho: config.f32_or("rho", 0.9)?,
            momentum: config.f32_or("momentum", 0.0)?,
            epsilon: config.f32_or("epsilon", 1e-7)?,
            centered: config.bool_or("centered", false)?,
        })
    }
}

impl ElementRule for RmsProp {
    #[inline(always)]
    fn apply<E: Elementwise>(
        &self,
        weight: E,
        gradient: E,
        slots: &mut [E],
        learning_rate: f32,
        _step: u64,
    ) -> E {
        let rho = self.rho;
        let [velocity, rest @ ..] = slots else {
            return weight;
        };
        let (momentum, rest) = match rest {
            [first, others @ ..] if self.momentum > 0.0 => (Some(first), others),
            others => (None, others),
        };
        let v =
            velocity.clone().scale(rho) + (gradient.clone() * gradient.clone()).scale(1.0 - rho);
        *velocity = v.clone();
        let mut denominator = v;
        if let [average] = rest {
            let mean = average.clone().scale(rho) + gradient.clone().scale(1.0 - rho);
            *average = mean.clone();
            denominator = denominator - mean.clone() * mean;
        }
        let movement = gradient.scale(learning_rate) / denominator.plus(self.epsilon).root();
        match momentum {
            Some(momentum) => {
                let m = momentum.clone().scale(self.momentum) + movement;
                *momentum = m.clone();
                weight - m
            }
            None => weight - movement,
        }
    }
}

impl Rule for RmsProp {
    fn class_name(&self) -> &'static str {
        "RMSprop"
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f32) {
        self.learning_rate = learning_rate;
    }

    fn slots(&self) -> Vec<&'static str> {
        let mut slots = vec!["velocity"];
        if self.momentum > 0.0 {
            slots.push("momentum");
        }
        if self.centered {
            slots.push("average_gradient");
        }
        slots
    }

    fn slot_groups(&self) -> Vec<Vec<&'static str>> {
        self.slots().into_iter().map(|slot| vec![slot]).collect()
    }

    rule_by_elements!();

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("learning_rate".to_string(), json!(self.learning_rate)),
            ("rho".to_string(), json!(self.rho)),
            ("momentum".to_string(), json!(self.momentum)),
            ("epsilon".to_string(), json!(self.epsilon)),
            ("centered".to_string(), json!(self.centered)),
        ])
    }

    fn boxed_clone(&self) -> Box<dyn Rule> {
        Box::new(self.clone())
    }
}
