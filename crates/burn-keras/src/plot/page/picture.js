// The unrolled picture of a stack: from the array at the bottom up through batch, steps and layers to output and labels.
//
// `unrolled/draw.rs` draws the same: whoever changes one changes the other. A browser test compares the two letter by
// letter, for every setting of the page's switches.

// -- elements, as in svg.rs --

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeText = (text) => text.replace(/[&<>"']/g, (c) => escapes[c]);

class Svg {
  body = "";

  document(width, height, title, description) {
    [title, description] = [escapeText(title), escapeText(description)];
    return `<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">\n<title>${title}</title>\n` +
      `<desc>${description}</desc>\n` +
      `<rect class="paper" x="0" y="0" width="${width}" height="${height}"/>\n${this.body}</svg>\n`;
  }

  rect(kind, x, y, width, height, radius) {
    this.body += `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>\n`;
  }

  text(kind, x, y, text) {
    this.body += `<text class="${kind}" x="${x}" y="${y}">${escapeText(text)}</text>\n`;
  }

  path(kind, path) {
    this.body += `<path class="${kind}" d="${path}"/>\n`;
  }

  head(kind, x, y, dx, dy) {
    const [backX, backY] = [x - 7 * dx, y - 7 * dy];
    const [sideX, sideY] = [4 * Math.abs(dy), 4 * Math.abs(dx)];
    this.path(kind, `M${x} ${y}L${backX - sideX} ${backY - sideY}L${backX + sideX} ${backY + sideY}Z`);
  }

  // An arrow up from (x, from) to (x, to).
  up(kind, x, from, to) {
    this.path(`${kind}line`, `M${x} ${from}V${to}`);
    this.head(`${kind}head`, x, to, 0, -1);
  }
}

// -- words --

// A word in pieces of at most `most` characters, broken before one of its dots.
function pieces(word, most) {
  let rest = [...word];
  const pieces = [];
  while (rest.length > most) {
    const dot = rest.slice(0, most + 1).lastIndexOf(".");
    pieces.push(rest.splice(0, dot > 0 ? dot : most).join(""));
  }
  return [...pieces, rest.join("")];
}

// Breaks text between words into lines of at most `most` characters.
function wrap(text, most) {
  const lines = [];
  for (const word of text.split(" ").flatMap((word) => pieces(word, most))) {
    const last = lines[lines.length - 1];
    if (last !== undefined && [...last].length + 1 + [...word].length <= most) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}

// -- measures --

const LINE = 16; // from one line of text to the next
const PAD = 12; // around text
const GAP = 26; // the arrows between two cards
const CELL = 44; // the height of a cell

// The steps that have a column: all of a few, else the first and last ones around a gap (-1). Of an unknown number of
// steps (-1) the last has no number (-2). A vector (0) has one column.
function columnsOf(steps, most) {
  if (steps < 0) {
    return [...Array(most - 2).keys(), -1, -2];
  }
  if (steps <= most) {
    return [...Array(Math.max(steps, 1)).keys()];
  }
  const front = Math.floor(most / 2);
  const back = most - 1 - front;
  return [...Array(front).keys(), -1, ...Array(back).keys()].map((step, i) => (i > front ? steps - back + step : step));
}

class Geometry {
  constructor(most) {
    this.most = most;
    this.narrow = most < 5;
    this.pitch = this.narrow ? 80 : 112;
    this.side = this.narrow ? 56 : 92;
    this.width = 2 * this.side + most * this.pitch;
    this.chars = Math.floor((this.width - 2 * PAD - 16) * 10 / 63);
    this.middle = this.width / 2;
  }

  // The middles of the columns.
  places(steps) {
    const count = columnsOf(steps, this.most).length;
    const first = this.middle - (count - 1) * (this.pitch / 2);
    return [...Array(count).keys()].map((i) => first + i * this.pitch);
  }

  // Those of steps, not of the gap.
  shown(steps) {
    const columns = columnsOf(steps, this.most);
    return this.places(steps).filter((_, i) => columns[i] !== -1);
  }

  lines(texts) {
    return texts.flatMap(([kind, text]) => wrap(text, this.chars).map((line) => [kind, line]));
  }

  plate(lines) {
    return 14 + LINE * (lines.length + 1);
  }
}

// -- the parts --

// A plate with a name, a count at its right, and lines.
function drawPlate(svg, g, kind, y, row, lines) {
  svg.rect(kind, 8, y, g.width - 16, g.plate(lines), 6);
  svg.text("name", 8 + PAD, y + 20, row.name);
  svg.text("small end", g.width - 8 - PAD, y + 20, row.params);
  lines.forEach(([kind, text], i) => svg.text(kind, 8 + PAD, y + 20 + LINE * (i + 1), text));
}

// How high each part of a card of cells is.
function cellParts(row) {
  const rows = row.directions.length;
  return {
    rail: row.flip ? 54 : 22,
    merge: rows > 1 ? 20 + 18 : 0,
    cells: rows * CELL + (rows - 1) * 24,
    entry: 26,
  };
}

function cardHeight(g, row) {
  const plate = g.plate(g.lines(row.lines));
  if (row.kind === "cells") {
    const parts = cellParts(row);
    return plate + parts.rail + parts.merge + parts.cells + parts.entry;
  }
  return row.kind === "each" ? plate + 16 + 26 + 14 : plate;
}

// A row of cells with its states, at `y`, its middles shifted by `shift`.
function drawCells(svg, g, y, row, direction, shift, up) {
  const columns = columnsOf(row.steps_in, g.most);
  const places = g.places(row.steps_in).map((x) => x + shift);
  const half = row.directions.length > 1 ? (g.narrow ? 20 : 24) : (g.narrow ? 24 : 32);
  const states = row.states.map((name, i) => ({ name, y: row.states.length === 1 ? y + 22 : y + 14 + 18 * i }));
  const run = columns.map((_, i) => i);
  if (direction < 0) {
    run.reverse();
  }
  const ahead = (x, by) => x + direction * by;
  for (const state of states) {
    const above = state.y < y + 22 || states.length === 1;
    // The first state.
    const first = places[run[0]];
    const begin = ahead(first, half + 18);
    const from = ahead(first, -half - 18);
    svg.path("state-line", `M${from} ${state.y}H${ahead(first, -half)}`);
    svg.head("state-head", ahead(first, -half), state.y, direction, 0);
    const words = g.narrow ? row.start : row.start === "0" ? `${state.name} = 0` : `${state.name} ${row.start}`;
    svg.text(`state-text${direction > 0 ? " end" : ""}`, ahead(from, -4), state.y + 4, words);
    // From cell to cell; through the gap dotted.
    for (let i = 0; i + 1 < run.length; i++) {
      const [a, b] = [run[i], run[i + 1]];
      const leaves = columns[a] === -1 ? ahead(places[a], 14) : ahead(places[a], half);
      const enters = columns[b] === -1 ? ahead(places[b], -14) : ahead(places[b], -half);
      svg.path("state-line", `M${leaves} ${state.y}H${enters}`);
      if (columns[b] !== -1) {
        svg.head("state-head", enters, state.y, direction, 0);
      }
      if (i === 0 && columns[b] !== -1) {
        svg.text("state-text middle", (leaves + enters) / 2, above ? state.y - 5 : state.y + 13, state.name);
      }
    }
    if (row.returned) {
      // Up to the plate, c outside of h.
      const last = ahead(places[run[run.length - 1]], half);
      const lane = direction > 0 ? g.width - 26 : 26;
      const x = ahead(lane, states.length === 1 ? 0 : state.name === "c" ? 8 : -6);
      svg.path("state-line", `M${last} ${state.y}H${x}V${up}`);
      svg.head("state-head", x, up, 0, -1);
    }
  }
  columns.forEach((step, i) => {
    if (step === -1) {
      svg.text("small middle", places[i], y + 26, "…");
      return;
    }
    svg.rect("cell", places[i] - half, y, 2 * half, CELL, 8);
    svg.text("text middle", places[i], y + 26, row.cell);
  });
}

// A recurrent layer: its plate, what is merged or turned, and a row of cells for each direction.
function drawRecurrent(svg, g, y, row) {
  const lines = g.lines(row.lines);
  const parts = cellParts(row);
  const rail = y + g.plate(lines);
  const merged = rail + parts.rail;
  const top = merged + parts.merge;
  const columns = columnsOf(row.steps_in, g.most);
  const places = g.places(row.steps_in);
  const bottom = y + cardHeight(g, row);
  const both = row.directions.length > 1;
  const shifts = both ? (g.narrow ? [-16, 16] : [-18, 18]) : [0];
  // The last direction's cells stand highest.
  const cellY = row.directions.map((_, i) => top + (row.directions.length - 1 - i) * (CELL + 24));
  // What comes in, branched where two directions read it.
  columns.forEach((step, i) => {
    if (step === -1) {
      return;
    }
    const x = places[i];
    if (both) {
      svg.path("line", `M${x} ${bottom + GAP}V${bottom - 10}M${x + shifts[0]} ${bottom - 10}H${x + shifts[1]}`);
    }
    shifts.forEach((shift, d) => {
      svg.path("line", `M${x + shift} ${both ? bottom - 10 : bottom + GAP}V${cellY[d] + CELL}`);
      svg.head("head", x + shift, cellY[d] + CELL, 0, -1);
    });
  });
  // What goes out: every step's output, or the last one that each direction computes.
  const last = (direction) => (direction > 0 ? columns.length - 1 : 0);
  row.directions.forEach((direction, d) => {
    columns.forEach((step, i) => {
      if (step === -1) {
        return;
      }
      const x = places[i] + shifts[d];
      const to = both ? merged + 20 : row.flip ? merged - 8 : rail;
      if (row.steps_out !== 0 || i === last(direction)) {
        if (row.flip) {
          svg.path("output-line", `M${x} ${cellY[d]}V${to}`);
        } else {
          svg.up("output-", x, cellY[d], to);
        }
      } else {
        svg.path("faint", `M${x} ${cellY[d]}V${cellY[d] - 14}`);
      }
    });
  });
  if (both) {
    svg.rect("output", 8 + PAD, merged, g.width - 2 * (8 + PAD), 20, 6);
    svg.text("output-text middle", g.middle, merged + 14, row.merge);
    g.shown(row.steps_out).forEach((x) => svg.up("output-", x, merged, rail));
  }
  if (row.flip) {
    // The order in which the outputs were computed: the last step's comes first.
    places.forEach((x, i) => {
      if (columns[i] !== -1) {
        const to = places[places.length - 1 - i];
        svg.path("output-line", `M${x} ${merged - 8}L${to} ${rail + 8}V${rail}`);
        svg.head("output-head", to, rail, 0, -1);
      }
    });
  }
  row.directions.forEach((direction, d) => drawCells(svg, g, cellY[d], row, direction, shifts[d], rail));
  drawPlate(svg, g, "plate", y, row, lines);
}

// The states that leave a layer: into the output box right above it, or marked as going there.
function drawReturned(svg, g, y, row, top) {
  const lanes = row.states.length === 1 ? [26] : [32, 18];
  const to = top ? y : y + 8;
  for (const direction of row.directions) {
    lanes.forEach((lane) => svg.up("state-", direction > 0 ? g.width - lane : lane, y + GAP, to));
    if (!top && direction > 0) {
      svg.text("state-text end", g.width - 40, y + 18, "to the outputs");
    } else if (!top) {
      svg.text("state-text", 40, y + 18, "to the outputs");
    }
  }
}

// A layer that does the same at every step.
function drawEach(svg, g, y, row) {
  const lines = g.lines(row.lines);
  const rail = y + g.plate(lines);
  const bottom = y + cardHeight(g, row);
  const half = g.narrow ? 32 : 40;
  columnsOf(row.steps_in, g.most).forEach((step, i) => {
    const x = g.places(row.steps_in)[i];
    if (step === -1) {
      svg.text("small middle", x, rail + 33, "…");
      return;
    }
    svg.up("", x, bottom + GAP, rail + 42);
    svg.rect("cell", x - half, rail + 16, 2 * half, 26, 6);
    svg.text("small middle", x, rail + 33, row.cell);
    svg.up("output-", x, rail + 16, rail);
  });
  drawPlate(svg, g, "plate", y, row, lines);
}

// A layer that takes all at once.
function drawWhole(svg, g, y, row, came) {
  const lines = g.lines(row.lines);
  const bottom = y + cardHeight(g, row);
  came.forEach((x) => svg.up("", x, bottom + GAP, bottom));
  drawPlate(svg, g, "plate", y, row, lines);
}

// Where the values of a row leave its card.
function exits(g, row) {
  if (row.kind === "cells" && row.steps_out === 0 && row.directions.length === 1) {
    const places = g.places(row.steps_in);
    return [row.directions[0] > 0 ? places[places.length - 1] : places[0]];
  }
  return g.shown(row.steps_out);
}

const inputHeight = (g, lines) => g.plate(lines) + 40 + 50 + 26;

// One batch: sheets of timesteps × features, the front one cut into its steps.
function drawInput(svg, g, y, input) {
  const lines = g.lines(input.lines);
  const rail = y + g.plate(lines);
  const top = rail + 40;
  const places = g.places(input.steps);
  const columns = columnsOf(input.steps, g.most);
  const [left, right] = [places[0] - 28, places[places.length - 1] + 28];
  for (const back of [12, 6, 0]) {
    svg.rect("sheet", left + back, top - 4 - back, right - left, 54, 4);
  }
  columns.forEach((step, i) => {
    const x = places[i];
    if (step === -1) {
      svg.text("small middle", x, top + 27, "…");
    } else {
      const cells = Math.min(input.values, 3);
      const start = top + 23 - cells * 7;
      for (let cell = 0; cell < cells; cell++) {
        if (input.values > 3 && cell === 1) {
          svg.text("small middle", x, start + 25, "⋮");
        } else {
          svg.rect("data", x - 14, start + cell * 14, 28, 14, 2);
        }
      }
      svg.up("", x, start, rail);
    }
  });
  svg.text("data-text end", left - 6, top + 20, input.left[0]);
  svg.text("data-text end", left - 6, top + 34, input.left[1]);
  svg.text("data-text", right + 18, top + 8, input.right[0]);
  svg.text("data-text", right + 18, top + 22, input.right[1]);
  columns.forEach((step, i) => {
    const known = g.narrow ? `${step}` : `step ${step}`;
    const missing = input.steps < 0 ? "any number" : `${input.steps - g.most + 1} more`;
    const words = step === -1 ? missing : step === -2 ? "last" : known;
    if (input.steps !== 0) {
      svg.text("small middle", places[i], top + 65, words);
    }
  });
  drawPlate(svg, g, "data-plate", y, input, lines);
}

const arrayHeight = (lines) => 44 + 22 + 8 + LINE * lines.length;

// The whole array, from which batches are cut; a series is cut into windows first.
function drawArray(svg, g, y, array) {
  const lines = g.lines(array.lines);
  const bar = y + 44;
  const [left, width] = [8 + PAD, g.width - 2 * (8 + PAD)];
  const piece = Math.floor(width / 12);
  const picked = array.series ? 4 : 1;
  svg.path("faint", `M${left} ${bar}L${8} ${y}M${left + picked * piece} ${bar}L${g.width - 8} ${y}`);
  if (array.series) {
    for (const window of [2, 1, 0]) {
      const kind = window === 0 ? "picked" : "sheet";
      svg.rect(kind, left + window * piece, bar - 8 - 6 * window, 4 * piece, 6, 2);
    }
    svg.rect("data", left, bar, width, 22, 3);
    for (let i = 1; i < 36; i++) {
      const x = left + Math.floor(i * width / 36);
      svg.path("faint", `M${x} ${bar}V${bar + 22}`);
    }
  } else {
    svg.rect("data", left, bar, width, 22, 3);
    svg.rect("picked", left, bar, piece, 22, 3);
    for (let i = 2; i < 12; i++) {
      svg.path("faint", `M${left + i * piece} ${bar}V${bar + 22}`);
    }
  }
  lines.forEach(([kind, text], i) => svg.text(kind, left, bar + 22 + 18 + LINE * i, text));
}

const boxHeight = (lines) => 14 + LINE * lines.length;

function drawBox(svg, g, y, kind, lines) {
  svg.rect(kind, 8, y, g.width - 16, boxHeight(lines), 6);
  lines.forEach(([kind, text], i) => svg.text(kind, 8 + PAD, y + 19 + LINE * i, text));
}

// Draws a stack with at most so many columns for its steps.
function drawStack(stack, most) {
  const g = new Geometry(most);
  const svg = new Svg();
  const labels = g.lines(stack.labels);
  const output = g.lines(stack.output);
  let y = 10;
  drawBox(svg, g, y, "label", labels);
  y += boxHeight(labels);
  const arrow = 8 + PAD + 8;
  svg.path("label-line", `M${arrow} ${y + 2}V${y + 42}`);
  svg.head("label-head", arrow, y + 2, 0, -1);
  svg.head("label-head", arrow, y + 42, 0, 1);
  stack.loss.forEach((text, i) => svg.text("label-text", arrow + 12, y + 19 + LINE * i, text));
  y += 44;
  drawBox(svg, g, y, "output", output);
  y += boxHeight(output);
  const rows = [...stack.rows].reverse();
  rows.forEach((row, i) => {
    const below = rows[i + 1];
    // The values leave the card upwards: into the output box, or on to the next card, which draws what comes in.
    if (i === 0) {
      exits(g, row).forEach((x) => svg.up("output-", x, y + GAP, y));
    }
    if (row.returned) {
      drawReturned(svg, g, y, row, i === 0);
    }
    y += GAP;
    svg.rect("layer", 8, y, g.width - 16, cardHeight(g, row), 6);
    if (row.kind === "cells") {
      drawRecurrent(svg, g, y, row);
    } else if (row.kind === "each") {
      drawEach(svg, g, y, row);
    } else {
      const came = below ? exits(g, below) : g.shown(stack.input.steps);
      drawWhole(svg, g, y, row, came);
    }
    y += cardHeight(g, row);
  });
  y += GAP;
  const inputLines = g.lines(stack.input.lines);
  svg.rect("sheet", 8, y, g.width - 16, inputHeight(g, inputLines), 6);
  drawInput(svg, g, y, stack.input);
  y += inputHeight(g, inputLines);
  const arrayLines = g.lines(stack.array.lines);
  drawArray(svg, g, y, stack.array);
  y += arrayHeight(arrayLines) + 8;
  return svg.document(g.width, y, stack.title, stack.description);
}
