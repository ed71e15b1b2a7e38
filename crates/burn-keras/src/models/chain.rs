//! A model that is a chain of layers: what a [`Sequential`](super::Sequential) does.

use std::collections::HashSet;

use burn::tensor::Device;
use serde_json::Value;

use super::Model;
use super::call_mask::CallMask;
use super::code::code;
use super::explain::explained;
use super::graph::{Graph, recurrent_config};
use super::names::name_layers;
use super::node::{Input, Node, identifiers};
use super::sequential::Added;
use crate::dims::Dims;
use crate::layers::{LayerHandle, describe};
use crate::random::Generator;
use crate::{Error, Result};

impl Model {
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
        self.leave_for(device);
        for leaf in self.leaves() {
            let copy = leaf.read().boxed_clone();
            *leaf.write() = copy.boxed_to_device(device);
        }
    }

    /// Whether the program gives the shape of the data by `input_shape`, and not by an `Input`.
    pub(crate) fn takes_shape_from_first_layer(&self) -> bool {
        self.is_sequential() && self.input.is_none()
    }

    /// The shape of the data for a chain, as far as it is known before any data come.
    pub(super) fn chain_input(&self) -> Option<Input> {
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
        let input = self.chain_input();
        let name = input.as_ref().and_then(Input::given_name);
        name_layers(&self.layers, name.as_slice())?;
        match input {
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
            let built = layer.build(std::slice::from_ref(node.dims()), &device, generator);
            let dims = explained(built, layer, std::slice::from_ref(&node))?;
            if dims.len() > 1 {
                return Err(several_outputs(layer, i, count));
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
}

/// A layer with several outputs at this place of a `Sequential` of so many layers, told with the functional way.
pub(super) fn several_outputs(layer: &LayerHandle, at: usize, count: usize) -> Error {
    let names = layer.read().output_names();
    let returned = identifiers(&names, names.len()).join(", ");
    let after = match at + 1 == count {
        true => "",
        false => ", and the next layer could take only one of them",
    };
    let input = layer
        .built_for()
        .and_then(|dims| Some(dims.first()?.tail(1)));
    let input = input.map_or("(None, features)".to_string(), |dims| {
        super::reader::code(&dims)
    });
    // The shape of this layer's input is that of the model's for the first layer only.
    let (from, before) = match at {
        0 => ("&input", format!("let input = Input::new({input});")),
        _ => (
            "&x",
            format!(
                "let input = Input::new(..);\n    let x = ..; // the layers in front called on &input, {input} for each sample"
            ),
        ),
    };
    let written = code(layer).unwrap_or_else(|| layer.read().type_name().to_string());
    let config = Value::Object(layer.config());
    let class = layer.class_name();
    let states = recurrent_config(&class, &config).get("return_state") == Some(&Value::Bool(true));
    let apart = class == "Bidirectional" && config["merge_mode"].is_null();
    let without = match (states, apart) {
        (true, false) => "Without the states: leave `.return_state(true)` out. With them",
        (true, true) => {
            "For one tensor: leave `.return_state(true)` out, and merge both directions, `.merge_mode(\"concat\")`. For all"
        }
        (false, true) => {
            "For one tensor: merge both directions, `.merge_mode(\"concat\")`. For both"
        }
        (false, false) => "For all",
    };
    Error::Model(format!(
        "{} returns {} tensors ({returned}){after}: a Sequential passes one tensor from layer to layer.\n{without}, a \
         functional model:\n    {before}\n    let [{returned}] = {written}.call({from})?.try_into()?;\n    let \
         model = Model::new(&input, [{returned}])?;",
        layer.describe(),
        names.len(),
    ))
}
