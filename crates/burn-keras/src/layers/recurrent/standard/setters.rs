//! The setters that cells and the layers around them share.

use super::{CellSettings, Gates, StandardCell};
use crate::activations::{Activation, IntoActivation};
use crate::constraints::IntoConstraint;
use crate::initializers::IntoInitializer;
use crate::layers::LayerOptions;
use crate::layers::recurrent::Recurrent;
use crate::regularizers::IntoRegularizer;
use crate::{Error, Result};

/// What [`CellExt`] changes: the place for bad arguments, and the options.
pub type Parts<'a> = (&'a mut LayerOptions, &'a mut CellSettings);

/// The options of LSTM, GRU and SimpleRNN, cells and layers alike.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).dropout(0.1).recurrent_dropout(0.1).input_shape([8, 16]))?;
/// model.add(Dense::new(1))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 1)");
/// # Ok::<(), Error>(())
/// ```
pub trait CellExt: Sized {
    /// What the setters change.
    #[doc(hidden)]
    fn parts(&mut self) -> Parts<'_>;

    /// The function of the candidate (and of the output, in LSTM): `"tanh"`.
    fn activation(mut self, activation: impl IntoActivation) -> Self {
        let (options, settings) = self.parts();
        let valid = same_size(activation.into_activation());
        if let Some(found) = options.accept("activation", valid) {
            settings.activation = found;
        }
        self
    }

    /// Whether there is a bias (there is by default).
    fn use_bias(mut self, use_bias: bool) -> Self {
        self.parts().1.use_bias = use_bias;
        self
    }

    /// How the kernel starts (`"glorot_uniform"`, over all gates at once).
    fn kernel_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        let (options, settings) = self.parts();
        if let Some(found) = options.accept("kernel_initializer", initializer.into_initializer()) {
            settings.kernel.initializer = found;
        }
        self
    }

    /// How the recurrent kernel starts (`"orthogonal"`, over all gates at once).
    fn recurrent_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        let (options, settings) = self.parts();
        if let Some(found) = options.accept("recurrent_initializer", initializer.into_initializer())
        {
            settings.recurrent_kernel.initializer = found;
        }
        self
    }

    /// How the bias starts (`"zeros"`; but 1 for the forget gate of an LSTM with `unit_forget_bias`).
    fn bias_initializer(mut self, initializer: impl IntoInitializer) -> Self {
        let (options, settings) = self.parts();
        if let Some(found) = options.accept("bias_initializer", initializer.into_initializer()) {
            settings.bias.initializer = found;
        }
        self
    }

    /// A penalty on the kernel, added to the loss (none by default).
    fn kernel_regularizer(mut self, regularizer: impl IntoRegularizer) -> Self {
        let (options, settings) = self.parts();
        let found = regularizer.into_regularizer();
        settings.kernel.regularizer = options.accept("kernel_regularizer", found);
        self
    }

    /// A penalty on the recurrent kernel, added to the loss (none by default).
    fn recurrent_regularizer(mut self, regularizer: impl IntoRegularizer) -> Self {
        let (options, settings) = self.parts();
        let found = regularizer.into_regularizer();
        settings.recurrent_kernel.regularizer = options.accept("recurrent_regularizer", found);
        self
    }

    /// A penalty on the bias, added to the loss (none by default).
    fn bias_regularizer(mut self, regularizer: impl IntoRegularizer) -> Self {
        let (options, settings) = self.parts();
        let found = regularizer.into_regularizer();
        settings.bias.regularizer = options.accept("bias_regularizer", found);
        self
    }

    /// What the kernel is held to after each training step (nothing by default).
    fn kernel_constraint(mut self, constraint: impl IntoConstraint) -> Self {
        let (options, settings) = self.parts();
        let found = constraint.into_constraint();
        settings.kernel.constraint = options.accept("kernel_constraint", found);
        self
    }

    /// What the recurrent kernel is held to after each training step (nothing by default).
    fn recurrent_constraint(mut self, constraint: impl IntoConstraint) -> Self {
        let (options, settings) = self.parts();
        let found = constraint.into_constraint();
        settings.recurrent_kernel.constraint = options.accept("recurrent_constraint", found);
        self
    }

    /// What the bias is held to after each training step (nothing by default).
    fn bias_constraint(mut self, constraint: impl IntoConstraint) -> Self {
        let (options, settings) = self.parts();
        let found = constraint.into_constraint();
        settings.bias.constraint = options.accept("bias_constraint", found);
        self
    }

    /// The share of the input's features that is dropped while training, between 0 and 1.
    ///
    /// What is dropped differs from sample to sample and stays the same at all steps of one call; what is kept is scaled
    /// by `1 / (1 - rate)`. Together with `recurrent_dropout` every gate has a mask of its own, as in Keras. A rate of 1
    /// drops everything, as in `Dropout` (in Keras it does nothing in LSTM and GRU).
    fn dropout(mut self, rate: f32) -> Self {
        let (options, settings) = self.parts();
        if let Some(rate) = options.accept("dropout", share(rate)) {
            settings.dropout = rate;
        }
        self
    }

    /// The share of the state's units that is dropped in the recurrent products while training, between 0 and 1; the rules
    /// are those of `dropout`. The state that is carried on, an LSTM's `c` and the output are not dropped.
    fn recurrent_dropout(mut self, rate: f32) -> Self {
        let (options, settings) = self.parts();
        if let Some(rate) = options.accept("recurrent_dropout", share(rate)) {
            settings.recurrent_dropout = rate;
        }
        self
    }

    /// Seeds the dropout masks by themselves, apart from the seed of `fit`.
    fn seed(mut self, seed: u64) -> Self {
        self.parts().1.seed = Some(seed);
        self
    }
}

impl<K: Gates> CellExt for StandardCell<K> {
    fn parts(&mut self) -> Parts<'_> {
        (&mut self.options, &mut self.settings)
    }
}

impl<K: Gates> CellExt for Recurrent<StandardCell<K>> {
    fn parts(&mut self) -> Parts<'_> {
        (&mut self.options, &mut self.cell.settings)
    }
}

/// Kinds of cells that have gates with a function of their own.
pub trait Gated: Gates {}

impl<K: Gated> StandardCell<K> {
    /// The function of the gates (`"sigmoid"`).
    pub fn recurrent_activation(mut self, activation: impl IntoActivation) -> Self {
        set_recurrent_activation(self.parts(), activation);
        self
    }
}

impl<K: Gated> Recurrent<StandardCell<K>> {
    /// The function of the gates (`"sigmoid"`).
    pub fn recurrent_activation(mut self, activation: impl IntoActivation) -> Self {
        set_recurrent_activation(self.parts(), activation);
        self
    }
}

pub(super) fn set_recurrent_activation(
    (options, settings): Parts<'_>,
    activation: impl IntoActivation,
) {
    let valid = same_size(activation.into_activation());
    if let Some(found) = options.accept("recurrent_activation", valid) {
        settings.recurrent_activation = found;
    }
}

/// Refuses an activation whose result has another size than what it is applied to.
fn same_size(activation: Result<Activation>) -> Result<Activation> {
    match activation {
        Ok(Activation::Glu) => Err(Error::argument(
            "",
            "",
            "is \"glu\", which halves its input; a gate needs one that keeps the size",
        )),
        other => other,
    }
}

fn share(rate: f32) -> Result<f32> {
    if (0.0..=1.0).contains(&rate) {
        Ok(rate)
    } else {
        Err(Error::argument(
            "",
            "",
            format!("is {rate}; it must lie between 0 and 1"),
        ))
    }
}
