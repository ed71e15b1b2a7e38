//! A confusion matrix as a picture: the more samples, the darker the cell.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::save;
use crate::metrics::ConfusionMatrix;
use crate::{Error, Result};

/// Points of a cell, and of the text around the cells.
const CELL: i32 = 56;
const LABELS: i32 = 110;
const TITLE: i32 = 28;

impl ConfusionMatrix {
    /// Draws the matrix as `.svg` or `.png`: a row for each true class, a column for each predicted one.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for another ending and for what the system refuses; as [`ConfusionMatrix::to_svg`].
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        save(&self.to_svg()?, path.as_ref())
    }

    /// The picture of [`ConfusionMatrix::plot`] as SVG.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when nothing can be drawn: there are no classes, or more than 100.
    pub fn to_svg(&self) -> Result<String> {
        let failed = |problem: String| Error::config("the confusion matrix", problem);
        let classes = self.classes();
        if !(1..=100).contains(&classes) {
            return Err(failed(format!(
                "has {classes} classes; 1 to 100 can be drawn"
            )));
        }
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|e| failed(e.to_string()))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let side = CELL * self.classes() as i32;
        let (left, top) = (TITLE + LABELS, TITLE + LABELS);
        let size = ((left + side + 16) as u32, (top + side + 16) as u32);
        let area = SVGBackend::with_string(svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let text = |points: i32| ("sans-serif", points).into_font().color(&BLACK);
        let at = |h: HPos, v: VPos| Pos::new(h, v);
        let middle = at(HPos::Center, VPos::Center);
        area.draw(&Text::new(
            "predicted",
            (left + side / 2, TITLE / 2 + 4),
            text(14).pos(middle),
        ))?;
        area.draw(&Text::new(
            "true",
            (TITLE / 2 + 4, top + side / 2),
            text(14).transform(FontTransform::Rotate270).pos(middle),
        ))?;
        let most = self.largest_count().max(1);
        for (i, name) in self.names().iter().enumerate() {
            let name = shortened(name);
            let place = CELL * i as i32 + CELL / 2;
            let beside = text(12).pos(at(HPos::Right, VPos::Center));
            area.draw(&Text::new(name.clone(), (left - 8, top + place), beside))?;
            let above = text(12)
                .transform(FontTransform::Rotate270)
                .pos(at(HPos::Left, VPos::Center));
            area.draw(&Text::new(name, (left + place, top - 8), above))?;
        }
        for right in 0..self.classes() {
            for chosen in 0..self.classes() {
                let count = self.count(right, chosen);
                let share = count as f64 / most as f64;
                let corner = (left + CELL * chosen as i32, top + CELL * right as i32);
                let opposite = (corner.0 + CELL, corner.1 + CELL);
                let shade = |full: u8| (255.0 - (255.0 - f64::from(full)) * share) as u8;
                let fill = RGBColor(shade(8), shade(81), shade(156));
                area.draw(&Rectangle::new([corner, opposite], fill.filled()))?;
                let line = BLACK.mix(0.2).stroke_width(1);
                area.draw(&Rectangle::new([corner, opposite], line))?;
                let ink = if share > 0.5 { WHITE } else { BLACK };
                let font = ("sans-serif", 13).into_font().color(&ink).pos(middle);
                let centre = (corner.0 + CELL / 2, corner.1 + CELL / 2);
                area.draw(&Text::new(count.to_string(), centre, font))?;
            }
        }
        area.present()?;
        Ok(())
    }

    fn largest_count(&self) -> u64 {
        let all = 0..self.classes();
        let row = |right| all.clone().map(move |chosen| self.count(right, chosen));
        all.clone().flat_map(row).max().unwrap_or(0)
    }
}

/// A name that fits beside the cells.
fn shortened(name: &str) -> String {
    const MOST: usize = 14;
    if name.chars().count() <= MOST {
        return name.to_string();
    }
    let start: String = name.chars().take(MOST - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_its_count_and_every_class_its_name_twice() -> Result<()> {
        let matrix = ConfusionMatrix::of_classes(&[0, 0, 0, 1, 2], &[0, 0, 1, 1, 2], 3)?;
        let matrix = matrix.labels(["cat", "dog", "a name that is far too long"])?;
        let svg = matrix.to_svg()?;
        // The background, then a filling and a line for each of nine cells.
        assert_eq!(svg.matches("<rect").count(), 1 + 2 * 9);
        let texts: Vec<&str> = svg
            .split("<text")
            .skip(1)
            .filter_map(|text| text.split_once('>')?.1.split('<').next())
            .map(str::trim)
            .collect();
        let count = |wanted: &str| texts.iter().filter(|text| **text == wanted).count();
        for (text, times) in [("predicted", 1), ("true", 1), ("cat", 2), ("dog", 2)] {
            assert_eq!(count(text), times, "{text} in {texts:?}");
        }
        assert_eq!(count("a name that i…"), 2, "{texts:?}");
        assert_eq!((count("2"), count("1"), count("0")), (1, 3, 5));
        Ok(())
    }

    #[test]
    fn the_picture_is_drawn_as_png_too() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.png");
        ConfusionMatrix::of_classes(&[0, 1], &[0, 1], 2)?.plot(&path)?;
        let picture = resvg::tiny_skia::Pixmap::decode_png(&std::fs::read(&path).unwrap()).unwrap();
        let dark = |p: &&resvg::tiny_skia::PremultipliedColorU8| p.red() < 20 && p.blue() > 100;
        // Two of four cells are full.
        assert!(picture.pixels().iter().filter(dark).count() > 2 * 80 * 80);
        Ok(())
    }
}
