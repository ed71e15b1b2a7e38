//! The part of HDF5 that Keras' files use, read with bounds on everything, and written.
//!
//! Writing goes through the crate `hdf5-pure`. Reading does not: on a hostile file it can recurse
//! until the stack ends (nested datatypes), walk an index that shares its nodes without end, and
//! multiply one string by thousands of references to it. None of those can be caught from outside,
//! so this reader knows only what Keras writes, visits each structure at most once per name that
//! leads to it, counts the visits, and takes memory only for bytes that are in the file. Tests
//! hold it against `hdf5-pure` on every fixture.
//!
//! Understood: superblocks 0 to 3, object headers 1 and 2, groups with symbol tables or compact
//! links, contiguous and compact datasets of numbers, attributes that are numbers or strings.
//! Refused by name: soft and external links, external and virtual storage, chunked or filtered
//! data, committed datatypes, dense storage of links and attributes.

mod attribute;
mod bytes;
mod dataset;
mod datatype;
mod group;
mod header;
mod heap;
mod image;
mod write;

pub(crate) use attribute::Attribute;
pub(crate) use image::Image;
pub(crate) use write::tree_to_builder;

use crate::error::{Error, Result};
use header::Messages;

/// The first bytes of every HDF5 file.
pub(crate) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// HDF5's "no address".
const UNDEFINED: u64 = u64::MAX;

/// A group or dataset, its header read and its content not yet.
pub(crate) struct Object<'a> {
    /// Path from the root, for messages.
    path: String,
    messages: Messages<'a>,
    depth: u64,
}

impl<'a> Object<'a> {
    /// The root group of the file.
    pub(crate) fn root(image: &Image<'a>) -> Result<Self> {
        Self::at(image, image.root_address(), String::new(), 0)
    }

    fn at(image: &Image<'a>, address: u64, path: String, depth: u64) -> Result<Self> {
        let limit = image.limits().max_depth;
        if depth > limit {
            return Err(Error::TooLarge {
                what: "the nesting of HDF5 groups".into(),
                size: depth,
                limit,
            });
        }
        let messages = Messages::read(image, address, &path)?;
        Ok(Object {
            path,
            messages,
            depth,
        })
    }

    /// Path from the root, without slashes at its ends; empty for the root.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether this is a dataset (else it is a group).
    pub(crate) fn is_dataset(&self) -> bool {
        self.messages.has(header::DATA_LAYOUT)
    }

    /// The objects in this group, with their names.
    pub(crate) fn children(&self, image: &Image<'a>) -> Result<Vec<(String, Object<'a>)>> {
        let links = group::links(image, &self.messages, &self.path)?;
        let mut children = Vec::new();
        for (name, address) in links {
            let path = join(&self.path, &name);
            children.push((name, Object::at(image, address, path, self.depth + 1)?));
        }
        Ok(children)
    }

    /// The child of this name, without opening the others.
    pub(crate) fn child(&self, image: &Image<'a>, name: &str) -> Result<Option<Object<'a>>> {
        let links = group::links(image, &self.messages, &self.path)?;
        match links.into_iter().find(|(found, _)| found == name) {
            Some((name, address)) => {
                let path = join(&self.path, &name);
                Object::at(image, address, path, self.depth + 1).map(Some)
            }
            None => Ok(None),
        }
    }
}

/// `parent/name`, or `name` at the root.
pub(crate) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_string()
    } else {
        format!("{parent}/{name}")
    }
}
