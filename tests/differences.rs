//! Collecting what differs from Keras, so that one run of the tests names every case.

use ndarray::ArrayD;

/// How far two values may be apart: `absolute + relative |wanted|`, both the same number.
#[derive(Clone, Copy)]
pub struct Tolerance(pub f32);

/// Outputs, masks, penalties, moving averages.
pub const FORWARD: Tolerance = Tolerance(1e-5);
/// Gradients.
pub const GRADIENT: Tolerance = Tolerance(1e-4);

/// What was found to differ in one case.
#[derive(Default)]
pub struct Differences {
    found: Vec<(f32, String)>,
}

impl Differences {
    /// Something that is wrong whatever the numbers.
    pub fn wrong(&mut self, what: impl Into<String>) {
        self.found.push((f32::INFINITY, what.into()));
    }

    /// Compares two arrays.
    pub fn compare(
        &mut self,
        what: &str,
        got: &ArrayD<f32>,
        wanted: &ArrayD<f32>,
        tolerance: Tolerance,
    ) {
        if got.shape() != wanted.shape() {
            return self.wrong(format!(
                "{what} has the shape {:?}, Keras' has {:?}",
                got.shape(),
                wanted.shape()
            ));
        }
        let worst = got
            .indexed_iter()
            .zip(wanted)
            .map(|((index, a), b)| {
                let excess = (a - b).abs() / (tolerance.0 * (1.0 + b.abs()));
                // NaN compares as smaller than anything, and must not pass.
                (
                    if excess.is_nan() {
                        f32::INFINITY
                    } else {
                        excess
                    },
                    index,
                    *a,
                    *b,
                )
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((excess, index, a, b)) = worst.filter(|w| w.0 > 1.0) {
            let index = ndarray::Dimension::slice(&index).to_vec();
            self.found
                .push((excess, format!("{what} is {a} at {index:?}, Keras' is {b}")));
        }
    }

    /// The worst difference, with the number of all; `None` where there is none.
    pub fn worst(&self) -> Option<String> {
        let (excess, what) = self.found.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(format!(
            "{what} ({excess:.1} times the tolerance; {} differences)",
            self.found.len()
        ))
    }
}
