//! Object headers: the list of messages that make an object a group or a dataset.

use super::bytes::Cursor;
use super::image::Image;
use crate::error::{Error, Result};

pub(super) const DATASPACE: u16 = 0x01;
pub(super) const LINK_INFO: u16 = 0x02;
pub(super) const DATATYPE: u16 = 0x03;
pub(super) const LINK: u16 = 0x06;
pub(super) const EXTERNAL_FILES: u16 = 0x07;
pub(super) const DATA_LAYOUT: u16 = 0x08;
pub(super) const FILTERS: u16 = 0x0b;
pub(super) const ATTRIBUTE: u16 = 0x0c;
const CONTINUATION: u16 = 0x10;
pub(super) const SYMBOL_TABLE: u16 = 0x11;
pub(super) const ATTRIBUTE_INFO: u16 = 0x15;

const WHAT: &str = "an HDF5 object header";

/// The messages of one object header, continuations included.
pub(super) struct Messages<'a> {
    list: Vec<(u16, &'a [u8])>,
}

impl<'a> Messages<'a> {
    /// Reads the header at `address` of the object `path`.
    pub(super) fn read(image: &Image<'a>, address: u64, path: &str) -> Result<Self> {
        image.visit()?;
        let mut c = image.from(address, WHAT)?;
        let mut reader = Reader {
            image,
            path,
            list: Vec::new(),
            pending: Vec::new(),
        };
        if c.rest().starts_with(b"OHDR") {
            reader.version_2(&mut c)?;
        } else {
            reader.version_1(address, &mut c)?;
        }
        Ok(Messages { list: reader.list })
    }

    /// Every message of a kind.
    pub(super) fn all(&self, kind: u16) -> impl Iterator<Item = &'a [u8]> {
        self.list
            .iter()
            .filter(move |(k, _)| *k == kind)
            .map(|(_, body)| *body)
    }

    /// The message of a kind that occurs once.
    pub(super) fn one(&self, kind: u16) -> Option<&'a [u8]> {
        self.all(kind).next()
    }

    pub(super) fn has(&self, kind: u16) -> bool {
        self.one(kind).is_some()
    }
}

struct Reader<'i, 'a> {
    image: &'i Image<'a>,
    path: &'i str,
    list: Vec<(u16, &'a [u8])>,
    /// Blocks that continue the header: address and length.
    pending: Vec<(u64, u64)>,
}

impl<'a> Reader<'_, 'a> {
    fn version_1(&mut self, address: u64, c: &mut Cursor<'a>) -> Result<()> {
        c.version(1)?;
        c.skip(1 + 2 + 4)?;
        let size = c.u32()?;
        // The prefix is 12 bytes, messages begin on a multiple of 8.
        let start = address.checked_add(16);
        let start = start.ok_or_else(|| Error::corrupt(WHAT, "its address is absurd"))?;
        self.messages_1(self.image.slice(start, u64::from(size), WHAT)?)?;
        while let Some((address, length)) = self.pending.pop() {
            self.image.visit()?;
            self.messages_1(self.image.slice(address, length, WHAT)?)?;
        }
        Ok(())
    }

    fn messages_1(&mut self, block: &'a [u8]) -> Result<()> {
        let mut c = Cursor::new(block, WHAT);
        while c.rest().len() >= 8 {
            let kind = c.u16()?;
            let size = c.u16()?;
            let flags = c.u8()?;
            c.skip(3)?;
            let body = c.take(usize::from(size))?;
            self.message(kind, flags, body)?;
        }
        Ok(())
    }

    fn version_2(&mut self, c: &mut Cursor<'a>) -> Result<()> {
        c.signature(b"OHDR")?;
        c.version(2)?;
        let flags = c.u8()?;
        if flags & 0x20 != 0 {
            c.skip(16)?; // times
        }
        if flags & 0x10 != 0 {
            c.skip(4)?; // when attributes go to dense storage
        }
        let size = c.uint(1 << (flags & 3))?;
        let size = usize::try_from(size).map_err(|_| Error::corrupt(WHAT, "it is too long"))?;
        let ordered = flags & 0x04 != 0;
        let block = c.take(size)?;
        self.messages_2(block, ordered)?;
        while let Some((address, length)) = self.pending.pop() {
            self.image.visit()?;
            let block = self.image.slice(address, length, WHAT)?;
            let mut c = Cursor::new(block, WHAT);
            c.signature(b"OCHK")?;
            let inside = block.len().checked_sub(8);
            let inside =
                inside.ok_or_else(|| Error::corrupt(WHAT, "a continuation is too short"))?;
            self.messages_2(c.take(inside)?, ordered)?;
        }
        Ok(())
    }

    fn messages_2(&mut self, block: &'a [u8], ordered: bool) -> Result<()> {
        let mut c = Cursor::new(block, WHAT);
        let prefix = if ordered { 6 } else { 4 };
        while c.rest().len() >= prefix {
            let kind = c.u8()?;
            let size = c.u16()?;
            let flags = c.u8()?;
            if ordered {
                c.skip(2)?;
            }
            let body = c.take(usize::from(size))?;
            self.message(u16::from(kind), flags, body)?;
        }
        Ok(())
    }

    fn message(&mut self, kind: u16, flags: u8, body: &'a [u8]) -> Result<()> {
        if kind == 0 {
            return Ok(()); // padding
        }
        self.image.visit()?;
        if flags & 0x02 != 0 {
            return Err(Error::Hdf5Feature {
                object: format!("/{}", self.path),
                feature: "messages shared between objects".into(),
            });
        }
        if kind == CONTINUATION {
            let mut c = Cursor::new(body, WHAT);
            self.pending.push((c.u64()?, c.u64()?));
        } else {
            self.list.push((kind, body));
        }
        Ok(())
    }
}
