//! Whole models: configuration, weights and how they are trained.

use std::path::Path;

use keras_format::normalise;
use serde_json::Value;

use super::{compilation, file_error, optimizer_state, tree};
use crate::layers::{Registry, describe};
use crate::models::{Builder, Model};
use crate::random::Generator;
use crate::{Error, Result};

impl Model {
    /// The model's architecture in Keras' JSON: what `model.to_json()` gives in Python, and reads there.
    ///
    /// Weights are not in it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a graph that Keras' form cannot express.
    pub fn to_json(&self) -> Result<String> {
        Ok(self.sorted_object()?.to_string())
    }

    /// The model of an architecture in Keras' JSON, with new weights.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Lstm::new(4).input_shape([5, 2]))?;
    /// let twin = Model::from_json(&model.to_json()?)?;
    /// assert_eq!(twin.count_params()?, model.count_params()?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Model::from_config`]; [`Error::Config`] for a text that is no JSON of a model.
    pub fn from_json(json: &str) -> Result<Self> {
        Self::from_json_with(json, &Registry::new())
    }

    /// The model of an architecture in Keras' JSON whose layers `registry` knows.
    ///
    /// # Errors
    ///
    /// As [`Model::from_json`].
    pub fn from_json_with(json: &str, registry: &Registry) -> Result<Self> {
        let text: Value = serde_json::from_str(json)
            .map_err(|e| Error::config("the model", format!("the text is not valid JSON: {e}")))?;
        let version = text.get("keras_version").and_then(Value::as_str);
        let keras2 = version.is_some_and(|v| v.starts_with("2.") || v.starts_with("1."));
        let object = normalise(text, None).map_err(file_error)?;
        Builder::new(registry, keras2, Generator::unseeded())?.model(&object)
    }

    /// Writes the whole model to `path`, which ends in `.keras`: architecture, weights, and if it is compiled the
    /// optimizer with its state, the loss and the metrics. Keras 3 opens it.
    ///
    /// The file appears under its name when it is whole; whatever goes wrong leaves what was there before.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model is built; [`Error::File`] for another ending and for what the system refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let name = path.to_string_lossy();
        if !name.ends_with(".keras") {
            return Err(Error::File {
                path: name.into_owned(),
                problem: "models are saved as `.keras`; give the file that ending".to_string(),
            });
        }
        if !self.is_built() {
            return Err(Error::NotBuilt {
                needed_for: format!("{}: save", describe(self)),
            });
        }
        let mut object = self.sorted_object()?;
        let mut weights = tree::write(self, &object)?;
        optimizer_state::write(self, &object, &mut weights)?;
        object["compile_config"] = compilation::write(self)?;
        keras_format::write_model(path, &object, &weights).map_err(file_error)
    }
}
