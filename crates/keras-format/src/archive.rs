//! `.keras`: a zip archive of metadata.json, config.json and model.weights.h5.
//!
//! Nothing is ever unpacked to disk and no entry's name is used as a path: the three entries are
//! looked up by their exact names and read into memory, within [`Limits`].

use std::io::{Read, Seek, Write};

use serde_json::{Value, json};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::weights::WeightTree;
use crate::weights_h5;

const METADATA: &str = "metadata.json";
const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.weights.h5";

/// The three entries, unpacked.
pub(crate) struct Entries {
    pub(crate) metadata: String,
    pub(crate) config: String,
    pub(crate) weights: Vec<u8>,
}

/// The archive's entries; `length` is the size of the archive.
pub(crate) fn read(source: impl Read + Seek, length: u64, limits: &Limits) -> Result<Entries> {
    let mut archive = open(source, limits)?;
    Ok(Entries {
        metadata: text(&mut archive, METADATA, length, limits)?,
        config: text(&mut archive, CONFIG, length, limits)?,
        weights: weights(&mut archive, length, limits)?,
    })
}

/// The weights entry alone.
pub(crate) fn read_weights(
    source: impl Read + Seek,
    length: u64,
    limits: &Limits,
) -> Result<Vec<u8>> {
    weights(&mut open(source, limits)?, length, limits)
}

fn open<R: Read + Seek>(source: R, limits: &Limits) -> Result<ZipArchive<R>> {
    let mut archive = ZipArchive::new(source).map_err(zip_error)?;
    let entries = archive.len() as u64;
    if entries > limits.max_entries {
        return Err(Error::TooLarge {
            what: "the number of entries in the archive".into(),
            size: entries,
            limit: limits.max_entries,
        });
    }
    if archive.has_duplicate_names() {
        return Err(Error::corrupt(
            "the archive",
            "two entries have the same name",
        ));
    }
    if archive.has_overlapping_entries().map_err(zip_error)? {
        return Err(Error::corrupt("the archive", "its entries overlap"));
    }
    Ok(archive)
}

fn text<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &'static str,
    length: u64,
    limits: &Limits,
) -> Result<String> {
    let bytes = entry(archive, name, length, limits.max_config_bytes, limits)?;
    String::from_utf8(bytes).map_err(|_| Error::corrupt(format!("`{name}`"), "it is not UTF-8"))
}

fn weights<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    length: u64,
    limits: &Limits,
) -> Result<Vec<u8>> {
    match entry(archive, WEIGHTS, length, limits.max_weights_bytes, limits) {
        Err(Error::MissingEntry(_)) if archive.index_for_name("model.weights.npz").is_some() => {
            Err(Error::NotKeras(
                "its weights are in model.weights.npz; save the model on a machine with h5py"
                    .into(),
            ))
        }
        other => other,
    }
}

fn entry<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &'static str,
    length: u64,
    limit: u64,
    limits: &Limits,
) -> Result<Vec<u8>> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Err(Error::MissingEntry(name)),
        Err(e) => return Err(zip_error(e)),
    };
    let (size, packed) = (file.size(), file.compressed_size());
    let allowed = match file.compression() {
        CompressionMethod::Stored if size != packed || size > length => {
            return Err(Error::corrupt(
                format!("`{name}`"),
                "its declared sizes are impossible",
            ));
        }
        CompressionMethod::Stored => limit,
        CompressionMethod::Deflated => limit.min(
            packed
                .saturating_mul(limits.max_deflate_ratio)
                .saturating_add(1 << 20),
        ),
        other => {
            return Err(Error::NotKeras(format!(
                "`{name}` is packed with {other}, Keras stores it unpacked"
            )));
        }
    };
    let too_large = |size| Error::TooLarge {
        what: format!("`{name}`"),
        size,
        limit: allowed,
    };
    if size > allowed {
        return Err(too_large(size));
    }
    // What is declared is believed only as far as the archive's own length.
    let capacity = size.min(length.saturating_mul(2));
    let mut bytes = Vec::with_capacity(usize::try_from(capacity).unwrap_or(0));
    let mut bounded = file.take(allowed.saturating_add(1));
    bounded
        .read_to_end(&mut bytes)
        .map_err(|e| Error::corrupt(format!("`{name}`"), e.to_string()))?;
    if bytes.len() as u64 > allowed {
        return Err(too_large(bytes.len() as u64));
    }
    if bytes.len() as u64 != size {
        let detail = format!("{size} bytes were declared, {} are there", bytes.len());
        return Err(Error::corrupt(format!("`{name}`"), detail));
    }
    Ok(bytes)
}

fn zip_error(e: ZipError) -> Error {
    match e {
        ZipError::Io(source)
            if source.kind() != std::io::ErrorKind::UnexpectedEof
                && source.raw_os_error().is_some() =>
        {
            Error::Io {
                action: "read the archive",
                source,
            }
        }
        other => Error::corrupt("the zip archive", other.to_string()),
    }
}

/// Writes the archive as Keras does: three entries, stored, in Keras' order.
pub(crate) fn write(
    target: impl Write + Seek,
    keras_version: &str,
    date_saved: &str,
    config: &Value,
    tree: &WeightTree,
) -> Result<()> {
    let encode = |e: ZipError| match e {
        ZipError::Io(source) => Error::Io {
            action: "write the archive",
            source,
        },
        other => Error::Encode {
            what: "the archive",
            detail: other.to_string(),
        },
    };
    let io = || Error::io("write the archive");
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(target);
    zip.start_file(METADATA, options).map_err(encode)?;
    let metadata = json!({ "keras_version": keras_version, "date_saved": date_saved });
    zip.write_all(metadata.to_string().as_bytes())
        .map_err(io())?;
    zip.start_file(CONFIG, options).map_err(encode)?;
    zip.write_all(config.to_string().as_bytes()).map_err(io())?;
    // Bytes of the arrays and generously of the groups: whether sizes need 64 bits.
    let bytes: usize = tree
        .iter()
        .map(|(path, v)| {
            4096 + path.len()
                + v.arrays
                    .iter()
                    .map(|a| 512 + a.len() * a.dtype().size())
                    .sum::<usize>()
        })
        .sum();
    zip.start_file(WEIGHTS, options.large_file(bytes >= 0xff00_0000))
        .map_err(encode)?;
    weights_h5::encode(tree, &mut zip)?;
    let mut target = zip.finish().map_err(encode)?;
    target.flush().map_err(io())
}
