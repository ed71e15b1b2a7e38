//! Pictures: drawn as SVG, and turned into PNG where the file is to be one.

mod curves;
mod graph;
mod png;
mod svg;
mod text;
mod words;

use std::io::Write;
use std::path::Path;

use crate::models::Model;
use crate::{Error, Result};

/// The font of the pictures, so that they look the same on every machine; its licence lies beside it.
const FONT: &[u8] = include_bytes!("DejaVuSans.ttf");

/// The colours, by class.
const STYLE: &str = include_str!("picture.css");

impl Model {
    /// Draws the model: its graph with the shapes on its edges as `.svg` or `.png`.
    ///
    /// ```
    /// use burn_keras::prelude::*;
    ///
    /// let mut model = Sequential::new();
    /// model.add(Lstm::new(32).input_shape([8, 16]))?;
    /// let folder = std::env::temp_dir();
    /// model.plot(folder.join("model.svg"))?;
    /// # std::fs::remove_file(folder.join("model.svg")).unwrap();
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`] before the model knows its input shape; [`Error::File`] for another ending and for what the
    /// system refuses.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        save(&graph::svg(self)?, path.as_ref())
    }
}

/// Writes a picture by the ending of `path`: `.svg` as it is, `.png` drawn; whole or not at all.
///
/// # Errors
///
/// [`Error::File`] for another ending and for what the system refuses.
pub(crate) fn save(svg: &str, path: &Path) -> Result<()> {
    let failed = |problem: String| Error::File {
        path: path.display().to_string(),
        problem,
    };
    let bytes = match path.extension().and_then(|e| e.to_str()) {
        Some("svg") => svg.as_bytes().to_vec(),
        Some("png") => png::png(svg).map_err(&failed)?,
        _ => {
            return Err(failed(
                "a picture is saved as `.svg` or `.png`; give the file one of these endings"
                    .to_string(),
            ));
        }
    };
    keras_format::atomic_write(path, |file| file.write_all(&bytes))
        .map_err(crate::saving::file_error)
}
