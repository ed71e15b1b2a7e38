//! Tensors that stand for data to come: what `call` takes and returns in the functional API.

use std::sync::{Arc, OnceLock};

use super::call_mask::CallMask;
use super::graph::return_sequences;
use crate::dims::{Dims, IntoDims};
use crate::layers::LayerHandle;
use crate::tensor::Kind;
use crate::{Error, Result};

/// A tensor in a graph of layers: its shape is known, its values are not yet.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input: Node = Input::new([8, 16]).node();
/// assert_eq!(input.dims().to_string(), "(None, 8, 16)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Node(Arc<NodeData>);

struct NodeData {
    dims: Dims,
    source: Source,
}

/// Where a node comes from.
#[derive(Clone)]
pub(crate) enum Source {
    /// Data handed to the model.
    Input {
        /// The name given to it.
        name: Option<String>,
        /// What the data are.
        kind: Kind,
    },
    /// One output of a call of a layer.
    Call {
        /// The call.
        call: Arc<Call>,
        /// Which of its outputs.
        index: usize,
    },
}

/// One application of a layer.
pub(crate) struct Call {
    pub layer: LayerHandle,
    pub inputs: Vec<Node>,
    pub mask: CallMask,
    pub outputs: Vec<Dims>,
}

impl Node {
    /// The shape, batch axis included.
    pub fn dims(&self) -> &Dims {
        &self.0.dims
    }

    pub(crate) fn source(&self) -> &Source {
        &self.0.source
    }

    pub(crate) fn input(dims: Dims, name: Option<String>, kind: Kind) -> Self {
        Self(Arc::new(NodeData {
            dims,
            source: Source::Input { name, kind },
        }))
    }

    /// The outputs of applying `layer` to `inputs`.
    pub(crate) fn from_call(
        layer: LayerHandle,
        inputs: Vec<Node>,
        mask: CallMask,
        outputs: Vec<Dims>,
    ) -> Outputs {
        let call = Arc::new(Call {
            layer,
            inputs,
            mask,
            outputs,
        });
        Outputs {
            nodes: Self::of_call(&call),
        }
    }

    /// All outputs of a call.
    pub(crate) fn of_call(call: &Arc<Call>) -> Vec<Self> {
        call.outputs
            .iter()
            .enumerate()
            .map(|(index, dims)| {
                Self(Arc::new(NodeData {
                    dims: dims.clone(),
                    source: Source::Call {
                        call: Arc::clone(call),
                        index,
                    },
                }))
            })
            .collect()
    }

    /// What tells two nodes apart: the call (or the input itself) and the output's number.
    pub(crate) fn key(&self) -> (usize, usize) {
        match &self.0.source {
            Source::Input { .. } => (Arc::as_ptr(&self.0).cast::<u8>() as usize, 0),
            Source::Call { call, index } => (Arc::as_ptr(call).cast::<u8>() as usize, *index),
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.source {
            Source::Input { name, .. } => {
                write!(f, "Input {} {}", name.as_deref().unwrap_or(""), self.0.dims)
            }
            Source::Call { call, index } => {
                write!(
                    f,
                    "output {index} of {} {}",
                    call.layer.describe(),
                    self.0.dims
                )
            }
        }
    }
}

/// What a layer returns when it is called: one tensor, or several.
///
/// One is used as it is (`other_layer.call(&outputs)`); several are unpacked with `try_into`.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let [output, h, c] = Lstm::new(32).return_state(true).call(&input)?.try_into()?;
/// assert_eq!(output.dims(), h.dims());
/// assert_eq!(c.dims().to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outputs {
    nodes: Vec<Node>,
}

impl Outputs {
    /// The tensors.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The first tensor's shape, batch axis included.
    pub fn dims(&self) -> Dims {
        self.nodes
            .first()
            .map(|n| n.dims().clone())
            .unwrap_or_default()
    }
}

impl<const N: usize> TryFrom<Outputs> for [Node; N] {
    type Error = Error;

    fn try_from(outputs: Outputs) -> Result<Self> {
        let call = match outputs.nodes.first().map(Node::source) {
            Some(Source::Call { call, .. }) => Some(call.layer.clone()),
            _ => None,
        };
        let layer = call
            .as_ref()
            .map_or("the call".to_string(), LayerHandle::describe);
        let names = call
            .as_ref()
            .map_or(Vec::new(), |layer| layer.read().output_names());
        let recurrent = call.as_ref().and_then(return_sequences).is_some();
        let nodes = match outputs.nodes.try_into() {
            Ok(nodes) => return Ok(nodes),
            Err(nodes) => nodes,
        };
        let nodes: Vec<Node> = nodes;
        let all = identifiers(&names, nodes.len());
        let described: Vec<String> = nodes
            .iter()
            .zip(&all)
            .map(|(node, name)| {
                let words = match recurrent {
                    true => output_words(node.dims()),
                    false => node.dims().in_words(),
                };
                format!("{name} {words}")
            })
            .collect();
        let fix = if nodes.len() == 1 && N > 1 {
            match recurrent {
                true => "States come out too with `.return_state(true)`; without it use the tensor as it is, without unpacking.",
                false => "Use the tensor as it is, without unpacking.",
            }
            .to_string()
        } else {
            format!(
                "Write `let [{}] = layer.call(&input)?.try_into()?;`, with `_` for what you do not need.",
                all.join(", ")
            )
        };
        Err(Error::OutputCount {
            layer,
            returned: format!(
                "{} {}: {}",
                nodes.len(),
                crate::error::plural(nodes.len(), "tensor"),
                described.join(", ")
            ),
            wanted: N,
            fix,
        })
    }
}

/// The names of so many outputs as a program can write them, each once.
pub(super) fn identifiers(names: &[&str], count: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::with_capacity(count);
    for i in 0..count {
        let name = match names.get(i) {
            Some(name) => name.replace(' ', "_"),
            None => "output".to_string(),
        };
        let several = names.len() < count || names.iter().filter(|n| **n == names[i]).count() > 1;
        all.push(if several { format!("{name}_{i}") } else { name });
    }
    all
}

/// The shape of a layer's output, whose last axis are its units.
fn output_words(dims: &Dims) -> String {
    match dims.rank() {
        2 => dims.named(&["batch", "units"]),
        3 => dims.named(&["batch", "timesteps", "units"]),
        _ => dims.in_words(),
    }
}

/// Data that will be handed to a model: its shape without the batch axis.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([8, 16]);
/// let output = Lstm::new(32).call(&input)?;
/// let model = Model::new(&input, &output)?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Input {
    dims: Dims,
    name: Option<String>,
    kind: Kind,
    node: Arc<OnceLock<Node>>,
}

impl Input {
    /// Data of this shape, without the batch axis; an axis may be unknown: `Input::new((None, 16))`.
    pub fn new(shape: impl IntoDims) -> Self {
        Self {
            dims: shape.into_dims().with_batch(None),
            name: None,
            kind: Kind::Float,
            node: Arc::default(),
        }
    }

    /// Data of this shape, batch axis included.
    pub(crate) fn of_batch(dims: Dims) -> Self {
        Self {
            dims,
            name: None,
            kind: Kind::Float,
            node: Arc::default(),
        }
    }

    /// Fixes the number of samples in every batch.
    pub fn batch_size(self, batch_size: usize) -> Self {
        let dims = self.dims.tail(1).with_batch(Some(batch_size));
        self.changed(|input| input.dims = dims)
    }

    /// Names the input, for errors, summary and files.
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.changed(|input| input.name = Some(name))
    }

    /// What the data are; [`Kind::Float`] unless told otherwise.
    pub fn dtype(self, kind: Kind) -> Self {
        self.changed(|input| input.kind = kind)
    }

    /// A changed input is another one: nodes made of it before keep what it was.
    fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.node = Arc::default();
        self
    }

    /// The shape, batch axis included.
    pub fn dims(&self) -> &Dims {
        &self.dims
    }

    /// The name, if it was given one.
    pub(crate) fn given_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The tensor that stands for the data.
    pub fn node(&self) -> Node {
        self.node
            .get_or_init(|| Node::input(self.dims.clone(), self.name.clone(), self.kind))
            .clone()
    }
}

/// What `call` and [`Model::new`](super::Model::new) accept as tensors: one or several inputs, nodes or outputs, as
/// references, arrays, `Vec`s or tuples.
pub trait IntoNodes {
    /// The tensors in order.
    ///
    /// # Errors
    ///
    /// None of ours; own implementations may have some.
    fn into_nodes(self) -> Result<Vec<Node>>;
}

impl IntoNodes for &Input {
    fn into_nodes(self) -> Result<Vec<Node>> {
        Ok(vec![self.node()])
    }
}

impl IntoNodes for &Node {
    fn into_nodes(self) -> Result<Vec<Node>> {
        Ok(vec![self.clone()])
    }
}

impl IntoNodes for Node {
    fn into_nodes(self) -> Result<Vec<Node>> {
        Ok(vec![self])
    }
}

impl IntoNodes for &Outputs {
    fn into_nodes(self) -> Result<Vec<Node>> {
        Ok(self.nodes.clone())
    }
}

impl IntoNodes for Outputs {
    fn into_nodes(self) -> Result<Vec<Node>> {
        Ok(self.nodes)
    }
}

fn flattened<T: IntoNodes>(items: impl IntoIterator<Item = T>) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for item in items {
        nodes.extend(item.into_nodes()?);
    }
    Ok(nodes)
}

impl<T: IntoNodes, const N: usize> IntoNodes for [T; N] {
    fn into_nodes(self) -> Result<Vec<Node>> {
        flattened(self)
    }
}

impl<T: IntoNodes> IntoNodes for Vec<T> {
    fn into_nodes(self) -> Result<Vec<Node>> {
        flattened(self)
    }
}

impl<'a, T> IntoNodes for &'a [T]
where
    &'a T: IntoNodes,
{
    fn into_nodes(self) -> Result<Vec<Node>> {
        flattened(self)
    }
}

macro_rules! tuple_nodes {
    ($($name:ident),+) => {
        impl<$($name: IntoNodes),+> IntoNodes for ($($name,)+) {
            fn into_nodes(self) -> Result<Vec<Node>> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                let mut nodes = Vec::new();
                $(nodes.extend($name.into_nodes()?);)+
                Ok(nodes)
            }
        }
    };
}

tuple_nodes!(A);
tuple_nodes!(A, B);
tuple_nodes!(A, B, C);
tuple_nodes!(A, B, C, D);
tuple_nodes!(A, B, C, D, E);
tuple_nodes!(A, B, C, D, E, F);
