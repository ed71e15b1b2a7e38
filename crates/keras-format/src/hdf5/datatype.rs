//! Element types and shapes.

use super::bytes::Cursor;
use crate::array::DType;
use crate::error::{Error, Result};

/// An element type, as far as this reader tells types apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// A number of a known kind, and whether its bytes are big-endian.
    Number(DType, bool),
    /// Text of a fixed number of bytes.
    FixedText(u32),
    /// Text in the global heap.
    HeapText,
    /// Anything else, with its NumPy-like name.
    Other(&'static str, u32),
}

impl Type {
    /// Reads a datatype message. Nested types are not entered: none of them holds a weight.
    pub(super) fn read(body: &[u8]) -> Result<Type> {
        let mut c = Cursor::new(body, "an HDF5 datatype");
        let class = c.u8()? & 0x0f;
        let bits = c.uint(3)?;
        let size = c.u32()?;
        if size == 0 {
            return Err(Error::corrupt(
                "an HDF5 datatype",
                "its elements have no bytes",
            ));
        }
        let big = bits & 1 != 0;
        Ok(match class {
            0 => {
                let signed = bits & 0x08 != 0;
                let (offset, precision) = (c.u16()?, c.u16()?);
                let whole = offset == 0 && u32::from(precision) == size.saturating_mul(8);
                match (size, signed, whole) {
                    (4, true, true) => Type::Number(DType::I32, big),
                    (8, true, true) => Type::Number(DType::I64, big),
                    (4, false, true) => Type::Number(DType::U32, big),
                    (1, true, _) => Type::Other("int8", size),
                    (1, false, _) => Type::Other("uint8", size),
                    (2, true, _) => Type::Other("int16", size),
                    (2, false, _) => Type::Other("uint16", size),
                    (8, false, _) => Type::Other("uint64", size),
                    _ => Type::Other("an odd integer type", size),
                }
            }
            1 => {
                c.skip(4)?;
                let exponent = (c.u8()?, c.u8()?);
                let mantissa = (c.u8()?, c.u8()?);
                match (size, exponent, mantissa, bits & 0x40 != 0) {
                    (4, (23, 8), (0, 23), false) => Type::Number(DType::F32, big),
                    (8, (52, 11), (0, 52), false) => Type::Number(DType::F64, big),
                    (2, (10, 5), (0, 10), _) => Type::Other("float16", size),
                    (2, (7, 8), (0, 7), _) => Type::Other("bfloat16", size),
                    _ => Type::Other("an odd float type", size),
                }
            }
            3 => Type::FixedText(size),
            5 => Type::Other("opaque", size),
            8 => Type::Other("bool or another enumeration", size),
            9 if bits & 0x0f == 1 => Type::HeapText,
            6 => Type::Other("compound", size),
            7 => Type::Other("reference", size),
            9 => Type::Other("variable-length sequence", size),
            10 => Type::Other("array", size),
            _ => Type::Other("unknown", size),
        })
    }

    /// Bytes of one element in the file.
    pub(super) fn size(self) -> u64 {
        match self {
            Type::Number(dtype, _) => dtype.size() as u64,
            Type::FixedText(size) | Type::Other(_, size) => u64::from(size),
            Type::HeapText => 16,
        }
    }
}

/// A shape and its number of elements.
pub(super) struct Space {
    pub(super) shape: Vec<usize>,
    pub(super) count: u64,
}

impl Space {
    /// Reads a dataspace message. `[]` is a scalar; the null dataspace reads as `[0]`.
    pub(super) fn read(body: &[u8]) -> Result<Space> {
        let mut c = Cursor::new(body, "an HDF5 dataspace");
        let version = c.u8()?;
        let rank = c.u8()?;
        c.skip(1)?;
        match version {
            1 => c.skip(5)?,
            2 => {
                if c.u8()? == 2 {
                    return Ok(Space {
                        shape: vec![0],
                        count: 0,
                    });
                }
            }
            _ => {
                return Err(Error::corrupt(
                    "an HDF5 dataspace",
                    format!("unknown version {version}"),
                ));
            }
        }
        if rank > 32 {
            return Err(Error::corrupt(
                "an HDF5 dataspace",
                format!("it has {rank} axes"),
            ));
        }
        let mut shape = Vec::with_capacity(usize::from(rank));
        let mut count = 1u64;
        for _ in 0..rank {
            let axis = c.u64()?;
            let fits = usize::try_from(axis).ok();
            let product = count.checked_mul(axis);
            let (Some(axis), Some(product)) = (fits, product) else {
                return Err(Error::corrupt(
                    "an HDF5 dataspace",
                    "it has more elements than can be counted",
                ));
            };
            shape.push(axis);
            count = product;
        }
        Ok(Space { shape, count })
    }
}
