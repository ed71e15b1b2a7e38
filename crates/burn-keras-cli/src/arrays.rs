//! The arrays that commands read and write: `.npy`, `.npz`, `.csv`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Cursor, Read, Write};
use std::path::Path;

use burn_keras::models::Model;
use burn_keras::training::Predictions;
use burn_keras::training::data::{IntoData, Values};
use ndarray::Array2;
use ndarray_npy::{NpzWriter, WriteNpyExt};

use crate::error::{Error, Result};
use crate::npy;
use crate::output::ending;

/// What a file holds.
enum Found {
    One(Values<'static>),
    Named(Vec<(String, Values<'static>)>),
}

/// The model's inputs from a file.
pub fn inputs(path: &Path, model: &Model) -> Result<Vec<Values<'static>>> {
    in_order(path, &model.input_names()?, "input")
}

/// A value for each of the model's outputs from a file.
pub fn targets(path: &Path, model: &Model) -> Result<Vec<Values<'static>>> {
    let count = model.output_names()?.len();
    let names: Vec<String> = (0..count).map(|i| format!("output_{i}")).collect();
    in_order(path, &names, "output")
}

/// The one array of a file.
pub fn single(path: &Path) -> Result<Values<'static>> {
    match read(path)? {
        Found::One(array) => Ok(array),
        Found::Named(_) => Err(Error::file(
            path,
            "holds several arrays, one is needed: make it .npy",
        )),
    }
}

fn in_order(path: &Path, names: &[String], what: &str) -> Result<Vec<Values<'static>>> {
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
            Some(place) => ordered.push(arrays.swap_remove(place).1),
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

fn open(path: &Path) -> Result<File> {
    let metadata = std::fs::metadata(path)
        .map_err(|e| Error::file(path, format!("cannot open the file: {e}")))?;
    if metadata.is_dir() {
        return Err(Error::file(path, "is a directory, an array is a file"));
    }
    if !metadata.is_file() {
        return Err(Error::file(path, "is not a regular file"));
    }
    File::open(path).map_err(|e| Error::file(path, format!("cannot open the file: {e}")))
}

fn read(path: &Path) -> Result<Found> {
    let failed = |problem: String| Error::file(path, problem);
    let file = open(path)?;
    match ending(path).as_str() {
        "npy" => npy::read(&mut BufReader::new(file))
            .map(Found::One)
            .map_err(failed),
        "npz" => npz(file).map(Found::Named).map_err(failed),
        "csv" => comma_separated(file).map(Found::One).map_err(failed),
        _ => Err(failed("is neither .npy, .npz nor .csv".to_string())),
    }
}

fn npz(file: File) -> Result<Vec<(String, Values<'static>)>, String> {
    let damaged = |e: zip::result::ZipError| format!("is no .npz archive: {e}");
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    let mut arrays = Vec::new();
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(damaged)?;
        let name = entry
            .name()
            .map_err(damaged)?
            .trim_end_matches(".npy")
            .to_string();
        let mut bytes = Vec::new();
        entry
            .read_to_end(&mut bytes)
            .map_err(|e| format!("its array \"{name}\" cannot be read: {e}"))?;
        let values =
            npy::read(&mut Cursor::new(bytes)).map_err(|e| format!("its array \"{name}\" {e}"))?;
        arrays.push((name, values));
    }
    Ok(arrays)
}

/// Numbers in rows and columns; a first row of words is left out. They are whole numbers if all of them are.
fn comma_separated(file: File) -> Result<Values<'static>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(BufReader::new(file));
    let mut width = 0;
    let mut values: Vec<f64> = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| format!("cannot be read: {e}"))?;
        let numbers: Result<Vec<f64>, &str> = record
            .iter()
            .map(|cell| cell.parse().map_err(|_| cell))
            .collect();
        match numbers {
            Ok(numbers) => {
                width = numbers.len();
                values.extend(numbers);
            }
            Err(_) if row == 0 => {
                log::info!(target: "burn_keras", "the first row of the .csv is taken for names")
            }
            Err(cell) => {
                return Err(format!(
                    "has \"{cell}\" in row {}, which is no number",
                    row + 1
                ));
            }
        }
    }
    let rows = values.len().checked_div(width).unwrap_or(0);
    let whole = values
        .iter()
        .all(|v| v.fract() == 0.0 && v.abs() < f64::from(i32::MAX));
    let shaped = |e: ndarray::ShapeError| e.to_string();
    let data = if whole {
        let whole = values.iter().map(|v| *v as i32).collect();
        Array2::from_shape_vec((rows, width), whole)
            .map_err(shaped)?
            .into_data()
    } else {
        let real = values.iter().map(|v| *v as f32).collect();
        Array2::<f32>::from_shape_vec((rows, width), real)
            .map_err(shaped)?
            .into_data()
    };
    let mut data = data.map_err(|e| e.to_string())?;
    data.pop().ok_or_else(|| "holds no numbers".to_string())
}

/// Checks that a file of this name can hold `outputs` arrays.
pub fn check_predictions_name(path: &Path, outputs: &[String]) -> Result<()> {
    match (ending(path).as_str(), outputs.len()) {
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
    let whole = ending(path) == "npz";
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
