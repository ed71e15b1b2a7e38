//! Arrays in `.npy` files that may be larger than memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use ndarray::{Array, ArrayViewD, Axis, CowArray, IxDyn, ShapeError};
use ndarray_npy::{ViewElement, ViewNpyError, ViewNpyExt};

use super::data::{Element, IntoValues, Rows, Values, gather};
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
        let stored = Stored::view(&self.map)
            .map_err(|e| failed(format!("is no array that can be read: {e}")))?;
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

macro_rules! stored {
    ($($variant:ident($type:ty) $kind:ident),+ $(,)?) => {
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
            fn view(bytes: &'a [u8]) -> Result<Self, ViewNpyError> {
                $(if let Ok(array) = view::<$type>(bytes) {
                    return Ok(Self::$variant(array));
                })+
                // What is wrong with it, or that it is of none of these types.
                view::<f32>(bytes).map(Self::F32)
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
    };
}

stored!(
    F32(f32) Float,
    F64(f64) Float,
    I32(i32) Int,
    U8(u8) Int,
    I64(i64) Int,
    I8(i8) Int,
    I16(i16) Int,
    U16(u16) Int,
    U32(u32) Int,
    U64(u64) Int,
    Bool(bool) Int,
);

fn view<T: ViewElement>(bytes: &[u8]) -> Result<ArrayViewD<'_, T>, ViewNpyError> {
    ArrayViewD::view_npy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::data::IntoData;
    use ndarray::{Array2, array};
    use ndarray_npy::write_npy;

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
