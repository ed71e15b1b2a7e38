//! A graph of layers with inputs and outputs.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, Tensor};
use ndarray::ArrayD;

use super::graph::{Graph, Traced};
use super::node::{CallMask, Input, IntoNodes, Node, Outputs};
use super::sequential::Added;
use super::summary::Summary;
use crate::backend::default_device;
use crate::dims::{Dims, IntoDims};
use crate::layers::{
    Context, Layer, LayerHandle, LayerOptions, WeightInfo, describe, penalize_weights,
};
use crate::random::Generator;
use crate::tensor::AnyTensor;
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
        name_layers(&traced.layers)?;
        model.adopt(traced);
        Ok(model)
    }

    fn empty(sequential: bool) -> Self {
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
        }
    }

    fn adopt(&mut self, traced: Traced) {
        self.graph = Some(Arc::new(traced.graph));
        // In a chain the layers stand in the order in which they were added, which is that of the graph too, unless a
        // layer was added twice.
        self.layers = traced.layers;
        self.nodes = OnceLock::from(traced.nodes);
    }

    // -- a chain of layers (`Sequential`) --

    pub(super) fn chain() -> Self {
        Self::empty(true)
    }

    /// A chain of these layers, built if its input's shape is known.
    pub(super) fn of_chain(input: Option<Input>, layers: Vec<LayerHandle>) -> Result<Self> {
        let mut model = Self::chain();
        model.input = input;
        model.layers = layers;
        if !model.layers.is_empty() {
            model.name_and_build()?;
        }
        Ok(model)
    }

    pub(super) fn rename(&mut self, name: impl Into<String>) {
        self.options.set_name(name);
    }

    /// Layers that are built already move to the device.
    pub(super) fn place_on(&mut self, device: &Device) {
        self.device = Some(device.clone());
        for leaf in self.leaves() {
            let copy = leaf.read().boxed_clone();
            *leaf.write() = copy.boxed_to_device(device);
        }
    }

    /// The shape of the data for a chain, as far as it is known before any data come.
    fn chain_input(&self) -> Option<Input> {
        if let Some(input) = &self.input {
            return Some(input.clone());
        }
        let first = self.layers.first()?;
        let layer = first.read();
        if let Some(dims) = layer.options().input_dims() {
            return Some(Input::of_batch(dims.clone()));
        }
        drop(layer);
        // A built layer (of another model) knows what it was built for; the batch size is left open.
        let built = first.built_for()?;
        built
            .first()
            .map(|dims| Input::of_batch(dims.tail(1).with_batch(None)))
    }

    pub(super) fn push(&mut self, added: Added) -> Result<()> {
        match added {
            Added::Input(input) => {
                if self.input.is_some() || !self.layers.is_empty() {
                    return Err(Error::Model(format!(
                        "{} has its input already: `Input` comes first and once",
                        describe(self)
                    )));
                }
                self.input = Some(input);
                Ok(())
            }
            Added::Layer(layer) => {
                let before = self.layers.clone();
                self.layers.push(layer);
                let done = self.name_and_build();
                if done.is_err() {
                    self.layers = before;
                }
                done
            }
        }
    }

    fn name_and_build(&mut self) -> Result<()> {
        let mut distinct = HashSet::new();
        for layer in &self.layers {
            layer.check_arguments()?;
            if !distinct.insert(layer.identity()) {
                return Err(Error::Model(format!(
                    "{} is in this Sequential already; to use its weights twice, build a functional `Model`",
                    layer.describe()
                )));
            }
        }
        name_layers(&self.layers)?;
        match self.chain_input() {
            Some(input) => self.connect(&input, &mut Generator::unseeded()),
            None => Ok(()),
        }
    }

    /// Connects a chain's layers one after the other, building those that are not built.
    fn connect(&mut self, input: &Input, generator: &mut Generator) -> Result<()> {
        let device = self.placement()?;
        let input = input.node();
        if input.dims().axes().contains(&Some(0)) {
            return Err(Error::argument(
                describe(self),
                "input_shape",
                format!("is {}; every axis must be at least 1", input.dims()),
            ));
        }
        let mut node = input.clone();
        let count = self.layers.len();
        for (i, layer) in self.layers.iter().enumerate() {
            layer.check_input_shape(node.dims())?;
            let dims = layer.build(std::slice::from_ref(node.dims()), &device, generator)?;
            if dims.len() > 1 {
                return Err(several_outputs(layer, i + 1 == count));
            }
            let outputs = Node::from_call(layer.clone(), vec![node], CallMask::Implicit, dims);
            node = outputs
                .nodes()
                .first()
                .cloned()
                .ok_or_else(|| Error::Model(format!("{} has no output", layer.describe())))?;
        }
        let traced = Graph::trace(&[input], &[node])?;
        self.adopt(traced);
        self.device = Some(device);
        Ok(())
    }

    pub(super) fn build_chain(
        &mut self,
        input: &Dims,
        device: &Device,
        generator: &mut Generator,
    ) -> Result<()> {
        if self.layers.is_empty() {
            return Err(Error::Model(format!(
                "{} has no layers yet: add one with `model.add(Lstm::new(32).input_shape([timesteps, features]))?`",
                describe(self)
            )));
        }
        self.device.get_or_insert(device.clone());
        self.connect(&Input::of_batch(input.clone()), generator)
    }

    pub(super) fn pop_layer(&mut self) -> Result<Option<LayerHandle>> {
        let popped = self.layers.pop();
        self.graph = None;
        if !self.layers.is_empty() && popped.is_some() {
            self.name_and_build()?;
        }
        Ok(popped)
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
            return Err(Error::weights(
                describe(self),
                format!("has {wanted} weights, but {} were given", weights.len()),
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

    // -- running it --

    /// Computes the outputs for tensors on the model's device, for use with burn directly.
    ///
    /// On a model made by burn's `Module::train` this records the computation for `backward`.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`], or [`Error::Tensor`] when the tensors have shapes that the model was not built for.
    pub fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        Layer::forward(self, inputs, context)
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

    /// What layers have warned of so far.
    pub fn warnings(&self) -> Vec<String> {
        self.leaves()
            .iter()
            .filter_map(LayerHandle::warning)
            .collect()
    }
}

/// Gives unnamed layers the names Keras would: after their class, numbered from the second on.
///
/// # Errors
///
/// [`Error::Model`] when two layers have the same name.
fn name_layers(layers: &[LayerHandle]) -> Result<()> {
    let mut taken: HashMap<String, LayerHandle> = HashMap::new();
    let (given, automatic): (Vec<_>, Vec<_>) = layers.iter().partition(|l| l.has_given_name());
    for layer in given {
        if let Some(other) = taken.insert(layer.name(), layer.clone()) {
            return Err(Error::Model(format!(
                "two layers have the name \"{}\": {} and {}; names within a model must differ",
                layer.name(),
                other.describe(),
                layer.describe()
            )));
        }
    }
    for layer in automatic {
        let base = snake_case(&layer.class_name());
        let current = Some(layer.name()).filter(|name| !name.is_empty());
        let numbered = (0..).map(|i| {
            if i == 0 {
                base.clone()
            } else {
                format!("{base}_{i}")
            }
        });
        // A name from another model is kept where it is free here too.
        let free = current
            .into_iter()
            .chain(numbered)
            .find(|name| !taken.contains_key(name));
        if let Some(name) = free {
            layer.set_automatic_name(&name);
            taken.insert(name, layer.clone());
        }
    }
    Ok(())
}

/// A class name as Keras makes it a layer's name: `LSTM` to `lstm`, `SimpleRNN` to `simple_rnn`, `Conv1D` to `conv1d`
/// (`keras/src/utils/naming.py`).
fn snake_case(class_name: &str) -> String {
    let letters: Vec<char> = class_name.chars().filter(|c| c.is_alphanumeric()).collect();
    let mut name = String::new();
    for (i, c) in letters.iter().enumerate() {
        if c.is_uppercase() && i > 0 {
            let before = letters[i - 1];
            let lower_after = letters
                .get(i + 1)
                .is_some_and(|n| n.is_lowercase() || n.is_ascii_digit());
            if before.is_lowercase() || lower_after {
                name.push('_');
            }
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// A layer with several outputs in a `Sequential`, told with the functional way.
pub(super) fn several_outputs(layer: &LayerHandle, last: bool) -> Error {
    let names = layer.read().output_names();
    let returned = names.join(", ");
    let after = if last {
        ""
    } else {
        ", and the next layer could take only one of them"
    };
    Error::Model(format!(
        "{} returns {} tensors ({returned}){after}: a Sequential passes one tensor from layer to layer. Use a functional \
         model:\n    let input = Input::new([timesteps, features]);\n    let [{returned}] = {}::new(units)\
         .return_state(true).call(&input)?.try_into()?;\n    let model = Model::new(&input, [{returned}])?;",
        layer.describe(),
        names.len(),
        layer.read().type_name(),
    ))
}

impl Model {
    /// Makes every stateful layer start from zeros again; nothing happens to others.
    pub fn reset_states(&self) {
        self.layers.iter().for_each(LayerHandle::reset_states);
    }

    /// The penalties of the pass that `context` went through: those of outputs, then those of weights, one value each.
    ///
    /// `fit` and `evaluate` add them to the loss themselves; this is for training with burn directly.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for a regularizer that a weight's shape does not fit.
    pub fn losses(&self, context: &mut Context) -> Result<Vec<Tensor<1>>> {
        let mut losses = context.take_losses();
        for leaf in self.leaves() {
            losses.extend(penalize_weights(&**leaf.read())?);
        }
        Ok(losses)
    }

    /// Keeps what a pass left behind in `context`: new moving averages, and the states of stateful layers.
    ///
    /// `fit`, `evaluate` and `predict` do it themselves; this is for running a model by [`Model::forward`].
    pub fn keep(&self, context: &mut Context) {
        let moved = context.take_updates();
        if !moved.is_empty() {
            self.leaves().iter().for_each(|leaf| leaf.apply(&moved));
        }
        self.keep_carried(context);
    }

    /// Keeps, for the next pass, the states that stateful layers left in the context of one that succeeded.
    pub(crate) fn keep_carried(&self, context: &mut Context) {
        let mut carried = context.take_carried();
        carried.retain(|_, states| !states.is_empty());
        if carried.is_empty() {
            return;
        }
        for leaf in self.leaves() {
            if let Some(states) = carried.remove(&leaf.identity()) {
                leaf.keep_carried(states);
            }
        }
    }
}

/// Tensors with the shapes that the model computes for them.
pub(crate) fn run(
    model: &Model,
    inputs: Vec<AnyTensor>,
    context: &mut Context,
) -> Result<Vec<AnyTensor>> {
    model.graph()?.run(&model.layers, inputs, context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_as_keras_makes_them() {
        for (class_name, name) in [
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("LSTMCell", "lstm_cell"),
            ("Conv1D", "conv1d"),
            ("MaxPooling1D", "max_pooling1d"),
            ("ReLU", "re_lu"),
            ("TimeDistributed", "time_distributed"),
            ("GRU", "gru"),
            ("SpatialDropout1D", "spatial_dropout1d"),
            ("PReLU", "p_re_lu"),
            ("ConvLSTM2D", "conv_lst_m2d"),
        ] {
            assert_eq!(snake_case(class_name), name);
        }
    }
}
