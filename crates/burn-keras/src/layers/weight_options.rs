//! What a user can ask of one weight of a layer: how it starts, what it costs, what it is held to.

use serde_json::{Map, Value};

use crate::Result;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::initializers::Initializer;
use crate::regularizers::Regularizer;

/// The options of one weight, held by its layer in a field of the weight's name with `_options` behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightOptions {
    /// How it gets its first values.
    pub initializer: Initializer,
    /// The penalty on it.
    pub regularizer: Option<Regularizer>,
    /// What it is held to after each step.
    pub constraint: Option<Constraint>,
}

impl WeightOptions {
    /// A weight that starts like this and is free otherwise.
    pub fn new(initializer: Initializer) -> Self {
        Self {
            initializer,
            regularizer: None,
            constraint: None,
        }
    }

    /// Reads `<weight>_initializer`, `<weight>_regularizer` and `<weight>_constraint`.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) or [`Error::UnknownName`](crate::Error::UnknownName) naming the key.
    pub fn read(config: &Config, weight: &str, initializer: Initializer) -> Result<Self> {
        Ok(Self {
            initializer: config.initializer(&format!("{weight}_initializer"), initializer)?,
            regularizer: config.regularizer(&format!("{weight}_regularizer"))?,
            constraint: config.constraint(&format!("{weight}_constraint"))?,
        })
    }

    /// Writes the same three keys.
    pub fn write(&self, weight: &str, config: &mut Map<String, Value>) {
        config.insert(
            format!("{weight}_initializer"),
            self.initializer.to_config(),
        );
        let regularizer = self.regularizer.as_ref().map(Regularizer::to_config);
        config.insert(format!("{weight}_regularizer"), regularizer.into());
        let constraint = self.constraint.as_ref().map(Constraint::to_config);
        config.insert(format!("{weight}_constraint"), constraint.into());
    }

    /// The rule for training, if there is anything to do for the weight of this name.
    pub fn rule(&self, weight: &str) -> Option<WeightRule> {
        if self.regularizer.is_none() && self.constraint.is_none() {
            return None;
        }
        Some(WeightRule {
            weight: weight.to_string(),
            regularizer: self.regularizer.clone(),
            constraint: self.constraint.clone(),
        })
    }
}

/// What training has to do for one weight of a layer besides updating it.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightRule {
    /// The weight, by the name that [`WeightInfo`](super::WeightInfo) has for it: `kernel`, `cell.kernel`.
    pub weight: String,
    /// The penalty added to the loss.
    pub regularizer: Option<Regularizer>,
    /// What it is held to after each step.
    pub constraint: Option<Constraint>,
}

impl WeightRule {
    /// The same rule as a layer has it that holds this one's layer in a field called `field`.
    pub fn within(mut self, field: &str) -> Self {
        self.weight = format!("{field}.{}", self.weight);
        self
    }
}

/// The setters of a layer for its weights: initializer, regularizer and constraint of each.
macro_rules! weight_setters {
    ($($field:ident, $words:literal, $default:literal:
        $initializer:ident, $regularizer:ident, $constraint:ident;)+) => {$(
        #[doc = concat!("How ", $words, " starts (`\"", $default, "\"`).")]
        pub fn $initializer(
            mut self,
            initializer: impl $crate::initializers::IntoInitializer,
        ) -> Self {
            let found = initializer.into_initializer();
            if let Some(found) = self.options.accept(stringify!($initializer), found) {
                self.$field.initializer = found;
            }
            self
        }

        #[doc = concat!("A penalty on ", $words, ", added to the loss (none by default).")]
        pub fn $regularizer(
            mut self,
            regularizer: impl $crate::regularizers::IntoRegularizer,
        ) -> Self {
            let found = regularizer.into_regularizer();
            self.$field.regularizer = self.options.accept(stringify!($regularizer), found);
            self
        }

        #[doc = concat!("What ", $words, " is held to after each training step (nothing by default).")]
        pub fn $constraint(
            mut self,
            constraint: impl $crate::constraints::IntoConstraint,
        ) -> Self {
            let found = constraint.into_constraint();
            self.$field.constraint = self.options.accept(stringify!($constraint), found);
            self
        }
    )+};
}
pub(crate) use weight_setters;
