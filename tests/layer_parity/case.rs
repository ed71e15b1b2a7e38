//! The cases of `layers.json` and `layers.npz`; `tests/keras/README.md` says what they hold.

use std::collections::HashMap;

use burn_keras_tests::{TestResult, read_arrays, read_json};
use ndarray::ArrayD;
use serde_json::{Map, Value};

/// One call of one layer, or two of a stateful one, as Keras computed it.
pub struct Case {
    pub name: String,
    pub class_name: String,
    /// The serialised layer.
    pub object: Value,
    /// What Keras was given at the call: options, or `true` for an array of that name.
    pub arguments: Map<String, Value>,
    pub training: bool,
    pub stateful: bool,
    pub inputs: usize,
    pub outputs: usize,
    pub weights: Vec<WeightSpec>,
    pub losses: Vec<f32>,
    arrays: HashMap<String, ArrayD<f32>>,
}

/// One weight, in Keras' order.
pub struct WeightSpec {
    pub name: String,
    pub trainable: bool,
}

impl Case {
    fn read(name: &str, json: &Value, arrays: HashMap<String, ArrayD<f32>>) -> TestResult<Self> {
        let missing = |what: &str| format!("{name}: `{what}` is missing");
        let whole = |what: &str| -> TestResult<usize> {
            Ok(json[what].as_u64().ok_or_else(|| missing(what))? as usize)
        };
        let call = &json["call"];
        let weights = json["weights"]
            .as_array()
            .ok_or_else(|| missing("weights"))?;
        let losses = json["losses"].as_array().cloned().unwrap_or_default();
        Ok(Self {
            name: name.to_string(),
            class_name: json["class_name"]
                .as_str()
                .ok_or_else(|| missing("class_name"))?
                .to_string(),
            object: json["config"].clone(),
            arguments: call["arguments"].as_object().cloned().unwrap_or_default(),
            training: call["training"]
                .as_bool()
                .ok_or_else(|| missing("training"))?,
            stateful: json["stateful"]
                .as_bool()
                .ok_or_else(|| missing("stateful"))?,
            inputs: whole("inputs")?,
            outputs: whole("outputs")?,
            weights: weights
                .iter()
                .map(|w| WeightSpec {
                    name: w["name"].as_str().unwrap_or_default().to_string(),
                    trainable: w["trainable"].as_bool().unwrap_or_default(),
                })
                .collect(),
            losses: losses
                .iter()
                .filter_map(Value::as_f64)
                .map(|v| v as f32)
                .collect(),
            arrays,
        })
    }

    /// The array of this name, where the case has it.
    pub fn find(&self, name: &str) -> Option<&ArrayD<f32>> {
        self.arrays.get(name)
    }

    /// The array of this name.
    pub fn array(&self, name: &str) -> TestResult<&ArrayD<f32>> {
        self.find(name)
            .ok_or_else(|| format!("{}/{name} is missing", self.name).into())
    }

    /// The arrays `<kind>0`, `<kind>1`, … as far as there are any.
    pub fn numbered(&self, kind: &str) -> Vec<&ArrayD<f32>> {
        (0..)
            .map_while(|i| self.find(&format!("{kind}{i}")))
            .collect()
    }

    /// Whether its first input holds whole numbers.
    pub fn takes_tokens(&self) -> bool {
        self.class_name == "Embedding" && !self.name.ends_with("_floats")
    }

    /// What the random layers drew, in the order in which they draw: each cell's input masks, then its recurrent ones.
    pub fn draws(&self) -> Vec<&ArrayD<f32>> {
        if !self.training {
            return Vec::new();
        }
        let (mut inputs, mut recurrent) = (
            self.numbered("dm").into_iter(),
            self.numbered("rdm").into_iter(),
        );
        let mut all = Vec::new();
        for (of_inputs, of_states) in cell_draws(&self.object) {
            all.extend(inputs.by_ref().take(of_inputs));
            all.extend(recurrent.by_ref().take(of_states));
        }
        all.extend(inputs);
        all.extend(recurrent);
        all
    }
}

/// For each recurrent cell with dropout, in the order in which they run, how many masks of its inputs and of its states
/// Keras draws.
fn cell_draws(object: &Value) -> Vec<(usize, usize)> {
    let class_name = object["class_name"].as_str().unwrap_or_default();
    let config = &object["config"];
    let gates = match class_name {
        "LSTM" | "LSTMCell" => 4,
        "GRU" | "GRUCell" => 3,
        "SimpleRNN" | "SimpleRNNCell" => 1,
        "StackedRNNCells" => {
            let cells = config["cells"].as_array().cloned().unwrap_or_default();
            return cells.iter().flat_map(cell_draws).collect();
        }
        "RNN" => return cell_draws(&config["cell"]),
        "Bidirectional" => {
            return [&config["layer"], &config["backward_layer"]]
                .into_iter()
                .flat_map(cell_draws)
                .collect();
        }
        _ => return Vec::new(),
    };
    let positive = |key: &str| config[key].as_f64().unwrap_or(0.0) > 0.0;
    let (dropout, recurrent) = (positive("dropout"), positive("recurrent_dropout"));
    let of_inputs = match (dropout, recurrent) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => gates,
    };
    vec![(of_inputs, if recurrent { gates } else { 0 })]
}

/// All cases, in alphabetical order.
pub fn all() -> TestResult<Vec<Case>> {
    let json = read_json("layers.json")?;
    let specs = json["cases"].as_object().ok_or("no cases")?;
    let mut by_case: HashMap<String, HashMap<String, ArrayD<f32>>> = HashMap::new();
    for (key, array) in read_arrays("layers.npz")? {
        let (case, name) = key.split_once('/').ok_or("an array without a case")?;
        by_case
            .entry(case.to_string())
            .or_default()
            .insert(name.to_string(), array);
    }
    specs
        .iter()
        .map(|(name, spec)| Case::read(name, spec, by_case.remove(name).unwrap_or_default()))
        .collect()
}
