//! A placed graph as SVG.

use std::fmt::Write;

use super::describe::{Diagram, DiagramBox, DiagramEdge, Kind, Role};
use super::layout::{End, Link, Placed, Size, Way, place};
use crate::plot::svg::Svg;
use crate::plot::text::{fit, width};

/// The sizes of text, as `picture.css` has them.
const NAME: f32 = 13.0;
/// Names are bold in browsers, and bold letters wider.
const BOLD: f32 = 1.12 * NAME;
const SMALL: f32 = 11.0;
/// The widest text of a box, and of an edge's label.
const MOST_TEXT: i32 = 300;
const MOST_LABEL: i32 = 220;
/// Around the text of a box.
const INSIDE: i32 = 14;
/// Around what is inside a model's box.
const AROUND: i32 = 18;
const LINE: i32 = 16;

/// A drawing and its size.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    pub body: String,
    pub width: i32,
    pub height: i32,
}

/// Draws a diagram, those inside it first.
pub(super) fn draw(diagram: &Diagram) -> Drawing {
    let insides: Vec<Option<Drawing>> = diagram
        .boxes
        .iter()
        .map(|b| b.inside.as_ref().map(draw))
        .collect();
    let sizes: Vec<Size> = diagram
        .boxes
        .iter()
        .zip(&insides)
        .map(|(b, inside)| size(b, inside.as_ref()))
        .collect();
    let links: Vec<Link> = diagram.edges.iter().map(link).collect();
    let Placed {
        boxes,
        ways,
        width,
        height,
    } = place(&sizes, &links);
    let mut svg = Svg::default();
    for (edge, way) in diagram.edges.iter().zip(&ways) {
        draw_edge(&mut svg, edge, way);
    }
    for (i, b) in diagram.boxes.iter().enumerate() {
        let corner = boxes.get(i).copied().unwrap_or_default();
        draw_box(&mut svg, b, corner, sizes[i], insides[i].as_ref());
    }
    Drawing {
        body: svg.into_body(),
        width,
        height,
    }
}

/// The graph in sentences, for those who can't see it.
pub(super) fn in_words(diagram: &Diagram) -> String {
    let mut words = String::new();
    for edge in &diagram.edges {
        let name = |i: usize| diagram.boxes.get(i).map_or("", |b| b.name.as_str());
        let (from, to) = (name(edge.from.0), name(edge.to.0));
        let _ = write!(words, "{from} gives {to} {}. ", edge.label);
    }
    words.trim_end().to_string()
}

fn size(b: &DiagramBox, inside: Option<&Drawing>) -> Size {
    let lines = b.lines.iter().map(|line| width(line, SMALL));
    let text = lines.fold(width(&b.name, BOLD), i32::max).min(MOST_TEXT);
    let head = LINE * (1 + b.lines.len() as i32) + 12;
    match inside {
        None => Size {
            width: (text + 2 * INSIDE).max(96),
            height: head,
        },
        Some(inside) => Size {
            width: (text + 2 * INSIDE).max(inside.width + 2 * AROUND),
            height: head + inside.height + 2 * AROUND,
        },
    }
}

fn link(edge: &DiagramEdge) -> Link {
    let end = |(node, place, places): (usize, usize, usize)| End {
        node,
        place,
        places,
    };
    Link {
        from: end(edge.from),
        to: end(edge.to),
        label: Size {
            width: width(&edge.label, SMALL).min(MOST_LABEL) + 6,
            height: LINE,
        },
    }
}

fn draw_edge(svg: &mut Svg, edge: &DiagramEdge, way: &Way) {
    let (line, head, text) = match edge.role {
        Role::Data => ("line", "head", "data-text middle"),
        Role::State => ("state-line", "state-head", "state-text middle"),
        Role::Mask => ("mask-line", "mask-head", "small middle"),
    };
    // The label stands in the line, which begins again below it.
    let mut path = String::new();
    for piece in &way.pieces {
        let mut last: Option<(i32, i32)> = None;
        for (x, y) in piece.iter().copied() {
            match last {
                None => {
                    let _ = write!(path, "M{x} {y}");
                }
                Some((before, _)) if before == x => {
                    let _ = write!(path, "L{x} {y}");
                }
                Some((before_x, before_y)) => {
                    let middle = (before_y + y) / 2;
                    let _ = write!(path, "C{before_x} {middle} {x} {middle} {x} {y}");
                }
            }
            last = Some((x, y));
        }
    }
    svg.path(line, &path);
    if let Some((x, y)) = way.pieces[1].last() {
        svg.head(head, *x, *y, 0, 1);
    }
    let (x, y) = way.label;
    svg.text(text, x, y + 4, &fit(&edge.label, SMALL, MOST_LABEL));
}

fn draw_box(
    svg: &mut Svg,
    b: &DiagramBox,
    (x, y): (i32, i32),
    size: Size,
    inside: Option<&Drawing>,
) {
    let class = match (b.kind, inside) {
        (_, Some(_)) => "group",
        (Kind::Input, _) => "data",
        (Kind::Layer, _) => "layer",
        (Kind::Output, _) => "output",
        (Kind::Skipped, _) => "skipped",
    };
    // The whole text, for names that are drawn shortened.
    svg.open(&format!("{}: {}", b.name, b.lines.join(", ")));
    svg.rect(class, x, y, size.width, size.height, 6);
    let middle = x + size.width / 2;
    let mut line = y + 19;
    let most = MOST_TEXT.max(size.width - 2 * INSIDE);
    svg.text("name middle", middle, line, &fit(&b.name, BOLD, most));
    for text in &b.lines {
        line += LINE;
        svg.text("small middle", middle, line, &fit(text, SMALL, most));
    }
    if let Some(inside) = inside {
        let left = x + (size.width - inside.width) / 2;
        svg.place(left, y + size.height - AROUND - inside.height, &inside.body);
    }
    svg.close();
}
