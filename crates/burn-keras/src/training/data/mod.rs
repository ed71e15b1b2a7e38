//! Arrays on the host, as `fit`, `evaluate` and `predict` take them, and the checks they go through.

use burn::tensor::Device;
use ndarray::{Array, ArrayBase, Axis, CowArray, IxDyn};

use super::npy::Stored;
use crate::dims::Dims;
use crate::tensor::{AnyTensor, Kind};
use crate::{Error, Result};

mod convert;

pub use convert::{Element, IntoData, IntoValues};

/// An array of real or whole numbers, its first axis the samples; rows lie one after the other in memory.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Real numbers.
    Float(CowArray<'a, f32, IxDyn>),
    /// Whole numbers.
    Int(CowArray<'a, i32, IxDyn>),
    /// Numbers in a file, read when a batch needs them.
    File(Stored<'a>),
}

impl Values<'_> {
    /// The shape, samples first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Float(array) => array.shape(),
            Self::Int(array) => array.shape(),
            Self::File(stored) => stored.shape(),
        }
    }

    /// The shape as [`Dims`], every axis known.
    pub fn dims(&self) -> Dims {
        Dims::known(self.shape())
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.shape().first().copied().unwrap_or(0)
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Float(_) => Kind::Float,
            Self::Int(_) => Kind::Int,
            Self::File(stored) => stored.kind(),
        }
    }

    /// The same values under another shape with the same number of values.
    pub(crate) fn reshaped(self, shape: &[usize]) -> Result<Self> {
        let failed = |e: ndarray::ShapeError| Error::tensor("reshaping data", e.to_string());
        Ok(match self {
            Self::Float(a) => Self::Float(a.into_shape_with_order(IxDyn(shape)).map_err(failed)?),
            Self::Int(a) => Self::Int(a.into_shape_with_order(IxDyn(shape)).map_err(failed)?),
            Self::File(stored) => Self::File(stored.reshaped(shape).map_err(failed)?),
        })
    }

    /// The samples from `start` to `end`, without copying.
    pub(crate) fn slice(&self, start: usize, end: usize) -> Values<'_> {
        fn part<'b, T>(
            array: &'b CowArray<'_, T, IxDyn>,
            start: usize,
            end: usize,
        ) -> CowArray<'b, T, IxDyn> {
            CowArray::from(array.slice_axis(Axis(0), (start..end).into()))
        }
        match self {
            Self::Float(array) => Values::Float(part(array, start, end)),
            Self::Int(array) => Values::Int(part(array, start, end)),
            Self::File(stored) => Values::File(stored.slice(start, end)),
        }
    }

    /// Whether the values are in a file: they are checked batch by batch then.
    pub(crate) fn is_in_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// The samples with these numbers, in memory of their own.
    ///
    /// # Errors
    ///
    /// None for arrays in memory.
    pub(crate) fn take(&self, rows: &Rows<'_>) -> Result<Values<'static>> {
        fn part<T: Copy>(
            array: &CowArray<'_, T, IxDyn>,
            rows: &Rows<'_>,
        ) -> Result<CowArray<'static, T, IxDyn>> {
            let mut shape = array.shape().to_vec();
            if let Some(samples) = shape.first_mut() {
                *samples = rows.len();
            }
            let array = Array::from_shape_vec(IxDyn(&shape), gather(array, rows))
                .map_err(|e| Error::tensor("taking a batch", e.to_string()))?;
            Ok(CowArray::from(array))
        }
        Ok(match self {
            Self::Float(array) => Values::Float(part(array, rows)?),
            Self::Int(array) => Values::Int(part(array, rows)?),
            Self::File(stored) => stored.take(rows)?,
        })
    }

    /// The values as a tensor on `device`; what is in memory of its own is not copied.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for more axes than are supported.
    pub(crate) fn into_tensor(self, device: &Device) -> Result<AnyTensor> {
        let shape = self.shape().to_vec();
        match self {
            Self::Float(array) => AnyTensor::from_f32(flat(array), &shape, device),
            Self::Int(array) => AnyTensor::from_i32(flat(array), &shape, device),
            Self::File(stored) => stored
                .take(&Rows::Range(0, shape.first().copied().unwrap_or(0)))?
                .into_tensor(device),
        }
    }

    /// The values as real numbers.
    ///
    /// # Errors
    ///
    /// None for arrays in memory.
    pub(crate) fn to_f32(&self) -> Result<CowArray<'_, f32, IxDyn>> {
        Ok(match self {
            Self::Float(array) => CowArray::from(array.view()),
            Self::Int(array) => CowArray::from(array.mapv(|v| v as f32)),
            Self::File(_) => {
                let all = self.take(&Rows::Range(0, self.samples()))?;
                CowArray::from(all.to_f32()?.into_owned())
            }
        })
    }

    /// The row and value of the first number that is not a whole one among `0..end`.
    pub(crate) fn first_outside(&self, end: usize, ignored: Option<i64>) -> Option<(usize, f64)> {
        let ignored = ignored.map(|n| n as f64);
        let width = (self.shape().iter().product::<usize>() / self.samples().max(1)).max(1);
        let found = match self {
            Self::Int(array) => array
                .iter()
                .enumerate()
                .filter(|(_, v)| Some(f64::from(**v)) != ignored)
                .find(|(_, v)| usize::try_from(**v).map_or(true, |v| v >= end))
                .map(|(i, v)| (i, f64::from(*v))),
            Self::Float(array) => array
                .iter()
                .enumerate()
                .filter(|(_, v)| Some(f64::from(**v)) != ignored)
                .find(|(_, v)| **v < 0.0 || **v >= end as f32 || v.fract() != 0.0)
                .map(|(i, v)| (i, f64::from(*v))),
            Self::File(_) => None,
        };
        found.map(|(position, value)| (position / width, value))
    }

    /// The smallest and the largest number, if all are whole; `None` for data in a file.
    pub(crate) fn whole_range(&self) -> Option<(i64, i64)> {
        self.whole_range_without(None)
    }

    /// The same, one number left out of account.
    pub(crate) fn whole_range_without(&self, ignored: Option<i64>) -> Option<(i64, i64)> {
        let widen = |range: Option<(i64, i64)>, v: i64| match range {
            _ if Some(v) == ignored => range,
            Some((low, high)) => Some((low.min(v), high.max(v))),
            None => Some((v, v)),
        };
        match self {
            Self::Int(array) => array.iter().fold(None, |r, v| widen(r, i64::from(*v))),
            Self::Float(array) => array
                .iter()
                .try_fold(None, |range, v| {
                    (v.fract() == 0.0).then(|| widen(range, *v as i64))
                })
                .flatten(),
            Self::File(_) => None,
        }
    }

    /// Whether every value is a number.
    pub(crate) fn check_finite(&self, name: &str) -> Result<()> {
        let Self::Float(array) = self else {
            return Ok(());
        };
        let Some(values) = array.as_slice() else {
            return Ok(());
        };
        // Infinity is let through: it can be a legitimate sentinel that a Masking layer takes out.
        let Some(position) = values.iter().position(|v| v.is_nan()) else {
            return Ok(());
        };
        let width = (values.len() / self.samples().max(1)).max(1);
        Err(Error::data(
            name,
            format!(
                "has a NaN in row {}, value {} of that row: one NaN makes every weight NaN in a single step; drop the \
                 row, or replace missing values before training",
                position / width,
                position % width
            ),
        ))
    }
}

/// Which samples make up a batch.
#[derive(Clone, Debug)]
pub(crate) enum Rows<'a> {
    /// Those from the first number up to the second.
    Range(usize, usize),
    /// Those with these numbers.
    Listed(&'a [usize]),
}

impl Rows<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Range(start, end) => end - start,
            Self::Listed(rows) => rows.len(),
        }
    }
}

pub(super) fn gather<T: Copy, S: ndarray::Data<Elem = T>>(
    array: &ArrayBase<S, IxDyn>,
    rows: &Rows<'_>,
) -> Vec<T> {
    // `Values` are made in standard layout only, so the slice is always there.
    let values = array.as_slice().unwrap_or_default();
    let width = array.shape().iter().skip(1).product::<usize>();
    match rows {
        Rows::Range(start, end) => values[start * width..end * width].to_vec(),
        Rows::Listed(list) => {
            let mut batch = Vec::with_capacity(list.len() * width);
            for row in *list {
                batch.extend_from_slice(&values[row * width..(row + 1) * width]);
            }
            batch
        }
    }
}

/// The values of an array in standard layout, row after row.
fn flat<T: Clone>(array: CowArray<'_, T, IxDyn>) -> Vec<T> {
    let (values, offset) = array.into_owned().into_raw_vec_and_offset();
    match offset {
        None | Some(0) => values,
        Some(start) => values[start..].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_nan_is_named_by_its_row() -> Result<()> {
        let x = array![[1.0f32, 2.0], [3.0, f32::NAN]];
        let text = (&x)
            .into_values()?
            .check_finite("x")
            .unwrap_err()
            .to_string();
        assert!(text.starts_with("x: has a NaN in row 1, value 1"), "{text}");
        Ok(())
    }

    #[test]
    fn listed_rows_are_gathered_in_their_order() -> Result<()> {
        let x = array![[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let batch = (&x)
            .into_values()?
            .take(&Rows::Listed(&[2, 0]))?
            .into_tensor(&crate::backend::default_device()?)?;
        assert_eq!(batch.to_vec()?, vec![5.0, 6.0, 1.0, 2.0]);
        Ok(())
    }
}
