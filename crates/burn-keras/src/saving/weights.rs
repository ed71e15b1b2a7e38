//! Weights alone, in files of all kinds.

use std::path::Path;

use keras_format::{WeightTree, Weights, sort_layers};
use serde_json::Value;

use super::holders::Found;
use super::{file_error, legacy, numbers, optimizer_state, safetensors, tree};
use crate::layers::{describe, replace_weights};
use crate::models::Model;
use crate::{Error, Result};

/// The options of [`Model::load_weights_with`].
///
/// ```
/// use burn_keras::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("doc_{}.weights.h5", std::process::id()));
/// let mut trained = Sequential::new();
/// trained.add(Lstm::new(32).name("reader").input_shape([8, 16]))?;
/// trained.add(Dense::new(10).name("classes"))?;
/// trained.save_weights(&path)?;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).name("reader").input_shape([8, 16]))?;
/// model.add(Dense::new(3).name("others"))?;
/// let options = LoadWeights::new().by_name(true).skip_mismatch(true);
/// assert_eq!(model.load_weights_with(&path, options)?, ["others"]);
/// assert_eq!(model.get_weights()?[0], trained.get_weights()?[0]);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadWeights {
    by_name: bool,
    skip_mismatch: bool,
}

impl LoadWeights {
    /// By position, every layer's weights needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a layer takes the weights of the layer of its name, wherever that stands in the file. With
    /// [`LoadWeights::skip_mismatch`] a layer whose name the file does not have keeps its weights.
    pub fn by_name(mut self, by_name: bool) -> Self {
        self.by_name = by_name;
        self
    }

    /// Whether a layer whose weights in the file are missing, or have other shapes, keeps its own.
    pub fn skip_mismatch(mut self, skip_mismatch: bool) -> Self {
        self.skip_mismatch = skip_mismatch;
        self
    }
}

impl Model {
    /// Keras' configuration of the model with its layers in the order that decides the paths of their weights.
    pub(super) fn sorted_object(&self) -> Result<Value> {
        let mut object = self.to_object();
        numbers::shorten(&mut object);
        sort_layers(&mut object, &mut WeightTree::new()).map_err(file_error)?;
        Ok(object)
    }

    /// Writes the weights to `path`, which ends in `.weights.h5` (Keras' own format, with the optimizer's state if the
    /// model is compiled) or in `.safetensors` (`lstm/kernel`, `lstm/recurrent_kernel`, …).
    ///
    /// The file appears under its name when it is whole.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built; [`Error::File`] for another ending and for what the system refuses.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let object = self.built_object("save_weights")?;
        let name = path.to_string_lossy();
        if name.ends_with(".weights.h5") {
            let mut weights = tree::write(self, &object)?;
            optimizer_state::write(self, &object, &mut weights)?;
            keras_format::write_weights(path, &weights).map_err(file_error)
        } else if name.ends_with(".safetensors") {
            safetensors::write(self, &object, path)
        } else {
            Err(Error::File {
                path: name.into_owned(),
                problem: "weights are saved as `.weights.h5` or `.safetensors`; give the file one of these endings \
                          (or save the whole model with `model.save(\"m.keras\")`)"
                    .to_string(),
            })
        }
    }

    /// Reads the weights of a `.weights.h5`, `.keras`, legacy `.h5` or `.safetensors` file into the model.
    ///
    /// Layers are told apart by their position, in `.safetensors` by their names. If the model is compiled and the file
    /// has the state of an optimizer of the same kind, that is taken over too.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built; [`Error::File`] for a file that can't be read; [`Error::Weights`]
    /// when a layer's weights are missing or have other shapes. No weight is changed then.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_weights_with(path, LoadWeights::new()).map(|_| ())
    }

    /// Reads weights into the model, with options; gives the names of the layers that kept their own.
    ///
    /// # Errors
    ///
    /// As [`Model::load_weights`]; with the options, a layer whose weights don't fit is no error.
    pub fn load_weights_with(
        &mut self,
        path: impl AsRef<Path>,
        options: LoadWeights,
    ) -> Result<Vec<String>> {
        let path = path.as_ref();
        let object = self.built_object("load_weights")?;
        if path.to_string_lossy().ends_with(".safetensors") {
            let found = safetensors::read(self.layers(), &object, path)?;
            return place(found, options).map_err(|e| in_file(e, path));
        }
        let weights = keras_format::read_weights(path).map_err(file_error)?;
        let by_name = options.by_name;
        let found = match &weights {
            Weights::Tree(tree) => tree::read(self.layers(), &object, tree, by_name),
            Weights::Legacy(weights) => legacy::read(self.layers(), &object, weights, by_name),
        };
        let skipped = found
            .and_then(|found| place(found, options))
            .map_err(|e| in_file(e, path))?;
        if !by_name && self.compiled.is_some() {
            optimizer_state::read(self, &object, &weights)?;
        }
        Ok(skipped)
    }

    fn built_object(&self, needed_for: &str) -> Result<Value> {
        if !self.is_built() {
            return Err(Error::NotBuilt {
                needed_for: format!("{}: {needed_for}", describe(self)),
            });
        }
        self.sorted_object()
    }
}

/// Says which file the error is about.
pub(super) fn in_file(error: Error, path: &Path) -> Error {
    match error {
        Error::File { .. } => error,
        other => Error::File {
            path: path.display().to_string(),
            problem: other.to_string(),
        },
    }
}

/// Gives the layers what was found for them, all or none; the names of those that were skipped.
pub(super) fn place(found: Found, options: LoadWeights) -> Result<Vec<String>> {
    let mut replaced = Vec::new();
    let mut skipped = Vec::new();
    for (holder, arrays) in found {
        let new = arrays.and_then(|arrays| replace_weights(&**holder.layer.read(), &arrays));
        match new {
            Ok(new) => replaced.push((holder.layer, new)),
            Err(_) if options.skip_mismatch => skipped.push(holder.name),
            Err(error) => return Err(error),
        }
    }
    for (layer, new) in replaced {
        *layer.write() = new;
    }
    Ok(skipped)
}
