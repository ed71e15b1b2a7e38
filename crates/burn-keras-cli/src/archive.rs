//! `.npz`: several arrays in a zip archive.

use std::io::{Read, Seek};

use burn_keras::training::data::Values;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// What arrays together may unpack to, whatever their packed size.
const ALWAYS_ALLOWED: u64 = 1 << 30;

/// How many times larger than its packed size an archive may become beyond that.
const RATIO: u64 = 100;

/// The arrays of an archive of `length` bytes with their names.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn read(
    source: impl Read + Seek,
    length: u64,
) -> Result<Vec<(String, Values<'static>)>, String> {
    let damaged = |e: ZipError| format!("is no .npz archive: {e}");
    let mut archive = ZipArchive::new(source).map_err(damaged)?;
    if archive.has_overlapping_entries().map_err(damaged)? {
        return Err("is damaged: its entries overlap".to_string());
    }
    if archive.has_duplicate_names() {
        return Err("has two arrays of one name".to_string());
    }
    let mut left = ALWAYS_ALLOWED.max(length.saturating_mul(RATIO));
    let mut arrays = Vec::new();
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.to_string();
        let name = name.strip_suffix(".npy").unwrap_or(&name);
        let bytes =
            unpacked(entry, left).map_err(|problem| format!("its array \"{name}\" {problem}"))?;
        left = left.saturating_sub(bytes.len() as u64);
        let values = Values::from_npy(&format!("its array \"{name}\""), &bytes);
        arrays.push((name.to_string(), values.map_err(|e| e.to_string())?));
    }
    Ok(arrays)
}

/// The bytes of an entry, if they are no more than `allowed`.
fn unpacked<R: Read + ?Sized>(entry: ZipFile<'_, R>, allowed: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // The size that the archive declares may be a lie, so what comes out is counted.
    let read = entry
        .take(allowed.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|e| format!("cannot be read: {e}"))?;
    if bytes.len() as u64 > allowed {
        return Err(format!(
            "unpacks to far more than its packed size: an archive may unpack to {} GiB, or to {RATIO} times its size; \
             save it with `np.savez`, which does not pack",
            ALWAYS_ALLOWED >> 30
        ));
    }
    Ok(bytes)
}
