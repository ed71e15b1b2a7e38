//! The cards of the unrolled picture; `page/picture.js` draws the same.

use super::geometry::{CELL, Column, GAP, Geometry, LINE, PAD, columns};
use super::{Cells, InputCard, Kind, Lines, Row, VECTOR};
use crate::plot::svg::Svg;
use crate::plot::text::fit;

/// A plate with a name, a count at its right, and lines.
fn plate(
    svg: &mut Svg,
    g: &Geometry,
    class: &str,
    y: i32,
    (name, params): (&str, &str),
    lines: &Lines,
) {
    svg.rect(class, 8, y, g.width - 16, g.plate(lines), 6);
    let name = fit(name, 13.0, g.width - 16 - 2 * PAD - 120);
    svg.text("name", 8 + PAD, y + 20, &name);
    svg.text("small end", g.width - 8 - PAD, y + 20, params);
    for (i, (class, text)) in lines.iter().enumerate() {
        svg.text(class, 8 + PAD, y + 20 + LINE * (i as i32 + 1), text);
    }
}

/// How high each part of a card of cells is.
struct CellParts {
    rail: i32,
    merge: i32,
    cells: i32,
    entry: i32,
}

fn cell_parts(cells: &Cells) -> CellParts {
    let rows = cells.directions.len() as i32;
    CellParts {
        rail: if cells.flip { 54 } else { 22 },
        merge: if rows > 1 { 20 + 18 } else { 0 },
        cells: rows * CELL + (rows - 1) * 24,
        entry: 26,
    }
}

pub(super) fn card_height(g: &Geometry, row: &Row) -> i32 {
    let plate = g.plate(&g.lines(&row.lines));
    match &row.kind {
        Kind::Cells(cells) => {
            let parts = cell_parts(cells);
            plate + parts.rail + parts.merge + parts.cells + parts.entry
        }
        Kind::Each => plate + 16 + 26 + 14,
        Kind::Whole => plate,
    }
}

/// Where the values of a row leave its card.
pub(super) fn exits(g: &Geometry, row: &Row) -> Vec<i32> {
    if let Kind::Cells(cells) = &row.kind
        && row.steps_out == VECTOR
        && let [direction] = cells.directions[..]
    {
        let places = g.places(row.steps_in);
        let last = if direction > 0 {
            places.last()
        } else {
            places.first()
        };
        return last.copied().into_iter().collect();
    }
    g.shown(row.steps_out)
}

/// One direction of a recurrent layer, where it is drawn.
#[derive(Clone, Copy)]
struct Lane {
    direction: i32,
    /// How far its cells stand from the middles of the columns.
    shift: i32,
    y: i32,
}

/// A row of cells with its states, which run up to `up` where they are returned.
fn cells(svg: &mut Svg, g: &Geometry, lane: Lane, row: &Row, told: &Cells, up: i32) {
    let Lane { direction, y, .. } = lane;
    let columns = columns(row.steps_in, g.most);
    let places: Vec<i32> = g
        .places(row.steps_in)
        .iter()
        .map(|x| x + lane.shift)
        .collect();
    let half = match (told.directions.len() > 1, g.narrow) {
        (true, true) => 20,
        (true, false) | (false, true) => 24,
        (false, false) => 32,
    };
    let mut run: Vec<usize> = (0..columns.len()).collect();
    if direction < 0 {
        run.reverse();
    }
    let ahead = |x: i32, by: i32| x + direction * by;
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return;
    };
    let one = told.states.len() == 1;
    for (i, name) in told.states.iter().enumerate() {
        let line = if one { y + 22 } else { y + 14 + 18 * i as i32 };
        let above = one || i == 0;
        // The first state.
        let from = ahead(places[*first], -half - 18);
        let to = ahead(places[*first], -half);
        svg.path("state-line", &format!("M{from} {line}H{to}"));
        svg.head("state-head", to, line, direction, 0);
        let words = match (g.narrow, told.start) {
            (true, start) => start.to_string(),
            (false, "0") => format!("{name} = 0"),
            (false, start) => format!("{name} {start}"),
        };
        let class = if direction > 0 {
            "state-text end"
        } else {
            "state-text"
        };
        svg.text(class, ahead(from, -4), line + 4, &words);
        // From cell to cell; the gap stays open.
        for (nth, pair) in run.windows(2).enumerate() {
            let (a, b) = (pair[0], pair[1]);
            let open = |column: usize| columns[column] == Column::Gap;
            let leaves = ahead(places[a], if open(a) { 14 } else { half });
            let enters = ahead(places[b], if open(b) { -14 } else { -half });
            svg.path("state-line", &format!("M{leaves} {line}H{enters}"));
            if !open(b) {
                svg.head("state-head", enters, line, direction, 0);
            }
            if nth == 0 && !open(b) {
                let at = if above { line - 5 } else { line + 13 };
                svg.text("state-text middle", (leaves + enters) / 2, at, name);
            }
        }
        if told.returned {
            // Up to the plate, the upper line outside of the lower one.
            let end = ahead(places[*last], half);
            let side = if direction > 0 { g.width - 26 } else { 26 };
            let x = match (one, i) {
                (true, _) => side,
                (false, 0) => ahead(side, 8),
                (false, _) => ahead(side, -6),
            };
            svg.path("state-line", &format!("M{end} {line}H{x}V{up}"));
            svg.head("state-head", x, up, 0, -1);
        }
    }
    for (column, x) in columns.iter().zip(&places) {
        if *column == Column::Gap {
            svg.text("small middle", *x, y + 26, "…");
        } else {
            svg.rect("cell", x - half, y, 2 * half, CELL, 8);
            svg.text("text middle", *x, y + 26, &row.cell);
        }
    }
}

/// A recurrent layer: its plate, what is merged or turned, and a row of cells for each direction.
pub(super) fn recurrent(svg: &mut Svg, g: &Geometry, y: i32, row: &Row, told: &Cells) {
    let lines = g.lines(&row.lines);
    let parts = cell_parts(told);
    let rail = y + g.plate(&lines);
    let merged = rail + parts.rail;
    let top = merged + parts.merge;
    let columns = columns(row.steps_in, g.most);
    let places = g.places(row.steps_in);
    let bottom = y + card_height(g, row);
    let both = told.directions.len() > 1;
    let shifts: &[i32] = match (both, g.narrow) {
        (true, true) => &[-16, 16],
        (true, false) => &[-18, 18],
        (false, _) => &[0],
    };
    // The last direction's cells stand highest.
    let above = |d: usize| (told.directions.len() - 1 - d) as i32;
    let lanes: Vec<Lane> = told
        .directions
        .iter()
        .zip(shifts)
        .enumerate()
        .map(|(d, (direction, shift))| Lane {
            direction: *direction,
            shift: *shift,
            y: top + above(d) * (CELL + 24),
        })
        .collect();
    let steps: Vec<(usize, i32)> = places
        .iter()
        .copied()
        .enumerate()
        .filter(|(i, _)| columns[*i] != Column::Gap)
        .collect();
    // What comes in, branched where two directions read it.
    for (_, x) in &steps {
        if let (true, [left, right]) = (both, shifts) {
            let (below, fork) = (bottom + GAP, bottom - 10);
            let path = format!("M{x} {below}V{fork}M{} {fork}H{}", x + left, x + right);
            svg.path("line", &path);
        }
        for lane in &lanes {
            let from = if both { bottom - 10 } else { bottom + GAP };
            let x = x + lane.shift;
            svg.path("line", &format!("M{x} {from}V{}", lane.y + CELL));
            svg.head("head", x, lane.y + CELL, 0, -1);
        }
    }
    // What goes out: every step's output, or the last one that each direction computes.
    for lane in &lanes {
        let last = if lane.direction > 0 {
            columns.len() - 1
        } else {
            0
        };
        for (i, x) in &steps {
            let x = x + lane.shift;
            if row.steps_out == VECTOR && *i != last {
                svg.path("faint", &format!("M{x} {}V{}", lane.y, lane.y - 14));
            } else if told.flip {
                svg.path("output-line", &format!("M{x} {}V{}", lane.y, merged - 8));
            } else {
                let to = if both { merged + 20 } else { rail };
                svg.up("output-", x, lane.y, to);
            }
        }
    }
    if both {
        let (left, width) = (8 + PAD, g.width - 2 * (8 + PAD));
        svg.rect("output", left, merged, width, 20, 6);
        svg.text("output-text middle", g.middle, merged + 14, &told.merge);
        for x in g.shown(row.steps_out) {
            svg.up("output-", x, merged, rail);
        }
    }
    if told.flip {
        // The order in which the outputs were computed: the last step's comes first.
        for (i, x) in &steps {
            let to = places[places.len() - 1 - i];
            let path = format!("M{x} {}L{to} {}V{rail}", merged - 8, rail + 8);
            svg.path("output-line", &path);
            svg.head("output-head", to, rail, 0, -1);
        }
    }
    for lane in &lanes {
        cells(svg, g, *lane, row, told, rail);
    }
    plate(svg, g, "plate", y, (&row.name, &row.params), &lines);
}

/// The states that leave a layer: into the output box right above it, or marked as going there.
pub(super) fn returned(svg: &mut Svg, g: &Geometry, y: i32, told: &Cells, top: bool) {
    let lanes: &[i32] = if told.states.len() == 1 {
        &[26]
    } else {
        &[32, 18]
    };
    let to = if top { y } else { y + 8 };
    for direction in &told.directions {
        for lane in lanes {
            let x = if *direction > 0 {
                g.width - lane
            } else {
                *lane
            };
            svg.up("state-", x, y + GAP, to);
        }
        if !top && *direction > 0 {
            svg.text("state-text end", g.width - 40, y + 18, "to the outputs");
        } else if !top {
            svg.text("state-text", 40, y + 18, "to the outputs");
        }
    }
}

/// A layer that does the same at every step.
pub(super) fn each(svg: &mut Svg, g: &Geometry, y: i32, row: &Row) {
    let lines = g.lines(&row.lines);
    let rail = y + g.plate(&lines);
    let bottom = y + card_height(g, row);
    let half = if g.narrow { 32 } else { 40 };
    let places = g.places(row.steps_in);
    for (column, x) in columns(row.steps_in, g.most).iter().zip(&places) {
        if *column == Column::Gap {
            svg.text("small middle", *x, rail + 33, "…");
            continue;
        }
        svg.up("", *x, bottom + GAP, rail + 42);
        svg.rect("cell", x - half, rail + 16, 2 * half, 26, 6);
        svg.text("small middle", *x, rail + 33, &row.cell);
        svg.up("output-", *x, rail + 16, rail);
    }
    plate(svg, g, "plate", y, (&row.name, &row.params), &lines);
}

/// A layer that takes all at once.
pub(super) fn whole(svg: &mut Svg, g: &Geometry, y: i32, row: &Row, came: &[i32]) {
    let lines = g.lines(&row.lines);
    let bottom = y + card_height(g, row);
    for x in came {
        svg.up("", *x, bottom + GAP, bottom);
    }
    plate(svg, g, "plate", y, (&row.name, &row.params), &lines);
}

pub(super) fn input_height(g: &Geometry, lines: &Lines) -> i32 {
    g.plate(lines) + 40 + 50 + 26
}

/// One batch: sheets of timesteps × features, the front one cut into its steps.
pub(super) fn input(svg: &mut Svg, g: &Geometry, y: i32, input: &InputCard) {
    let lines = g.lines(&input.lines);
    let rail = y + g.plate(&lines);
    let top = rail + 40;
    let places = g.places(input.steps);
    let columns = columns(input.steps, g.most);
    let left = places.first().map_or(0, |x| x - 28);
    let right = places.last().map_or(0, |x| x + 28);
    for back in [12, 6, 0] {
        svg.rect("sheet", left + back, top - 4 - back, right - left, 54, 4);
    }
    for (column, x) in columns.iter().zip(&places) {
        if *column == Column::Gap {
            svg.text("small middle", *x, top + 27, "…");
            continue;
        }
        let cells = input.values.min(3) as i32;
        let start = top + 23 - cells * 7;
        for cell in 0..cells {
            if input.values > 3 && cell == 1 {
                svg.text("small middle", *x, start + 25, "⋮");
            } else {
                svg.rect("data", x - 14, start + cell * 14, 28, 14, 2);
            }
        }
        svg.up("", *x, start, rail);
    }
    svg.text("data-text end", left - 6, top + 20, &input.left[0]);
    svg.text("data-text end", left - 6, top + 34, &input.left[1]);
    svg.text("data-text", right + 18, top + 8, &input.right[0]);
    svg.text("data-text", right + 18, top + 22, &input.right[1]);
    for (column, x) in columns.iter().zip(&places) {
        let words = match column {
            Column::Gap if input.steps < 0 => "any number".to_string(),
            Column::Gap => format!("{} more", input.steps - g.most + 1),
            Column::Last => "last".to_string(),
            Column::Step(step) if g.narrow => step.to_string(),
            Column::Step(step) => format!("step {step}"),
        };
        if input.steps != VECTOR {
            svg.text("small middle", *x, top + 65, &words);
        }
    }
    plate(svg, g, "data-plate", y, ("x", ""), &lines);
}
