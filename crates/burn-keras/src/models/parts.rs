//! Models made of a model: parts of it, a copy with new weights, the same with another layer.

use super::from_config::Builder;
use super::node::Node;
use super::sequential::{Added, IntoLayer};
use super::{IntoNodes, Model};
use crate::error::plural;
use crate::layers::{LayerHandle, Registry, describe};
use crate::random::Generator;
use crate::{Error, Result};

impl Model {
    /// The part of the model from some of its tensors to others, over the same layers: training one trains the other.
    ///
    /// Names are those of the model's inputs, and of its layers, whose outputs they stand for (all of them, at the
    /// layer's first call).
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let input = Input::new([8, 16]).name("series");
    /// let code = Lstm::new(4).name("encoder").call(&input)?;
    /// let decoded = Lstm::new(16).return_sequences(true).call(&RepeatVector::new(8).call(&code)?)?;
    /// let autoencoder = Model::new(&input, &decoded)?;
    /// let encoder = autoencoder.submodel(["series"], ["encoder"])?;
    /// assert_eq!(encoder.output_shape()?.to_string(), "(None, 4)");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built, [`Error::UnknownName`] with the nearest names, and those of
    /// [`Model::new`]: the outputs must not depend on more than the inputs.
    pub fn submodel<I, O>(&self, inputs: I, outputs: O) -> Result<Self>
    where
        I: IntoIterator<Item: AsRef<str>>,
        O: IntoIterator<Item: AsRef<str>>,
    {
        let inputs = inputs
            .into_iter()
            .map(|name| self.tensors_of(name.as_ref()));
        let outputs = outputs
            .into_iter()
            .map(|name| self.tensors_of(name.as_ref()));
        Self::new(
            inputs.collect::<Result<Vec<_>>>()?.concat(),
            outputs.collect::<Result<Vec<_>>>()?.concat(),
        )
    }

    /// The input of this name, or what the layer of this name puts out.
    fn tensors_of(&self, name: &str) -> Result<Vec<Node>> {
        let inputs = self.input_names()?;
        if let Some(place) = inputs.iter().position(|input| input == name) {
            return Ok(vec![self.inputs()?[place].clone()]);
        }
        let layers: Vec<String> = self.layers.iter().map(LayerHandle::name).collect();
        if layers.iter().any(|layer| layer == name) {
            return self.output_of(name);
        }
        let known = inputs.iter().chain(&layers).map(String::as_str);
        Err(Error::unknown("input or layer", name, known).at(describe(self)))
    }

    /// A model of the same structure with weights of its own, drawn anew: Keras' `clone_model`. It is not compiled.
    ///
    /// (`clone()` copies the weights too.) Layers of one's own need [`Model::clone_model_with`].
    ///
    /// # Errors
    ///
    /// Those of [`Model::from_config`].
    pub fn clone_model(&self) -> Result<Self> {
        self.clone_model_with(&Registry::new())
    }

    /// [`Model::clone_model`] with the layers that a registry knows.
    ///
    /// # Errors
    ///
    /// Those of [`Model::from_config`].
    pub fn clone_model_with(&self, registry: &Registry) -> Result<Self> {
        let object = keras_format::normalise(self.to_object(), None)
            .map_err(|e| Error::Model(format!("{}: {e}", describe(self))))?;
        let device = self.placement()?;
        Builder::new(registry, false, Generator::unseeded())?
            .on(device)
            .model(&object)
    }

    /// The model with another layer in place of the one of this name, at every call of it; all other layers are shared.
    ///
    /// So a trained model gets a new head for another task:
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let input = Input::new([8, 16]);
    /// let features = Lstm::new(32).call(&input)?;
    /// let classes = Dense::new(10).activation("softmax").name("head").call(&features)?;
    /// let trained = Model::new(&input, &classes)?;
    /// trained.get_layer("lstm")?.set_trainable(false);
    /// let other = trained.replace_layer("head", Dense::new(3).activation("softmax").name("head"))?;
    /// assert_eq!(other.output_shape()?.to_string(), "(None, 3)");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] for a functional model that is not built, [`Error::UnknownName`] with the nearest names,
    /// [`Error::Shape`] when the new layer's output does not fit the layers behind it.
    pub fn replace_layer(&self, name: &str, layer: impl IntoLayer) -> Result<Self> {
        let old = self.get_layer(name)?.identity();
        let Added::Layer(new) = layer.into_layer()? else {
            return Err(Error::Model(format!(
                "{}: a layer cannot be replaced by an `Input`",
                describe(self)
            )));
        };
        new.check_arguments()?;
        let layers = self.layers.iter().map(|layer| {
            let same = layer.identity() == old;
            if same { new.clone() } else { layer.clone() }
        });
        let layers: Vec<LayerHandle> = layers.collect();
        let mut model = if self.sequential {
            Self::of_chain(self.chain_input(), layers)?
        } else {
            self.over_built(&layers)?
        };
        if let Some(name) = self.options.given_name() {
            model.rename(name);
        }
        Ok(model)
    }

    /// The same graph over other layers, which are built where they are not.
    fn over_built(&self, layers: &[LayerHandle]) -> Result<Self> {
        let graph = self.graph()?;
        let device = self.placement()?;
        let mut generator = Generator::unseeded();
        let nodes = graph.nodes_with(layers, |layer, step, inputs| {
            let outputs = layer.build(inputs, &device, &mut generator)?;
            if outputs.len() == step.outputs.len() {
                Ok(outputs)
            } else {
                Err(Error::Model(format!(
                    "{} returns {} {} now, but the graph of {} was made for {}",
                    layer.describe(),
                    outputs.len(),
                    plural(outputs.len(), "tensor"),
                    describe(self),
                    step.outputs.len()
                )))
            }
        })?;
        let inputs = nodes[..graph.inputs.len()].to_vec();
        let outputs = graph.outputs.iter().map(|value| nodes[*value].clone());
        Self::new(inputs.into_nodes()?, outputs.collect::<Vec<_>>())
    }
}
