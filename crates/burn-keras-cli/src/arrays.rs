//! The arrays that commands read and write: `.npy`, `.npz`, `.csv`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use burn_keras::models::Model;
use burn_keras::training::data::{IntoValues, Values};
use burn_keras::training::{NpyFile, Predictions};
use ndarray_npy::{NpzWriter, WriteNpyExt};

use crate::error::{Error, Result};
use crate::output::ending;
use crate::{archive, table};

/// Arrays of up to this many bytes are read and checked before the work begins; a larger `.npy` stays in its file, of
/// which the rows of a batch are read when their turn comes.
const IN_MEMORY: u64 = 256 << 20;

/// An array that a command was given.
pub enum Array {
    /// In memory.
    Read(Values<'static>),
    /// In a file that may be larger than memory.
    Mapped(NpyFile),
}

/// The arrays as the library takes them.
pub fn values(arrays: &[Array]) -> Result<Vec<Values<'_>>> {
    let values = arrays.iter().map(|array| match array {
        Array::Read(values) => values.into_values(),
        Array::Mapped(file) => file.into_values(),
    });
    Ok(values.collect::<burn_keras::Result<_>>()?)
}

/// What a file holds.
enum Found {
    One(Array),
    Named(Vec<(String, Values<'static>)>),
}

/// The model's inputs from a file.
pub fn inputs(path: &Path, model: &Model) -> Result<Vec<Array>> {
    in_order(path, &model.input_names()?, "input")
}

/// A value for each of the model's outputs from a file.
pub fn targets(path: &Path, model: &Model) -> Result<Vec<Array>> {
    let count = model.output_names()?.len();
    let names: Vec<String> = (0..count).map(|i| format!("output_{i}")).collect();
    in_order(path, &names, "output")
}

/// The one array of a file.
pub fn single(path: &Path) -> Result<Array> {
    match read(path)? {
        Found::One(array) => Ok(array),
        Found::Named(_) => Err(Error::file(
            path,
            "holds several arrays, one is needed: make it .npy",
        )),
    }
}

fn in_order(path: &Path, names: &[String], what: &str) -> Result<Vec<Array>> {
    let mut arrays = match read(path)? {
        Found::One(array) if names.len() == 1 => return Ok(vec![array]),
        Found::One(_) => {
            return Err(Error::file(
                path,
                format!(
                    "holds one array, but the model has {} {what}s: put them into one .npz as {}",
                    names.len(),
                    names.join(", ")
                ),
            ));
        }
        Found::Named(arrays) => arrays,
    };
    let found: Vec<String> = arrays.iter().map(|(name, _)| name.clone()).collect();
    let mut ordered = Vec::new();
    for name in names {
        match arrays.iter().position(|(n, _)| n == name) {
            Some(place) => ordered.push(Array::Read(arrays.swap_remove(place).1)),
            None => {
                return Err(Error::file(
                    path,
                    format!(
                        "has no array \"{name}\"; the model's {what}s are {}, the file has {}",
                        names.join(", "),
                        found.join(", ")
                    ),
                ));
            }
        }
    }
    match arrays.first() {
        None => Ok(ordered),
        Some((name, _)) => Err(Error::file(
            path,
            format!(
                "has an array \"{name}\", which is no {what} of the model; those are {}",
                names.join(", ")
            ),
        )),
    }
}

/// The file with its length.
fn open(path: &Path) -> Result<(File, u64)> {
    let unopened = |e: std::io::Error| Error::file(path, format!("cannot open the file: {e}"));
    let metadata = std::fs::metadata(path).map_err(unopened)?;
    if metadata.is_dir() {
        return Err(Error::file(path, "is a directory, an array is a file"));
    }
    if !metadata.is_file() {
        return Err(Error::file(path, "is not a regular file"));
    }
    Ok((File::open(path).map_err(unopened)?, metadata.len()))
}

fn read(path: &Path) -> Result<Found> {
    let failed = |problem: String| Error::file(path, problem);
    let (file, length) = open(path)?;
    match ending(path).to_lowercase().as_str() {
        "npy" if length > IN_MEMORY => Ok(Found::One(Array::Mapped(NpyFile::open(path)?))),
        "npy" => {
            let bytes = std::fs::read(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
            let values = Values::from_npy(&path.display().to_string(), &bytes)?;
            Ok(Found::One(Array::Read(values)))
        }
        "npz" => archive::read(BufReader::new(file), length)
            .map(Found::Named)
            .map_err(failed),
        "csv" => table::read(BufReader::new(file))
            .map(|values| Found::One(Array::Read(values)))
            .map_err(failed),
        _ => Err(failed("is neither .npy, .npz nor .csv".to_string())),
    }
}

/// Checks that a file of this name can hold `outputs` arrays.
pub fn check_predictions_name(path: &Path, outputs: &[String]) -> Result<()> {
    match (ending(path).to_lowercase().as_str(), outputs.len()) {
        ("npz", _) | ("npy", 1) => Ok(()),
        ("npy", count) => Err(Error::file(
            path,
            format!(
                "can hold one array, but the model has {count} outputs ({}); name it .npz",
                outputs.join(", ")
            ),
        )),
        _ => Err(Error::file(
            path,
            "predictions are written as .npy or .npz; give the file one of these endings",
        )),
    }
}

/// Writes predictions: one array as `.npy`, any number as `output_0`, `output_1`, … of an `.npz`.
pub fn write_predictions(path: &Path, predictions: &Predictions) -> Result<()> {
    let whole = ending(path).eq_ignore_ascii_case("npz");
    keras_format::atomic_write(path, |file| {
        let mut out = BufWriter::new(file);
        if whole {
            let mut npz = NpzWriter::new(&mut out);
            for (i, (_, array)) in predictions.iter().enumerate() {
                npz.add_array(format!("output_{i}"), array)
                    .map_err(std::io::Error::other)?;
            }
            npz.finish().map_err(std::io::Error::other)?;
        } else if let Some((_, array)) = predictions.iter().next() {
            array.write_npy(&mut out).map_err(std::io::Error::other)?;
        }
        out.flush()
    })?;
    Ok(())
}
