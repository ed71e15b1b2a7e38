//! Layers in a row.

use std::ops::{Deref, DerefMut};

use burn::tensor::Device;

use super::{Input, Model};
use crate::Result;
use crate::layers::{LayerExt, LayerHandle};

/// Layers in a row, each fed by the one before: a [`Model`] with one path.
///
/// Everything a [`Model`] can do it can do too.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
/// model.add(Lstm::new(32))?;
/// model.add(Dense::new(10).activation("softmax"))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 10)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sequential(Model);

impl Default for Sequential {
    fn default() -> Self {
        Self::new()
    }
}

impl Sequential {
    /// A model without layers.
    pub fn new() -> Self {
        Self(Model::chain())
    }

    /// Names the model (`sequential` unless told otherwise).
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.0.rename(name);
        self
    }

    /// Places the model on this device; layers added later are built there.
    pub fn device(mut self, device: &Device) -> Self {
        self.0.place_on(device);
        self
    }

    /// Adds a layer, an [`Input`], or another model at the end.
    ///
    /// Once the input shape is known the layer is built at once; before that, at the first `fit`, `train_on_batch` or
    /// [`build`](Model::build).
    ///
    /// # Errors
    ///
    /// The layer's first bad argument; [`Error::Shape`](crate::Error::Shape) when its input does not fit; a name that
    /// another layer has; a layer with several outputs; no device to build on. The model is then as it was before.
    pub fn add(&mut self, layer: impl IntoLayer) -> Result<&mut Self> {
        self.0.push(layer.into_layer()?)?;
        Ok(self)
    }

    /// Takes the last layer off and gives it back; `None` when there is none.
    ///
    /// # Errors
    ///
    /// Those of rebuilding the rest, which fitted before.
    pub fn pop(&mut self) -> Result<Option<LayerHandle>> {
        self.0.pop_layer()
    }

    pub(super) fn from_model(model: Model) -> Self {
        Self(model)
    }

    pub(super) fn into_model(self) -> Model {
        self.0
    }
}

impl Deref for Sequential {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.0
    }
}

impl DerefMut for Sequential {
    fn deref_mut(&mut self) -> &mut Model {
        &mut self.0
    }
}

/// A `Sequential` is a model, wherever one is asked for.
impl From<Sequential> for Model {
    fn from(sequential: Sequential) -> Self {
        sequential.0
    }
}

/// What [`Sequential::add`] takes: any layer, a layer of another model, another model, or an [`Input`].
pub trait IntoLayer {
    /// The layer or the input.
    ///
    /// # Errors
    ///
    /// None of ours.
    fn into_layer(self) -> Result<Added>;
}

/// What is added to a [`Sequential`].
#[derive(Debug)]
pub enum Added {
    /// The shape of the data.
    Input(Input),
    /// A layer.
    Layer(LayerHandle),
}

impl<L: LayerExt> IntoLayer for L {
    fn into_layer(self) -> Result<Added> {
        Ok(Added::Layer(self.handle()))
    }
}

impl IntoLayer for Sequential {
    fn into_layer(self) -> Result<Added> {
        Ok(Added::Layer(self.0.handle()))
    }
}

impl IntoLayer for LayerHandle {
    fn into_layer(self) -> Result<Added> {
        Ok(Added::Layer(self))
    }
}

impl IntoLayer for &LayerHandle {
    fn into_layer(self) -> Result<Added> {
        Ok(Added::Layer(self.clone()))
    }
}

impl IntoLayer for Input {
    fn into_layer(self) -> Result<Added> {
        Ok(Added::Input(self))
    }
}
