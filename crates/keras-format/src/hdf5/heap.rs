//! The global heap, where strings of variable length live.

use std::collections::HashMap;

use super::image::Image;
use crate::error::{Error, Result};

const WHAT: &str = "an HDF5 global heap";

/// One collection of the heap: where each of its objects lies.
pub(super) struct Collection {
    objects: HashMap<u16, (u64, u64)>,
}

impl Collection {
    pub(super) fn read(image: &Image<'_>, address: u64) -> Result<Self> {
        image.visit()?;
        let mut c = image.from(address, WHAT)?;
        c.signature(b"GCOL")?;
        c.version(1)?;
        c.skip(3)?;
        let size = c.u64()?;
        let bytes = image.slice(address, size, WHAT)?;
        let mut objects = HashMap::new();
        let mut at = 16u64;
        while at + 16 <= bytes.len() as u64 {
            image.visit()?;
            let start = address + at;
            let mut c = image.from(start, WHAT)?;
            let index = c.u16()?;
            c.skip(6)?;
            let length = c.u64()?;
            if index == 0 {
                break; // the free space at the end
            }
            let outside = || Error::corrupt(WHAT, "an object is longer than its collection");
            let padded = length.checked_next_multiple_of(8).ok_or_else(outside)?;
            let end = at.checked_add(16 + padded).ok_or_else(outside)?;
            if end > bytes.len() as u64 {
                return Err(outside());
            }
            objects.insert(index, (start + 16, length));
            at = end;
        }
        Ok(Collection { objects })
    }

    /// The bytes of object `index`.
    pub(super) fn object<'a>(&self, image: &Image<'a>, index: u32) -> Result<&'a [u8]> {
        let index = u16::try_from(index).ok();
        let Some(&(address, length)) = index.and_then(|i| self.objects.get(&i)) else {
            return Err(Error::corrupt(
                WHAT,
                "an object that is referred to is not there",
            ));
        };
        image.slice(address, length, WHAT)
    }
}
