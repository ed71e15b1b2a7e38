//! The bytes of an HDF5 file, its superblock, and the counters that bound what reading it costs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::bytes::Cursor;
use super::heap::Collection;
use super::{SIGNATURE, UNDEFINED};
use crate::error::{Error, Result};
use crate::limits::Limits;

/// A whole HDF5 file in memory.
pub(crate) struct Image<'a> {
    bytes: &'a [u8],
    limits: Limits,
    root: u64,
    visits: Cell<u64>,
    taken: Cell<u64>,
    collections: RefCell<HashMap<u64, Rc<Collection>>>,
}

impl<'a> Image<'a> {
    /// Reads the superblock.
    pub(crate) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        let root = superblock(bytes)?;
        Ok(Image {
            bytes,
            limits: *limits,
            root,
            visits: Cell::new(0),
            taken: Cell::new(0),
            collections: RefCell::new(HashMap::new()),
        })
    }

    pub(super) fn root_address(&self) -> u64 {
        self.root
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// `length` bytes at `address`.
    pub(super) fn slice(&self, address: u64, length: u64, what: &'static str) -> Result<&'a [u8]> {
        let range = usize::try_from(address).ok().and_then(|start| {
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            Some(start..end)
        });
        range.and_then(|r| self.bytes.get(r)).ok_or_else(|| {
            Error::corrupt(
                what,
                format!("it lies outside of the file ({length} bytes at {address})"),
            )
        })
    }

    /// A cursor from `address` to the end of the file.
    pub(super) fn from(&self, address: u64, what: &'static str) -> Result<Cursor<'a>> {
        let rest = usize::try_from(address)
            .ok()
            .and_then(|start| self.bytes.get(start..));
        match rest {
            Some(rest) if !rest.is_empty() => Ok(Cursor::new(rest, what)),
            _ => Err(Error::corrupt(
                what,
                format!("it lies outside of the file (at {address})"),
            )),
        }
    }

    /// Counts one structure. What shares or repeats structures to look endless stops here.
    pub(super) fn visit(&self) -> Result<()> {
        let visits = self.visits.get() + 1;
        self.visits.set(visits);
        if visits > self.limits.max_objects {
            return Err(Error::TooLarge {
                what: "the number of HDF5 structures".into(),
                size: visits,
                limit: self.limits.max_objects,
            });
        }
        Ok(())
    }

    /// Counts bytes that are about to be copied out. Each byte of a sound file is copied once, so
    /// all of them together can't pass the length of the file.
    pub(super) fn copy_out(&self, bytes: u64) -> Result<()> {
        let taken = self.taken.get().saturating_add(bytes);
        self.taken.set(taken);
        if taken > self.bytes.len() as u64 {
            return Err(Error::corrupt(
                "the HDF5 data",
                "its parts together are larger than the file",
            ));
        }
        Ok(())
    }

    /// The global heap collection at `address`, indexed once.
    pub(super) fn collection(&self, address: u64) -> Result<Rc<Collection>> {
        if let Some(known) = self.collections.borrow().get(&address) {
            return Ok(Rc::clone(known));
        }
        let read = Rc::new(Collection::read(self, address)?);
        self.collections
            .borrow_mut()
            .insert(address, Rc::clone(&read));
        Ok(read)
    }
}

/// The address of the root group's object header.
fn superblock(bytes: &[u8]) -> Result<u64> {
    let mut c = Cursor::new(bytes, "the HDF5 superblock");
    if !bytes.starts_with(SIGNATURE) {
        return Err(Error::NotKeras("it has no HDF5 signature".into()));
    }
    c.skip(SIGNATURE.len())?;
    let version = c.u8()?;
    let (base, end, root);
    match version {
        0 | 1 => {
            c.skip(4)?;
            widths(c.u8()?, c.u8()?)?;
            c.skip(if version == 0 { 9 } else { 13 })?;
            base = c.u64()?;
            c.skip(8)?;
            end = c.u64()?;
            c.skip(16)?;
            root = c.u64()?;
        }
        2 | 3 => {
            widths(c.u8()?, c.u8()?)?;
            c.skip(1)?;
            base = c.u64()?;
            c.skip(8)?;
            end = c.u64()?;
            root = c.u64()?;
        }
        _ => {
            return Err(Error::corrupt(
                "the HDF5 superblock",
                format!("unknown version {version}"),
            ));
        }
    }
    if base != 0 {
        return Err(Error::Hdf5Feature {
            object: "/".into(),
            feature: format!("a base address of {base}"),
        });
    }
    if end == UNDEFINED || end > bytes.len() as u64 {
        let detail = format!("{end} bytes were written, {} are there", bytes.len());
        return Err(Error::corrupt("the HDF5 file is cut off", detail));
    }
    Ok(root)
}

fn widths(offsets: u8, lengths: u8) -> Result<()> {
    if (offsets, lengths) == (8, 8) {
        return Ok(());
    }
    Err(Error::Hdf5Feature {
        object: "/".into(),
        feature: format!("addresses of {offsets} and lengths of {lengths} bytes instead of 8"),
    })
}
