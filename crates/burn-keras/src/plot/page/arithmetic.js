// What the page's switches make of a stack: its layers with their shapes and numbers of parameters, its program, and the
// description that picture.js draws. A browser test compares all of it with burn-keras' own models, for every setting.

const cells = {
  LSTM: { type: "Lstm", name: "lstm", label: "LSTM", states: ["h", "c"] },
  GRU: { type: "Gru", name: "gru", label: "GRU", states: ["h"] },
  SimpleRNN: { type: "SimpleRnn", name: "simple_rnn", label: "RNN", states: ["h"] },
};

// -- numbers --

// The weights of a cell: a kernel, a recurrent kernel and a bias for each gate; Keras' GRU has two biases a gate.
function cellParams(cell, features, units) {
  const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1 }[cell];
  const biases = cell === "GRU" ? 2 : 1;
  return gates * units * (features + units + biases);
}

// The layers from the input up: name, class, code, what comes out, how many parameters.
function layersOf(settings, model) {
  const { batch, timesteps, units } = settings;
  const both = settings.direction === "bidirectional";
  const cell = cells[settings.cell];
  const layers = [];
  let shape = [batch, timesteps, model.features];
  if (model.embedding) {
    const [words, size] = model.embedding;
    shape = [batch, timesteps, size];
    layers.push({ kind: "embedding", name: "embedding", shape, params: words * size });
  }
  for (let i = 0; i < settings.layers; i++) {
    const last = i + 1 === settings.layers;
    const sequences = !last || settings.return_sequences;
    const width = both ? 2 * units : units;
    const name = both ? "bidirectional" : cell.name;
    const one = cellParams(settings.cell, shape[2], units);
    shape = sequences ? [batch, timesteps, width] : [batch, width];
    layers.push({
      kind: "recurrent",
      name: i === 0 ? name : `${name}_${i}`,
      sequences,
      returned: last && settings.return_state,
      shape,
      params: both ? 2 * one : one,
    });
  }
  if (model.classes) {
    const params = (shape[shape.length - 1] + 1) * model.classes;
    shape = [...shape.slice(0, -1), model.classes];
    layers.push({ kind: "dense", name: "dense", shape, params });
  }
  return layers;
}

// The states that come out beside the output, by name.
function stateNames(settings) {
  if (!settings.return_state) {
    return [];
  }
  const { states } = cells[settings.cell];
  return settings.direction === "bidirectional"
    ? ["forward", "backward"].flatMap((direction) => states.map((state) => `${direction} ${state}`))
    : states;
}

function labelsShape(settings, model, output) {
  return model.labels === "class numbers" ? output.slice(0, -1) : output;
}

// -- words --

const thousands = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const plain = (shape) => `[${shape.join(", ")}]`;
const space = "\u00a0"; // where a line may not break

function named(shape) {
  const names = shape.length === 3 ? ["batch", "timesteps", "features"] : ["batch", "features"];
  return `[${shape.map((size, i) => `${names[i]}${space}=${space}${size}`).join(", ")}]`;
}

function parameters(count) {
  return count === 1 ? "1 parameter" : `${thousands(count)} parameters`;
}

function together(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

function layerCode(settings, model, layer) {
  if (layer.kind === "embedding") {
    return `Embedding::new(${model.embedding.join(", ")})`;
  }
  if (layer.kind === "dense") {
    const activation = model.activation === "linear" ? "" : `.activation("${model.activation}")`;
    return `Dense::new(${model.classes})${activation}`;
  }
  let code = `${cells[settings.cell].type}::new(${settings.units})`;
  code += layer.sequences ? ".return_sequences(true)" : "";
  code += layer.returned ? ".return_state(true)" : "";
  code += settings.direction === "backward" ? ".go_backwards(true)" : "";
  return settings.direction === "bidirectional" ? `Bidirectional::new(${code})` : code;
}

function layerLines(settings, model, layer) {
  const code = ["code", layerCode(settings, model, layer)];
  const gives = `gives ${named(layer.shape)}`;
  if (layer.kind !== "recurrent") {
    const every = layer.kind === "dense" && layer.shape.length === 3 ? ": the same weights at every step" : "";
    return [code, ["data-text", gives + every]];
  }
  const last = settings.direction === "backward" ? "only the output after step 0" : "only the last step's output";
  const lines = [code, ["data-text", `${gives}: ${layer.sequences ? "every step's output" : last}`]];
  if (settings.direction === "backward") {
    lines.push(["small", `reads the last step first${layer.sequences ? "; the outputs come in that order" : ""}`]);
  }
  if (settings.direction === "bidirectional") {
    lines.push(["small", "one reads forward, one backward; their outputs stand side by side"]);
  }
  if (layer.returned) {
    const names = cells[settings.cell].states;
    const each = names.length * (settings.direction === "bidirectional" ? 2 : 1) > 1 ? " each" : "";
    const whose = settings.direction === "bidirectional" ? " of both directions" : "";
    lines.push(["state-text", `return_state adds ${together(names)}${whose}, ${plain([settings.batch, settings.units])}${each}`]);
  }
  return lines;
}

// -- the picture's description --

function batches(samples, batch) {
  const full = Math.floor(samples / batch);
  const rest = samples % batch;
  const count = full + (rest > 0 ? 1 : 0);
  const last = rest > 0 && full > 0 ? `, the last one of ${rest}` : "";
  return `${thousands(count)} ${count === 1 ? "batch" : "batches"} of ${batch}${last}`;
}

function arrayLines(settings, model) {
  const { timesteps, batch, source } = settings;
  const features = model.embedding ? [] : [model.features];
  if (source === "series") {
    const windows = model.series - timesteps + 1;
    return [
      ["text", `one long series of ${thousands(model.series)} steps: ${plain([model.series, ...features])}`],
      ["small", `windows of ${timesteps}, one step apart: ${thousands(windows)} sequences, ${plain([windows, timesteps, ...features])}`],
      ["small", batches(windows, batch)],
    ];
  }
  return [
    ["text", `your array of ${thousands(model.samples)} sequences: ${plain([model.samples, timesteps, ...features])}`],
    ["small", batches(model.samples, batch)],
  ];
}

function inputOf(settings, model) {
  const { batch, timesteps } = settings;
  const categories = Boolean(model.embedding);
  const axes = [["batch", batch], ["timesteps", timesteps], ...(categories ? [] : [["features", model.features]])];
  const shape = axes.map(([name, size]) => `${name}${space}=${space}${size}`).join(", ");
  return {
    name: "x",
    params: "",
    lines: [["data-text", `one batch: [${shape}]${categories ? ", whole numbers" : ""}`]],
    steps: timesteps,
    values: categories ? 1 : model.features,
    left: categories ? ["one", "number"] : ["features", `= ${model.features}`],
    right: ["batch", `= ${batch}`],
  };
}

function rowOf(settings, model, layer) {
  const row = {
    name: layer.name,
    params: parameters(layer.params),
    lines: layerLines(settings, model, layer),
    kind: "whole",
    cell: "",
    states: [],
    directions: [],
    start: "",
    merge: "",
    flip: false,
    steps_in: settings.timesteps,
    steps_out: layer.shape.length === 3 ? settings.timesteps : 0,
    returned: false,
  };
  if (layer.kind === "recurrent") {
    const { label, states } = cells[settings.cell];
    row.kind = "cells";
    row.cell = label;
    row.states = [...states].reverse();
    row.directions = { forward: [1], backward: [-1], bidirectional: [1, -1] }[settings.direction];
    row.start = "0";
    row.merge = settings.direction === "bidirectional" ? "concat: forward, then backward" : "";
    row.flip = settings.direction === "backward" && layer.sequences;
    row.returned = layer.returned;
  } else if (row.steps_out !== 0) {
    row.kind = "each";
    row.cell = layer.kind === "dense" ? "Dense" : "Embedding";
  } else {
    row.steps_in = 0;
  }
  return row;
}

function stackOf(settings, model) {
  const layers = layersOf(settings, model);
  const output = layers[layers.length - 1].shape;
  const names = stateNames(settings);
  const each = names.length > 1 ? " each" : "";
  const stack = {
    title: `The model ${settings.return_state ? "functional" : "sequential"}, unrolled over its steps`,
    description: "",
    array: { series: settings.source === "series", lines: arrayLines(settings, model) },
    input: inputOf(settings, model),
    rows: layers.map((layer) => rowOf(settings, model, layer)),
    output: [["output-text", `output: ${named(output)}`]],
    labels: [["label-text", `labels: ${plain(labelsShape(settings, model, output))}, ${model.labels}`]],
    loss: [model.loss, "compares them"],
  };
  if (names.length > 0) {
    stack.output.push(["state-text", `${together(names)}: ${plain([settings.batch, settings.units])}${each}`]);
  }
  stack.description = describeStack(stack);
  return stack;
}

// The stack in sentences, for those who can't see it.
function describeStack(stack) {
  const words = (lines) => lines.map(([, text]) => text).join("; ");
  const rows = stack.rows.map((row) => `${row.name}: ${words(row.lines)}`);
  const parts = [words(stack.array.lines), words(stack.input.lines), ...rows, words(stack.output), words(stack.labels)];
  return `From the bottom up. ${parts.join(". ")}.`;
}

// -- programs --

function rustProgram(settings, model) {
  const layers = layersOf(settings, model);
  const input = plain(model.embedding ? [settings.timesteps] : [settings.timesteps, model.features]);
  const code = layers.map((layer) => layerCode(settings, model, layer));
  const lines = [];
  if (settings.source === "series") {
    lines.push(`let x = Windows::new(${settings.timesteps}).of(&series)?;`, "");
  }
  if (!settings.return_state) {
    lines.push("let mut model = Sequential::new();");
    code.forEach((layer, i) => lines.push(`model.add(${layer}${i === 0 ? `.input_shape(${input})` : ""})?;`));
  } else {
    const states = stateNames(settings).map((name) => name.replace(" ", "_"));
    lines.push(`let input = Input::new(${input});`);
    layers.forEach((layer, i) => {
      const from = i === 0 ? "input" : "x";
      lines.push(layer.returned
        ? `let [x, ${states.join(", ")}] = ${code[i]}.call(&${from})?.try_into()?;`
        : `let x = ${code[i]}.call(&${from})?;`);
    });
    const outputs = ["x", ...states].map((name) => `&${name}`);
    lines.push(`let model = Model::new(&input, (${outputs.join(", ")}))?;`);
  }
  return lines.join("\n");
}

function kerasProgram(settings, model) {
  const layers = layersOf(settings, model);
  const shape = model.embedding ? `(${settings.timesteps},)` : `(${settings.timesteps}, ${model.features})`;
  const code = layers.map((layer) => {
    if (layer.kind === "embedding") {
      return `Embedding(${model.embedding.join(", ")})`;
    }
    if (layer.kind === "dense") {
      return `Dense(${model.classes}${model.activation === "linear" ? "" : `, activation="${model.activation}"`})`;
    }
    const options = [
      settings.units,
      ...(layer.sequences ? ["return_sequences=True"] : []),
      ...(layer.returned ? ["return_state=True"] : []),
      ...(settings.direction === "backward" ? ["go_backwards=True"] : []),
    ];
    const inner = `${settings.cell}(${options.join(", ")})`;
    return settings.direction === "bidirectional" ? `Bidirectional(${inner})` : inner;
  });
  const lines = [];
  if (settings.source === "series") {
    lines.push(`x = timeseries_dataset_from_array(series, None, ${settings.timesteps}, batch_size=${settings.batch})`, "");
  }
  if (!settings.return_state) {
    lines.push("model = Sequential()", `model.add(Input(${shape}))`, ...code.map((layer) => `model.add(${layer})`));
  } else {
    const states = stateNames(settings).map((name) => name.replace(" ", "_"));
    lines.push(`input = Input(${shape})`);
    layers.forEach((layer, i) => {
      const outputs = layer.returned ? ["x", ...states].join(", ") : "x";
      lines.push(`${outputs} = ${code[i]}(${i === 0 ? "input" : "x"})`);
    });
    lines.push(`model = Model(input, [${["x", ...states].join(", ")}])`);
  }
  return lines.join("\n");
}
