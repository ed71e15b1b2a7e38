//! SVG drawn into pixels.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::FONT;

/// Two pixels for each point, so that text is sharp.
const SCALE: f32 = 2.0;
/// The most pixels of a picture; a larger one gets fewer for each of its points.
const MOST_PIXELS: f32 = 64e6;

/// Draws an SVG as PNG.
pub(super) fn png(svg: &str) -> Result<Vec<u8>, String> {
    let mut options = Options::default();
    options.fontdb_mut().load_font_data(FONT.to_vec());
    options.fontdb_mut().set_sans_serif_family("DejaVu Sans");
    // The one font there is: text in a family that is not found would be left out.
    options.fontdb_mut().set_monospace_family("DejaVu Sans");
    options.font_family = "DejaVu Sans".to_string();
    let tree = Tree::from_str(svg, &options).map_err(|e| format!("cannot read the SVG: {e}"))?;
    let size = tree.size();
    let scale = SCALE.min((MOST_PIXELS / (size.width() * size.height())).sqrt());
    let mut pixels = Pixmap::new(
        (size.width() * scale) as u32,
        (size.height() * scale) as u32,
    )
    .ok_or("the picture has no size")?;
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    pixels
        .encode_png()
        .map_err(|e| format!("cannot encode the PNG: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::STYLE;

    #[test]
    fn text_of_every_class_is_drawn() -> Result<(), String> {
        for class in ["name", "text", "small", "code", "data-text"] {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" width=\"90\" height=\"20\"><style>{STYLE}</style>\
                 <text class=\"{class}\" x=\"2\" y=\"15\">Lstm::new</text></svg>"
            );
            let drawn = Pixmap::decode_png(&png(&svg)?).map_err(|e| e.to_string())?;
            let inked = drawn.pixels().iter().filter(|p| p.alpha() > 0).count();
            assert!(inked > 100, "{class}: {inked} pixels");
        }
        Ok(())
    }
}
