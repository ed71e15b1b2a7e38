//! The state of a training in one file, from which another process goes on.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use ndarray::{ArrayD, IxDyn};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};

use super::feed::Position;
use super::history::History;
use crate::callbacks::{CallbackList, CallbackState, Training};
use crate::models::Model;
use crate::optimizers::OptimizerVariables;
use crate::random::GeneratorState;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// What decides how a training goes on.
#[derive(Debug)]
pub(crate) struct Backup {
    pub point: Point,
    weights: Vec<ArrayD<f32>>,
    optimizer: OptimizerVariables,
    /// What stateful layers carry from batch to batch: the layer's number, the name, the states.
    carried: Vec<(usize, String, Vec<ArrayD<f32>>)>,
}

/// Where a training stands, apart from the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// The epoch to go on with.
    pub epoch: usize,
    /// How many of its batches are done; `None` at its beginning.
    pub batch: Option<usize>,
    pub generator: GeneratorState,
    /// Where the data are, unless the next epoch begins them anew.
    pub position: Option<Position>,
    /// How many passes over the data were begun.
    pub pass: usize,
    /// The number of batches of an epoch, to notice other data.
    pub steps: Option<usize>,
    pub history: History,
    /// The figures of the epoch so far.
    pub figures: Value,
    /// Whether a callback has stopped the training: what is left is the end of this epoch, or nothing.
    pub stopped: bool,
    /// What the callbacks remember.
    pub callbacks: Vec<CallbackState>,
}

const KEY: &str = "burn_keras_training";

/// The number of the form that backups are written in. It changes with what [`Point`] or the state of a callback holds.
const FORMAT: u64 = 1;

/// Why a backup cannot be gone on from.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The file is damaged or no backup, or the system refuses it.
    Damaged(Error),
    /// Another version of the library wrote it.
    OtherFormat(Error),
}

impl Point {
    fn to_json(&self) -> Value {
        let position = self.position.as_ref().map(
            |p| json!({"pass": p.pass, "taken": p.taken, "opened_with": p.opened_with.to_string()}),
        );
        json!({
            "epoch": self.epoch,
            "batch": self.batch,
            "generator": self.generator.to_string(),
            "position": position,
            "pass": self.pass,
            "steps": self.steps,
            "history": self.history.state(),
            "figures": self.figures,
            "stopped": self.stopped,
            "callbacks": self.callbacks.iter().map(|c| json!([c.kind, c.state])).collect::<Vec<_>>(),
        })
    }

    fn from_json(json: &Value) -> Option<Self> {
        let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let generator = |value: &Value| value.as_str()?.parse().ok();
        let position = match &json["position"] {
            Value::Null => None,
            p => Some(Position {
                pass: number(&p["pass"])?,
                taken: number(&p["taken"])?,
                opened_with: generator(&p["opened_with"])?,
            }),
        };
        let callbacks = json["callbacks"].as_array()?;
        Some(Self {
            epoch: number(&json["epoch"])?,
            batch: number(&json["batch"]),
            generator: generator(&json["generator"])?,
            position,
            pass: number(&json["pass"])?,
            steps: number(&json["steps"]),
            history: History::from_state(&json["history"])?,
            figures: json["figures"].clone(),
            stopped: json["stopped"].as_bool()?,
            callbacks: callbacks
                .iter()
                .map(CallbackState::from_json)
                .collect::<Option<_>>()?,
        })
    }
}

impl Backup {
    /// The state of a training at this point, which is completed.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when values cannot be read.
    pub fn of(
        training: &Training<'_>,
        callbacks: &CallbackList<'_>,
        mut point: Point,
    ) -> Result<Self> {
        point.stopped = training.is_stopped();
        point.callbacks = callbacks.states();
        let model = training.model();
        let mut carried = Vec::new();
        for (i, leaf) in model.leaves().iter().enumerate() {
            let mut states: Vec<_> = leaf.carried().into_iter().collect();
            states.sort_by(|a, b| a.0.cmp(&b.0));
            for (name, tensors) in states {
                let arrays = tensors.into_iter().map(array).collect::<Result<_>>()?;
                carried.push((i, name, arrays));
            }
        }
        Ok(Self {
            point,
            weights: model.get_weights()?,
            optimizer: model.optimizer_variables()?,
            carried,
        })
    }

    /// Brings a model to the state it had.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] when the model or its optimizer is another one.
    pub fn apply(&self, model: &mut Model) -> Result<()> {
        model.set_weights(&self.weights)?;
        model.set_optimizer_variables(&self.optimizer)?;
        let device = model.placement()?;
        let leaves = model.leaves();
        leaves.iter().for_each(|leaf| leaf.reset_states());
        let mut by_leaf: HashMap<usize, HashMap<String, Vec<Tensor<2>>>> = HashMap::new();
        for (leaf, name, arrays) in &self.carried {
            let states = arrays
                .iter()
                .map(|a| tensor(a, &device))
                .collect::<Result<_>>()?;
            by_leaf
                .entry(*leaf)
                .or_default()
                .insert(name.clone(), states);
        }
        for (i, states) in by_leaf {
            let leaf = leaves.get(i).ok_or_else(|| {
                Error::weights(
                    "BackupAndRestore",
                    "the backup is of a model with more layers",
                )
            })?;
            leaf.keep_carried(states);
        }
        Ok(())
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for what the system refuses.
    pub fn write(&self, request: &BackupRequest) -> Result<()> {
        let path = &request.file;
        if let Some(previous) = &request.previous
            && path.exists()
        {
            // A copy, so that there is a last one at any moment.
            let bytes = std::fs::read(path)
                .map_err(|e| failed(path, format!("cannot read the backup: {e}")))?;
            keras_format::atomic_write(previous, |file| file.write_all(&bytes))
                .map_err(|e| failed(previous, e.to_string()))?;
        }
        self.write_to(path)
    }

    fn write_to(&self, path: &Path) -> Result<()> {
        let mut arrays: Vec<(String, &ArrayD<f32>)> = Vec::new();
        for (i, array) in self.weights.iter().enumerate() {
            arrays.push((format!("weight/{i}"), array));
        }
        for (i, (_, array)) in self.optimizer.arrays.iter().enumerate() {
            arrays.push((format!("optimizer/{i}"), array));
        }
        for (i, (_, _, states)) in self.carried.iter().enumerate() {
            for (j, array) in states.iter().enumerate() {
                arrays.push((format!("carried/{i}/{j}"), array));
            }
        }
        let bytes: Vec<Vec<u8>> = arrays
            .iter()
            .map(|(_, a)| a.iter().flat_map(|v| v.to_le_bytes()).collect())
            .collect();
        let mut views = Vec::new();
        for ((name, array), bytes) in arrays.iter().zip(&bytes) {
            let view = TensorView::new(Dtype::F32, array.shape().to_vec(), bytes)
                .map_err(|e| failed(path, format!("cannot encode `{name}`: {e}")))?;
            views.push((name.as_str(), view));
        }
        let names: Vec<&str> = self
            .optimizer
            .arrays
            .iter()
            .map(|(n, _)| n.as_str())
            .collect();
        let carried: Vec<_> = self
            .carried
            .iter()
            .map(|(leaf, name, states)| json!([leaf, name, states.len()]))
            .collect();
        let about = json!({
            "format": FORMAT,
            "training": self.point.to_json(),
            "weights": self.weights.len(),
            "optimizer": names,
            "iterations": self.optimizer.iterations,
            "learning_rate": self.optimizer.learning_rate.map(f32::to_bits),
            "carried": carried,
        });
        let metadata = HashMap::from([(KEY.to_string(), about.to_string())]);
        let bytes = safetensors::serialize(views, Some(metadata))
            .map_err(|e| failed(path, format!("cannot encode the backup: {e}")))?;
        keras_format::atomic_write(path, |file| file.write_all(&bytes))
            .map_err(|e| failed(path, format!("cannot write the backup: {e}")))
    }

    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for a file that is no backup, or one in another form.
    pub fn read(path: &Path) -> std::result::Result<Option<Self>, Unreadable> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                let error = failed(path, format!("cannot read the backup: {e}"));
                return Err(Unreadable::Damaged(error));
            }
        };
        let no_backup = || {
            let problem = "is no backup of a training; delete it to start anew";
            Unreadable::Damaged(failed(path, problem.to_string()))
        };
        let about = Self::about(&bytes).ok_or_else(no_backup)?;
        if about["format"] != FORMAT {
            let found = match &about["format"] {
                Value::Null => "without a format number".to_string(),
                number => format!("in format {number}"),
            };
            let problem = format!(
                "is a backup {found}, of another version of burn-keras; this one reads format {FORMAT}. End the training \
                 with the version that began it, or delete the file to start anew"
            );
            return Err(Unreadable::OtherFormat(failed(path, problem)));
        }
        Self::decode(&bytes, &about).map(Some).ok_or_else(no_backup)
    }

    /// What the file says of itself.
    fn about(bytes: &[u8]) -> Option<Value> {
        let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
        serde_json::from_str(header.metadata().as_ref()?.get(KEY)?).ok()
    }

    fn decode(bytes: &[u8], about: &Value) -> Option<Self> {
        let file = SafeTensors::deserialize(bytes).ok()?;
        let read = |name: String| -> Option<ArrayD<f32>> {
            let view = file.tensor(&name).ok()?;
            if view.dtype() != Dtype::F32 {
                return None;
            }
            let values = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            ArrayD::from_shape_vec(IxDyn(view.shape()), values).ok()
        };
        let weights = (0..about["weights"].as_u64()?)
            .map(|i| read(format!("weight/{i}")))
            .collect::<Option<_>>()?;
        let names = about["optimizer"].as_array()?.iter().enumerate();
        let arrays = names
            .map(|(i, name)| Some((name.as_str()?.to_string(), read(format!("optimizer/{i}"))?)))
            .collect::<Option<_>>()?;
        let mut carried = Vec::new();
        for (i, entry) in about["carried"].as_array()?.iter().enumerate() {
            let states = (0..entry[2].as_u64()?)
                .map(|j| read(format!("carried/{i}/{j}")))
                .collect::<Option<_>>()?;
            let leaf = usize::try_from(entry[0].as_u64()?).ok()?;
            carried.push((leaf, entry[1].as_str()?.to_string(), states));
        }
        let rate = about["learning_rate"].as_u64();
        Some(Self {
            point: Point::from_json(&about["training"])?,
            weights,
            optimizer: OptimizerVariables {
                iterations: about["iterations"].as_u64()?,
                learning_rate: rate.and_then(|b| u32::try_from(b).ok()).map(f32::from_bits),
                arrays,
            },
            carried,
        })
    }
}

/// Where a callback asked for a backup to be written.
#[derive(Clone, Debug)]
pub(crate) struct BackupRequest {
    pub file: PathBuf,
    /// What the file that is there is called from then on, where it is to be kept.
    pub previous: Option<PathBuf>,
}

fn failed(path: &Path, problem: String) -> Error {
    Error::File {
        path: path.display().to_string(),
        problem,
    }
}

fn array(tensor: Tensor<2>) -> Result<ArrayD<f32>> {
    let shape = tensor.dims();
    ArrayD::from_shape_vec(IxDyn(&shape), AnyTensor::from(tensor).to_vec()?)
        .map_err(|e| Error::tensor("a carried state", e.to_string()))
}

fn tensor(array: &ArrayD<f32>, device: &Device) -> Result<Tensor<2>> {
    AnyTensor::from_f32(array.iter().copied().collect(), array.shape(), device)?.float::<2>()
}
