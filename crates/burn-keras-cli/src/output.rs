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

/// The ending of a file's name in lower case, `weights.h5` counting as one.
pub fn ending(path: &Path) -> String {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if name.ends_with(".weights.h5") {
        return "weights.h5".to_string();
    }
    name.rsplit_once('.')
        .map(|(_, end)| end.to_string())
        .unwrap_or_default()
}
