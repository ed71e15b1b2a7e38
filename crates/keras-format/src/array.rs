//! Arrays as the files hold them: a shape and row-major values.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Result};

/// A dense array, row-major ("C order") like NumPy's.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    data: Data,
}

/// The values of an [`Array`], in the type the file stores.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// float32, the type of every weight.
    F32(Vec<f32>),
    /// float64.
    F64(Vec<f64>),
    /// int32: the optimizer's iteration counter as Keras on JAX stores it.
    I32(Vec<i32>),
    /// int64: the same as TensorFlow stores it.
    I64(Vec<i64>),
    /// uint32: seeds.
    U32(Vec<u32>),
}

/// Element type of an [`Array`]. Displays as NumPy's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// float32
    F32,
    /// float64
    F64,
    /// int32
    I32,
    /// int64
    I64,
    /// uint32
    U32,
}

impl DType {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::F64 | DType::I64 => 8,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U32 => "uint32",
        })
    }
}

impl Data {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
            Data::I32(v) => v.len(),
            Data::I64(v) => v.len(),
            Data::U32(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::I32(_) => DType::I32,
            Data::I64(_) => DType::I64,
            Data::U32(_) => DType::U32,
        }
    }
}

impl Array {
    /// An array of `shape` (`[]` is a scalar) over `data` in row-major order.
    ///
    /// # Errors
    /// [`Error::ArrayLength`] when the shape asks for another number of values.
    pub fn new(shape: impl Into<Vec<usize>>, data: Data) -> Result<Self> {
        let shape = shape.into();
        let expected = shape
            .iter()
            .try_fold(1usize, |n, &axis| n.checked_mul(axis))
            .unwrap_or(usize::MAX);
        if expected != data.len() {
            return Err(Error::ArrayLength {
                shape,
                expected,
                found: data.len(),
            });
        }
        Ok(Array { shape, data })
    }

    /// A float32 array.
    ///
    /// # Errors
    /// As [`Array::new`].
    pub fn f32(shape: impl Into<Vec<usize>>, values: impl Into<Vec<f32>>) -> Result<Self> {
        Self::new(shape, Data::F32(values.into()))
    }

    /// A float32 scalar, such as an optimizer's learning rate.
    pub fn scalar_f32(value: f32) -> Self {
        Array {
            shape: Vec::new(),
            data: Data::F32(vec![value]),
        }
    }

    /// An int32 scalar, such as an optimizer's iteration counter.
    pub fn scalar_i32(value: i32) -> Self {
        Array {
            shape: Vec::new(),
            data: Data::I32(vec![value]),
        }
    }

    /// The extent of each axis, empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in row-major order.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether an axis is zero long.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Shape and values, without a copy.
    pub fn into_parts(self) -> (Vec<usize>, Data) {
        (self.shape, self.data)
    }

    /// The values as float32: borrowed where they are, else rounded as NumPy's `astype` does.
    pub fn to_f32(&self) -> Cow<'_, [f32]> {
        match &self.data {
            Data::F32(v) => Cow::Borrowed(v),
            Data::F64(v) => v.iter().map(|&x| x as f32).collect(),
            Data::I32(v) => v.iter().map(|&x| x as f32).collect(),
            Data::I64(v) => v.iter().map(|&x| x as f32).collect(),
            Data::U32(v) => v.iter().map(|&x| x as f32).collect(),
        }
    }

    /// [`to_f32`](Array::to_f32) that gives the values away without a copy where it can.
    pub fn into_f32(self) -> Vec<f32> {
        match self.data {
            Data::F32(v) => v,
            _ => self.to_f32().into_owned(),
        }
    }

    /// The one value of an integer scalar (shape `[]` or `[1]`), else `None`.
    pub fn as_int(&self) -> Option<i64> {
        if self.len() != 1 {
            return None;
        }
        match &self.data {
            Data::I32(v) => v.first().map(|&x| i64::from(x)),
            Data::I64(v) => v.first().copied(),
            Data::U32(v) => v.first().map(|&x| i64::from(x)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_that_asks_for_other_values_is_refused() {
        assert!(Array::f32([2, 3], vec![0.0; 6]).is_ok());
        assert!(matches!(
            Array::f32([2, 3], vec![0.0; 5]),
            Err(Error::ArrayLength {
                expected: 6,
                found: 5,
                ..
            })
        ));
        assert!(Array::f32([usize::MAX, 4], vec![0.0]).is_err());
    }

    #[test]
    fn a_scalar_has_one_value_and_no_axes() {
        let step = Array::scalar_i32(7);
        assert_eq!(step.shape(), [] as [usize; 0]);
        assert_eq!(step.as_int(), Some(7));
        assert_eq!(step.to_f32().as_ref(), [7.0]);
    }
}
