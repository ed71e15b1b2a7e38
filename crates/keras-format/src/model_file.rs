//! Whole model files: which kind a file is, reading it, writing `.keras`.

use std::fs::File;
use std::io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;

use crate::atomic::try_atomic_write;
use crate::config;
use crate::error::{Error, Result};
use crate::hdf5::{Image, Object, SIGNATURE};
use crate::limits::Limits;
use crate::weights::{WeightTree, Weights};
use crate::{archive, clock, json, legacy_h5, order, weights_h5};

/// The Keras release whose files this crate writes like, recorded in `metadata.json`.
pub const KERAS_VERSION: &str = "3.15.1";

/// A model read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The container it came in.
    pub format: Format,
    /// The Keras that wrote it: `3.15.1`, `2.2.4-tf`.
    pub keras_version: Option<String>,
    /// The backend that wrote it, where the file says so.
    pub backend: Option<String>,
    /// When, where the file says so: `2026-01-31@12:00:00`.
    pub date_saved: Option<String>,
    /// The model's config in the one form that [`normalise`](crate::normalise) documents.
    pub config: Value,
    /// Its weights.
    pub weights: Weights,
}

impl ModelFile {
    /// Whether Keras 2 or `tf.keras` 2.x wrote the file.
    ///
    /// Two things it computed differently can't be said in the config: a recurrent layer that is
    /// given initial states kept the mask of its input (Keras 3 drops it unless it is passed as
    /// `mask`), and its optimizers list their variables in another order.
    pub fn from_keras2(&self) -> bool {
        let version = self.keras_version.as_deref().unwrap_or_default();
        version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok())
            .is_some_and(|n| n < 3)
    }
}

/// The container of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `.keras`.
    Keras,
    /// Legacy `.h5`.
    LegacyH5,
}

/// Reads a `.keras` or a legacy `.h5` file, told apart by their content.
///
/// # Errors
/// [`Error::File`] with the path around the cause. No input makes this panic, and none makes it
/// take much more memory than the file is long.
pub fn read_model(path: impl AsRef<Path>) -> Result<ModelFile> {
    read_model_with(path, &Limits::default())
}

/// [`read_model`] with other limits.
///
/// # Errors
/// As [`read_model`].
pub fn read_model_with(path: impl AsRef<Path>, limits: &Limits) -> Result<ModelFile> {
    let path = path.as_ref();
    guarded(|| model_from(&mut open(path)?, limits)).map_err(|e| e.in_file(path))
}

/// [`read_model`] from bytes in memory.
///
/// # Errors
/// As [`read_model`], without the path.
pub fn read_model_bytes(bytes: &[u8], limits: &Limits) -> Result<ModelFile> {
    guarded(|| model_from(&mut Cursor::new(bytes), limits))
}

/// Reads the weights of a `.weights.h5`, a legacy `.h5` (a model or weights alone) or a `.keras`.
///
/// # Errors
/// As [`read_model`].
pub fn read_weights(path: impl AsRef<Path>) -> Result<Weights> {
    read_weights_with(path, &Limits::default())
}

/// [`read_weights`] with other limits.
///
/// # Errors
/// As [`read_model`].
pub fn read_weights_with(path: impl AsRef<Path>, limits: &Limits) -> Result<Weights> {
    let path = path.as_ref();
    guarded(|| weights_from(&mut open(path)?, limits)).map_err(|e| e.in_file(path))
}

/// [`read_weights`] from bytes in memory.
///
/// # Errors
/// As [`read_model`], without the path.
pub fn read_weights_bytes(bytes: &[u8], limits: &Limits) -> Result<Weights> {
    guarded(|| weights_from(&mut Cursor::new(bytes), limits))
}

/// Writes a `.keras` file that Keras loads, whole or not at all: see
/// [`atomic_write`](crate::atomic_write). `config` is the model's config in the form of
/// [`normalise`](crate::normalise); `tree` has a (maybe empty) entry for every object of the model.
///
/// # Errors
/// [`Error::File`] with the path around the cause: [`Error::Config`] when the layers of a
/// functional model are not in Keras' order (see [`sort_layers`](crate::sort_layers)),
/// [`Error::Encode`] for paths that are none, [`Error::Io`] for what the system refuses.
pub fn write_model(path: impl AsRef<Path>, config: &Value, tree: &WeightTree) -> Result<()> {
    try_atomic_write(path.as_ref(), |file| {
        write_model_to(BufWriter::with_capacity(1 << 16, file), config, tree)
    })
}

/// [`write_model`] into anything that seeks.
///
/// # Errors
/// As [`write_model`], without the path.
pub fn write_model_to(target: impl Write + Seek, config: &Value, tree: &WeightTree) -> Result<()> {
    if !order::is_sorted(config)? {
        return Err(Error::config(
            "`layers`",
            "they are not in the order Keras gives them, so it would mix up their weights; `sort_layers` mends it",
        ));
    }
    archive::write(target, KERAS_VERSION, &clock::now(), config, tree)
}

enum Kind {
    Zip,
    Hdf5,
}

fn model_from(source: &mut (impl Read + Seek), limits: &Limits) -> Result<ModelFile> {
    let (kind, length) = kind(source)?;
    match kind {
        Kind::Zip => keras_model(archive::read(source, length, limits)?, limits),
        Kind::Hdf5 => legacy_model(&all(source, length, limits)?, limits),
    }
}

fn weights_from(source: &mut (impl Read + Seek), limits: &Limits) -> Result<Weights> {
    let (kind, length) = kind(source)?;
    let bytes = match kind {
        Kind::Zip => archive::read_weights(source, length, limits)?,
        Kind::Hdf5 => all(source, length, limits)?,
    };
    let image = Image::open(&bytes, limits)?;
    let root = Object::root(&image)?;
    if legacy_h5::looks_like(&image, &root)? {
        return legacy_h5::read(&image, &root).map(|file| Weights::Legacy(file.weights));
    }
    tree(&image, &root).map(Weights::Tree)
}

fn tree(image: &Image<'_>, root: &Object<'_>) -> Result<WeightTree> {
    if !weights_h5::looks_like(image, root)? {
        return Err(Error::NotKeras(
            "it is HDF5, but its groups are not those of a Keras model".into(),
        ));
    }
    weights_h5::read(image, root)
}

fn keras_model(entries: archive::Entries, limits: &Limits) -> Result<ModelFile> {
    let metadata = json::parse(&entries.metadata, "metadata.json", limits.max_config_bytes)?;
    let field = |name: &str| {
        metadata
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_string)
    };
    let keras_version = field("keras_version");
    let config = json::parse(&entries.config, "config.json", limits.max_config_bytes)?;
    let config = config::normalise(config, keras_version.as_deref())?;
    let image = Image::open(&entries.weights, limits)?;
    let weights = Weights::Tree(tree(&image, &Object::root(&image)?)?);
    Ok(ModelFile {
        format: Format::Keras,
        keras_version,
        backend: None,
        date_saved: field("date_saved"),
        config,
        weights,
    })
}

fn legacy_model(bytes: &[u8], limits: &Limits) -> Result<ModelFile> {
    let image = Image::open(bytes, limits)?;
    let root = Object::root(&image)?;
    if !legacy_h5::looks_like(&image, &root)? {
        tree(&image, &root)?;
        return Err(Error::NotKeras(
            "it holds weights alone, without the model's config".into(),
        ));
    }
    let file = legacy_h5::read(&image, &root)?;
    let Some(text) = file.model_config else {
        return Err(Error::NotKeras(
            "it holds weights alone, without the model's config".into(),
        ));
    };
    let model = json::parse(&text, "model_config", limits.max_config_bytes)?;
    let training = match &file.training_config {
        Some(text) => Some(json::parse(
            text,
            "training_config",
            limits.max_config_bytes,
        )?),
        None => None,
    };
    let config = config::normalise_legacy(model, training, file.keras_version.as_deref())?;
    Ok(ModelFile {
        format: Format::LegacyH5,
        keras_version: file.keras_version,
        backend: file.backend,
        date_saved: None,
        config,
        weights: Weights::Legacy(file.weights),
    })
}

/// Runs a reader; a panic in it (there should be none, and in the zip library beneath none is
/// known) becomes [`Error::Corrupt`]. The one place where panics are caught.
fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result,
        Err(_) => Err(Error::corrupt(
            "the file",
            "reading it failed in an unforeseen way",
        )),
    }
}

fn open(path: &Path) -> Result<File> {
    // Looked at first: opening a pipe would wait for its other end.
    let metadata = std::fs::metadata(path).map_err(Error::io("open the file"))?;
    if metadata.is_dir() {
        return Err(Error::NotAFile(
            "is a directory; a Keras model is one file here".into(),
        ));
    }
    if !metadata.is_file() {
        return Err(Error::NotAFile("is not a regular file".into()));
    }
    File::open(path).map_err(Error::io("open the file"))
}

fn kind(source: &mut (impl Read + Seek)) -> Result<(Kind, u64)> {
    let length = source
        .seek(SeekFrom::End(0))
        .map_err(Error::io("find the file's length"))?;
    source.rewind().map_err(Error::io("read the file"))?;
    let mut first = Vec::with_capacity(8);
    source
        .by_ref()
        .take(8)
        .read_to_end(&mut first)
        .map_err(Error::io("read the file"))?;
    source.rewind().map_err(Error::io("read the file"))?;
    if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
        Ok((Kind::Zip, length))
    } else if first == SIGNATURE {
        Ok((Kind::Hdf5, length))
    } else if first.is_empty() {
        Err(Error::NotKeras("it is empty".into()))
    } else {
        Err(Error::NotKeras(
            "it is neither a zip archive (.keras) nor HDF5 (.h5)".into(),
        ))
    }
}

fn all(source: &mut impl Read, length: u64, limits: &Limits) -> Result<Vec<u8>> {
    let limit = limits.max_weights_bytes;
    if length > limit {
        return Err(Error::TooLarge {
            what: "the file".into(),
            size: length,
            limit,
        });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    source
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(Error::io("read the file"))?;
    Ok(bytes)
}
