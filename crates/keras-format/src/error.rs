//! The one error type of this crate: a variant a cause, with the offending name in it.

use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something went wrong in the named file; the cause is inside.
    #[error("{}: {source}", path.display())]
    File {
        /// The file as the caller named it.
        path: PathBuf,
        /// What was wrong with it.
        source: Box<Error>,
    },

    /// The operating system refused an operation.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done, as a verb phrase.
        action: &'static str,
        /// The operating system's answer.
        source: std::io::Error,
    },

    /// The path names a directory, a device or nothing a file can replace.
    #[error("{0}")]
    NotAFile(String),

    /// The bytes are no Keras file at all.
    #[error("not a Keras file: {0}")]
    NotKeras(String),

    /// The bytes start like a Keras file and then contradict themselves.
    #[error("the file is damaged: {what}: {detail}")]
    Corrupt {
        /// The structure that does not hold together.
        what: String,
        /// How.
        detail: String,
    },

    /// A size in the file is over a limit of [`Limits`](crate::Limits).
    #[error(
        "{what} is {size}, more than the limit of {limit}; raise it in `Limits` if you trust this file"
    )]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its size as the file declares it.
        size: u64,
        /// The limit it passes.
        limit: u64,
    },

    /// A `.keras` archive lacks one of its parts.
    #[error(
        "the archive has no `{0}`; a .keras file needs metadata.json, config.json and model.weights.h5"
    )]
    MissingEntry(&'static str),

    /// Valid HDF5, but a feature no Keras release writes (links out of the file among them).
    #[error("`{object}` uses {feature}, which Keras does not write and this reader refuses")]
    Hdf5Feature {
        /// The HDF5 object.
        object: String,
        /// The feature.
        feature: String,
    },

    /// An array of a type that has no place in a float32 model.
    #[error(
        "array `{array}` has type {dtype}; supported are float32, float64, int32, int64 and uint32"
    )]
    ArrayType {
        /// Path of the array in the file.
        array: String,
        /// Its type in NumPy's words.
        dtype: String,
    },

    /// Shape and number of values differ.
    #[error("an array of shape {shape:?} needs {expected} values, {found} were given")]
    ArrayLength {
        /// The declared shape.
        shape: Vec<usize>,
        /// Values the shape asks for.
        expected: usize,
        /// Values there are.
        found: usize,
    },

    /// A weight the file promises (or a layer needs) is not there.
    #[error("weight `{0}` is missing from the file")]
    MissingWeight(String),

    /// A text part is not the JSON it should be.
    #[error("{what} is not valid JSON: {detail}")]
    Json {
        /// Which text.
        what: String,
        /// What the parser said.
        detail: String,
    },

    /// A model config that is JSON but no model config.
    #[error("model config, at {at}: {problem}")]
    Config {
        /// The place in the config.
        at: String,
        /// What is wrong there.
        problem: String,
    },

    /// The model holds Python code.
    #[error(
        "`{0}` is a Lambda: it holds Python code, which is never run here; replace it by a registered layer and save again"
    )]
    Lambda(String),

    /// The layer computes in another dtype than float32.
    #[error("`{layer}` has dtype policy `{policy}`; only float32 is supported")]
    DtypePolicy {
        /// The layer, optimizer or model.
        layer: String,
        /// The policy's name.
        policy: String,
    },

    /// An option of an old Keras that would change the result and has no equal in Keras 3.
    #[error(
        "`{layer}` was saved with `{option}` = {value}, which Keras 3 does not have; it would change the result"
    )]
    Option {
        /// The layer or optimizer.
        layer: String,
        /// The option.
        option: String,
        /// Its value as JSON.
        value: String,
    },

    /// The HDF5 or zip writer refused the content.
    #[error("cannot encode {what}: {detail}")]
    Encode {
        /// What was being written.
        what: &'static str,
        /// The writer's answer.
        detail: String,
    },
}

impl Error {
    /// The cause without the [`File`](Error::File) wrappers that say where it happened.
    pub fn root(&self) -> &Error {
        match self {
            Error::File { source, .. } => source.root(),
            other => other,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Error::Corrupt {
            what: what.into(),
            detail: detail.into(),
        }
    }

    pub(crate) fn config(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Config {
            at: at.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Error::Io { action, source }
    }

    pub(crate) fn in_file(self, path: &Path) -> Self {
        Error::File {
            path: path.to_path_buf(),
            source: Box::new(self),
        }
    }
}
