//! A model's graph as boxes and edges with their words, before anything has a place.

use serde_json::Value;

use crate::Result;
use crate::layers::{LayerHandle, MaskPolicy};
use crate::models::{Graph, Model, Step, StepMasks, returns_sequences, thousands};
use crate::plot::words::{class_text, settings, shape_text_of};

/// The most calls of layers that one model's picture shows; of a longer one the first and the last are left.
const MOST_STEPS: usize = 80;
/// How deep models inside models are drawn.
const MOST_DEPTH: usize = 4;

/// A model as boxes and edges.
#[derive(Debug)]
pub(super) struct Diagram {
    pub title: String,
    pub boxes: Vec<DiagramBox>,
    pub edges: Vec<DiagramEdge>,
}

/// A box: its lines, and a model's own boxes inside it.
#[derive(Debug)]
pub(super) struct DiagramBox {
    pub kind: Kind,
    pub name: String,
    pub lines: Vec<String>,
    pub inside: Option<Diagram>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Input,
    Layer,
    Output,
    /// Layers that are not drawn.
    Skipped,
}

/// An edge: ends as `(box, place, places)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DiagramEdge {
    pub from: (usize, usize, usize),
    pub to: (usize, usize, usize),
    pub role: Role,
    pub label: String,
}

/// What flows along an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Data,
    State,
    Mask,
}

/// Where a value comes from: box, place and places; its name if it is one of several; whether it is a state and whether
/// it carries a mask.
#[derive(Clone, Debug)]
struct Origin {
    from: (usize, usize, usize),
    name: Option<String>,
    state: bool,
    masked: bool,
}

/// Describes a built model.
///
/// # Errors
///
/// [`Error::NotBuilt`](crate::Error::NotBuilt) before the model knows its input shape.
pub(super) fn describe(model: &Model) -> Result<Diagram> {
    let masked = vec![false; model.graph()?.inputs.len()];
    Ok(describe_at(model, &masked, 0)?.0)
}

/// The diagram of a model whose inputs carry masks or not, and which of its outputs do.
fn describe_at(model: &Model, masked: &[bool], depth: usize) -> Result<(Diagram, Vec<bool>)> {
    let graph = model.graph()?;
    let mut diagram = Diagram {
        title: model.model_name().to_string(),
        boxes: Vec::new(),
        edges: Vec::new(),
    };
    let mut origins: Vec<Option<Origin>> = vec![None; graph.dims.len()];
    for (value, input) in graph.inputs.iter().enumerate() {
        origins[value] = Some(Origin {
            from: (diagram.boxes.len(), 0, 1),
            name: None,
            state: false,
            masked: masked.get(value).copied().unwrap_or(false),
        });
        diagram.boxes.push(DiagramBox {
            kind: Kind::Input,
            name: input.name.clone(),
            lines: vec!["input".to_string()],
            inside: None,
        });
    }
    let skipped = skipped(graph.steps.len());
    let mut skipped_box = None;
    for (i, step) in graph.steps.iter().enumerate() {
        let layer = &model.layers()[step.layer];
        let came: Vec<bool> = step
            .inputs
            .iter()
            .map(|v| origins[*v].as_ref().is_some_and(|o| o.masked))
            .collect();
        let (inside, masks) = inside(layer, step, &came, depth)?;
        let hidden = skipped.contains(&i);
        let target = match (hidden, skipped_box) {
            (true, Some(target)) => target,
            _ => {
                diagram.boxes.push(if hidden {
                    skipped_layers(skipped.len())
                } else {
                    layer_box(model, graph, i, inside)
                });
                diagram.boxes.len() - 1
            }
        };
        if hidden {
            skipped_box = Some(target);
        }
        let names = layer.read().output_names();
        for (place, value) in step.outputs.iter().enumerate() {
            let name = names.get(place).map(|n| (*n).to_string());
            let state = place > 0 && is_recurrent(layer);
            origins[*value] = Some(Origin {
                from: if hidden {
                    (target, 0, 1)
                } else {
                    (target, place, step.outputs.len())
                },
                name: name.filter(|_| step.outputs.len() > 1),
                state,
                masked: masks.get(place).copied().unwrap_or(false),
            });
        }
        let given = mask_edges(step);
        let places = step.inputs.len() + given.len();
        let explicit = !matches!(step.masks, StepMasks::Implicit);
        for (place, value) in step.inputs.iter().enumerate() {
            if let Some(origin) = &origins[*value] {
                let mut origin = origin.clone();
                origin.masked &= !explicit;
                // A state made by other layers is one where it begins a recurrent layer.
                origin.state |= place > 0 && is_recurrent(layer);
                let looked_up = layer.class_name() == "Embedding";
                let shape = shape_text_of(&graph.dims[*value], looked_up);
                diagram.connect(&origin, shape, (target, place, places));
            }
        }
        for (more, value) in given.into_iter().enumerate() {
            if let Some(origin) = &origins[value] {
                diagram.add(DiagramEdge {
                    from: origin.from,
                    to: (target, step.inputs.len() + more, places),
                    role: Role::Mask,
                    label: "mask".to_string(),
                });
            }
        }
    }
    let mut left = Vec::new();
    for (i, value) in graph.outputs.iter().enumerate() {
        let Some(origin) = origins[*value].clone() else {
            continue;
        };
        let one = graph.outputs.len() == 1;
        let target = diagram.boxes.len();
        diagram.boxes.push(DiagramBox {
            kind: Kind::Output,
            name: if one {
                "output".to_string()
            } else {
                format!("output {i}")
            },
            lines: Vec::new(),
            inside: None,
        });
        left.push(origin.masked);
        let shape = shape_text_of(&graph.dims[*value], false);
        diagram.connect(&origin, shape, (target, 0, 1));
    }
    Ok((diagram, left))
}

impl Diagram {
    fn connect(&mut self, origin: &Origin, shape: String, to: (usize, usize, usize)) {
        let mut label = shape;
        if let Some(name) = &origin.name {
            label = format!("{name} {label}");
        }
        if origin.masked {
            label.push_str(" + mask");
        }
        self.add(DiagramEdge {
            from: origin.from,
            to,
            role: if origin.state {
                Role::State
            } else {
                Role::Data
            },
            label,
        });
    }

    /// Adds an edge, unless it runs inside the box of what is not drawn or is there already.
    fn add(&mut self, mut edge: DiagramEdge) {
        if edge.from.0 == edge.to.0 {
            return;
        }
        if self.boxes[edge.to.0].kind == Kind::Skipped {
            (edge.to.1, edge.to.2) = (0, 1);
        }
        if !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }
}

/// Which steps of so many are not drawn.
fn skipped(steps: usize) -> std::ops::Range<usize> {
    if steps <= MOST_STEPS {
        return 0..0;
    }
    MOST_STEPS / 2..steps - MOST_STEPS / 2
}

fn skipped_layers(count: usize) -> DiagramBox {
    DiagramBox {
        kind: Kind::Skipped,
        name: format!("… {} layers …", thousands(count)),
        lines: vec![
            "are here, too many to draw;".to_string(),
            "`summary()` lists them all".to_string(),
        ],
        inside: None,
    }
}

/// The masks that a call is given besides those of its inputs.
fn mask_edges(step: &Step) -> Vec<usize> {
    let mut values = match &step.masks {
        StepMasks::Explicit(masks) => masks.iter().flatten().map(|m| *m.tensor()).collect(),
        StepMasks::Implicit | StepMasks::Unused { .. } => Vec::new(),
    };
    values.dedup();
    values
}

fn is_recurrent(layer: &LayerHandle) -> bool {
    matches!(
        layer.class_name().as_str(),
        "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "Bidirectional"
    )
}

/// The diagram inside a layer that is a model, and which outputs of any layer carry a mask.
fn inside(
    layer: &LayerHandle,
    step: &Step,
    came: &[bool],
    depth: usize,
) -> Result<(Option<Diagram>, Vec<bool>)> {
    let explicit = match &step.masks {
        StepMasks::Implicit => None,
        StepMasks::Explicit(values) => Some(values.iter().any(Option::is_some)),
        StepMasks::Unused { goes_on } => Some(*goes_on && came.contains(&true)),
    };
    let any = explicit.unwrap_or_else(|| came.contains(&true));
    let all = explicit.unwrap_or_else(|| !came.is_empty() && !came.contains(&false));
    let first = explicit.unwrap_or_else(|| came.first().copied().unwrap_or(false));
    let read = layer.read();
    if let Some(model) = read.as_any().downcast_ref::<Model>()
        && depth < MOST_DEPTH
        && model.is_built()
    {
        let (diagram, masks) = describe_at(model, came, depth + 1)?;
        return Ok((Some(diagram), masks));
    }
    let only_first = |masked: bool| vec![masked];
    let masks = match read.mask_policy() {
        MaskPolicy::Pass => vec![any; step.outputs.len()],
        MaskPolicy::Consume | MaskPolicy::Lose => Vec::new(),
        MaskPolicy::Own => match read.class_name() {
            "Masking" => only_first(true),
            "Embedding" => only_first(read.config().get("mask_zero") == Some(&Value::Bool(true))),
            "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "Bidirectional" => {
                only_first(first && returns_sequences(layer))
            }
            "Attention" | "AdditiveAttention" | "MultiHeadAttention" => only_first(first),
            "Concatenate" => only_first(any),
            _ => only_first(all),
        },
    };
    Ok((None, masks))
}

/// The box of a call.
fn layer_box(model: &Model, graph: &Graph, at: usize, inside: Option<Diagram>) -> DiagramBox {
    let number = graph.steps[at].layer;
    let layer = &model.layers()[number];
    let mut lines = vec![class_text(layer)];
    lines.extend(Some(settings(layer)).filter(|s| !s.is_empty()));
    let calls: Vec<usize> = (0..graph.steps.len())
        .filter(|s| graph.steps[*s].layer == number)
        .collect();
    let params: usize = layer.leaves().iter().map(LayerHandle::count_params).sum();
    let mut weights = match params {
        0 => String::new(),
        1 => "1 parameter".to_string(),
        n => format!("{} parameters", thousands(n)),
    };
    if !weights.is_empty() && !layer.trainable() {
        weights.push_str(", frozen");
    }
    if calls.len() > 1 {
        let call = calls.iter().position(|s| *s == at).unwrap_or(0) + 1;
        let shared = format!("call {call} of {}, the same weights", calls.len());
        lines.push(match params {
            0 => format!("call {call} of {}", calls.len()),
            _ => shared,
        });
    }
    lines.extend(Some(weights).filter(|w| !w.is_empty()));
    DiagramBox {
        kind: Kind::Layer,
        name: layer.name(),
        lines,
        inside,
    }
}
