// The page: switches in, shapes, programs and picture out.

const data = JSON.parse(document.getElementById("data").textContent);

const titles = {
  cell: "cell",
  direction: "direction",
  layers: "recurrent layers",
  units: "units",
  return_sequences: "return_sequences (last layer)",
  return_state: "return_state (last layer)",
  batch: "batch",
  timesteps: "timesteps",
  source: "data",
};

const words = { true: "true", false: "false", backward: "go_backwards", bidirectional: "Bidirectional" };

// One group of radio buttons for each switch: usable by pointer, keyboard and screen reader alike.
function makeSwitches(form) {
  for (const [name, choices] of Object.entries(data.choices)) {
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = titles[name];
    group.append(legend);
    choices.forEach((choice, i) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "radio";
      input.name = name;
      input.value = i;
      input.checked = choice === data.start[name];
      const text = document.createElement("span");
      text.textContent = words[choice] ?? String(choice);
      label.append(input, text);
      group.append(label);
    });
    form.append(group);
  }
}

function chosen(form) {
  const picked = new FormData(form);
  return Object.fromEntries(Object.entries(data.choices).map(([name, choices]) => [name, choices[picked.get(name)]]));
}

function cell(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function showShapes(settings) {
  const body = document.querySelector("#shapes tbody");
  const layers = layersOf(settings, data.model);
  const input = [settings.batch, settings.timesteps, ...(data.model.embedding ? [] : [data.model.features])];
  let takes = input;
  body.replaceChildren(...layers.map((layer) => {
    const states = layer.returned ? stateNames(settings) : [];
    const gives = [plain(layer.shape), ...states.map((name) => `${name} ${plain([settings.batch, settings.units])}`)];
    const row = document.createElement("tr");
    row.append(cell("th", layer.name), cell("td", plain(takes)), cell("td", gives.join(", ")), cell("td", thousands(layer.params)));
    row.firstChild.scope = "row";
    takes = layer.shape;
    return row;
  }));
  const total = layers.reduce((sum, layer) => sum + layer.params, 0);
  document.getElementById("total").textContent = thousands(total);
}

const wide = window.matchMedia("(min-width: 700px)");

function show() {
  const settings = chosen(document.getElementById("switches"));
  showShapes(settings);
  document.getElementById("rust").textContent = rustProgram(settings, data.model);
  document.getElementById("keras").textContent = kerasProgram(settings, data.model);
  document.getElementById("picture").innerHTML = drawStack(stackOf(settings, data.model), wide.matches ? 5 : 3);
  const lower = settings.layers > 1 ? "The layers below the last one keep return_sequences(true): the next one wants a time axis." : "";
  document.getElementById("lower").textContent = lower;
}

const form = document.getElementById("switches");
if (form) {
  makeSwitches(form);
  form.addEventListener("change", show);
  wide.addEventListener("change", show);
  show();
}
