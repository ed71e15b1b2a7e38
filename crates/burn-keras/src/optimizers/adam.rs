//! Adaptive moments.

use serde_json::{Map, Value, json};

use super::elementwise::{ElementRule, Elementwise};
use super::{Rule, rule_by_elements};
use crate::Result;
use crate::config::Config;

/// Adam (Kingma and Ba, 2015), in the form of `keras/src/optimizers/adam.py`: epsilon is added to the root of the
/// uncorrected `v`.
///
/// ```text
/// alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t)
/// m = m + (g - m)(1 - beta_1)
/// v = v + (g² - v)(1 - beta_2)
/// w = w - alpha m / (sqrt(v) + epsilon)          (amsgrad: the largest v so far)
/// ```
#[derive(Clone, Debug)]
pub struct Adam {
    learning_rate: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
    amsgrad: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self::new()
    }
}

impl Adam {
    /// Learning rate 0.001, betas 0.9 and 0.999, epsilon 1e-7.
    pub fn new() -> Self {
        Self {
            learning_rate: 0.001,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
            amsgrad: false,
        }
    }

    /// How far each step goes.
    pub fn learning_rate(mut self, learning_rate: f32) -> Self {
        self.learning_rate = learning_rate;
        self
    }

    /// How much of the running mean of gradients is kept each step.
    pub fn beta_1(mut self, beta_1: f32) -> Self {
        self.beta_1 = beta_1;
        self
    }

    /// How much of the running mean of squared gradients is kept each step.
    pub fn beta_2(mut self, beta_2: f32) -> Self {
        self.beta_2 = beta_2;
        self
    }

    /// What keeps the division finite; it is added to the root.
    pub fn epsilon(mut self, epsilon: f32) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether the largest running mean of squared gradients so far is used (Reddi et al., 2018).
    pub fn amsgrad(mut self, amsgrad: bool) -> Self {
        self.amsgrad = amsgrad;
        self
    }

    pub(super) fn from_config(config: &Config) -> Result<Self> {
        Ok(Self {
            learning_rate: config.f32_or("learning_rate", 0.001)?,
            beta_1: config.f32_or("beta_1", 0.9)?,
            beta_2: config.f32_or("beta_2", 0.999)?,
            epsilon: config.f32_or("epsilon", 1e-7)?,
            amsgrad: config.bool_or("amsgrad", false)?,
        })
    }
}

impl ElementRule for Adam {
    #[inline(always)]
    fn apply<E: Elementwise>(
        &self,
        weight: E,
        gradient: E,
        slots: &mut [E],
        learning_rate: f32,
        step: u64,
    ) -> E {
        let [momentum, velocity, rest @ ..] = slots else {
            return weight;
        };
        let step = step as f32;
        let alpha =
            learning_rate * (1.0 - self.beta_2.powf(step)).sqrt() / (1.0 - self.beta_1.powf(step));
        let m = momentum.clone() + (gradient.clone() - momentum.clone()).scale(1.0 - self.beta_1);
        *momentum = m.clone();
        let mut v = velocity.clone()
            + (gradient.clone() * gradient - velocity.clone()).scale(1.0 - self.beta_2);
        *velocity = v.clone();
        if let [largest] = rest {
            v = largest.clone().larger(v);
            *largest = v.clone();
        }
        weight - m.scale(alpha) / v.root().plus(self.epsilon)
    }
}

impl Rule for Adam {
    fn class_name(&self) -> &'static str {
        "Adam"
    }

    fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f32) {
        self.learning_rate = learning_rate;
    }

    fn slots(&self) -> Vec<&'static str> {
        let mut slots = vec!["momentum", "velocity"];
        if self.amsgrad {
            slots.push("velocity_hat");
        }
        slots
    }

    fn slot_groups(&self) -> Vec<Vec<&'static str>> {
        let mut groups = vec![vec!["momentum", "velocity"]];
        if self.amsgrad {
            groups.push(vec!["velocity_hat"]);
        }
        groups
    }

    rule_by_elements!();

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("learning_rate".to_string(), json!(self.learning_rate)),
            ("beta_1".to_string(), json!(self.beta_1)),
            ("beta_2".to_string(), json!(self.beta_2)),
            ("epsilon".to_string(), json!(self.epsilon)),
            ("amsgrad".to_string(), json!(self.amsgrad)),
        ])
    }

    fn boxed_clone(&self) -> Box<dyn Rule> {
        Box::new(self.clone())
    }
}
