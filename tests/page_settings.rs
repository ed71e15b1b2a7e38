//! What the interactive page must show, out of real models: for every setting of its switches the shapes, the numbers of
//! parameters and the picture. `tests/browser/check.py` runs it and compares.
//!
//! `page_settings FOLDER` writes, for each of a few models, `NAME.html` and `NAME.json`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use burn_keras::prelude::*;
use burn_keras_tests::TestResult;
use serde_json::{Map, Value, json};

fn main() -> TestResult {
    let folder = std::env::args().nth(1).ok_or("page_settings FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for (name, model, plot) in [
        (
            "stacked",
            stacked()?,
            Plot::new().batch_size(64).samples(1_085_420),
        ),
        ("words", words()?, Plot::new()),
    ] {
        let page = plot.html(&model)?;
        let begin = "<script type=\"application/json\" id=\"data\">";
        let data = page
            .split_once(begin)
            .and_then(|(_, rest)| rest.split_once("</script>"));
        let data: Value = serde_json::from_str(data.ok_or("the page has no data")?.0)?;
        let expected = every_setting(&data)?;
        std::fs::write(folder.join(format!("{name}.html")), page)?;
        std::fs::write(
            folder.join(format!("{name}.json")),
            serde_json::to_vec(&expected)?,
        )?;
    }
    Ok(())
}

fn stacked() -> TestResult<Model> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([31, 25]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    Ok(model.into())
}

fn words() -> TestResult<Model> {
    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31]))?;
    model.add(Bidirectional::new(Gru::new(8)))?;
    model.add(Dense::new(7).activation("softmax"))?;
    model.compile("adam", "sparse_categorical_crossentropy", ())?;
    Ok(model.into())
}

/// A layer to be called in a graph.
type Call = Box<dyn Fn(&Node) -> Result<Outputs>>;

/// One choice of every switch, by name.
type Setting = Map<String, Value>;

/// All settings, in the order of the choices: the last switch changes first.
fn settings(choices: &Map<String, Value>) -> Vec<Setting> {
    let mut all = vec![Setting::new()];
    for (name, values) in choices {
        let values = values.as_array().cloned().unwrap_or_default();
        all = all
            .into_iter()
            .flat_map(|setting| {
                values.iter().map(move |value| {
                    let mut setting = setting.clone();
                    setting.insert(name.clone(), value.clone());
                    setting
                })
            })
            .collect();
    }
    all
}

fn every_setting(data: &Value) -> TestResult<Vec<Value>> {
    let choices = data["choices"].as_object().ok_or("choices")?;
    let told = &data["model"];
    let mut models: HashMap<String, Model> = HashMap::new();
    let mut all = Vec::new();
    for setting in settings(choices) {
        let size = |key: &str| setting[key].as_u64().unwrap_or(0) as usize;
        let key = json!([
            setting["cell"],
            setting["direction"],
            setting["layers"],
            setting["units"],
            setting["return_sequences"],
            setting["return_state"],
            setting["timesteps"],
        ]);
        let model = match models.entry(key.to_string()) {
            Entry::Occupied(built) => built.into_mut(),
            Entry::Vacant(place) => place.insert(build(&setting, told)?),
        };
        let mut plot = Plot::new().unrolled().batch_size(size("batch"));
        plot = match setting["source"].as_str() {
            Some("series") => plot.series(told["series"].as_u64().unwrap_or(0) as usize),
            _ => plot.samples(told["samples"].as_u64().unwrap_or(0) as usize),
        };
        let shown = |dims: &burn_keras::dims::Dims| {
            let axes = dims
                .axes()
                .iter()
                .map(|a| a.unwrap_or(size("batch")).to_string());
            format!("[{}]", axes.collect::<Vec<_>>().join(", "))
        };
        let mut rows = Vec::new();
        for layer in model.layers() {
            let takes = layer.built_for().ok_or("not built")?;
            let outputs = layer.output_dims(&takes)?;
            let mut gives = vec![shown(&outputs[0])];
            let names = state_names(&setting);
            let states = outputs[1..].iter().zip(names);
            gives.extend(states.map(|(dims, name)| format!("{name} {}", shown(dims))));
            rows.push(json!([
                layer.name(),
                shown(&takes[0]),
                gives.join(", "),
                layer.count_params()
            ]));
        }
        all.push(json!({
            "setting": setting,
            "rows": rows,
            "total": model.count_params()?,
            "wide": hash(&plot.svg(model)?),
            "narrow": hash(&plot.clone().columns(3).svg(model)?),
        }));
    }
    Ok(all)
}

fn state_names(setting: &Setting) -> Vec<&'static str> {
    match (
        setting["cell"] == "LSTM",
        setting["direction"] == "bidirectional",
    ) {
        (true, true) => vec!["forward h", "forward c", "backward h", "backward c"],
        (true, false) => vec!["h", "c"],
        (false, true) => vec!["forward h", "backward h"],
        (false, false) => vec!["h"],
    }
}

/// The model that a setting stands for, written as the page's program writes it.
fn build(setting: &Setting, told: &Value) -> TestResult<Model> {
    let number = |value: &Value| value.as_u64().unwrap_or(0) as usize;
    let (layers, units) = (number(&setting["layers"]), number(&setting["units"]));
    let (timesteps, features) = (number(&setting["timesteps"]), number(&told["features"]));
    let on = |key: &str| setting[key] == json!(true);
    let embedding = told["embedding"]
        .as_array()
        .map(|e| (number(&e[0]), number(&e[1])));
    let input = match embedding {
        Some(_) => Input::new([timesteps]),
        None => Input::new([timesteps, features]),
    };
    let mut stack: Vec<Call> = Vec::new();
    let mut sequential = Sequential::new();
    sequential.add(input.clone())?;
    macro_rules! add {
        ($layer:expr) => {{
            let layer = $layer;
            // With states a graph, without a row.
            if on("return_state") {
                stack.push(Box::new(move |x: &Node| layer.call(x)));
            } else {
                sequential.add(layer)?;
            }
        }};
    }
    if let Some((words, size)) = embedding {
        add!(Embedding::new(words, size));
    }
    for i in 0..layers {
        let last = i + 1 == layers;
        macro_rules! recurrent {
            ($layer:expr) => {{
                let layer = $layer
                    .return_sequences(!last || on("return_sequences"))
                    .return_state(last && on("return_state"))
                    .go_backwards(setting["direction"] == "backward");
                if setting["direction"] == "bidirectional" {
                    add!(Bidirectional::new(layer));
                } else {
                    add!(layer);
                }
            }};
        }
        match setting["cell"].as_str() {
            Some("GRU") => recurrent!(Gru::new(units)),
            Some("SimpleRNN") => recurrent!(SimpleRnn::new(units)),
            _ => recurrent!(Lstm::new(units)),
        }
    }
    if let Some(classes) = told["classes"].as_u64() {
        let activation = told["activation"].as_str().unwrap_or("linear");
        add!(Dense::new(classes as usize).activation(activation));
    }
    let loss = told["loss"].as_str().unwrap_or("mse");
    if !on("return_state") {
        sequential.compile("rmsprop", loss, ())?;
        return Ok(sequential.into());
    }
    let mut x = input.node();
    let mut states = Vec::new();
    for call in &stack {
        let outputs = call(&x)?;
        let (first, rest) = outputs.nodes().split_first().ok_or("no output")?;
        x = first.clone();
        states.extend(rest.to_vec());
    }
    let mut outputs = vec![x];
    outputs.extend(states);
    let mut model = Model::new(&input, outputs)?;
    // One loss counts for all outputs.
    model.compile("rmsprop", loss, ())?;
    Ok(model)
}

/// FNV-1a of a picture without its style sheet, which the page has once for all.
fn hash(svg: &str) -> u32 {
    let begin = svg.find("<style>").unwrap_or(0);
    let end = svg
        .find("</style>\n")
        .map_or(begin, |at| at + "</style>\n".len());
    let bytes = svg[..begin].bytes().chain(svg[end..].bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
