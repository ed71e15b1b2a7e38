//! The order in which a model's layers run: traced once from the outputs back to the inputs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::call_mask::{CallMask, GivenMask};
use super::names::name_inputs;
use super::node::{Call, Node, Source};
use crate::dims::Dims;
use crate::layers::{Context, LayerHandle};
use crate::tensor::{AnyTensor, Kind};
use crate::{Error, Result};

/// One input of a model.
#[derive(Clone, Debug)]
pub(crate) struct GraphInput {
    pub name: String,
    pub dims: Dims,
    pub kind: Kind,
}

/// One application of a layer: which layer, which values go in, which come out.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub layer: usize,
    pub inputs: Vec<usize>,
    pub masks: StepMasks,
    pub outputs: Vec<usize>,
}

/// With which masks a step computes; see [`CallMask`].
#[derive(Clone, Debug)]
pub(crate) enum StepMasks {
    Implicit,
    /// Those made of these values, one for each input.
    Explicit(Vec<Option<GivenMask<usize>>>),
    /// None; whether the first input's goes on.
    Unused {
        goes_on: bool,
    },
}

impl Step {
    /// The values whose masks the step uses besides its inputs' own.
    fn mask_values(&self) -> impl Iterator<Item = usize> {
        let given: &[Option<GivenMask<usize>>] = match &self.masks {
            StepMasks::Explicit(masks) => masks,
            StepMasks::Implicit | StepMasks::Unused { .. } => &[],
        };
        given.iter().flatten().map(|mask| *mask.tensor())
    }
}

/// A position in Keras' list of a model's layers, in which inputs count as layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Input(usize),
    Layer(usize),
}

/// The topology of a model. Values are numbered: the inputs first, then the outputs of each step.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub inputs: Vec<GraphInput>,
    pub steps: Vec<Step>,
    pub outputs: Vec<usize>,
    pub dims: Vec<Dims>,
    /// For each value the last step that reads it, so that it can be dropped there.
    last_use: Vec<usize>,
    /// Inputs and layers in Keras' order: by depth from the outputs, then as first met.
    pub order: Vec<Position>,
}

/// The graph, the layers that its steps name by number (in Keras' order), and the node of each value.
pub(crate) struct Traced {
    pub graph: Graph,
    pub layers: Vec<LayerHandle>,
    pub nodes: Vec<Node>,
}

/// What is met on the way from the outputs to the inputs.
struct Tracer<'a> {
    inputs: &'a [Node],
    calls: Vec<Arc<Call>>,
    seen: HashSet<usize>,
    first_met: HashMap<Operation, usize>,
}

/// A layer or an input, by identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    Layer(u64),
    Input(usize),
}

impl Tracer<'_> {
    /// Notes `output` and everything it depends on, depth first; with a stack of its own, since a model from a file
    /// can be deeper than the thread's.
    fn visit(&mut self, output: &Node) -> Result<()> {
        let mut open: Vec<(Arc<Call>, usize)> = Vec::new();
        open.extend(self.enter(output)?);
        while let Some((call, next)) = open.pop() {
            let before = call
                .inputs
                .iter()
                .chain(call.mask.nodes())
                .nth(next)
                .cloned();
            match before {
                Some(node) => {
                    open.push((call, next + 1));
                    open.extend(self.enter(&node)?);
                }
                None => self.calls.push(call),
            }
        }
        Ok(())
    }

    /// The call that makes `node`, with the first of its inputs to look at, unless it was met before.
    fn enter(&mut self, node: &Node) -> Result<Option<(Arc<Call>, usize)>> {
        let key = node.key();
        let input = self.inputs.iter().position(|i| i.key() == key);
        let met = self.first_met.len();
        if let Some(input) = input {
            self.first_met.entry(Operation::Input(input)).or_insert(met);
            return Ok(None);
        }
        let Source::Call { call, .. } = node.source() else {
            return Err(Error::Model(format!(
                "an output of the model depends on {node:?}, which is not among the model's inputs: add it to the \
                 first argument of `Model::new`"
            )));
        };
        self.first_met
            .entry(Operation::Layer(call.layer.identity()))
            .or_insert(met);
        Ok(self.seen.insert(key.0).then(|| (Arc::clone(call), 0)))
    }
}

impl Graph {
    /// Traces the calls between `inputs` and `outputs`.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] when there are none, when an output depends on an input that is not listed, or an input is
    /// listed twice.
    pub fn trace(inputs: &[Node], outputs: &[Node]) -> Result<Traced> {
        if inputs.is_empty() || outputs.is_empty() {
            return Err(Error::Model(
                "a model needs at least one input and one output".to_string(),
            ));
        }
        let mut tracer = Tracer {
            inputs,
            calls: Vec::new(),
            seen: HashSet::new(),
            first_met: HashMap::new(),
        };
        for output in outputs {
            tracer.visit(output)?;
        }
        let Tracer {
            calls, first_met, ..
        } = tracer;

        let mut values: HashMap<(usize, usize), usize> = HashMap::new();
        let mut nodes = Vec::new();
        let mut dims = Vec::new();
        for input in inputs {
            if values.insert(input.key(), nodes.len()).is_some() {
                return Err(Error::Model(format!(
                    "{input:?} is listed twice among the model's inputs"
                )));
            }
            nodes.push(input.clone());
            dims.push(input.dims().clone());
        }
        let (order, layers) = keras_order(inputs, &calls, &first_met);
        let number: HashMap<u64, usize> = layers
            .iter()
            .enumerate()
            .map(|(i, l)| (l.identity(), i))
            .collect();
        let mut steps = Vec::new();
        for call in &calls {
            let ins = call.inputs.iter().map(|n| values[&n.key()]).collect();
            let masks = match &call.mask {
                CallMask::Implicit => StepMasks::Implicit,
                CallMask::Unused => StepMasks::Unused {
                    goes_on: return_sequences(&call.layer) == Some(true),
                },
                CallMask::Explicit(masks) => {
                    let over = |mask: &Option<GivenMask<Node>>| {
                        mask.as_ref().map(|mask| mask.map(|n| values[&n.key()]))
                    };
                    StepMasks::Explicit(masks.iter().map(over).collect())
                }
            };
            let mut outs = Vec::new();
            let results = Node::of_call(call);
            for (node, shape) in results.into_iter().zip(&call.outputs) {
                outs.push(nodes.len());
                values.insert(node.key(), nodes.len());
                nodes.push(node);
                dims.push(shape.clone());
            }
            steps.push(Step {
                layer: number[&call.layer.identity()],
                inputs: ins,
                masks,
                outputs: outs,
            });
        }
        let outputs: Vec<usize> = outputs.iter().map(|n| values[&n.key()]).collect();
        let mut last_use = vec![0; nodes.len()];
        for (i, step) in steps.iter().enumerate() {
            step.inputs.iter().for_each(|v| last_use[*v] = i);
            step.mask_values().for_each(|v| last_use[v] = i);
        }
        outputs.iter().for_each(|v| last_use[*v] = usize::MAX);
        let inputs = name_inputs(inputs, &layers)?;
        Ok(Traced {
            graph: Self {
                inputs,
                steps,
                outputs,
                dims,
                last_use,
                order,
            },
            layers,
            nodes,
        })
    }

    /// The shapes of the outputs, batch axis included.
    pub fn output_dims(&self) -> Vec<Dims> {
        self.outputs.iter().map(|v| self.dims[*v].clone()).collect()
    }

    /// The steps' values made into nodes again, over other layers than those that were traced.
    pub fn nodes_over(&self, layers: &[LayerHandle]) -> Vec<Node> {
        let known = |_: &LayerHandle, step: &Step, _: &[Dims]| {
            Ok(step.outputs.iter().map(|v| self.dims[*v].clone()).collect())
        };
        // Shapes that are known make no error.
        self.nodes_with(layers, known).unwrap_or_default()
    }

    /// The same, with the shapes that each step's layer gives for its inputs.
    pub fn nodes_with(
        &self,
        layers: &[LayerHandle],
        mut shapes: impl FnMut(&LayerHandle, &Step, &[Dims]) -> Result<Vec<Dims>>,
    ) -> Result<Vec<Node>> {
        let mut nodes: Vec<Node> = self
            .inputs
            .iter()
            .map(|i| Node::input(i.dims.clone(), Some(i.name.clone()), i.kind))
            .collect();
        for step in &self.steps {
            let layer = &layers[step.layer];
            let inputs: Vec<Node> = step.inputs.iter().map(|v| nodes[*v].clone()).collect();
            let dims: Vec<Dims> = inputs.iter().map(|n| n.dims().clone()).collect();
            let outputs = shapes(layer, step, &dims)?;
            let mask = match &step.masks {
                StepMasks::Implicit => CallMask::Implicit,
                StepMasks::Unused { .. } => CallMask::Unused,
                StepMasks::Explicit(masks) => {
                    let over = |mask: &Option<GivenMask<usize>>| {
                        mask.as_ref().map(|mask| mask.map(|v| nodes[*v].clone()))
                    };
                    CallMask::Explicit(masks.iter().map(over).collect())
                }
            };
            let outputs = Node::from_call(layer.clone(), inputs, mask, outputs);
            nodes.extend(outputs.nodes().iter().cloned());
        }
        Ok(nodes)
    }

    /// Computes the outputs.
    ///
    /// # Errors
    ///
    /// Those of the layers.
    pub fn run(
        &self,
        layers: &[LayerHandle],
        inputs: Vec<AnyTensor>,
        context: &mut Context,
    ) -> Result<Vec<AnyTensor>> {
        let mut values: Vec<Option<AnyTensor>> = inputs.into_iter().map(Some).collect();
        values.resize(self.dims.len(), None);
        for (i, step) in self.steps.iter().enumerate() {
            let mut ins = Vec::with_capacity(step.inputs.len());
            for value in &step.inputs {
                let last = self.last_use[*value] == i;
                let implicit = matches!(step.masks, StepMasks::Implicit);
                let tensor = if last && step.inputs.len() == 1 && implicit {
                    values[*value].take()
                } else {
                    values[*value].clone()
                };
                ins.push(tensor.ok_or_else(|| {
                    Error::tensor(
                        layers[step.layer].describe(),
                        "was reached before its input",
                    )
                })?);
            }
            let own = ins.first().and_then(|t| t.any_mask().cloned());
            match &step.masks {
                StepMasks::Implicit => {}
                StepMasks::Unused { .. } => {
                    ins = ins.into_iter().map(|t| t.with_mask(None)).collect();
                }
                StepMasks::Explicit(given) => {
                    for (tensor, given) in ins.iter_mut().zip(given) {
                        let source = given.as_ref().zip(
                            given
                                .as_ref()
                                .and_then(|mask| values[*mask.tensor()].as_ref()),
                        );
                        let mask = match source {
                            Some((given, source)) => given.compute(source)?,
                            None => None,
                        };
                        *tensor = tensor.clone().with_any_mask(mask);
                    }
                }
            }
            let mut outs = layers[step.layer].forward(&ins, context)?;
            if let (StepMasks::Unused { goes_on: true }, Some(first)) =
                (&step.masks, outs.first_mut())
            {
                *first = first.clone().with_any_mask(own);
            }
            for (value, tensor) in step.outputs.iter().zip(outs) {
                values[*value] = Some(tensor);
            }
        }
        self.outputs
            .iter()
            .map(|v| {
                values[*v].clone().ok_or_else(|| {
                    Error::tensor("the model", "has an output that no layer computed")
                })
            })
            .collect()
    }
}

/// Whether a recurrent layer, or the one inside a `Bidirectional`, puts out every step; `None` for other layers.
pub(crate) fn return_sequences(layer: &LayerHandle) -> Option<bool> {
    let config = Value::Object(layer.config());
    recurrent_config(&layer.class_name(), &config)
        .get("return_sequences")?
        .as_bool()
}

/// The configuration in which a recurrent layer's options stand: its own, or that of the layer inside a `Bidirectional`.
pub(crate) fn recurrent_config<'a>(class_name: &str, config: &'a Value) -> &'a Value {
    match class_name {
        "Bidirectional" => config.pointer("/layer/config").unwrap_or(config),
        _ => config,
    }
}

/// Inputs and layers as Keras lists them (`keras/src/ops/function.py`, `map_graph`).
fn keras_order(
    inputs: &[Node],
    calls: &[Arc<Call>],
    first_met: &HashMap<Operation, usize>,
) -> (Vec<Position>, Vec<LayerHandle>) {
    let operation = |node: &Node| {
        inputs
            .iter()
            .position(|i| i.key() == node.key())
            .map(Operation::Input)
    };
    let mut call_depth: HashMap<usize, usize> = HashMap::new();
    let mut depth: HashMap<Operation, usize> = HashMap::new();
    for call in calls.iter().rev() {
        let me = Operation::Layer(call.layer.identity());
        let key = Arc::as_ptr(call).cast::<u8>() as usize;
        let mine = call_depth
            .get(&key)
            .copied()
            .unwrap_or(0)
            .max(depth.get(&me).copied().unwrap_or(0));
        depth.insert(me, mine);
        for node in &call.inputs {
            let parent = match operation(node) {
                Some(input) => depth.entry(input).or_default(),
                None => call_depth.entry(node.key().0).or_default(),
            };
            *parent = (*parent).max(mine + 1);
        }
    }
    let handles: HashMap<u64, &LayerHandle> = calls
        .iter()
        .map(|c| (c.layer.identity(), &c.layer))
        .collect();
    let mut all: Vec<Operation> = first_met.keys().copied().collect();
    // An input that no output depends on still belongs to the model.
    all.extend(
        (0..inputs.len())
            .map(Operation::Input)
            .filter(|o| !first_met.contains_key(o)),
    );
    all.sort_by_key(|o| {
        (
            std::cmp::Reverse(depth.get(o).copied().unwrap_or(0)),
            first_met.get(o).copied().unwrap_or(usize::MAX),
        )
    });
    let mut layers = Vec::new();
    let order = all
        .into_iter()
        .map(|o| match o {
            Operation::Input(i) => Position::Input(i),
            Operation::Layer(identity) => {
                layers.push(handles[&identity].clone());
                Position::Layer(layers.len() - 1)
            }
        })
        .collect();
    (order, layers)
}
