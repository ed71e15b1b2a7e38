//! A cursor over little-endian bytes that ends with an error, never past the end.

use crate::error::{Error, Result};

/// Reads forward through `bytes`; `what` names the structure in errors.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Cursor { bytes, at: 0, what }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(found) => {
                self.at += count;
                Ok(found)
            }
            None => Err(Error::corrupt(self.what, "it ends too early")),
        }
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<()> {
        self.take(count).map(|_| ())
    }

    /// Everything that is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// An unsigned integer of 1 to 8 bytes.
    pub(super) fn uint(&mut self, width: usize) -> Result<u64> {
        let bytes = self.take(width.min(8))?;
        Ok(bytes.iter().rev().fold(0, |n, &b| (n << 8) | u64::from(b)))
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.uint(1).map(|n| n as u8)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.uint(2).map(|n| n as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.uint(4).map(|n| n as u32)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.uint(8)
    }

    pub(super) fn signature(&mut self, expected: &[u8]) -> Result<()> {
        if self.take(expected.len())? == expected {
            Ok(())
        } else {
            Err(Error::corrupt(self.what, "its signature is wrong"))
        }
    }

    pub(super) fn version(&mut self, expected: u8) -> Result<()> {
        let found = self.u8()?;
        if found == expected {
            Ok(())
        } else {
            Err(Error::corrupt(
                self.what,
                format!("unknown version {found}"),
            ))
        }
    }
}

/// Text up to the first NUL, or all of it.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    &bytes[..end]
}
