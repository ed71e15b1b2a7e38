//! Pictures: drawn as SVG, and turned into PNG where the file is to be one.

mod curves;

use std::io::Write;
use std::path::Path;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::{Error, Result};

/// The font of the pictures, so that they look the same on every machine; its licence lies beside it.
const FONT: &[u8] = include_bytes!("DejaVuSans.ttf");

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
        Some("png") => png(svg).map_err(&failed)?,
        _ => {
            return Err(failed(
                "a picture is saved as `.svg` or `.png`; give the file one of these endings"
                    .to_string(),
            ));
        }
    };
    keras_format::atomic_write(path, |file| file.write_all(&bytes))
        .map_err(|e| failed(e.to_string()))
}

/// Draws an SVG, two pixels for each of its points.
fn png(svg: &str) -> Result<Vec<u8>, String> {
    const SCALE: f32 = 2.0;
    let mut options = Options::default();
    options.fontdb_mut().load_font_data(FONT.to_vec());
    options.fontdb_mut().set_sans_serif_family("DejaVu Sans");
    options.font_family = "DejaVu Sans".to_string();
    let tree = Tree::from_str(svg, &options).map_err(|e| format!("cannot read the SVG: {e}"))?;
    let size = tree.size();
    let mut pixels = Pixmap::new(
        (size.width() * SCALE) as u32,
        (size.height() * SCALE) as u32,
    )
    .ok_or("the picture has no size")?;
    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    pixels
        .encode_png()
        .map_err(|e| format!("cannot encode the PNG: {e}"))
}
