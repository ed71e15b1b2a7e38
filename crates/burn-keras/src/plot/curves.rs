//! A history's figures as curves over the epochs.

use std::path::Path;

use plotters::prelude::*;

use super::save;
use crate::training::History;
use crate::{Error, Result};

/// Points of one panel.
const SIZE: (u32, u32) = (640, 300);

impl History {
    /// Draws each figure's curve over the epochs, that of the validation beside it, as `.svg` or `.png`.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for another ending and for what the system refuses.
    pub fn plot(&self, path: impl AsRef<Path>) -> Result<()> {
        save(&self.to_svg()?, path.as_ref())
    }

    /// The curves of [`History::plot`] as SVG.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when nothing can be drawn: the history has no epoch.
    pub fn to_svg(&self) -> Result<String> {
        let failed = |problem: String| Error::config("the history's curves", problem);
        let names = self.names();
        let panels: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| {
                let trained = name.strip_prefix("val_");
                trained.is_none_or(|trained| !names.contains(&trained))
            })
            .collect();
        if panels.is_empty() {
            return Err(failed("there is no epoch to draw".to_string()));
        }
        let mut svg = String::new();
        {
            let size = (SIZE.0, SIZE.1 * panels.len() as u32);
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            area.fill(&WHITE).map_err(|e| failed(e.to_string()))?;
            for (panel, name) in area.split_evenly((panels.len(), 1)).iter().zip(panels) {
                self.panel(panel, name).map_err(|e| failed(e.to_string()))?;
            }
            area.present().map_err(|e| failed(e.to_string()))?;
        }
        Ok(svg)
    }

    /// A figure and its validation.
    fn panel<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, plotters::coord::Shift>,
        name: &str,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let curve = |name: &str| -> Vec<(f64, f64)> {
            let points = self.points(name).into_iter();
            let points = points.filter(|(_, value)| value.is_finite());
            points
                .map(|(epoch, value)| ((epoch + 1) as f64, value))
                .collect()
        };
        let validation = format!("val_{name}");
        let curves = [
            (name, curve(name), RGBColor(31, 119, 180)),
            (&validation, curve(&validation), RGBColor(255, 127, 14)),
        ];
        let all = || curves.iter().flat_map(|(_, points, _)| points);
        let (low, high) = range(all().map(|(_, value)| *value));
        let (first, last) = range(all().map(|(epoch, _)| *epoch));
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(34)
            .y_label_area_size(64)
            .build_cartesian_2d(first..last, low..high)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("epoch")
            .y_desc(name)
            .x_label_formatter(&|epoch| format!("{}", (epoch * 100.0).round() / 100.0))
            .draw()?;
        for (label, points, color) in &curves {
            if points.is_empty() {
                continue;
            }
            let color = *color;
            chart
                .draw_series(LineSeries::new(
                    points.iter().copied(),
                    color.stroke_width(2),
                ))?
                .label(*label)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2))
                });
            chart.draw_series(points.iter().map(|p| Circle::new(*p, 2, color.filled())))?;
        }
        if curves
            .iter()
            .filter(|(_, points, _)| !points.is_empty())
            .count()
            < 2
        {
            // The axis names the only one.
            return Ok(());
        }
        let drawn = curves.iter().map(|(_, points, _)| points.as_slice());
        chart
            .configure_series_labels()
            .position(emptiest_corner(drawn, (first, last), (low, high)))
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK.mix(0.3))
            .draw()
    }
}

/// Where the least of some curves would be hidden by their names.
fn emptiest_corner<'c>(
    curves: impl Iterator<Item = &'c [(f64, f64)]>,
    (left, right): (f64, f64),
    (low, high): (f64, f64),
) -> SeriesLabelPosition {
    /// What the names take of a panel, in width and height.
    const SHARES: (f64, f64) = (0.3, 0.35);
    const STEPS: usize = 20;
    let mut hidden = [0; 4];
    for curve in curves {
        for ends in curve.windows(2) {
            for step in 0..=STEPS {
                let along = step as f64 / STEPS as f64;
                let between = |a: f64, b: f64| a + (b - a) * along;
                let x = (between(ends[0].0, ends[1].0) - left) / (right - left);
                let y = (between(ends[0].1, ends[1].1) - low) / (high - low);
                let sides = [(x < SHARES.0, 0), (x > 1.0 - SHARES.0, 1)];
                let levels = [(y > 1.0 - SHARES.1, 0), (y < SHARES.1, 2)];
                for (_, side) in sides.into_iter().filter(|(inside, _)| *inside) {
                    for (_, level) in levels.into_iter().filter(|(inside, _)| *inside) {
                        hidden[side + level] += 1;
                    }
                }
            }
        }
    }
    // The right ones first: training begins on the left.
    let corners = [
        (hidden[1], SeriesLabelPosition::UpperRight),
        (hidden[3], SeriesLabelPosition::LowerRight),
        (hidden[0], SeriesLabelPosition::UpperLeft),
        (hidden[2], SeriesLabelPosition::LowerLeft),
    ];
    let best = corners.into_iter().min_by_key(|(count, _)| *count);
    best.map_or(SeriesLabelPosition::UpperRight, |(_, corner)| corner)
}

/// From the smallest to the largest value with a little room around; some range where there is none.
fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return (0.0, 1.0);
    }
    let room = match (high - low) * 0.05 {
        room if room > 0.0 => room,
        _ => low.abs().max(1.0) * 0.05,
    };
    (low - room, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Logs;

    fn history() -> History {
        let mut history = History::default();
        for epoch in 0..5 {
            let mut logs = Logs::default();
            logs.set("loss", 1.0 / (epoch + 1) as f64);
            logs.set("accuracy", f64::NAN);
            if epoch % 2 == 1 {
                logs.set("val_loss", 2.0 / (epoch + 1) as f64);
            }
            history.push(epoch, &logs);
        }
        history
    }

    #[test]
    fn each_figure_has_a_panel_with_its_validation() -> Result<()> {
        let svg = history().to_svg()?;
        // Five epochs of the loss, two of its validation; the accuracy, which is no number, has none.
        assert_eq!(svg.matches("<circle").count(), 7);
        for label in ["val_loss", "accuracy", "epoch"] {
            assert!(svg.contains(label), "{label} is missing");
        }
        // A panel with one curve or none has no names but that of its axis.
        assert_eq!(svg.matches("\nval_loss\n").count(), 1);
        assert_eq!(svg.matches("\nloss\n").count(), 2);
        assert_eq!(svg.matches("\naccuracy\n").count(), 1);
        assert!(History::default().to_svg().is_err());
        Ok(())
    }

    #[test]
    fn names_stand_where_no_curve_runs() {
        let at = |curve: &[(f64, f64)]| {
            let corner = emptiest_corner(std::iter::once(curve), (0.0, 1.0), (0.0, 1.0));
            format!("{corner:?}")
        };
        assert_eq!(at(&[(0.0, 1.0), (0.5, 0.1), (1.0, 0.0)]), "UpperRight");
        assert_eq!(at(&[(0.0, 0.0), (0.5, 0.9), (1.0, 1.0)]), "LowerRight");
        let both_on_the_right = [(1.0, 0.0), (1.0, 1.0)];
        assert_eq!(at(&both_on_the_right), "UpperLeft");
    }

    #[test]
    fn the_ending_of_the_file_says_what_is_drawn() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("curves.png");
        history().plot(&path)?;
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[1..4], *b"PNG");
        let picture = resvg::tiny_skia::Pixmap::decode_png(&bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (1280, 1200));
        let dark = |p: &&resvg::tiny_skia::PremultipliedColorU8| p.red() < 80 && p.green() < 80;
        // Text was drawn: the font is there.
        assert!(picture.pixels().iter().filter(dark).count() > 500);
        assert!(history().plot(folder.path().join("curves.gif")).is_err());
        Ok(())
    }
}
