//! Pictures: drawn as SVG, turned into PNG or put into a page where the file is to be one.

mod confusion;
mod curves;
mod graph;
mod options;
mod page;
mod png;
mod svg;
mod text;
mod unrolled;
mod words;

use std::io::Write;
use std::path::Path;

use crate::models::Model;
use crate::{Error, Result};

pub use options::Plot;

/// The font of the pictures, so that they look the same on every machine; its licence lies beside it.
const FONT: &[u8] = include_bytes!("DejaVuSans.ttf");

/// The colours, by class.
const STYLE: &str = include_str!("picture.css");

impl Model {
    /// Draws the model: its graph with the shapes on its edges as `.svg` or `.png`, or as `.html` a page with the graph
    /// and, where there are recurrent layers, switches that change shapes, program and unrolled picture together.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Lstm::new(32).input_shape([8, 16]))?;
    /// let path = std::env::temp_dir().join(format!("model_{}.svg", std::process::id()));
    /// model.plot(&path)?;
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model knows its input shape; [`Error::File`] for another ending and for what the
    /// system refuses.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        self.plot_with(path, &Plot::new())
    }

    /// The same with options: `Plot::new().unrolled()` draws the layers over the steps of a sequence.
    ///
    /// # Errors
    ///
    /// As [`Model::plot`]; [`Error::Model`] for an unrolled picture of layers that do not stand in a row.
    pub fn plot_with(&self, path: impl AsRef<Path>, plot: &Plot) -> Result<()> {
        let path = path.as_ref();
        match ending(path).as_deref() {
            Some("html") => write(plot.html(self)?.as_bytes(), path),
            Some("svg" | "png") => save(&plot.svg(self)?, path),
            _ => Err(wrong_ending(
                path,
                "a model is drawn as `.svg`, `.png` or `.html`",
            )),
        }
    }
}

impl Plot {
    /// The picture of a model as SVG.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model knows its input shape; [`Error::Model`] for an unrolled picture of layers
    /// that do not stand in a row.
    pub fn svg(&self, model: &Model) -> Result<String> {
        match self.unrolled {
            true => unrolled::svg(model, self),
            false => graph::svg(model),
        }
    }

    /// The page of a model as HTML: one file that needs no network.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model knows its input shape.
    pub fn html(&self, model: &Model) -> Result<String> {
        page::html(model, self)
    }
}

/// Writes a picture by the ending of `path`, in either case: `.svg` as it is, `.png` drawn; whole or not at all.
///
/// # Errors
///
/// [`Error::File`] for another ending and for what the system refuses.
pub(crate) fn save(svg: &str, path: &Path) -> Result<()> {
    match ending(path).as_deref() {
        Some("svg") => write(svg.as_bytes(), path),
        Some("png") => write(&png::png(svg).map_err(|e| failed(path, e))?, path),
        _ => Err(wrong_ending(path, "a picture is saved as `.svg` or `.png`")),
    }
}

/// The ending in small letters.
fn ending(path: &Path) -> Option<String> {
    let ending = path.extension()?.to_str()?;
    Some(ending.to_ascii_lowercase())
}

fn wrong_ending(path: &Path, known: &str) -> Error {
    failed(path, format!("{known}; give the file one of these endings"))
}

fn failed(path: &Path, problem: String) -> Error {
    Error::File {
        path: path.display().to_string(),
        problem,
    }
}

fn write(bytes: &[u8], path: &Path) -> Result<()> {
    keras_format::atomic_write(path, |file| file.write_all(bytes))
        .map_err(crate::saving::file_error)
}
