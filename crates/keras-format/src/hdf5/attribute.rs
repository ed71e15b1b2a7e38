//! Attributes: the small values beside groups and datasets.

use super::Object;
use super::UNDEFINED;
use super::bytes::{Cursor, until_nul};
use super::datatype::{Space, Type};
use super::header::{ATTRIBUTE, ATTRIBUTE_INFO};
use super::image::Image;
use crate::error::{Error, Result};

const WHAT: &str = "an HDF5 attribute";

/// An attribute's text, one or several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    /// Strings, byte strings (which must be UTF-8) or fixed-length strings.
    Text(Vec<String>),
    /// Anything else, or nothing: Keras writes an empty list of names as an empty float array.
    Other {
        /// Whether it has no elements.
        empty: bool,
    },
}

impl Object<'_> {
    /// The attribute `name`, if the object has it.
    pub(crate) fn attribute(&self, image: &Image<'_>, name: &str) -> Result<Option<Attribute>> {
        if let Some(body) = self.messages.one(ATTRIBUTE_INFO) {
            refuse_dense(body, self.path())?;
        }
        for body in self.messages.all(ATTRIBUTE) {
            image.visit()?;
            let raw = Raw::split(body, self.path())?;
            if raw.name == name.as_bytes() {
                return raw.value(image).map(Some);
            }
        }
        Ok(None)
    }

    /// An attribute that is one text.
    pub(crate) fn text(&self, image: &Image<'_>, name: &str) -> Result<Option<String>> {
        match self.attribute(image, name)? {
            Some(Attribute::Text(mut texts)) if texts.len() == 1 => Ok(texts.pop()),
            Some(_) => Err(Error::corrupt(
                format!("attribute `{name}` of `/{}`", self.path()),
                "it is not a single text",
            )),
            None => Ok(None),
        }
    }
}

/// The fields of an attribute message.
struct Raw<'a> {
    name: &'a [u8],
    datatype: &'a [u8],
    dataspace: &'a [u8],
    data: &'a [u8],
}

impl<'a> Raw<'a> {
    fn split(body: &'a [u8], path: &str) -> Result<Self> {
        let mut c = Cursor::new(body, WHAT);
        let version = c.u8()?;
        let flags = c.u8()?;
        let lengths = [c.u16()?, c.u16()?, c.u16()?].map(usize::from);
        // Version 1 pads each field to a multiple of 8, and has no flags.
        let padded = |n: usize| {
            if version == 1 {
                n.next_multiple_of(8)
            } else {
                n
            }
        };
        match version {
            1 => {}
            2 | 3 if flags & 3 != 0 => {
                return Err(Error::Hdf5Feature {
                    object: format!("/{path}"),
                    feature: "an attribute of a committed datatype".into(),
                });
            }
            2 => {}
            3 => c.skip(1)?, // character set of the name
            _ => return Err(Error::corrupt(WHAT, format!("unknown version {version}"))),
        }
        Ok(Raw {
            name: until_nul(c.take(padded(lengths[0]))?),
            datatype: c.take(padded(lengths[1]))?,
            dataspace: c.take(padded(lengths[2]))?,
            data: c.rest(),
        })
    }

    fn value(&self, image: &Image<'_>) -> Result<Attribute> {
        let space = Space::read(self.dataspace)?;
        let kind = Type::read(self.datatype)?;
        let mut texts = Vec::new();
        let mut c = Cursor::new(self.data, WHAT);
        match kind {
            Type::FixedText(size) => {
                for _ in 0..space.count {
                    let bytes = c.take(size as usize)?;
                    image.copy_out(bytes.len() as u64)?;
                    texts.push(text(until_nul(bytes), &self.title())?);
                }
            }
            Type::HeapText => {
                for _ in 0..space.count {
                    let length = c.u32()?;
                    let address = c.u64()?;
                    let index = c.u32()?;
                    // The reference and the text: both are in the file once.
                    image.copy_out(16 + u64::from(length))?;
                    if length == 0 {
                        texts.push(String::new());
                        continue;
                    }
                    let object = image.collection(address)?.object(image, index)?;
                    let bytes = object.get(..length as usize);
                    let bytes = bytes
                        .ok_or_else(|| Error::corrupt(WHAT, "a text is longer than its place"))?;
                    texts.push(text(until_nul(bytes), &self.title())?);
                }
            }
            _ => {
                return Ok(Attribute::Other {
                    empty: space.count == 0,
                });
            }
        }
        Ok(Attribute::Text(texts))
    }

    fn title(&self) -> String {
        format!("attribute `{}`", String::from_utf8_lossy(self.name))
    }
}

fn text(bytes: &[u8], title: &str) -> Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_string()),
        Err(_) => Err(Error::corrupt(title, "its text is not UTF-8")),
    }
}

fn refuse_dense(body: &[u8], path: &str) -> Result<()> {
    let mut c = Cursor::new(body, "an HDF5 attribute info");
    c.version(0)?;
    if c.u8()? & 1 != 0 {
        c.skip(2)?;
    }
    if c.u64()? == UNDEFINED {
        return Ok(());
    }
    Err(Error::Hdf5Feature {
        object: format!("/{path}"),
        feature: "dense attribute storage".into(),
    })
}
