//! Models from Keras' configuration of them.

use std::collections::{HashMap, HashSet, VecDeque};

use burn::tensor::Device;
use keras_format::{TensorRef, is_operation, model_inputs, model_outputs};
use serde_json::Value;

use super::call_config::{PlannedCall, PlannedMask};
use super::call_mask::{CallMask, GivenMask};
use super::chain::several_outputs;
use super::mask_operations::{MaskOperations, MaskSource, Origin};
use super::{Input, Model, Node, Sequential};
use crate::backend::default_device;
use crate::config::Config;
use crate::dims::Dims;
use crate::layers::{LayerHandle, Registry};
use crate::random::Generator;
use crate::tensor::Kind;
use crate::{Error, Result};

/// The most layers that one configuration may have, those of nested models included.
const MOST_LAYERS: usize = 2000;

/// How a configuration is turned into a model.
pub(crate) struct Builder<'a> {
    registry: &'a Registry,
    /// Keras 2 kept the mask of a layer that is given initial states; Keras 3 drops it.
    keras2: bool,
    generator: Generator,
    device: Device,
    layers: usize,
    /// How many models the one that is read stands inside of.
    depth: usize,
}

impl<'a> Builder<'a> {
    /// New weights, drawn from `generator`.
    pub fn new(registry: &'a Registry, keras2: bool, generator: Generator) -> Result<Self> {
        Ok(Self {
            registry,
            keras2,
            generator,
            device: default_device()?,
            layers: 0,
            depth: 0,
        })
    }

    /// Reads a model that a layer of another one holds.
    pub fn inside(mut self) -> Self {
        self.depth += 1;
        self
    }

    /// Builds on this device.
    pub fn on(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// The model of an object in the form of [`keras_format::normalise`].
    pub fn model(&mut self, object: &Value) -> Result<Model> {
        let class_name = object.get("class_name").and_then(Value::as_str);
        let config = object.get("config").unwrap_or(&Value::Null);
        match class_name {
            Some("Sequential") => self.sequential(config),
            Some("Functional") => self.functional(config),
            other => Err(Error::config(
                "the model",
                format!(
                    "its class is {}; only `Sequential` and functional models can be read",
                    other.map_or("missing".to_string(), |name| format!("`{name}`"))
                ),
            )),
        }
    }

    fn layer(&mut self, object: &Value) -> Result<LayerHandle> {
        self.layers += 1;
        if self.layers > MOST_LAYERS {
            return Err(Error::config(
                "the model",
                format!("it has more than {MOST_LAYERS} layers"),
            ));
        }
        if is_model(object) {
            self.depth += 1;
            let model = self.model(object);
            self.depth -= 1;
            return Ok(LayerHandle::from_box(Box::new(model?)));
        }
        Ok(LayerHandle::from_box(
            self.registry.layer_from_json(object)?,
        ))
    }

    fn sequential(&mut self, config: &Value) -> Result<Model> {
        let mut input = None;
        let mut layers = Vec::new();
        for object in list(config, "Sequential", "layers")? {
            let (class_name, own) = Config::of_object(object, "layer")?;
            if class_name == "InputLayer" {
                if input.is_some() || !layers.is_empty() {
                    return Err(Error::config(
                        "Sequential",
                        "an `InputLayer` stands elsewhere than at the start",
                    ));
                }
                input = Some(read_input(&own)?);
            } else {
                layers.push(self.layer(object)?);
            }
        }
        if input.is_none() {
            input = Config::of_map("Sequential", config)
                .opt_dims("build_input_shape")?
                .map(Input::of_batch);
        }
        // The last layer of Keras' Sequential may have several outputs; here that makes it a functional model.
        let mut model = match &input {
            Some(input) => match self.chain(input, &layers)? {
                Some(outputs) => Model::new(input, outputs)?,
                None => Model::of_chain(Some(input.clone()), layers)?,
            },
            None => Model::of_chain(None, layers)?,
        };
        finish(&mut model, config);
        Ok(model)
    }

    /// Builds a chain of layers; gives the outputs if they are several.
    fn chain(&mut self, input: &Input, layers: &[LayerHandle]) -> Result<Option<Vec<Node>>> {
        let mut node = input.node();
        for (i, layer) in layers.iter().enumerate() {
            let outputs = self.call(layer, vec![node], CallMask::Implicit)?;
            match outputs.as_slice() {
                [one] => node = one.clone(),
                _ if i + 1 == layers.len() => return Ok(Some(outputs)),
                _ => return Err(several_outputs(layer, i, layers.len())),
            }
        }
        Ok(None)
    }

    fn call(
        &mut self,
        layer: &LayerHandle,
        inputs: Vec<Node>,
        mask: CallMask,
    ) -> Result<Vec<Node>> {
        let dims: Vec<Dims> = inputs.iter().map(|n| n.dims().clone()).collect();
        let outputs = layer.build(&dims, &self.device, &mut self.generator)?;
        Ok(Node::from_call(layer.clone(), inputs, mask, outputs)
            .nodes()
            .to_vec())
    }

    fn functional(&mut self, config: &Value) -> Result<Model> {
        let objects = list(config, "Functional", "layers")?;
        let operations = MaskOperations::collect(objects);
        let mut values = Values::default();
        let mut layers = HashMap::new();
        let mut calls = Vec::new();
        for object in objects {
            let name = object
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if is_operation(object) {
                continue;
            }
            let (class_name, own) = Config::of_object(object, "layer")?;
            if class_name == "InputLayer" {
                let node = read_input(&own)?.name(name).node();
                values.put(name, 0, vec![node]);
                continue;
            }
            layers.insert(name, self.layer(object)?);
            for (number, call) in inbound(object).iter().enumerate() {
                calls.push(PlannedCall::read(object, name, number, call)?);
            }
        }
        let ends = [model_inputs(config), model_outputs(config)];
        let used = calls
            .iter()
            .flat_map(|c| &c.inputs)
            .chain(ends.iter().flatten());
        operations.check_unused(used)?;
        // What runs behind a model, or inside one, may get masks that were not there when Keras made the graph.
        let mut behind: HashSet<(&str, usize)> = HashSet::new();
        for planned in in_order(&calls, &operations)? {
            let mut before = planned.inputs.iter();
            let live =
                self.depth > 0 || before.any(|r| behind.contains(&(r.layer.as_str(), r.node)));
            let inputs: Vec<Node> = planned
                .inputs
                .iter()
                .map(|r| values.get(r, planned.layer))
                .collect::<Result<_>>()?;
            let Some(layer) = layers.get(planned.layer) else {
                continue;
            };
            if live || layer.read().inner_layers().is_some() {
                behind.insert((planned.layer, planned.number));
            }
            set_arguments(layer, planned)?;
            let mask = self.mask(planned, live, &operations, &values)?;
            let outputs = self.call(layer, inputs, mask)?;
            if let (Some(source), Some(output)) = (&planned.makes_mask, outputs.first()) {
                values.mask_makers.insert(source.clone(), output.clone());
            }
            values.put(planned.layer, planned.number, outputs);
        }
        let end = |refs: &[TensorRef]| -> Result<Vec<Node>> {
            refs.iter().map(|r| values.get(r, "the model")).collect()
        };
        let [inputs, outputs] = [end(&ends[0])?, end(&ends[1])?];
        let mut model = Model::new(inputs, outputs)?;
        finish(&mut model, config);
        Ok(model)
    }

    /// Which masks a call of Keras' graph uses; `live` where those that a graph says nothing of may come when it runs.
    fn mask(
        &self,
        call: &PlannedCall<'_>,
        live: bool,
        operations: &MaskOperations<'_>,
        values: &Values,
    ) -> Result<CallMask> {
        let says_nothing = call.masks.iter().all(|m| matches!(m, PlannedMask::Own));
        if call.masks.is_empty() || (live && says_nothing) {
            let dropped = call.with_states && !self.keras2;
            return Ok(if dropped {
                CallMask::Unused
            } else {
                CallMask::Implicit
            });
        }
        let mut masks = Vec::new();
        let mut inputs = call.inputs.iter();
        for given in &call.masks {
            let input = inputs.next();
            let reference = match (given, input) {
                (PlannedMask::Tensor(reference), _) => reference,
                (PlannedMask::Own, Some(input)) if live => {
                    masks.push(Some(GivenMask::Of(values.get(input, call.layer)?)));
                    continue;
                }
                (PlannedMask::Own | PlannedMask::None, _) => {
                    masks.push(None);
                    continue;
                }
            };
            if !operations.has(reference) {
                masks.push(Some(GivenMask::Values(values.get(reference, call.layer)?)));
                continue;
            }
            match operations.origin(reference)? {
                // A mask put together from several follows the layers here as it does in Keras.
                Origin::Several => return Ok(CallMask::Implicit),
                Origin::Of { source, any } => {
                    masks.push(Some(match values.mask_makers.get(&source) {
                        Some(maker) => GivenMask::Of(maker.clone()),
                        None => GivenMask::NotEqual {
                            tensor: values.get(&source.tensor, call.layer)?,
                            value: source.value(),
                            any,
                        },
                    }));
                }
            }
        }
        masks.resize(call.inputs.len(), None);
        Ok(CallMask::Explicit(masks))
    }
}

/// Hands a layer what Keras takes at its calls: here it is an option of the layer, the same for all its calls.
fn set_arguments(layer: &LayerHandle, call: &PlannedCall<'_>) -> Result<()> {
    if call.number == 0 {
        return layer.write().set_call_arguments(&call.arguments);
    }
    let first = layer.read().call_arguments();
    if first == call.arguments {
        return Ok(());
    }
    Err(Error::config(
        call.layer,
        format!(
            "it is called with {} and with {}; a layer here has the same arguments at all its calls",
            Value::from(first),
            Value::from(call.arguments.clone())
        ),
    ))
}

/// What the layers put out so far.
#[derive(Default)]
struct Values {
    nodes: HashMap<(String, usize), Vec<Node>>,
    /// The outputs to which a Masking or an Embedding layer attached a mask, by what the mask is computed from.
    mask_makers: HashMap<MaskSource, Node>,
}

impl Values {
    fn put(&mut self, layer: &str, call: usize, nodes: Vec<Node>) {
        self.nodes.insert((layer.to_string(), call), nodes);
    }

    fn get(&self, reference: &TensorRef, user: &str) -> Result<Node> {
        self.nodes
            .get(&(reference.layer.clone(), reference.node))
            .and_then(|nodes| nodes.get(reference.tensor))
            .cloned()
            .ok_or_else(|| {
                Error::config(
                    user,
                    format!(
                        "refers to output {} of call {} of \"{}\", which the model does not have",
                        reference.tensor, reference.node, reference.layer
                    ),
                )
            })
    }
}

/// The calls in an order in which every input is there when it is needed (Kahn's algorithm).
fn in_order<'c, 'a>(
    calls: &'c [PlannedCall<'a>],
    operations: &MaskOperations<'_>,
) -> Result<Vec<&'c PlannedCall<'a>>> {
    let number: HashMap<(&str, usize), usize> = calls
        .iter()
        .enumerate()
        .map(|(i, c)| ((c.layer, c.number), i))
        .collect();
    let makers: HashMap<MaskSource, usize> = calls
        .iter()
        .enumerate()
        .filter_map(|(i, c)| Some((c.makes_mask.clone()?, i)))
        .collect();
    let mut waiting = vec![0usize; calls.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); calls.len()];
    for (i, call) in calls.iter().enumerate() {
        let mut before: Vec<usize> = call
            .inputs
            .iter()
            .filter_map(|r| number.get(&(r.layer.as_str(), r.node)).copied())
            .collect();
        let tensors = call.masks.iter().filter_map(|mask| match mask {
            PlannedMask::Tensor(reference) => Some(reference),
            PlannedMask::Own | PlannedMask::None => None,
        });
        for mask in tensors {
            let made_of = if !operations.has(mask) {
                mask.clone()
            } else if let Origin::Of { source, .. } = operations.origin(mask)? {
                before.extend(makers.get(&source));
                source.tensor
            } else {
                continue;
            };
            before.extend(number.get(&(made_of.layer.as_str(), made_of.node)));
        }
        waiting[i] = before.len();
        before.iter().for_each(|b| followers[*b].push(i));
    }
    let mut ready: VecDeque<usize> = (0..calls.len()).filter(|i| waiting[*i] == 0).collect();
    let mut order = Vec::with_capacity(calls.len());
    while let Some(i) = ready.pop_front() {
        order.push(&calls[i]);
        for follower in &followers[i] {
            waiting[*follower] -= 1;
            if waiting[*follower] == 0 {
                ready.push_back(*follower);
            }
        }
    }
    if order.len() == calls.len() {
        Ok(order)
    } else {
        Err(Error::config(
            "Functional",
            "the connections in `inbound_nodes` run in a circle",
        ))
    }
}

/// Whether a serialised object is a whole model.
pub(crate) fn is_model(object: &Value) -> bool {
    let class_name = object.get("class_name").and_then(Value::as_str);
    matches!(class_name, Some("Sequential" | "Functional"))
        && object.pointer("/config/layers").is_some()
}

fn list<'v>(config: &'v Value, place: &str, key: &str) -> Result<&'v [Value]> {
    config
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| Error::config(place, format!("`{key}` is missing")))
}

fn inbound(object: &Value) -> &[Value] {
    object
        .get("inbound_nodes")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// Gives a model its name, and freezes it where the configuration says so.
fn finish(model: &mut Model, config: &Value) {
    if let Some(name) = config.get("name").and_then(Value::as_str) {
        model.rename(name);
    }
    if config.get("trainable") == Some(&Value::Bool(false)) {
        model.set_trainable(false);
    }
}

fn read_input(config: &Config) -> Result<Input> {
    let dims = config
        .opt_dims("batch_shape")?
        .ok_or_else(|| Error::config(config.place(), "`batch_shape` is missing"))?;
    let mut input = Input::of_batch(dims);
    if let Some(name) = config.opt_str("name")? {
        input = input.name(name);
    }
    match config.opt_str("dtype")?.as_deref() {
        None => {}
        Some(dtype) if dtype.starts_with("float") => {}
        Some(dtype) if dtype.starts_with("int") || dtype.starts_with("uint") => {
            input = input.dtype(Kind::Int);
        }
        Some("bool") => input = input.dtype(Kind::Bool),
        Some(dtype) => {
            return Err(Error::config(
                config.place(),
                format!("`dtype` \"{dtype}\" is not supported; inputs are numbers"),
            ));
        }
    }
    config.must_be_neutral(&["sparse", "ragged", "optional"])?;
    Ok(input)
}

impl Model {
    /// The model of Keras' serialised form, `{"class_name": "Functional", "config": {..}}`, with new weights.
    ///
    /// It is a functional model or a `Sequential`, and may hold shared layers and other models. A `Sequential` whose
    /// last layer returns its states becomes a functional model.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] or [`Error::UnknownName`], naming the layer and the key that cannot be read;
    /// [`Error::Shape`] when a layer's inputs do not fit.
    pub fn from_config(object: &Value, registry: &Registry) -> Result<Self> {
        Builder::new(registry, false, Generator::unseeded())?.model(object)
    }

    /// The same of a model that a layer of another model holds.
    pub(crate) fn inside_from_config(object: &Value, registry: &Registry) -> Result<Self> {
        Builder::new(registry, false, Generator::unseeded())?
            .inside()
            .model(object)
    }
}

impl Sequential {
    /// The model of Keras' `model.get_config()`: its name and layers, with new weights.
    ///
    /// # Errors
    ///
    /// As [`Model::from_config`]; [`Error::Model`] when the last layer has several outputs.
    pub fn from_config(config: &Value, registry: &Registry) -> Result<Self> {
        let mut builder = Builder::new(registry, false, Generator::unseeded())?;
        let model = builder.sequential(config)?;
        match model.layers().last() {
            Some(last) if !model.is_sequential() => {
                let count = model.layers().len();
                Err(several_outputs(last, count - 1, count))
            }
            _ => Ok(Self::from_model(model)),
        }
    }
}
