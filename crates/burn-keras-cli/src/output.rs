//! Results: text on stdout, files that are whole or not there.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};

/// Writes `text` and a line end to stdout. A reader that has gone away (`| head`) is no error.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::Output),
    }
}

/// Writes JSON to stdout, indented.
pub fn print_json(value: &Value) -> Result<()> {
    print(&format!("{value:#}"))
}

/// Checks, before hours of work, that a file can be made at `path`.
pub fn check_destination(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Err(Error::file(path, "is a directory; name a file in it"));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    tempfile::tempfile_in(directory)
        .map(|_| ())
        .map_err(|e| Error::file(path, format!("cannot write there: {e}")))
}

/// Checks, before hours of work, that files can be made in `folder`, which need not be there yet.
pub fn check_folder(folder: &Path) -> Result<()> {
    let existing = folder
        .ancestors()
        .map(|place| match place.as_os_str().is_empty() {
            true => Path::new("."),
            false => place,
        })
        .find(|place| place.exists())
        .unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Err(Error::file(existing, "is a file, a folder is needed there"));
    }
    tempfile::tempfile_in(existing)
        .map(|_| ())
        .map_err(|e| Error::file(folder, format!("cannot write there: {e}")))
}

/// The ending of a file's name as it is written there, `weights.h5` counting as one.
///
/// Keras tells models and weights by endings in lower case only.
pub fn ending(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(".weights.h5") {
        return "weights.h5".to_string();
    }
    name.rsplit_once('.')
        .map(|(_, end)| end.to_string())
        .unwrap_or_default()
}
