//! Models from files.

use std::path::Path;

use keras_format::{ModelFile, Weights};

use super::weights::{LoadWeights, in_file, place};
use super::{compilation, file_error, legacy, optimizer_state, tree};
use crate::Result;
use crate::layers::Registry;
use crate::models::{Builder, Model};
use crate::random::Generator;

/// The options of [`load_model_with`]: the classes that the file may name, and whether the model comes back compiled.
///
/// A `&Registry` alone is an option too.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("doc_options_{}.keras", std::process::id()));
/// let mut model = Sequential::new();
/// model.add(Dense::new(3).input_shape([16]))?;
/// model.compile("sgd", "mse", ())?;
/// model.save(&path)?;
/// // Without optimizer, loss and metrics, for predictions.
/// let loaded = load_model_with(&path, LoadModel::new().compile(false))?;
/// assert_eq!(loaded.count_params()?, 51);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LoadModel<'a> {
    registry: Option<&'a Registry>,
    compile: bool,
}

impl Default for LoadModel<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> LoadModel<'a> {
    /// The layers of this library, compiled as the file says.
    pub fn new() -> Self {
        Self {
            registry: None,
            compile: true,
        }
    }

    /// The classes that the file may name, yours among them.
    pub fn registry(mut self, registry: &'a Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Whether optimizer, loss and metrics are taken over; a model that is only to predict needs none.
    pub fn compile(mut self, compile: bool) -> Self {
        self.compile = compile;
        self
    }
}

impl<'a> From<&'a Registry> for LoadModel<'a> {
    fn from(registry: &'a Registry) -> Self {
        Self::new().registry(registry)
    }
}

/// The model in a file of Keras: `.keras` of Keras 3, or `.h5` of Keras 3, Keras 2 and `tf.keras`.
///
/// A model that was compiled comes back compiled, with its optimizer's state: training goes on where it stopped. The
/// file can't run code; what this library does not know in it is an error that names it.
///
/// # Errors
///
/// [`Error::File`](crate::Error::File) with the file and what is wrong with it.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("doc_load_{}.keras", std::process::id()));
/// let mut model = Sequential::new();
/// model.add(Dense::new(3).input_shape([16]))?;
/// model.save(&path)?;
/// assert_eq!(load_model(&path)?.get_weights()?, model.get_weights()?);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn load_model(path: impl AsRef<Path>) -> Result<Model> {
    load_model_with(path, LoadModel::new())
}

/// The model in a file of Keras, with options: `load_model_with("m.keras", &registry)` knows your own layers.
///
/// # Errors
///
/// As [`load_model`].
///
/// ```
/// use burn_keras::prelude::*;
///
/// let path = std::env::temp_dir().join(format!("doc_with_{}.keras", std::process::id()));
/// let mut model = Sequential::new();
/// model.add(Dense::new(3).input_shape([16]))?;
/// model.save(&path)?;
/// let loaded = load_model_with(&path, LoadModel::new().compile(false))?;
/// assert_eq!(loaded.output_shape()?.to_string(), "(None, 3)");
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub fn load_model_with<'a>(
    path: impl AsRef<Path>,
    options: impl Into<LoadModel<'a>>,
) -> Result<Model> {
    let path = path.as_ref();
    let file = keras_format::read_model(path).map_err(file_error)?;
    build(&file, &options.into()).map_err(|e| in_file(e, path))
}

fn build(file: &ModelFile, options: &LoadModel<'_>) -> Result<Model> {
    let own;
    let registry = match options.registry {
        Some(registry) => registry,
        None => {
            own = Registry::new();
            &own
        }
    };
    // What the configuration asks for may not take more memory than the weights that fill it.
    let generator = Generator::placeholder(count(&file.weights));
    let mut model = Builder::new(registry, file.from_keras2(), generator)?.model(&file.config)?;
    let found = match &file.weights {
        Weights::Tree(tree) => tree::read(model.layers(), &file.config, tree, false)?,
        Weights::Legacy(weights) => legacy::read(model.layers(), &file.config, weights, true)?,
    };
    place(found, LoadWeights::new())?;
    if options.compile && compilation::read(&mut model, &file.config)? {
        optimizer_state::read(&mut model, &file.config, &file.weights)?;
    }
    Ok(model)
}

/// The number of values in a file.
fn count(weights: &Weights) -> usize {
    match weights {
        Weights::Tree(tree) => tree
            .iter()
            .flat_map(|(_, v)| &v.arrays)
            .map(keras_format::Array::len)
            .sum(),
        Weights::Legacy(weights) => weights
            .layers
            .iter()
            .flat_map(|g| &g.weights)
            .map(|w| w.array.len())
            .sum(),
    }
}
