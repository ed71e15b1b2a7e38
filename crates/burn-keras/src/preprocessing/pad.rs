//! Sequences of different lengths brought to one.

use ndarray::{Array2, Array3, ArrayBase, Axis, Data, Ix2, s};

use crate::{Error, Result};

/// An end of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The beginning: Keras' `"pre"`.
    Pre,
    /// The end: Keras' `"post"`.
    Post,
}

/// How [`pad_sequences`] and [`pad_series`] bring sequences to one length; the defaults are Keras'.
///
/// Keras pads in front unless told otherwise, so that the last steps, which an LSTM remembers best, are data.
///
/// ```
/// use burn_keras::preprocessing::{Pad, Side, pad_sequences};
///
/// let x = pad_sequences(&[vec![1, 2], vec![3]], Pad::new().maxlen(3).padding(Side::Post).value(-1));
/// assert_eq!(x.row(1).to_vec(), [3, -1, -1]);
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pad<T = f32> {
    maxlen: Option<usize>,
    padding: Side,
    truncating: Side,
    value: T,
}

impl<T: Default> Default for Pad<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Default> Pad<T> {
    /// To the length of the longest sequence, zeros in front.
    pub fn new() -> Self {
        Self {
            maxlen: None,
            padding: Side::Pre,
            truncating: Side::Pre,
            value: T::default(),
        }
    }

    /// The length they are brought to (that of the longest one).
    pub fn maxlen(mut self, maxlen: usize) -> Self {
        self.maxlen = Some(maxlen);
        self
    }

    /// Where shorter ones are filled up (in front).
    pub fn padding(mut self, side: Side) -> Self {
        self.padding = side;
        self
    }

    /// Where longer ones are cut off (in front).
    pub fn truncating(mut self, side: Side) -> Self {
        self.truncating = side;
        self
    }

    /// What they are filled up with (0).
    pub fn value(mut self, value: T) -> Self {
        self.value = value;
        self
    }

    /// The steps of a sequence that are kept, and where in the padded one they begin.
    fn place(&self, length: usize, maxlen: usize) -> (std::ops::Range<usize>, usize) {
        let kept = length.min(maxlen);
        let from = match self.truncating {
            Side::Pre => length - kept,
            Side::Post => 0,
        };
        let to = match self.padding {
            Side::Pre => maxlen - kept,
            Side::Post => 0,
        };
        (from..from + kept, to)
    }
}

/// Sequences of numbers as one array `[samples, timesteps]`: Keras' `pad_sequences`.
///
/// ```
/// use burn_keras::preprocessing::{Pad, Side, pad_sequences};
///
/// let x = pad_sequences(&[vec![1, 2], vec![3, 4, 5, 6], vec![7]], Pad::new().maxlen(3));
/// assert_eq!(x.row(0).to_vec(), [0, 1, 2]);
/// assert_eq!(x.row(1).to_vec(), [4, 5, 6]);
///
/// let x = pad_sequences(&[vec![1.0], vec![2.0, 3.0]], Pad::new().padding(Side::Post).value(-1.0));
/// assert_eq!(x.row(0).to_vec(), [1.0, -1.0]);
/// ```
pub fn pad_sequences<T: Copy + Default>(
    sequences: &[impl AsRef<[T]>],
    options: Pad<T>,
) -> Array2<T> {
    let lengths = sequences.iter().map(|s| s.as_ref().len());
    let maxlen = options.maxlen.unwrap_or(lengths.max().unwrap_or(0));
    let mut padded = Array2::from_elem((sequences.len(), maxlen), options.value);
    for (mut row, sequence) in padded.axis_iter_mut(Axis(0)).zip(sequences) {
        let sequence = sequence.as_ref();
        let (from, to) = options.place(sequence.len(), maxlen);
        for (i, value) in sequence[from].iter().enumerate() {
            row[to + i] = *value;
        }
    }
    padded
}

/// Series `[timesteps, features]` as one array `[samples, timesteps, features]`: Keras' `pad_sequences` of such.
///
/// Put a `Masking` layer with the same value in front of the LSTM, so that the filled-up steps do not count.
///
/// ```
/// use burn_keras::ndarray::Array2;
/// use burn_keras::preprocessing::{Pad, Side, pad_series};
///
/// let utterances = [Array2::<f32>::ones((20, 12)), Array2::ones((29, 12))];
/// let x = pad_series(&utterances, Pad::new().padding(Side::Post))?;
/// assert_eq!(x.shape(), [2, 29, 12]);
/// # Ok::<(), burn_keras::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Data`] when the series differ in their number of features.
pub fn pad_series<T: Copy + Default, S: Data<Elem = T>>(
    series: &[ArrayBase<S, Ix2>],
    options: Pad<T>,
) -> Result<Array3<T>> {
    let features = series.first().map_or(0, |s| s.ncols());
    if let Some((i, other)) = series
        .iter()
        .enumerate()
        .find(|(_, s)| s.ncols() != features)
    {
        return Err(Error::data(
            "series",
            format!(
                "number {i} has {} features and number 0 has {features}; every step of every series needs the same number",
                other.ncols()
            ),
        ));
    }
    let lengths = series.iter().map(|s| s.nrows());
    let maxlen = options.maxlen.unwrap_or(lengths.max().unwrap_or(0));
    let mut padded = Array3::from_elem((series.len(), maxlen, features), options.value);
    for (mut sample, one) in padded.axis_iter_mut(Axis(0)).zip(series) {
        let (from, to) = options.place(one.nrows(), maxlen);
        let count = from.len();
        sample
            .slice_mut(s![to..to + count, ..])
            .assign(&one.slice(s![from, ..]));
    }
    Ok(padded)
}
