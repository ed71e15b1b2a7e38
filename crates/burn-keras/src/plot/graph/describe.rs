//! A model's graph as boxes and edges with their words, before anything has a place.

use std::ops::Range;

use super::masks::carried;
use crate::Result;
use crate::error::plural;
use crate::layers::LayerHandle;
use crate::models::{Graph, Model, Step, StepMasks, return_sequences, thousands};
use crate::plot::words::{class_text, counted, settings, shape_text_of};

/// The most calls of layers that one model's picture shows; of a longer one the first and the last are left.
const MOST_STEPS: usize = 80;
/// The same of its inputs, and of its outputs.
const MOST_ENDS: usize = 24;
/// The most edges that lead into one box.
const MOST_INTO: usize = 24;
/// How deep models inside models are drawn.
const MOST_DEPTH: usize = 4;
/// How many boxes are drawn inside those of models, all together: each call of a model shows its layers again.
const MOST_INSIDE: usize = 400;
/// The longest name in characters; a name stands at several places.
const LONGEST_NAME: usize = 200;

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
    /// How many edges lead into it, and how many more would.
    into: usize,
    left_out: usize,
}

impl DiagramBox {
    fn new(kind: Kind, name: &str, lines: Vec<String>) -> Self {
        Self {
            kind,
            name: name.chars().take(LONGEST_NAME).collect(),
            lines,
            inside: None,
            into: 0,
            left_out: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Input,
    Layer,
    Output,
    /// What is not drawn.
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
    Describer {
        boxes_left: MOST_INSIDE,
    }
    .model(model, &masked, 0)
}

/// What is left to be drawn of the models inside a model.
struct Describer {
    boxes_left: usize,
}

impl Describer {
    /// The diagram of a model whose inputs carry masks or not.
    fn model(&mut self, model: &Model, masked: &[bool], depth: usize) -> Result<Diagram> {
        let graph = model.graph()?;
        let masked = carried(model, masked)?;
        let mut diagram = Diagram {
            title: model.model_name().chars().take(LONGEST_NAME).collect(),
            boxes: Vec::new(),
            edges: Vec::new(),
        };
        let mut origins: Vec<Option<Origin>> = vec![None; graph.dims.len()];
        let mut inputs = Row::of(graph.inputs.len(), MOST_ENDS);
        for (value, input) in graph.inputs.iter().enumerate() {
            let (target, _) = inputs.place(&mut diagram, value, "inputs", || {
                DiagramBox::new(Kind::Input, &input.name, vec!["input".to_string()])
            });
            origins[value] = Some(Origin {
                from: (target, 0, 1),
                name: None,
                state: false,
                masked: masked[value],
            });
        }
        let mut steps = Row::of(graph.steps.len(), MOST_STEPS);
        for (i, step) in graph.steps.iter().enumerate() {
            let layer = &model.layers()[step.layer];
            let (target, drawn) =
                steps.place(&mut diagram, i, "layers", || layer_box(model, graph, i));
            if drawn {
                let came: Vec<bool> = step.inputs.iter().map(|v| masked[*v]).collect();
                self.open(&mut diagram.boxes[target], layer, &came, depth)?;
            }
            let names = layer.read().output_names();
            for (place, value) in step.outputs.iter().enumerate() {
                let name = names.get(place).map(|n| (*n).to_string());
                origins[*value] = Some(Origin {
                    from: match drawn {
                        true => (target, place, step.outputs.len()),
                        false => (target, 0, 1),
                    },
                    name: name.filter(|_| step.outputs.len() > 1),
                    state: place > 0 && is_recurrent(layer),
                    masked: masked[*value],
                });
            }
            diagram.connect_step(graph, layer, step, &origins, target);
        }
        let mut outputs = Row::of(graph.outputs.len(), MOST_ENDS);
        for (i, value) in graph.outputs.iter().enumerate() {
            let Some(origin) = &origins[*value] else {
                continue;
            };
            let name = match graph.outputs.len() {
                1 => "output".to_string(),
                _ => format!("output {i}"),
            };
            let (target, _) = outputs.place(&mut diagram, i, "outputs", || {
                DiagramBox::new(Kind::Output, &name, Vec::new())
            });
            let shape = shape_text_of(&graph.dims[*value], false);
            diagram.connect(origin, shape, (target, 0, 1));
        }
        let drawn = |b: &&mut DiagramBox| b.kind != Kind::Skipped && b.left_out > 0;
        for b in diagram.boxes.iter_mut().filter(drawn) {
            b.lines.push(format!(
                "and {} more {} into it, not drawn",
                thousands(b.left_out),
                plural(b.left_out, "edge")
            ));
        }
        Ok(diagram)
    }

    /// Puts the layers of a model into its box, as long as there is room for them.
    fn open(
        &mut self,
        target: &mut DiagramBox,
        layer: &LayerHandle,
        came: &[bool],
        depth: usize,
    ) -> Result<()> {
        let read = layer.read();
        let Some(model) = read.as_any().downcast_ref::<Model>() else {
            return Ok(());
        };
        let Ok(graph) = model.graph() else {
            return Ok(());
        };
        let needed = Row::of(graph.inputs.len(), MOST_ENDS).boxes()
            + Row::of(graph.steps.len(), MOST_STEPS).boxes()
            + Row::of(graph.outputs.len(), MOST_ENDS).boxes();
        if depth >= MOST_DEPTH || needed > self.boxes_left {
            target.lines.push("what is inside is not drawn".to_string());
            return Ok(());
        }
        self.boxes_left -= needed;
        target.inside = Some(self.model(model, came, depth + 1)?);
        Ok(())
    }
}

/// Boxes of one kind, of which those in the middle are left out where there are too many.
struct Row {
    count: usize,
    hidden: Range<usize>,
    /// The box that stands for the hidden ones.
    instead: Option<usize>,
}

impl Row {
    fn of(count: usize, most: usize) -> Self {
        Self {
            count,
            hidden: match count <= most {
                true => 0..0,
                false => most / 2..count - most / 2,
            },
            instead: None,
        }
    }

    /// How many boxes they are.
    fn boxes(&self) -> usize {
        self.count - self.hidden.len() + usize::from(!self.hidden.is_empty())
    }

    /// The box of the one with this number, and whether it has it for itself.
    fn place(
        &mut self,
        diagram: &mut Diagram,
        number: usize,
        what: &str,
        drawn: impl FnOnce() -> DiagramBox,
    ) -> (usize, bool) {
        if !self.hidden.contains(&number) {
            diagram.boxes.push(drawn());
            return (diagram.boxes.len() - 1, true);
        }
        let target = *self.instead.get_or_insert_with(|| {
            let name = format!("… {} {what} …", thousands(self.hidden.len()));
            let mut lines = vec!["are here, too many to draw".to_string()];
            if what == "layers" {
                lines[0].push(';');
                lines.push("`summary()` lists them all".to_string());
            }
            diagram
                .boxes
                .push(DiagramBox::new(Kind::Skipped, &name, lines));
            diagram.boxes.len() - 1
        });
        (target, false)
    }
}

impl Diagram {
    /// The edges into the box of a call: of its inputs, then of the masks that it is given.
    fn connect_step(
        &mut self,
        graph: &Graph,
        layer: &LayerHandle,
        step: &Step,
        origins: &[Option<Origin>],
        target: usize,
    ) {
        let given = mask_edges(step);
        let row = Row::of(step.inputs.len() + given.len(), MOST_INTO);
        // Those in the middle are left out.
        let places = row.count - row.hidden.len();
        let place_of = |number: usize| match number < row.hidden.start {
            true => number,
            false => number - row.hidden.len(),
        };
        if self.boxes[target].kind != Kind::Skipped {
            self.boxes[target].left_out += row.hidden.len();
        }
        let shown = |number: &usize| !row.hidden.contains(number);
        let explicit = !matches!(step.masks, StepMasks::Implicit);
        let looked_up = layer.class_name() == "Embedding";
        for (place, value) in step.inputs.iter().enumerate().filter(|(i, _)| shown(i)) {
            if let Some(origin) = &origins[*value] {
                let mut origin = origin.clone();
                origin.masked &= !explicit;
                // A state made by other layers is one where it begins a recurrent layer.
                origin.state |= place > 0 && is_recurrent(layer);
                let shape = shape_text_of(&graph.dims[*value], looked_up);
                self.connect(&origin, shape, (target, place_of(place), places));
            }
        }
        let numbers = step.inputs.len()..;
        for (number, value) in numbers.zip(given).filter(|(i, _)| shown(i)) {
            if let Some(origin) = &origins[value] {
                self.add(DiagramEdge {
                    from: origin.from,
                    to: (target, place_of(number), places),
                    role: Role::Mask,
                    label: "mask".to_string(),
                });
            }
        }
    }

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
        let (from, to) = (edge.from.0, edge.to.0);
        if from == to {
            return;
        }
        let target = &mut self.boxes[to];
        if target.into >= MOST_INTO {
            target.left_out += 1;
            return;
        }
        if target.kind == Kind::Skipped {
            (edge.to.1, edge.to.2) = (0, 1);
        }
        if !self.edges.contains(&edge) {
            target.into += 1;
            self.edges.push(edge);
        }
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
    return_sequences(layer).is_some()
}

/// The box of a call.
fn layer_box(model: &Model, graph: &Graph, at: usize) -> DiagramBox {
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
        n => counted(n, "parameter"),
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
    DiagramBox::new(Kind::Layer, &layer.name(), lines)
}
