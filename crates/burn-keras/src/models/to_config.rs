//! Keras' configuration of models.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::Model;
use super::call_config::{self, takes_states, tensor};
use super::graph::{Graph, GraphInput, Position, StepMasks};
use super::mask_operations::{OperationWriter, StaticMask, static_masks, used_masks};
use crate::dims::Dims;
use crate::layers::{LayerHandle, full_config};
use crate::tensor::Kind;

/// Layers whose calls have the mask as an argument in Keras' graphs.
const TAKE_MASK: [&str; 9] = [
    "LSTM",
    "GRU",
    "SimpleRNN",
    "RNN",
    "Bidirectional",
    "TimeDistributed",
    "GlobalAveragePooling1D",
    "BatchNormalization",
    "Softmax",
];

/// Whether the mask is an argument of this class' calls in Keras' graphs.
pub(crate) fn takes_mask(class_name: &str) -> bool {
    TAKE_MASK.contains(&class_name)
}

impl Model {
    /// Keras' serialised form of the model, as a layer or as a whole, without weights and compilation.
    pub(crate) fn to_object(&self) -> Value {
        let mut config = full_config(self);
        if self.is_sequential() {
            let mut object = json!({
                "module": "keras",
                "class_name": "Sequential",
                "config": config,
                "registered_name": null,
            });
            if let Some(shape) = object.pointer("/config/build_input_shape").cloned() {
                object["build_config"] = json!({"input_shape": shape});
            }
            object
        } else {
            // A functional model has no policy of its own.
            config.shift_remove("dtype");
            json!({
                "module": "keras.src.models.functional",
                "class_name": "Functional",
                "config": config,
                "registered_name": "Functional",
                "build_config": {"input_shape": null},
            })
        }
    }

    /// The model's own keys of its configuration: what it is made of.
    pub(super) fn structure_config(&self) -> Map<String, Value> {
        let mut config = Map::new();
        match &self.graph {
            Some(graph) if !self.is_sequential() => {
                let writer = Writer::new(graph, &self.layers);
                config.insert("layers".into(), writer.members().into());
                config.insert("input_layers".into(), ends(writer.input_ends()));
                config.insert("output_layers".into(), ends(writer.output_ends()));
            }
            graph => {
                let input = graph.as_ref().and_then(|g| g.inputs.first());
                let layers = self.layers.iter().map(LayerHandle::to_json);
                let all: Vec<Value> = input.map(input_layer).into_iter().chain(layers).collect();
                config.insert("layers".into(), all.into());
                if let Some(input) = input {
                    config.insert("build_input_shape".into(), shape(&input.dims));
                }
            }
        }
        config
    }
}

/// `build_config` of a layer that was built for inputs of these shapes.
pub(crate) fn build_config(class_name: &str, inputs: &[Dims]) -> Value {
    let shapes: Vec<Value> = inputs.iter().map(shape).collect();
    match shapes.as_slice() {
        [only] => json!({"input_shape": only}),
        [sequences, states @ ..] if takes_states(class_name) => json!({"shapes_dict": {
            "sequences_shape": sequences,
            "initial_state_shape": states,
        }}),
        several if class_name == "MultiHeadAttention" => {
            let names = ["query_shape", "value_shape", "key_shape"];
            let named = names.into_iter().zip(several);
            let dict: Map<String, Value> = named.map(|(n, s)| (n.to_string(), s.clone())).collect();
            json!({"shapes_dict": dict})
        }
        several => json!({"input_shape": several}),
    }
}

fn shape(dims: &Dims) -> Value {
    json!(dims.axes())
}

fn dtype(kind: Kind) -> &'static str {
    match kind {
        Kind::Float => "float32",
        Kind::Int => "int32",
        Kind::Bool => "bool",
    }
}

fn input_layer(input: &GraphInput) -> Value {
    json!({
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {
            "batch_shape": shape(&input.dims),
            "dtype": dtype(input.kind),
            "sparse": false,
            "ragged": false,
            "name": input.name,
            "optional": false,
        },
        "registered_name": null,
    })
}

/// One end stands alone, several stand in a list.
fn ends(mut ends: Vec<Value>) -> Value {
    if ends.len() == 1 {
        ends.remove(0)
    } else {
        ends.into()
    }
}

/// Writes the members of a functional model.
struct Writer<'a> {
    graph: &'a Graph,
    layers: &'a [LayerHandle],
    names: Vec<String>,
    /// Where each value comes from: layer, call and output.
    origins: Vec<(String, usize, usize)>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, layers: &'a [LayerHandle]) -> Self {
        let names: Vec<String> = layers.iter().map(LayerHandle::name).collect();
        let mut origins: Vec<(String, usize, usize)> = graph
            .inputs
            .iter()
            .map(|i| (i.name.clone(), 0, 0))
            .collect();
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for step in &graph.steps {
            let count = counts.entry(step.layer).or_default();
            for output in 0..step.outputs.len() {
                origins.push((names[step.layer].clone(), *count, output));
            }
            *count += 1;
        }
        Self {
            graph,
            layers,
            names,
            origins,
        }
    }

    fn tensor(&self, value: usize) -> Value {
        let (name, call, output) = &self.origins[value];
        let kind = self.graph.inputs.get(value).map_or(Kind::Float, |i| i.kind);
        tensor(
            shape(&self.graph.dims[value]),
            dtype(kind),
            (name, *call, *output),
        )
    }

    fn members(&self) -> Vec<Value> {
        let masks = static_masks(self.graph, self.layers);
        let inputs = self.graph.inputs.iter().map(|i| i.name.clone());
        let taken: HashSet<String> = self.names.iter().cloned().chain(inputs).collect();
        let mut operations = OperationWriter::default();
        let mut inbound: Vec<Vec<Value>> = vec![Vec::new(); self.layers.len()];
        for step in &self.graph.steps {
            let layer = &self.layers[step.layer];
            let class_name = layer.class_name();
            let takes_mask = takes_mask(&class_name) || layer.read().inner_layers().is_some();
            let explicit = matches!(&step.masks, StepMasks::Explicit(_));
            let mut written = |mask: &StaticMask| {
                operations
                    .mask(*mask, &taken, |v| self.tensor(v))
                    .unwrap_or_default()
            };
            let mut arguments = layer.read().call_arguments();
            let used = used_masks(step, &masks);
            if takes_mask {
                // A call that goes without the mask its input carries says so.
                let mask = used.first().map(&mut written);
                let mask = mask.filter(|mask| explicit || !mask.is_null());
                arguments.extend(mask.map(|mask| ("mask".to_string(), mask)));
            } else if explicit {
                let masks = used.iter().map(written).collect();
                arguments.extend(call_config::write_masks(&class_name, masks));
            }
            let tensors = step.inputs.iter().map(|v| self.tensor(*v)).collect();
            inbound[step.layer].push(call_config::write(&class_name, tensors, arguments));
        }
        let mut members: Vec<Value> = self
            .graph
            .order
            .iter()
            .map(|position| match *position {
                Position::Input(input) => {
                    let input = &self.graph.inputs[input];
                    let mut object = input_layer(input);
                    object["name"] = json!(input.name);
                    object["inbound_nodes"] = json!([]);
                    object
                }
                Position::Layer(layer) => {
                    let mut object = self.layers[layer].to_json();
                    object["name"] = json!(self.names[layer]);
                    object["inbound_nodes"] = inbound[layer].drain(..).collect();
                    object
                }
            })
            .collect();
        members.append(&mut operations.objects);
        members
    }

    fn input_ends(&self) -> Vec<Value> {
        self.graph
            .inputs
            .iter()
            .map(|i| json!([i.name, 0, 0]))
            .collect()
    }

    /// Calls of a functional model count from 1 here, and here alone: Keras takes its own making for the first.
    fn output_ends(&self) -> Vec<Value> {
        let first = |value: usize| {
            let made = self.graph.steps.iter().find(|s| s.outputs.contains(&value));
            usize::from(made.is_some_and(|s| self.layers[s.layer].class_name() == "Functional"))
        };
        self.graph
            .outputs
            .iter()
            .map(|value| {
                let (name, call, output) = &self.origins[*value];
                json!([name, call + first(*value), output])
            })
            .collect()
    }
}
