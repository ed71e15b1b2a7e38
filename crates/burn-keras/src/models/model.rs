//! A graph of layers with inputs and outputs.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use ndarray::ArrayD;

use super::graph::{Graph, Traced};
use super::names::name_layers;
use super::node::{Input, IntoNodes, Node, Outputs};
use super::notes::Notes;
use super::summary::Summary;
use crate::backend::default_device;
use crate::dims::{Dims, IntoDims};
use crate::layers::{LayerHandle, LayerOptions, WeightInfo, describe};
use crate::random::Generator;
use crate::training::Compiled;
use crate::{Error, Result};

/// A graph of layers: Keras' functional `Model`, and what a [`Sequential`](super::Sequential) is inside.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([2, 3]);
/// let [sequence, h, c] = Lstm::new(1).return_sequences(true).return_state(true).call(&input)?.try_into()?;
/// let model = Model::new(&input, [sequence, h, c])?;
/// assert_eq!(model.output_shapes()?.len(), 3);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "Functional")]
pub struct Model {
    pub(super) options: LayerOptions,
    pub(super) sequential: bool,
    pub(super) input: Option<Input>,
    pub(super) graph: Option<Arc<Graph>>,
    pub(super) layers: Vec<LayerHandle>,
    pub(super) nodes: OnceLock<Vec<Node>>,
    pub(super) device: Option<Device>,
    pub(crate) compiled: Option<Compiled>,
    pub(crate) notes: Notes,
}

impl Model {
    /// The model that computes `outputs` from `inputs`.
    ///
    /// Models over the same nodes share the layers between them, and so their weights.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] when an output depends on an input that is not listed, or two layers have the same name.
    pub fn new(inputs: impl IntoNodes, outputs: impl IntoNodes) -> Result<Self> {
        let traced = Graph::trace(&inputs.into_nodes()?, &outputs.into_nodes()?)?;
        let mut model = Self::empty(false);
        let inputs = traced.graph.inputs.iter().map(|i| i.name.as_str());
        name_layers(&traced.layers, &inputs.collect::<Vec<_>>())?;
        model.adopt(traced);
        Ok(model)
    }

    pub(super) fn empty(sequential: bool) -> Self {
        let mut options = LayerOptions::default();
        options.set_automatic_name(if sequential {
            "sequential"
        } else {
            "functional"
        });
        Self {
            options,
            sequential,
            input: None,
            graph: None,
            layers: Vec::new(),
            nodes: OnceLock::new(),
            device: None,
            compiled: None,
            notes: Notes::default(),
        }
    }

    pub(super) fn adopt(&mut self, traced: Traced) {
        self.graph = Some(Arc::new(traced.graph));
        // In a chain the layers stand in the order in which they were added, which is that of the graph too, unless a
        // layer was added twice.
        self.layers = traced.layers;
        self.nodes = OnceLock::from(traced.nodes);
    }

    // -- what is known of it --

    /// The model's name.
    pub fn model_name(&self) -> &str {
        self.options.name().unwrap_or_default()
    }

    /// Whether the shapes are known and the weights exist.
    pub fn is_built(&self) -> bool {
        self.graph.is_some()
    }

    pub(crate) fn is_sequential(&self) -> bool {
        self.sequential
    }

    /// Builds the model for inputs of this shape, batch axis left out; does nothing to a built one.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when a layer's input does not fit.
    pub fn build(&mut self, input_shape: impl IntoDims) -> Result<()> {
        if self.is_built() {
            return Ok(());
        }
        let dims = input_shape.into_dims().with_batch(None);
        self.build_for(&dims)
    }

    pub(crate) fn build_for(&mut self, dims: &Dims) -> Result<()> {
        if self.is_built() {
            return Ok(());
        }
        let device = self.placement()?;
        self.build_chain(dims, &device, &mut Generator::unseeded())
    }

    pub(crate) fn graph(&self) -> Result<&Arc<Graph>> {
        self.built("to compute anything it")
    }

    fn built(&self, needed_for: &str) -> Result<&Arc<Graph>> {
        self.graph.as_ref().ok_or_else(|| Error::NotBuilt {
            needed_for: format!("{}: {needed_for}", describe(self)),
        })
    }

    /// The device that the model's weights are on, or will be built on.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when none was chosen and none can be used.
    pub fn placement(&self) -> Result<Device> {
        if let Some(device) = &self.device {
            return Ok(device.clone());
        }
        match burn::module::Module::devices(self).first() {
            Some(device) => Ok(device.clone()),
            None => default_device(),
        }
    }

    /// The layers, without inputs: in order for a `Sequential`, in Keras' order (by depth) for a functional model.
    pub fn layers(&self) -> &[LayerHandle] {
        &self.layers
    }

    /// The layer of this name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    pub fn get_layer(&self, name: &str) -> Result<LayerHandle> {
        self.layers
            .iter()
            .find(|l| l.name() == name)
            .cloned()
            .ok_or_else(|| {
                let names: Vec<String> = self.layers.iter().map(LayerHandle::name).collect();
                Error::unknown("layer", name, names.iter().map(String::as_str)).at(describe(self))
            })
    }

    /// The shape of the first output, batch axis included.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] while it is unknown.
    pub fn output_shape(&self) -> Result<Dims> {
        Ok(self.output_shapes()?.into_iter().next().unwrap_or_default())
    }

    /// The shapes of all outputs, batch axis included.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] while they are unknown.
    pub fn output_shapes(&self) -> Result<Vec<Dims>> {
        Ok(self.built("output_shape")?.output_dims())
    }

    /// The shapes of all inputs, batch axis included.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] while they are unknown.
    pub fn input_shapes(&self) -> Result<Vec<Dims>> {
        Ok(self
            .built("input_shape")?
            .inputs
            .iter()
            .map(|i| i.dims.clone())
            .collect())
    }

    /// The names of the inputs: those given, else `input_layer`, `input_layer_1`, ….
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built.
    pub fn input_names(&self) -> Result<Vec<String>> {
        let graph = self.built("input_names")?;
        Ok(graph.inputs.iter().map(|i| i.name.clone()).collect())
    }

    /// The names of the outputs: those of the layers that make them, and for a layer with several outputs what each is,
    /// as `lstm_h`.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built.
    pub fn output_names(&self) -> Result<Vec<String>> {
        let graph = self.built("output_names")?;
        let name = |value: &usize| {
            let made = graph.steps.iter().find_map(|step| {
                let place = step.outputs.iter().position(|v| v == value)?;
                Some((&self.layers[step.layer], place, step.outputs.len()))
            });
            match made {
                Some((layer, _, 1)) => layer.name(),
                Some((layer, place, _)) => {
                    let outputs = layer.read().output_names();
                    format!(
                        "{}_{}",
                        layer.name(),
                        outputs.get(place).unwrap_or(&"output")
                    )
                }
                None => graph
                    .inputs
                    .get(*value)
                    .map(|i| i.name.clone())
                    .unwrap_or_default(),
            }
        };
        Ok(graph.outputs.iter().map(name).collect())
    }

    fn all_nodes(&self) -> Result<&[Node]> {
        let graph = self.built("its nodes")?;
        Ok(self.nodes.get_or_init(|| graph.nodes_over(&self.layers)))
    }

    /// The tensors that stand for the inputs, to build other models over the same layers.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built.
    pub fn inputs(&self) -> Result<Vec<Node>> {
        let count = self.built("inputs")?.inputs.len();
        Ok(self.all_nodes()?[..count].to_vec())
    }

    /// The tensors that stand for the outputs, to build other models over the same layers.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built.
    pub fn outputs(&self) -> Result<Vec<Node>> {
        let graph = self.built("outputs")?;
        let nodes = self.all_nodes()?;
        Ok(graph.outputs.iter().map(|v| nodes[*v].clone()).collect())
    }

    /// The tensors that the layer of this name puts out (at its first call, if it is called several times).
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built, [`Error::UnknownName`] with the nearest names.
    pub fn output_of(&self, layer: &str) -> Result<Vec<Node>> {
        let graph = self.built("output_of")?;
        let wanted = self.get_layer(layer)?.identity();
        let nodes = self.all_nodes()?;
        Ok(graph
            .steps
            .iter()
            .find(|s| self.layers[s.layer].identity() == wanted)
            .map(|s| s.outputs.iter().map(|v| nodes[*v].clone()).collect())
            .unwrap_or_default())
    }

    // -- weights --

    /// All weights with their names, in the order of [`Model::get_weights`]; none before the model is built.
    pub fn weights(&self) -> Vec<WeightInfo> {
        self.leaves()
            .iter()
            .flat_map(LayerHandle::weights)
            .collect()
    }

    /// All weights as arrays, in the order of the layers, each layer's in Keras' order.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built.
    pub fn get_weights(&self) -> Result<Vec<ArrayD<f32>>> {
        self.built("get_weights")?;
        let mut all = Vec::new();
        for layer in self.leaves() {
            all.extend(layer.get_weights()?);
        }
        Ok(all)
    }

    /// Replaces all weights.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built; [`Error::Weights`] when their number or a shape differs, and no
    /// weight is then changed.
    pub fn set_weights(&self, weights: &[ArrayD<f32>]) -> Result<()> {
        self.built("set_weights")?;
        let leaves = self.leaves();
        let counts: Vec<usize> = leaves.iter().map(|l| l.weights().len()).collect();
        let wanted: usize = counts.iter().sum();
        if wanted != weights.len() {
            let list = |layer: &LayerHandle| -> Vec<String> {
                let name = layer.name();
                let weights = layer.weights();
                let listed = weights.iter().map(|w| {
                    let weight = w.name.rsplit('.').next().unwrap_or(&w.name);
                    format!("{name}/{weight} {:?}", w.shape)
                });
                listed.collect()
            };
            let all: Vec<String> = leaves.iter().flat_map(list).collect();
            return Err(Error::weights(
                describe(self),
                format!(
                    "it has {wanted} weights, but {} were given. In order: {}.",
                    weights.len(),
                    all.join(", ")
                ),
            ));
        }
        // All are checked before any is replaced.
        let mut rest = weights;
        let mut replaced = Vec::new();
        for (layer, count) in leaves.iter().zip(&counts) {
            let (mine, others) = rest.split_at(*count);
            replaced.push(crate::layers::replace_weights(&**layer.read(), mine)?);
            rest = others;
        }
        for (layer, new) in leaves.iter().zip(replaced) {
            *layer.write() = new;
        }
        Ok(())
    }

    /// The number of all weights' values.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built.
    pub fn count_params(&self) -> Result<usize> {
        self.built("count_params")?;
        Ok(self.leaves().iter().map(LayerHandle::count_params).sum())
    }

    /// The layers that hold weights, those of models inside this one included, each once.
    pub(crate) fn leaves(&self) -> Vec<LayerHandle> {
        let mut seen = HashSet::new();
        self.layers
            .iter()
            .flat_map(LayerHandle::leaves)
            .filter(|l| seen.insert(l.identity()))
            .collect()
    }

    /// Freezes (`false`) or unfreezes all layers.
    pub fn set_trainable(&mut self, trainable: bool) {
        self.options.set_trainable(trainable);
        self.layers.iter().for_each(|l| l.set_trainable(trainable));
    }

    /// Applies the model as a layer in another functional model; the weights are shared.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when the inputs do not fit.
    pub fn call(&self, inputs: impl IntoNodes) -> Result<Outputs> {
        crate::layers::LayerExt::call(self, inputs)
    }

    // -- telling about it --

    /// Keras' table of the layers with their output shapes and numbers of weights.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// What the model and its layers have warned of so far: data that were read in another shape than they came in, a
    /// mask that was lost, a figure that a callback watches and an epoch lacks. Each is said once, through the `log` crate
    /// too.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.notes.all();
        warnings.extend(self.leaves().iter().filter_map(LayerHandle::warning));
        warnings
    }
}
