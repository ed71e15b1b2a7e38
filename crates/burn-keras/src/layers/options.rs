//! What every layer has: a name, an input shape, whether it trains, and the first bad argument it was given.

use std::sync::{Arc, OnceLock};

use super::handle::LayerHandle;
use super::{DynLayer, Layer, set_trainable};
use crate::dims::{Dims, IntoDims};
use crate::models::{IntoNodes, Outputs, StepMask};
use crate::regularizers::{IntoRegularizer, Regularizer};
use crate::{Error, Result};

/// The options common to all layers, held by each in a field marked `#[module(skip)]`.
#[derive(Debug, Clone, Default)]
pub struct LayerOptions {
    name: Option<String>,
    /// Whether the name was given by a model and may be changed by another.
    automatic_name: bool,
    frozen: bool,
    input_dims: Option<Dims>,
    activity_regularizer: Option<Regularizer>,
    problem: Option<(String, Error)>,
    graph: GraphIdentity,
}

impl LayerOptions {
    /// The name given to the layer, or that its model gave it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn set_name(&mut self, name: impl Into<String>) {
        self.name = Some(name.into());
        self.automatic_name = false;
    }

    /// Sets a name that nobody asked for.
    pub(crate) fn set_automatic_name(&mut self, name: impl Into<String>) {
        self.name = Some(name.into());
        self.automatic_name = true;
    }

    /// The name, if somebody asked for it.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| !self.automatic_name)
    }

    /// Whether the layer's weights are updated by training.
    pub fn trainable(&self) -> bool {
        !self.frozen
    }

    /// Sets whether training updates the layer's weights.
    pub fn set_trainable(&mut self, trainable: bool) {
        self.frozen = !trainable;
    }

    /// The shape given by `input_shape` or `batch_input_shape`, batch axis included.
    pub fn input_dims(&self) -> Option<&Dims> {
        self.input_dims.as_ref()
    }

    /// The penalty on the layer's outputs.
    pub fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }

    pub(crate) fn set_activity_regularizer(&mut self, regularizer: Option<Regularizer>) {
        self.activity_regularizer = regularizer;
    }

    /// Remembers the first argument that could not be read; `add` and `call` report it.
    ///
    /// Gives the value where there is one, so that a setter reads
    /// `if let Some(a) = self.options.accept("activation", value.into_activation()) { self.activation = a; }`.
    pub fn accept<T>(&mut self, argument: &str, value: Result<T>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem.get_or_insert((argument.to_string(), error));
                None
            }
        }
    }

    /// Takes over what was told to a layer inside: the shape of its input, and its first bad argument.
    pub(crate) fn adopt(&mut self, inner: &Self) {
        self.input_dims = inner.input_dims.clone();
        self.adopt_problem(inner);
    }

    /// Takes over the first bad argument of a layer inside.
    pub(crate) fn adopt_problem(&mut self, inner: &Self) {
        if self.problem.is_none() {
            self.problem = inner.problem.clone();
        }
    }

    /// Accepts a size that must not be 0, nor so large that nothing could hold it.
    pub(crate) fn at_least_1(&mut self, argument: &str, value: usize) -> usize {
        let valid = match value {
            0 => Err(Error::argument("", "", "is 0; it must be at least 1")),
            1..=MOST => Ok(value),
            _ => Err(too_large(value)),
        };
        self.accept(argument, valid).unwrap_or(1)
    }

    /// Accepts a size that may be 0, but not so large that nothing could hold it.
    pub(crate) fn at_most(&mut self, argument: &str, value: usize) -> usize {
        let valid = if value > MOST {
            Err(too_large(value))
        } else {
            Ok(value)
        };
        self.accept(argument, valid).unwrap_or(0)
    }

    /// The first argument that could not be read, as an error that says whose it is.
    pub(crate) fn check(&self, layer: &str) -> Result<()> {
        match &self.problem {
            None => Ok(()),
            Some((argument, error)) => Err(match error.clone() {
                Error::Argument { problem, .. } => Error::argument(layer, argument, problem),
                other => other.at(format!("{layer}, argument `{argument}`")),
            }),
        }
    }
}

/// The largest size that an option may ask for.
const MOST: usize = 1 << 31;

fn too_large(value: usize) -> Error {
    Error::argument("", "", format!("is {value}; it must be at most {MOST}"))
}

/// The layer's place in graphs, made at its first `call`, so that a layer called twice shares its weights.
///
/// A clone of a layer is another layer, so cloning gives an empty identity.
#[derive(Default)]
struct GraphIdentity(Arc<OnceLock<LayerHandle>>);

impl Clone for GraphIdentity {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for GraphIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.get().is_some() {
            "called"
        } else {
            "uncalled"
        })
    }
}

/// The methods that every layer has, ours and a user's alike.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let reader = Lstm::new(32).name("reader").trainable(false);
/// let output = reader.call(&input)?;
/// assert_eq!(output.dims().to_string(), "(None, 32)");
/// assert_eq!(reader.handle().name(), "reader");
/// # Ok::<(), Error>(())
/// ```
pub trait LayerExt: Layer + DynLayer + Clone + Sized {
    /// Names the layer; a model names the others after their class, as `lstm`, `lstm_1`.
    fn name(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        let options = self.options_mut();
        let valid = if name.is_empty() || name.contains('/') {
            Err(Error::argument(
                "",
                "",
                format!("is \"{name}\"; a name must not be empty and must not contain \"/\""),
            ))
        } else {
            Ok(name)
        };
        if let Some(name) = options.accept("name", valid) {
            options.set_name(name);
        }
        self
    }

    /// The shape of one sample, without the batch axis: `[timesteps, features]` for a recurrent layer.
    ///
    /// An axis may be unknown: `.input_shape((None, 16))`. Only the first layer of a model needs it.
    fn input_shape(mut self, shape: impl IntoDims) -> Self {
        self.options_mut().input_dims = Some(shape.into_dims().with_batch(None));
        self
    }

    /// The shape of a whole batch, `[batch, timesteps, features]`, for layers that need a fixed batch size.
    fn batch_input_shape(mut self, shape: impl IntoDims) -> Self {
        self.options_mut().input_dims = Some(shape.into_dims());
        self
    }

    /// Whether training updates the layer's weights (it does unless told otherwise), and those of all layers inside it.
    fn trainable(mut self, trainable: bool) -> Self {
        set_trainable(&mut self, trainable);
        self
    }

    /// A penalty on each of the layer's outputs, divided by the batch size and added to the loss.
    fn activity_regularizer(mut self, regularizer: impl IntoRegularizer) -> Self {
        let options = self.options_mut();
        let found = options.accept("activity_regularizer", regularizer.into_regularizer());
        options.set_activity_regularizer(found);
        self
    }

    /// Applies the layer in a functional model and gives its outputs, to be used as inputs of other layers.
    ///
    /// Calling one layer several times shares its weights; a clone of it has weights of its own.
    ///
    /// # Errors
    ///
    /// The first bad argument the layer was given, or inputs whose shapes do not fit it.
    fn call(&self, inputs: impl IntoNodes) -> Result<Outputs> {
        self.handle().call(inputs)
    }

    /// Applies the layer with this mask for its (first) input instead of the one that the input carries: Keras' `mask=`.
    ///
    /// For layers of several masked inputs there is [`LayerHandle::call_with_masks`].
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// // Which steps count comes as data of its own: 1 for a step, 0 for padding.
    /// let (x, counts) = (Input::new([8, 16]), Input::new([8]));
    /// let last = Lstm::new(32).call_with_mask(&x, &counts)?;
    /// let model = Model::new([&x, &counts], &last)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`LayerExt::call`]; a mask that does not fit the input; a layer that takes none in Keras.
    fn call_with_mask(&self, inputs: impl IntoNodes, mask: impl Into<StepMask>) -> Result<Outputs> {
        self.handle().call_with_masks(inputs, [mask.into()])
    }

    /// The layer as graphs hold it: its weights, once built, are read and written through this.
    fn handle(&self) -> LayerHandle {
        self.options()
            .graph
            .0
            .get_or_init(|| {
                LayerHandle::from_box(self.share().unwrap_or_else(|| self.boxed_clone()))
            })
            .clone()
    }
}

impl<L: Layer + DynLayer + Clone> LayerExt for L {}
