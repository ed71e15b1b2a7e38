//! Windows that slide over a long series.

use ndarray::{ArrayD, ArrayViewD, Axis, Slice};

use super::only_f32;
use crate::training::data::IntoData;
use crate::{Error, Result};

/// Cuts one long series into the windows that a model is trained on: Keras' `timeseries_dataset_from_array`.
///
/// With `sequence_length` L, `sampling_rate` r and `sequence_stride` s, window i holds the steps
/// i·s, i·s + r, …, i·s + (L - 1)·r.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::preprocessing::Windows;
///
/// // 100 days of 3 measurements; from 10 days the first measurement of the next one is to be foretold.
/// let days = Array2::<f32>::from_shape_fn((100, 3), |(day, _)| day as f32);
/// let (past, next) = (days.slice(burn_keras::ndarray::s![..-10, ..]), days.column(0));
/// let targets = next.slice(burn_keras::ndarray::s![10..]).to_owned();
/// let (x, y) = Windows::new(10).with_targets(&past.to_owned(), &targets)?;
/// assert_eq!(x.shape(), [81, 10, 3]);
/// assert_eq!((x[[5, 9, 0]], y[[5]]), (14.0, 15.0));
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    sequence_length: usize,
    sequence_stride: usize,
    sampling_rate: usize,
    start_index: usize,
    end_index: Option<usize>,
}

impl Windows {
    /// Windows of so many steps, one beginning at every step.
    pub fn new(sequence_length: usize) -> Self {
        Self {
            sequence_length,
            sequence_stride: 1,
            sampling_rate: 1,
            start_index: 0,
            end_index: None,
        }
    }

    /// From the beginning of a window to that of the next (1).
    pub fn sequence_stride(mut self, steps: usize) -> Self {
        self.sequence_stride = steps;
        self
    }

    /// From a step of a window to its next (1).
    pub fn sampling_rate(mut self, steps: usize) -> Self {
        self.sampling_rate = steps;
        self
    }

    /// Leaves out what comes before this step.
    pub fn start_index(mut self, step: usize) -> Self {
        self.start_index = step;
        self
    }

    /// Leaves out this step and what comes after it.
    pub fn end_index(mut self, step: usize) -> Self {
        self.end_index = Some(step);
        self
    }

    /// The windows of a series `[steps, ..]`: `[windows, sequence_length, ..]`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for an option of 0 or one that leaves nothing of the series.
    pub fn of<'a>(&self, series: impl IntoData<'a>) -> Result<ArrayD<f32>> {
        let series = only_f32(series, "Windows")?;
        let end = self.end(series.shape().first().copied().unwrap_or(0))?;
        let count = self.windows_in(end - self.start_index);
        self.cut(series.view(), count)
    }

    /// The windows of a series, and for each the target that has the number of its first step: `[windows, ..]`.
    ///
    /// To foretell what follows a window, hand over targets that are the series from `sequence_length` on. There are as
    /// many windows as both allow.
    ///
    /// # Errors
    ///
    /// As [`Windows::of`].
    pub fn with_targets<'a, 'b>(
        &self,
        series: impl IntoData<'a>,
        targets: impl IntoData<'b>,
    ) -> Result<(ArrayD<f32>, ArrayD<f32>)> {
        let series = only_f32(series, "Windows")?;
        let targets = only_f32(targets, "Windows")?;
        let end = self.end(series.shape().first().copied().unwrap_or(0))?;
        let labels = targets.shape().first().copied().unwrap_or(0);
        // The target of a window has the number of its first step, counted from the beginning of the series.
        let labelled = labels.min(end).saturating_sub(self.start_index);
        if labelled == 0 {
            return Err(Error::data(
                "targets",
                format!(
                    "have {labels} steps, but the first window begins at step {}",
                    self.start_index
                ),
            ));
        }
        let starts = self.starts_in(end - self.start_index).min(labelled);
        let count = starts.div_ceil(self.sequence_stride);
        let x = self.cut(series.view(), count)?;
        let rows: Vec<usize> = (0..count)
            .map(|i| self.start_index + i * self.sequence_stride)
            .collect();
        Ok((x, targets.select(Axis(0), &rows)))
    }

    /// The end of the part that is used, after checking the options against the series.
    fn end(&self, steps: usize) -> Result<usize> {
        let refuse =
            |argument: &str, problem: String| Err(Error::argument("Windows", argument, problem));
        for (argument, value) in [
            ("sequence_length", self.sequence_length),
            ("sequence_stride", self.sequence_stride),
            ("sampling_rate", self.sampling_rate),
        ] {
            if value == 0 {
                return refuse(argument, "is 0; it must be at least 1".to_string());
            }
        }
        let end = self.end_index.unwrap_or(steps);
        if end > steps || self.start_index >= end {
            return refuse(
                "start_index and end_index",
                format!(
                    "are {} and {end}, but the series has {steps} steps; the first must be below the second",
                    self.start_index
                ),
            );
        }
        if self.starts_in(end - self.start_index) == 0 {
            return refuse(
                "sequence_length",
                format!(
                    "is {} at a sampling rate of {}, which needs {} steps; there are {}",
                    self.sequence_length,
                    self.sampling_rate,
                    (self.sequence_length - 1)
                        .saturating_mul(self.sampling_rate)
                        .saturating_add(1),
                    end - self.start_index
                ),
            );
        }
        Ok(end)
    }

    /// The steps at which a window could begin.
    fn starts_in(&self, steps: usize) -> usize {
        steps.saturating_sub((self.sequence_length - 1).saturating_mul(self.sampling_rate))
    }

    fn windows_in(&self, steps: usize) -> usize {
        self.starts_in(steps).div_ceil(self.sequence_stride)
    }

    fn cut(&self, series: ArrayViewD<'_, f32>, count: usize) -> Result<ArrayD<f32>> {
        let windows: Vec<ArrayViewD<'_, f32>> = (0..count)
            .map(|i| {
                let first = self.start_index + i * self.sequence_stride;
                let last = first + (self.sequence_length - 1) * self.sampling_rate;
                let steps = Slice::new(
                    first as isize,
                    Some(last as isize + 1),
                    self.sampling_rate as isize,
                );
                let mut window = series.clone();
                window.slice_axis_inplace(Axis(0), steps);
                window
            })
            .collect();
        ndarray::stack(Axis(0), &windows)
            .map_err(|e| Error::data("series", format!("cannot be cut into windows: {e}")))
    }
}
