//! Every way the command can fail, in words.

use std::fmt;
use std::path::Path;

/// The command's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command ended without its result.
#[derive(Debug)]
pub enum Error {
    /// The library refused.
    Library(burn_keras::Error),
    /// A file can't be used.
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Arguments don't go together with the model.
    Usage(String),
    /// Standard output can't be written.
    Output(std::io::Error),
}

impl Error {
    /// An error about a file.
    pub fn file(path: &Path, problem: impl fmt::Display) -> Self {
        Self::File {
            path: path.display().to_string(),
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(error) => error.fmt(f),
            Self::File { path, problem } => write!(f, "{path}: {problem}"),
            Self::Usage(problem) => f.write_str(problem),
            Self::Output(error) => write!(f, "cannot write to standard output: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<burn_keras::Error> for Error {
    fn from(error: burn_keras::Error) -> Self {
        Self::Library(error)
    }
}

impl From<keras_format::Error> for Error {
    fn from(error: keras_format::Error) -> Self {
        match error {
            keras_format::Error::File { path, source } => Self::file(&path, source),
            other => Self::Usage(other.to_string()),
        }
    }
}
