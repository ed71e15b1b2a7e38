//! Arrays on the host, as `fit`, `evaluate` and `predict` take them, and the checks they go through.

use burn::tensor::{Device, Int, Tensor};
use ndarray::{Array, ArrayBase, ArrayView, ArrayViewD, Axis, CowArray, Dimension, IxDyn, RawData};

use super::npy::{NpyFile, Stored};
use crate::dims::Dims;
use crate::tensor::{AnyTensor, Kind};
use crate::{Error, Result};

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
        let widen = |range: Option<(i64, i64)>, v: i64| match range {
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

/// A number that arrays may hold: `f32`, `f64`, `bool` and all integers.
pub trait Element: Copy + 'static {
    /// An array of such numbers as [`Values`]; borrowed where it can be. Whole numbers over 32 bits become real ones.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the array cannot be converted.
    fn values<'a>(array: CowArray<'a, Self, IxDyn>) -> Result<Values<'a>>;
}

impl Element for f32 {
    fn values<'a>(array: CowArray<'a, Self, IxDyn>) -> Result<Values<'a>> {
        Ok(Values::Float(standard(array)))
    }
}

impl Element for f64 {
    fn values<'a>(array: CowArray<'a, Self, IxDyn>) -> Result<Values<'a>> {
        Ok(Values::Float(CowArray::from(
            standard(array).mapv(|v| v as f32),
        )))
    }
}

impl Element for i32 {
    fn values<'a>(array: CowArray<'a, Self, IxDyn>) -> Result<Values<'a>> {
        Ok(Values::Int(standard(array)))
    }
}

impl Element for bool {
    fn values<'a>(array: CowArray<'a, Self, IxDyn>) -> Result<Values<'a>> {
        Ok(Values::Int(CowArray::from(standard(array).mapv(i32::from))))
    }
}

macro_rules! integer_element {
    ($($ty:ty),+) => {$(
        impl Element for $ty {
            fn values<'a>(array: CowArray<'a, Self, IxDyn>) -> Result<Values<'a>> {
                let array = standard(array);
                let shape = array.raw_dim();
                let converted: Option<Vec<i32>> = array.iter().map(|v| i32::try_from(*v).ok()).collect();
                // A number over 32 bits can be a quantity but no category.
                let Some(values) = converted else {
                    return Ok(Values::Float(CowArray::from(array.mapv(|v| v as f32))));
                };
                let array = Array::from_shape_vec(shape, values)
                    .map_err(|e| Error::tensor("converting data", e.to_string()))?;
                Ok(Values::Int(CowArray::from(array)))
            }
        }
    )+};
}

integer_element!(i8, i16, i64, isize, u8, u16, u32, u64, usize);

/// The array with its rows one after the other in memory, copied only where they are not.
fn standard<T: Clone>(array: CowArray<'_, T, IxDyn>) -> CowArray<'_, T, IxDyn> {
    if array.is_standard_layout() {
        array
    } else {
        CowArray::from(array.as_standard_layout().into_owned())
    }
}

/// One array: of the crate `ndarray`, nested `Vec`s, a `Vec` with its shape, or a burn tensor.
pub trait IntoValues<'a> {
    /// The array.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] for nested `Vec`s of unequal lengths, or a shape that the number of values contradicts.
    fn into_values(self) -> Result<Values<'a>>;
}

impl<'a> IntoValues<'a> for Values<'a> {
    fn into_values(self) -> Result<Values<'a>> {
        Ok(match self {
            Self::Float(array) => Self::Float(standard(array)),
            Self::Int(array) => Self::Int(standard(array)),
            Self::File(stored) => Self::File(stored),
        })
    }
}

impl<'a> IntoValues<'a> for &'a Values<'_> {
    fn into_values(self) -> Result<Values<'a>> {
        match self {
            Values::Float(array) => Values::Float(CowArray::from(array.view())),
            Values::Int(array) => Values::Int(CowArray::from(array.view())),
            Values::File(stored) => Values::File(stored.slice(0, self.samples())),
        }
        .into_values()
    }
}

impl<'a, T, S, D> IntoValues<'a> for &'a ArrayBase<S, D>
where
    T: Element,
    S: ndarray::Data + RawData<Elem = T>,
    D: Dimension,
{
    fn into_values(self) -> Result<Values<'a>> {
        let view: ArrayViewD<'a, T> = self.view().into_dyn();
        T::values(CowArray::from(view))
    }
}

impl<'a, T: Element, D: Dimension> IntoValues<'a> for Array<T, D> {
    fn into_values(self) -> Result<Values<'a>> {
        T::values(CowArray::from(self.into_dyn()))
    }
}

impl<'a, T: Element, D: Dimension> IntoValues<'a> for ArrayView<'a, T, D> {
    fn into_values(self) -> Result<Values<'a>> {
        T::values(CowArray::from(self.into_dyn()))
    }
}

impl<'a, T: Element, const N: usize> IntoValues<'a> for (Vec<T>, [usize; N]) {
    fn into_values(self) -> Result<Values<'a>> {
        let (values, shape) = self;
        let count = values.len();
        let array = Array::from_shape_vec(IxDyn(&shape), values).map_err(|_| {
            Error::data(
                "an array",
                format!(
                    "has {count} values, but its shape {shape:?} asks for {}",
                    shape.iter().map(|n| *n as f64).product::<f64>()
                ),
            )
        })?;
        T::values(CowArray::from(array))
    }
}

impl<'a, const D: usize> IntoValues<'a> for &Tensor<D> {
    fn into_values(self) -> Result<Values<'a>> {
        let tensor = AnyTensor::from(self.clone());
        (tensor.to_vec()?, self.dims()).into_values()
    }
}

impl<'a, const D: usize> IntoValues<'a> for &Tensor<D, Int> {
    fn into_values(self) -> Result<Values<'a>> {
        let values = self.clone().try_into_vec_as::<i32>().map_err(|e| {
            Error::Device(format!("reading a tensor back from the device failed: {e}"))
        })?;
        (values, self.dims()).into_values()
    }
}

macro_rules! nested_values {
    ($($ty:ty),+) => {$(
        impl<'a> IntoValues<'a> for &'a Vec<$ty> {
            fn into_values(self) -> Result<Values<'a>> {
                let view = ArrayView::from(self.as_slice());
                <$ty>::values(CowArray::from(view.into_dyn()))
            }
        }

        impl<'a> IntoValues<'a> for &'a [$ty] {
            fn into_values(self) -> Result<Values<'a>> {
                <$ty>::values(CowArray::from(ArrayView::from(self).into_dyn()))
            }
        }

        impl<'a> IntoValues<'a> for &Vec<Vec<$ty>> {
            fn into_values(self) -> Result<Values<'a>> {
                let width = equal_lengths(self.iter().map(Vec::len), "row")?;
                (self.concat(), [self.len(), width]).into_values()
            }
        }

        impl<'a> IntoValues<'a> for &Vec<Vec<Vec<$ty>>> {
            fn into_values(self) -> Result<Values<'a>> {
                let steps = equal_lengths(self.iter().map(Vec::len), "sample")?;
                let width = equal_lengths(self.iter().flatten().map(Vec::len), "step")?;
                let flat = self.iter().flatten().flatten().copied().collect::<Vec<_>>();
                (flat, [self.len(), steps, width]).into_values()
            }
        }
    )+};
}

nested_values!(f32, f64, bool, i8, i16, i32, i64, u8, u16, u32, u64, usize);

fn equal_lengths(lengths: impl Iterator<Item = usize>, what: &str) -> Result<usize> {
    let mut first = None;
    for (i, length) in lengths.enumerate() {
        let expected = *first.get_or_insert(length);
        if length != expected {
            return Err(Error::data(
                "a nested Vec",
                format!(
                    "is ragged: {what} 0 has length {expected}, but {what} {i} has length {length}; fill them up to one length, as `preprocessing::pad_sequences` does"
                ),
            ));
        }
    }
    Ok(first.unwrap_or(0))
}

/// What `fit`, `evaluate` and `predict` accept: one array, or a tuple or `Vec` of arrays for a model with several
/// inputs or outputs.
pub trait IntoData<'a> {
    /// The arrays, in the order of the model's inputs or outputs.
    ///
    /// # Errors
    ///
    /// Those of [`IntoValues::into_values`].
    fn into_data(self) -> Result<Vec<Values<'a>>>;
}

macro_rules! single_data {
    ($([$($generics:tt)*] $ty:ty;)+) => {$(
        impl<'a, $($generics)*> IntoData<'a> for $ty {
            fn into_data(self) -> Result<Vec<Values<'a>>> {
                Ok(vec![self.into_values()?])
            }
        }
    )+};
}

single_data! {
    [] Values<'a>;
    [] &'a Values<'_>;
    [] &'a NpyFile;
    [T: Element, S: ndarray::Data + RawData<Elem = T>, D: Dimension] &'a ArrayBase<S, D>;
    [T: Element, D: Dimension] Array<T, D>;
    [T: Element, D: Dimension] ArrayView<'a, T, D>;
    [T: Element, const N: usize] (Vec<T>, [usize; N]);
    [const D: usize] &Tensor<D>;
    [const D: usize] &Tensor<D, Int>;
}

impl<'a, T> IntoData<'a> for &'a Vec<T>
where
    &'a Vec<T>: IntoValues<'a>,
{
    fn into_data(self) -> Result<Vec<Values<'a>>> {
        Ok(vec![self.into_values()?])
    }
}

impl<'a> IntoData<'a> for Vec<Values<'a>> {
    fn into_data(self) -> Result<Vec<Values<'a>>> {
        self.into_iter().map(IntoValues::into_values).collect()
    }
}

macro_rules! tuple_data {
    ($($name:ident),+) => {
        impl<'a, $($name: IntoValues<'a>),+> IntoData<'a> for ($($name,)+) {
            fn into_data(self) -> Result<Vec<Values<'a>>> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                Ok(vec![$($name.into_values()?),+])
            }
        }
    };
}

tuple_data!(A, B);
tuple_data!(A, B, C);
tuple_data!(A, B, C, D);

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn f32_arrays_are_borrowed_and_others_converted() -> Result<()> {
        let x = Array2::<f32>::zeros((4, 3));
        let Values::Float(borrowed) = (&x).into_values()? else {
            panic!("floats became whole numbers")
        };
        assert_eq!(borrowed.as_ptr(), x.as_ptr());
        let values = (&array![[1u8, 2], [3, 4]]).into_values()?.kind();
        assert_eq!(values, Kind::Int);
        Ok(())
    }

    #[test]
    fn a_transposed_array_is_put_in_order() -> Result<()> {
        let x = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let values = x.t().into_values()?;
        let tensor = values.into_tensor(&crate::backend::default_device()?)?;
        assert_eq!(tensor.to_vec()?, vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        Ok(())
    }

    #[test]
    fn a_ragged_nested_vec_says_which_row_differs() {
        let ragged = vec![vec![1.0f32, 2.0], vec![3.0]];
        let text = (&ragged).into_values().unwrap_err().to_string();
        assert!(
            text.contains("row 0 has length 2, but row 1 has length 1"),
            "{text}"
        );
    }

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
    fn a_whole_number_over_32_bits_becomes_a_real_one() -> Result<()> {
        let kind = array![1i64 << 40].into_values()?.kind();
        assert_eq!(kind, Kind::Float);
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
