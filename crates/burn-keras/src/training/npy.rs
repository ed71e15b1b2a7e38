//! Arrays in `.npy` files that may be larger than memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use ndarray::{Array, ArrayD, ArrayViewD, Axis, CowArray, IxDyn, ShapeError};
use ndarray_npy::{ReadNpyExt, ReadableElement, ViewElement, ViewNpyExt};

use super::data::{Element, IntoValues, Rows, Values, gather};
use super::npy_header::checked_type;
use crate::tensor::Kind;
use crate::{Error, Result};

/// A `.npy` file that `fit`, `evaluate` and `predict` take in an array's place: only the rows of a batch are read, on
/// another thread while the model computes, and shuffling works as for arrays.
///
/// Real and whole numbers of any width are read; whole numbers must fit into 32 bits. The values are checked batch by
/// batch. The file is mapped into memory: it must not be made shorter while it is in use.
///
/// ```no_run
/// use burn_keras::prelude::*;
/// use burn_keras::training::NpyFile;
///
/// # fn train(mut model: Sequential) -> Result<()> {
/// let (x, y) = (NpyFile::open("x.npy")?, NpyFile::open("y.npy")?);
/// model.fit(&x, &y, Fit::new().batch_size(256).validation_split(0.1))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NpyFile {
    path: PathBuf,
    map: Mmap,
}

impl NpyFile {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when it cannot be read, is no `.npy` file, or holds something else than rows of numbers in C
    /// order.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let failed = |problem: String| Error::File {
            path: path.display().to_string(),
            problem,
        };
        let file = File::open(&path).map_err(|e| failed(format!("cannot open the file: {e}")))?;
        // SAFETY: the map is only read. That nobody makes the file shorter meanwhile is asked of the user; no process
        // can rule it out.
        let map = unsafe { Mmap::map(&file) };
        let map = map.map_err(|e| failed(format!("cannot map the file: {e}")))?;
        let opened = Self {
            map,
            path: path.clone(),
        };
        opened.stored()?;
        Ok(opened)
    }

    /// The shape, samples first.
    ///
    /// # Errors
    ///
    /// As [`NpyFile::open`], if the file was changed.
    pub fn shape(&self) -> Result<Vec<usize>> {
        Ok(self.stored()?.shape().to_vec())
    }

    fn stored(&self) -> Result<Stored<'_>> {
        let failed = |problem: String| Error::File {
            path: self.path.display().to_string(),
            problem,
        };
        let stored = Stored::view(&self.map).map_err(failed)?;
        if !stored.is_in_rows() {
            return Err(failed(
                "is stored column by column; save it with `np.save(path, np.ascontiguousarray(x))`"
                    .to_string(),
            ));
        }
        if stored.shape().is_empty() {
            return Err(failed("holds a single number, no rows".to_string()));
        }
        Ok(stored)
    }
}

impl<'a> IntoValues<'a> for &'a NpyFile {
    fn into_values(self) -> Result<Values<'a>> {
        Ok(Values::File(self.stored()?))
    }
}

impl Values<'static> {
    /// The array that the bytes of an `.npy` file hold, in memory; `name` is what errors call it.
    ///
    /// All types that [`NpyFile`] takes, in either byte order, stored row by row or column by column.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when the bytes are no such array, or another number of bytes than their header promises.
    pub fn from_npy(name: &str, bytes: &[u8]) -> Result<Self> {
        checked_type(bytes)
            .and_then(|kind| values_of(kind, bytes))
            .map_err(|problem| Error::data(name, problem))
    }
}

macro_rules! stored {
    ($($variant:ident($type:ty) $name:literal $kind:ident),+ $(,)?) => {
        /// An array in a file, as it is stored there.
        #[derive(Clone, Debug)]
        pub enum Stored<'a> {
            $(
                #[doc = concat!("Of `", stringify!($type), "`.")]
                $variant(ArrayViewD<'a, $type>),
            )+
        }

        impl<'a> Stored<'a> {
            /// The array of an `.npy` file of any of these types.
            fn view(bytes: &'a [u8]) -> Result<Self, String> {
                match checked_type(bytes)? {
                    $($name => view::<$type>(bytes).map(Self::$variant),)+
                    other => Err(unknown(other)),
                }
            }

            pub(super) fn shape(&self) -> &[usize] {
                match self {
                    $(Self::$variant(array) => array.shape(),)+
                }
            }

            fn is_in_rows(&self) -> bool {
                match self {
                    $(Self::$variant(array) => array.is_standard_layout(),)+
                }
            }

            pub(super) fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$kind,)+
                }
            }

            pub(super) fn reshaped(self, shape: &[usize]) -> Result<Self, ShapeError> {
                Ok(match self {
                    $(Self::$variant(array) => Self::$variant(array.into_shape_with_order(IxDyn(shape))?),)+
                })
            }

            /// The samples from `start` to `end`.
            pub(super) fn slice(&self, start: usize, end: usize) -> Stored<'_> {
                match self {
                    $(Self::$variant(array) => {
                        let mut part = array.view();
                        part.slice_axis_inplace(Axis(0), (start..end).into());
                        Stored::$variant(part)
                    })+
                }
            }

            /// The samples with these numbers, in memory.
            pub(super) fn take(&self, rows: &Rows<'_>) -> Result<Values<'static>> {
                let mut shape = self.shape().to_vec();
                shape[0] = rows.len();
                match self {
                    $(Self::$variant(array) => {
                        let array = Array::from_shape_vec(IxDyn(&shape), gather(array, rows))
                            .map_err(|e| Error::tensor("taking a batch", e.to_string()))?;
                        <$type>::values(CowArray::from(array))
                    })+
                }
            }
        }

        /// The array of values of this type that an `.npy` file holds.
        fn values_of(kind: &str, bytes: &[u8]) -> Result<Values<'static>, String> {
            match kind {
                $($name => owned::<$type>(bytes),)+
                other => Err(unknown(other)),
            }
        }
    };
}

stored!(
    F32(f32) "f4" Float,
    F64(f64) "f8" Float,
    I32(i32) "i4" Int,
    U8(u8) "u1" Int,
    I64(i64) "i8" Int,
    I8(i8) "i1" Int,
    I16(i16) "i2" Int,
    U16(u16) "u2" Int,
    U32(u32) "u4" Int,
    U64(u64) "u8" Int,
    Bool(bool) "b1" Int,
);

fn unknown(kind: &str) -> String {
    format!("holds values of type {kind}, which are not supported")
}

fn view<T: ViewElement>(bytes: &[u8]) -> Result<ArrayViewD<'_, T>, String> {
    ArrayViewD::view_npy(bytes).map_err(|e| format!("is no array that can be read: {e}"))
}

fn owned<T: ReadableElement + Element>(bytes: &[u8]) -> Result<Values<'static>, String> {
    let array = ArrayD::<T>::read_npy(bytes).map_err(|e| e.to_string())?;
    T::values(CowArray::from(array))
        .and_then(IntoValues::into_values)
        .map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::data::IntoData;
    use ndarray::{Array2, array};
    use ndarray_npy::{WriteNpyExt, write_npy};

    fn written<T: ndarray_npy::WritableElement>(array: &Array2<T>) -> (tempfile::TempDir, NpyFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        write_npy(&path, array).unwrap();
        let file = NpyFile::open(&path).unwrap();
        (folder, file)
    }

    #[test]
    fn rows_of_a_file_are_those_of_the_array() -> Result<()> {
        let (_folder, file) = written(&array![[1u8, 2], [3, 4], [5, 6], [7, 8]]);
        let values = (&file).into_data()?.remove(0);
        assert_eq!((values.shape(), values.kind()), (&[4, 2][..], Kind::Int));
        let part = values.slice(1, 4).take(&Rows::Listed(&[2, 0]))?;
        assert_eq!(part.to_f32()?, array![[7.0, 8.0], [3.0, 4.0]].into_dyn());
        let (_folder, file) = written(&array![[0.5f64], [1.5]]);
        let values = (&file).into_data()?.remove(0);
        assert_eq!(values.kind(), Kind::Float);
        assert_eq!(values.to_f32()?, array![[0.5], [1.5]].into_dyn());
        Ok(())
    }

    #[test]
    fn bytes_in_any_order_become_arrays_in_memory() -> Result<()> {
        let array = array![[1.0f64, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let rows = array.mapv(|v| v as f32).into_dyn();
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).unwrap();
        assert_eq!(Values::from_npy("x", &bytes)?.to_f32()?, rows);
        bytes.clear();
        let columns = array.t().as_standard_layout().into_owned();
        columns.t().write_npy(&mut bytes).unwrap();
        assert_eq!(Values::from_npy("x", &bytes)?.to_f32()?, rows);
        // The same numbers with the other byte order.
        let header = bytes.len() - 48;
        let place = bytes.windows(3).position(|w| w == b"<f8").unwrap();
        bytes[place] = b'>';
        bytes[header..]
            .chunks_exact_mut(8)
            .for_each(<[u8]>::reverse);
        assert_eq!(Values::from_npy("x", &bytes)?.to_f32()?, rows);
        let text = Values::from_npy("x", &bytes[1..]).unwrap_err().to_string();
        assert!(text.contains("x: is no .npy array"), "{text}");
        Ok(())
    }

    #[test]
    fn files_that_cannot_be_used_are_refused_with_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        std::fs::write(&path, b"no array").unwrap();
        let text = NpyFile::open(&path).unwrap_err().to_string();
        assert!(text.contains("x.npy"), "{text}");
        write_npy(&path, &array![[1.0f32, 2.0], [3.0, 4.0]].reversed_axes()).unwrap();
        let text = NpyFile::open(&path).unwrap_err().to_string();
        assert!(text.contains("column by column"), "{text}");
        assert!(NpyFile::open(folder.path().join("none.npy")).is_err());
    }
}
