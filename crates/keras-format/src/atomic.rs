//! Files that are whole or not there: write aside, sync, rename.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes a file so that `path` holds either all of it or what was there before.
///
/// `write` gets a new, empty file in the same directory as `path`. When it returns `Ok`, that file
/// is synced to the disk, renamed over `path`, and the directory synced. When it fails or panics,
/// or any of those steps fails, the new file is removed and `path` is untouched. Permissions of a
/// file that is replaced carry over; a symbolic link is followed, not replaced.
///
/// ```
/// use std::io::Write;
/// # let dir = std::env::temp_dir().join(format!("keras-format-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir)?;
/// let path = dir.join("history.json");
/// keras_format::atomic_write(&path, |file| file.write_all(b"{}"))?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::File`] with the path; inside it [`Error::NotAFile`] when the path names something a
/// file can't replace, [`Error::Io`] for everything the system refuses, `write` included.
pub fn atomic_write<T>(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut File) -> io::Result<T>,
) -> Result<T> {
    let path = path.as_ref();
    try_atomic_write(path, |file| {
        write(file).map_err(Error::io("write the file"))
    })
}

/// [`atomic_write`] for a `write` that fails with this crate's own errors.
pub(crate) fn try_atomic_write<T>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<T>,
) -> Result<T> {
    replace(path, write).map_err(|e| e.in_file(path))
}

fn replace<T>(path: &Path, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    let target = resolve(path)?;
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let (mut aside, mut file) = Aside::create(&directory, &target)?;
    let value = write(&mut file)?;
    if let Ok(existing) = fs::metadata(&target) {
        // Best effort: some file systems have no permissions to carry over.
        let _ = file.set_permissions(existing.permissions());
    }
    file.sync_all()
        .map_err(Error::io("sync the file to the disk"))?;
    drop(file);
    fs::rename(&aside.path, &target).map_err(Error::io("move the finished file into place"))?;
    aside.in_place = true;
    sync_directory(&directory)?;
    Ok(value)
}

/// The path to rename onto: `path` itself, or what it links to.
fn resolve(path: &Path) -> Result<PathBuf> {
    let named = path.file_name().is_some();
    let trailing = path.as_os_str().as_encoded_bytes().last() == Some(&b'/');
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            fs::canonicalize(path).map_err(Error::io("find the file to replace"))
        }
        Ok(found) if found.is_dir() => {
            Err(Error::NotAFile("is a directory, name a file in it".into()))
        }
        Ok(_) => Err(Error::NotAFile("is not a regular file".into())),
        Err(_) if !named || trailing => Err(Error::NotAFile("names no file".into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(path.to_path_buf()),
        Err(e) => Err(Error::Io {
            action: "look at the destination",
            source: e,
        }),
    }
}

/// The file being written beside its final place; removed on drop unless it got there.
struct Aside {
    path: PathBuf,
    in_place: bool,
}

impl Aside {
    fn create(directory: &Path, target: &Path) -> Result<(Self, File)> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // A name may be 255 bytes on common file systems and ours is longer than the target's.
        let stem: String = name.chars().take(40).collect();
        let mut tries = 0;
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!(".{stem}.{}-{count}.part", std::process::id()));
            match OpenOptions::new()
                .write(true)
                .read(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => {
                    let aside = Aside {
                        path,
                        in_place: false,
                    };
                    return Ok((aside, file));
                }
                // Left by a killed process that had our number.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => tries += 1,
                Err(source) => {
                    return Err(Error::Io {
                        action: "create a file in the destination's directory",
                        source,
                    });
                }
            }
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.in_place {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the rename itself durable.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> Result<()> {
    match File::open(directory).and_then(|d| d.sync_all()) {
        Ok(()) => Ok(()),
        // A directory we may write but not read, or a file system that syncs no directories:
        // the file is whole and in place all the same.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        Err(source) => Err(Error::Io {
            action: "sync the directory",
            source,
        }),
    }
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> Result<()> {
    Ok(())
}
