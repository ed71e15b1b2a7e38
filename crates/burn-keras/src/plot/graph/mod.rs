//! The picture of a model's graph: inputs at the top, outputs at the bottom, shapes on the edges.

mod describe;
mod draw;
mod layout;
mod masks;

use super::svg::Svg;
use super::words::counted;
use crate::Result;
use crate::models::Model;

/// Around the picture.
const MARGIN: i32 = 20;

/// Draws a built model's graph as SVG.
///
/// # Errors
///
/// [`Error::NotBuilt`](crate::Error::NotBuilt) before the model knows its input shape.
pub(super) fn svg(model: &Model) -> Result<String> {
    let diagram = describe::describe(model)?;
    let drawing = draw::draw(&diagram);
    let mut svg = Svg::default();
    svg.place(MARGIN, MARGIN, &drawing.body);
    let title = format!("The graph of the model {}", diagram.title);
    let description = format!(
        "{} with {}, from the inputs at the top to the outputs at the bottom. {}",
        counted(model.layers().len(), "layer"),
        counted(model.count_params()?, "parameter"),
        draw::in_words(&diagram)
    );
    Ok(svg.document(
        drawing.width + 2 * MARGIN,
        drawing.height + 2 * MARGIN,
        &title,
        &description,
    ))
}
