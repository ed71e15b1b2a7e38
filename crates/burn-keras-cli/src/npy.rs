//! `.npy` arrays of any number type.
//!
//! The header is compared with the number of bytes before anything is allocated: a damaged one must not ask for more
//! memory than there are data.

use std::io::{Read, Seek, SeekFrom};

use burn_keras::training::data::{IntoData, Values};
use ndarray::ArrayD;
use ndarray_npy::{ReadNpyExt, ReadableElement};

/// Reads the array that `source` consists of.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn read(source: &mut (impl Read + Seek)) -> Result<Values<'static>, String> {
    let length = source.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    source.rewind().map_err(|e| e.to_string())?;
    let descriptor = check_header(source, length)?;
    source.rewind().map_err(|e| e.to_string())?;
    match descriptor.get(1..).unwrap_or_default() {
        "f4" => typed::<f32>(source),
        "f8" => typed::<f64>(source),
        "i1" => typed::<i8>(source),
        "i2" => typed::<i16>(source),
        "i4" => typed::<i32>(source),
        "i8" => typed::<i64>(source),
        "u1" => typed::<u8>(source),
        "u2" => typed::<u16>(source),
        "u4" => typed::<u32>(source),
        "u8" => typed::<u64>(source),
        "b1" => typed::<bool>(source),
        _ => Err(format!(
            "holds values of type {descriptor}; real and whole numbers and booleans are supported (in NumPy: \
             `x.astype(\"float32\")`)"
        )),
    }
}

fn typed<T>(source: &mut impl Read) -> Result<Values<'static>, String>
where
    T: ReadableElement,
    ArrayD<T>: IntoData<'static>,
{
    let array = ArrayD::<T>::read_npy(source).map_err(|e| e.to_string())?;
    let mut values = array.into_data().map_err(|e| e.to_string())?;
    values.pop().ok_or_else(|| "holds no array".to_string())
}

/// The type in NumPy's words, if the data have the length that type and shape promise.
fn check_header(source: &mut impl Read, length: u64) -> Result<String, String> {
    let not_npy = || "is no .npy array".to_string();
    let mut start = [0; 10];
    source.read_exact(&mut start).map_err(|_| not_npy())?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(not_npy());
    }
    let mut size = u64::from(u16::from_le_bytes([start[8], start[9]]));
    let mut before = 10;
    if start[6] > 1 {
        let mut more = [0; 2];
        source.read_exact(&mut more).map_err(|_| not_npy())?;
        size |= u64::from(u16::from_le_bytes(more)) << 16;
        before = 12;
    }
    let mut header = Vec::new();
    source
        .take(size.min(1 << 20))
        .read_to_end(&mut header)
        .map_err(|e| e.to_string())?;
    let header = String::from_utf8_lossy(&header);
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start());
    let descriptor: String = after("'descr':")
        .and_then(|rest| rest.strip_prefix('\'')?.split_once('\''))
        .map(|(descriptor, _)| descriptor.to_string())
        .ok_or_else(|| "holds a structured array; one of plain numbers is needed".to_string())?;
    let shape = after("'shape':")
        .and_then(|rest| rest.strip_prefix('(')?.split_once(')'))
        .map(|(shape, _)| shape)
        .ok_or_else(not_npy)?;
    let item: u64 = descriptor
        .get(2..)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let mut promised = item;
    for axis in shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
    {
        let axis: u64 = axis.parse().map_err(|_| not_npy())?;
        promised = promised.saturating_mul(axis);
    }
    let found = length.saturating_sub(before + size);
    if promised == found {
        Ok(descriptor)
    } else {
        Err(format!(
            "is damaged: its header promises {promised} bytes of data, {found} are there"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ndarray::{Array2, ShapeBuilder, array};
    use ndarray_npy::WriteNpyExt;

    use super::*;

    fn bytes(array: &impl WriteNpyExt) -> Vec<u8> {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).expect("memory can be written");
        bytes
    }

    #[test]
    fn whole_and_real_numbers_are_read() {
        let values = read(&mut Cursor::new(bytes(&array![[1i64, 2], [3, 4]]))).unwrap();
        assert_eq!(values.shape(), [2, 2]);
        let fortran = Array2::<f64>::zeros((3, 2).f());
        assert_eq!(
            read(&mut Cursor::new(bytes(&fortran))).unwrap().shape(),
            [3, 2]
        );
    }

    #[test]
    fn a_header_that_promises_more_than_there_is_is_refused() {
        let mut damaged = bytes(&array![1.0f32, 2.0]);
        let at = damaged.windows(4).position(|w| w == b"(2,)").unwrap();
        damaged.splice(at..at + 4, *b"(9999999999999999,)");
        let text = read(&mut Cursor::new(damaged)).unwrap_err();
        assert!(text.contains("promises"), "{text}");
        let mut cut = bytes(&array![1.0f32, 2.0]);
        cut.pop();
        assert!(
            read(&mut Cursor::new(cut))
                .unwrap_err()
                .contains("is damaged")
        );
        assert!(read(&mut Cursor::new(b"PK\x03\x04".to_vec())).is_err());
    }

    #[test]
    fn a_type_without_numbers_is_named() {
        let mut strings = bytes(&array![1.0f32]);
        let at = strings.windows(3).position(|w| w == b"<f4").unwrap();
        strings.splice(at..at + 3, *b"<U1");
        assert!(read(&mut Cursor::new(strings)).is_err());
    }
}
