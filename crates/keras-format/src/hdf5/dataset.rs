//! Datasets: arrays whose bytes lie in the file as they are in memory.

use super::bytes::Cursor;
use super::datatype::{Space, Type};
use super::header::{DATA_LAYOUT, DATASPACE, DATATYPE, EXTERNAL_FILES, FILTERS};
use super::image::Image;
use super::{Attribute, Object, UNDEFINED};
use crate::array::{Array, DType, Data};
use crate::error::{Error, Result};

impl<'a> Object<'a> {
    /// Reads the whole dataset.
    pub(crate) fn array(&self, image: &Image<'a>) -> Result<Array> {
        let missing = |what: &str| {
            Error::corrupt(
                format!("dataset `/{}`", self.path()),
                format!("it has no {what}"),
            )
        };
        let space = Space::read(
            self.messages
                .one(DATASPACE)
                .ok_or_else(|| missing("shape"))?,
        )?;
        let kind = Type::read(self.messages.one(DATATYPE).ok_or_else(|| missing("type"))?)?;
        let Type::Number(dtype, big_endian) = kind else {
            return Err(self.wrong_type(image, kind));
        };
        let bytes = self.raw(image, &space, kind)?;
        image.copy_out(bytes.len() as u64)?;
        Array::new(space.shape, decode(bytes, dtype, big_endian))
    }

    /// The dataset's bytes in the file.
    fn raw(&self, image: &Image<'a>, space: &Space, kind: Type) -> Result<&'a [u8]> {
        let title = || format!("dataset `/{}`", self.path());
        if self.messages.has(EXTERNAL_FILES) {
            return Err(self.refused("data in another file"));
        }
        if self.messages.has(FILTERS) {
            return Err(self.refused("compressed or filtered data"));
        }
        let expected = space.count.checked_mul(kind.size());
        let expected =
            expected.ok_or_else(|| Error::corrupt(title(), "its size can't be counted"))?;
        let body = self.messages.one(DATA_LAYOUT).unwrap_or_default();
        let mut c = Cursor::new(body, "an HDF5 data layout");
        let version = c.u8()?;
        if !(3..=4).contains(&version) {
            return Err(self.refused("the data layout of HDF5 before 1.6.3"));
        }
        let bytes = match c.u8()? {
            0 => {
                let size = c.u16()?;
                c.take(usize::from(size))?
            }
            1 => {
                let (address, size) = (c.u64()?, c.u64()?);
                if expected == 0 {
                    return Ok(&[]);
                }
                if address == UNDEFINED {
                    return Err(Error::corrupt(title(), "its values were never written"));
                }
                if size < expected {
                    return Err(Error::corrupt(
                        title(),
                        format!("its shape needs {expected} bytes, {size} are stored"),
                    ));
                }
                image.slice(address, expected, "an HDF5 dataset")?
            }
            2 => return Err(self.refused("chunked data")),
            3 => return Err(self.refused("a virtual dataset")),
            _ => return Err(self.refused("an unknown data layout")),
        };
        let whole = usize::try_from(expected).ok().and_then(|n| bytes.get(..n));
        whole.ok_or_else(|| {
            Error::corrupt(
                title(),
                format!(
                    "its shape needs {expected} bytes, {} are stored",
                    bytes.len()
                ),
            )
        })
    }

    fn refused(&self, feature: &str) -> Error {
        Error::Hdf5Feature {
            object: format!("/{}", self.path()),
            feature: feature.into(),
        }
    }

    /// Keras marks raw bfloat16 by an attribute `dtype`.
    fn wrong_type(&self, image: &Image<'a>, kind: Type) -> Error {
        let dtype = match self.attribute(image, "dtype") {
            Ok(Some(Attribute::Text(names))) if names.len() == 1 => names.concat(),
            _ => match kind {
                Type::Other(name, _) => name.to_string(),
                _ => "text".to_string(),
            },
        };
        Error::ArrayType {
            array: self.path().to_string(),
            dtype,
        }
    }
}

fn decode(bytes: &[u8], dtype: DType, big_endian: bool) -> Data {
    macro_rules! numbers {
        ($t:ty) => {{
            const SIZE: usize = size_of::<$t>();
            let (chunks, _) = bytes.as_chunks::<SIZE>();
            if big_endian {
                chunks.iter().map(|b| <$t>::from_be_bytes(*b)).collect()
            } else {
                chunks.iter().map(|b| <$t>::from_le_bytes(*b)).collect()
            }
        }};
    }
    match dtype {
        DType::F32 => Data::F32(numbers!(f32)),
        DType::F64 => Data::F64(numbers!(f64)),
        DType::I32 => Data::I32(numbers!(i32)),
        DType::I64 => Data::I64(numbers!(i64)),
        DType::U32 => Data::U32(numbers!(u32)),
    }
}
