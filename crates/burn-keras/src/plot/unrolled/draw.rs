//! The unrolled picture as SVG; `page/picture.js` draws the same: whoever changes one changes the other. A browser test
//! compares the two letter by letter, for every setting of the page's switches.

use super::geometry::{GAP, Geometry, LINE, PAD};
use super::parts::{card_height, each, exits, input, input_height, recurrent, returned, whole};
use super::{ArrayBar, Kind, Lines, Row, Stack};
use crate::plot::svg::Svg;
use crate::plot::text::fit;

/// Draws a stack with at most so many columns for its steps.
pub(super) fn draw(stack: &Stack, most: i32) -> String {
    let g = Geometry::new(most);
    let mut svg = Svg::default();
    let labels = g.lines(&stack.labels);
    let output = g.lines(&stack.output);
    let mut y = 10;
    text_box(&mut svg, &g, y, "label", &labels);
    y += box_height(&labels);
    let arrow = 8 + PAD + 8;
    svg.path("label-line", &format!("M{arrow} {}V{}", y + 2, y + 42));
    svg.head("label-head", arrow, y + 2, 0, -1);
    svg.head("label-head", arrow, y + 42, 0, 1);
    for (i, text) in stack.loss.iter().enumerate() {
        let text = fit(text, 11.0, g.width - arrow - 12 - PAD);
        svg.text("label-text", arrow + 12, y + 19 + LINE * i as i32, &text);
    }
    y += 44;
    text_box(&mut svg, &g, y, "output", &output);
    y += box_height(&output);
    let rows: Vec<&Row> = stack.rows.iter().rev().collect();
    for (i, row) in rows.iter().enumerate() {
        // The values leave the card upwards: into the output box, or on to the next card, which draws what comes in.
        if i == 0 {
            exits(&g, row)
                .iter()
                .for_each(|x| svg.up("output-", *x, y + GAP, y));
        }
        if let Kind::Cells(told) = &row.kind
            && told.returned
        {
            returned(&mut svg, &g, y, told, i == 0);
        }
        y += GAP;
        svg.rect("layer", 8, y, g.width - 16, card_height(&g, row), 6);
        match &row.kind {
            Kind::Cells(told) => recurrent(&mut svg, &g, y, row, told),
            Kind::Each => each(&mut svg, &g, y, row),
            Kind::Whole => {
                let came = match rows.get(i + 1) {
                    Some(below) => exits(&g, below),
                    None => g.shown(stack.input.steps),
                };
                whole(&mut svg, &g, y, row, &came);
            }
        }
        y += card_height(&g, row);
    }
    y += GAP;
    let height = input_height(&g, &g.lines(&stack.input.lines));
    svg.rect("sheet", 8, y, g.width - 16, height, 6);
    input(&mut svg, &g, y, &stack.input);
    y += height;
    y += array(&mut svg, &g, y, &stack.array) + 8;
    svg.document(g.width, y, &stack.title, &stack.description)
}

/// The whole array, from which batches are cut; a series is cut into windows first. Gives its height.
fn array(svg: &mut Svg, g: &Geometry, y: i32, array: &ArrayBar) -> i32 {
    let lines = g.lines(&array.lines);
    let bar = y + 44;
    let (left, width) = (8 + PAD, g.width - 2 * (8 + PAD));
    let piece = width / 12;
    let picked = if array.series { 4 } else { 1 };
    let (end, corner) = (left + picked * piece, g.width - 8);
    svg.path(
        "faint",
        &format!("M{left} {bar}L8 {y}M{end} {bar}L{corner} {y}"),
    );
    if array.series {
        for window in [2, 1, 0] {
            let class = if window == 0 { "picked" } else { "sheet" };
            let at = left + window * piece;
            svg.rect(class, at, bar - 8 - 6 * window, 4 * piece, 6, 2);
        }
        svg.rect("data", left, bar, width, 22, 3);
        for i in 1..36 {
            let x = left + i * width / 36;
            svg.path("faint", &format!("M{x} {bar}V{}", bar + 22));
        }
    } else {
        svg.rect("data", left, bar, width, 22, 3);
        svg.rect("picked", left, bar, piece, 22, 3);
        for i in 2..12 {
            let x = left + i * piece;
            svg.path("faint", &format!("M{x} {bar}V{}", bar + 22));
        }
    }
    for (i, (class, text)) in lines.iter().enumerate() {
        svg.text(class, left, bar + 22 + 18 + LINE * i as i32, text);
    }
    44 + 22 + 8 + LINE * lines.len() as i32
}

fn box_height(lines: &Lines) -> i32 {
    14 + LINE * lines.len() as i32
}

fn text_box(svg: &mut Svg, g: &Geometry, y: i32, class: &str, lines: &Lines) {
    svg.rect(class, 8, y, g.width - 16, box_height(lines), 6);
    for (i, (class, text)) in lines.iter().enumerate() {
        svg.text(class, 8 + PAD, y + 19 + LINE * i as i32, text);
    }
}
