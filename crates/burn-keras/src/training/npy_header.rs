//! What an `.npy` file says about itself, before anything of it is believed.

/// The type of the values in NumPy's words without the byte order (`f4`), if there are as many bytes as type and shape
/// promise.
///
/// A damaged header must not ask for more memory than there are data.
///
/// # Errors
///
/// What is wrong with the file, in words.
pub(super) fn checked_type(bytes: &[u8]) -> Result<&str, String> {
    let not_npy = || "is no .npy array".to_string();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(not_npy)?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(not_npy)?;
    let width = if version[0] > 1 { 4 } else { 2 };
    let (size, rest) = rest.split_at_checked(width).ok_or_else(not_npy)?;
    let size = size
        .iter()
        .rev()
        .fold(0, |size, byte| size << 8 | usize::from(*byte));
    let (header, data) = rest.split_at_checked(size).ok_or_else(not_npy)?;
    let header = str::from_utf8(header).map_err(|_| not_npy())?;

    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start());
    let descriptor = after("'descr':")
        .and_then(|rest| rest.strip_prefix('\'')?.split_once('\''))
        .map(|(descriptor, _)| descriptor)
        .ok_or("holds a structured array; one of plain numbers is needed")?;
    let unsupported = || {
        format!(
            "holds values of type {descriptor}; real and whole numbers and booleans are supported (in NumPy: \
             `x.astype(\"float32\")`)"
        )
    };
    let kind = descriptor.get(1..).ok_or_else(unsupported)?;
    let item: u64 = match kind {
        "f4" | "i4" | "u4" => 4,
        "f8" | "i8" | "u8" => 8,
        "i2" | "u2" => 2,
        "i1" | "u1" | "b1" => 1,
        _ => return Err(unsupported()),
    };
    let shape = after("'shape':")
        .and_then(|rest| rest.strip_prefix('(')?.split_once(')'))
        .map(|(shape, _)| shape)
        .ok_or_else(not_npy)?;
    let mut promised = item;
    for axis in shape.split(',').map(str::trim).filter(|a| !a.is_empty()) {
        let axis: u64 = axis.parse().map_err(|_| not_npy())?;
        promised = promised.saturating_mul(axis);
    }
    if promised == data.len() as u64 {
        Ok(kind)
    } else {
        Err(format!(
            "is damaged: its header promises {promised} bytes of data, {} are there",
            data.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use ndarray_npy::WriteNpyExt;

    use super::*;

    fn bytes(array: &impl WriteNpyExt) -> Vec<u8> {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).expect("memory can be written");
        bytes
    }

    fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = bytes.windows(from.len()).position(|w| w == from);
        let at = at.expect("the header has it");
        bytes.splice(at..at + from.len(), to.iter().copied());
        bytes
    }

    #[test]
    fn types_are_told_without_their_byte_order() {
        assert_eq!(checked_type(&bytes(&array![1.0f32])), Ok("f4"));
        assert_eq!(checked_type(&bytes(&array![1i64])), Ok("i8"));
        assert_eq!(checked_type(&bytes(&array![true])), Ok("b1"));
    }

    #[test]
    fn a_header_that_promises_other_data_than_there_are_is_refused() {
        let whole = bytes(&array![1.0f32, 2.0]);
        // The header's length stays, so that only the shape is wrong.
        let huge = replaced(
            replaced(whole.clone(), b"(2,)", b"(9999999999999999,)"),
            &[b' '; 15],
            b"",
        );
        let text = checked_type(&huge).unwrap_err();
        assert!(text.contains("promises 39999999999999996"), "{text}");
        let overflowing = replaced(
            replaced(whole.clone(), b"(2,)", b"(9999999999, 9999999999)"),
            &[b' '; 20],
            b"",
        );
        assert!(checked_type(&overflowing).unwrap_err().contains("promises"));
        let cut = &whole[..whole.len() - 1];
        assert!(checked_type(cut).unwrap_err().contains("is damaged"));
        for length in 0..whole.len() {
            assert!(checked_type(&whole[..length]).is_err());
        }
        assert!(checked_type(b"PK\x03\x04").is_err());
    }

    #[test]
    fn a_type_without_numbers_is_named() {
        for kind in [&b"<U1"[..], b"|O8", b"<c8", b"<f2"] {
            let text = checked_type(&replaced(bytes(&array![1.0f32]), b"<f4", kind)).unwrap_err();
            assert!(text.contains(str::from_utf8(kind).unwrap()), "{text}");
        }
    }
}
