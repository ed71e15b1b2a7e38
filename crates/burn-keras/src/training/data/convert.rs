//! What can be given as data, and how it becomes [`Values`].

use burn::tensor::{Int, Tensor};
use ndarray::{Array, ArrayBase, ArrayView, ArrayViewD, CowArray, Dimension, IxDyn, RawData};

use super::Values;
use crate::tensor::{AnyTensor, host_ints};
use crate::training::npy::NpyFile;
use crate::{Error, Result};

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
        (host_ints(self.clone())?, self.dims()).into_values()
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
                let way = "`pad_sequences(&x, Pad::new())` (in `burn_keras::preprocessing`) brings them to one length, with zeros in front \
                           of the shorter ones";
                let width = equal_lengths(self.iter().map(Vec::len), "row", way)?;
                (self.concat(), [self.len(), width]).into_values()
            }
        }

        impl<'a> IntoValues<'a> for &Vec<Vec<Vec<$ty>>> {
            fn into_values(self) -> Result<Values<'a>> {
                let way = "`pad_series(&x, Pad::new())?` (in `burn_keras::preprocessing`) brings series, each an `Array2` \
                           [timesteps, features], to one length, with zeros in front of the shorter ones";
                let steps = equal_lengths(self.iter().map(Vec::len), "sample", way)?;
                let way = "every step needs the same features";
                let width = equal_lengths(self.iter().flatten().map(Vec::len), "step", way)?;
                let flat = self.iter().flatten().flatten().copied().collect::<Vec<_>>();
                (flat, [self.len(), steps, width]).into_values()
            }
        }
    )+};
}

nested_values!(f32, f64, bool, i8, i16, i32, i64, u8, u16, u32, u64, usize);

/// The length that all have; `way` says how those of different lengths are brought to one.
fn equal_lengths(lengths: impl Iterator<Item = usize>, what: &str, way: &str) -> Result<usize> {
    let mut first = None;
    for (i, length) in lengths.enumerate() {
        let expected = *first.get_or_insert(length);
        if length != expected {
            return Err(Error::data(
                "a nested Vec",
                format!(
                    "{what} 0 has length {expected}, but {what} {i} has length {length}; {way}"
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
    use crate::tensor::Kind;
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
    fn a_whole_number_over_32_bits_becomes_a_real_one() -> Result<()> {
        let kind = array![1i64 << 40].into_values()?.kind();
        assert_eq!(kind, Kind::Float);
        Ok(())
    }
}
