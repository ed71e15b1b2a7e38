//! Which names a group holds, and where the objects are.

use std::collections::HashSet;

use super::UNDEFINED;
use super::bytes::{Cursor, until_nul};
use super::header::{LINK, LINK_INFO, Messages, SYMBOL_TABLE};
use super::image::Image;
use crate::error::{Error, Result};

/// Names and header addresses of the objects in the group `path`, in the file's order.
pub(super) fn links(
    image: &Image<'_>,
    messages: &Messages<'_>,
    path: &str,
) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    if let Some(body) = messages.one(SYMBOL_TABLE) {
        symbol_table(image, body, path, &mut found)?;
    }
    if let Some(body) = messages.one(LINK_INFO) {
        refuse_dense(body, path)?;
    }
    for body in messages.all(LINK) {
        image.visit()?;
        found.push(link(body, path)?);
    }
    let mut names = HashSet::new();
    for (name, _) in &found {
        if !names.insert(name.as_str()) {
            return Err(Error::corrupt(
                format!("group `/{path}`"),
                format!("it has two objects `{name}`"),
            ));
        }
    }
    Ok(found)
}

/// The old form: a B-tree of nodes of entries, their names in a heap.
fn symbol_table(
    image: &Image<'_>,
    body: &[u8],
    path: &str,
    found: &mut Vec<(String, u64)>,
) -> Result<()> {
    let mut c = Cursor::new(body, "an HDF5 symbol table");
    let tree = c.u64()?;
    let names = local_heap(image, c.u64()?)?;
    let mut leaves = Vec::new();
    // Level above the root: any level may come first, then each below the one before.
    let mut nodes = vec![(tree, u16::from(u8::MAX) + 1)];
    while let Some((address, above)) = nodes.pop() {
        image.visit()?;
        let mut c = image.from(address, "an HDF5 group index")?;
        c.signature(b"TREE")?;
        c.version(0)?; // node type 0: a group
        let level = u16::from(c.u8()?);
        if level >= above {
            return Err(Error::corrupt(
                "an HDF5 group index",
                "its levels do not descend",
            ));
        }
        let count = c.u16()?;
        c.skip(16 + 8)?; // siblings, first key
        for _ in 0..count {
            image.visit()?;
            let child = c.u64()?;
            c.skip(8)?;
            if level == 0 {
                leaves.push(child);
            } else {
                nodes.push((child, level));
            }
        }
    }
    for leaf in leaves {
        image.visit()?;
        let mut c = image.from(leaf, "an HDF5 symbol table node")?;
        c.signature(b"SNOD")?;
        c.version(1)?;
        c.skip(1)?;
        for _ in 0..c.u16()? {
            image.visit()?;
            let name_at = c.u64()?;
            let address = c.u64()?;
            let kind = c.u32()?;
            c.skip(4 + 16)?;
            let rest = usize::try_from(name_at).ok().and_then(|at| names.get(at..));
            let rest = rest.ok_or_else(|| {
                Error::corrupt(
                    "an HDF5 symbol table node",
                    "a name lies outside of its heap",
                )
            })?;
            let name = name(until_nul(rest), path)?;
            if kind == 2 {
                return Err(refused(path, &name, "a soft link"));
            }
            found.push((name, address));
        }
    }
    Ok(())
}

fn local_heap<'a>(image: &Image<'a>, address: u64) -> Result<&'a [u8]> {
    let mut c = image.from(address, "an HDF5 local heap")?;
    c.signature(b"HEAP")?;
    c.version(0)?;
    c.skip(3)?;
    let size = c.u64()?;
    c.skip(8)?;
    image.slice(c.u64()?, size, "an HDF5 local heap")
}

/// The newer form: a message a link.
fn link(body: &[u8], path: &str) -> Result<(String, u64)> {
    let mut c = Cursor::new(body, "an HDF5 link");
    c.version(1)?;
    let flags = c.u8()?;
    let kind = if flags & 0x08 != 0 { c.u8()? } else { 0 };
    if flags & 0x04 != 0 {
        c.skip(8)?; // creation order
    }
    if flags & 0x10 != 0 {
        c.skip(1)?; // character set
    }
    let length = c.uint(1 << (flags & 3))?;
    let length = usize::try_from(length)
        .map_err(|_| Error::corrupt("an HDF5 link", "its name is too long"))?;
    let name = name(c.take(length)?, path)?;
    match kind {
        0 => Ok((name, c.u64()?)),
        1 => Err(refused(path, &name, "a soft link")),
        64 => Err(refused(path, &name, "a link into another file")),
        _ => Err(refused(path, &name, "a link of unknown kind")),
    }
}

fn refuse_dense(body: &[u8], path: &str) -> Result<()> {
    let mut c = Cursor::new(body, "an HDF5 link info");
    c.version(0)?;
    if c.u8()? & 1 != 0 {
        c.skip(8)?;
    }
    if c.u64()? == UNDEFINED {
        return Ok(());
    }
    Err(Error::Hdf5Feature {
        object: format!("/{path}"),
        feature: "dense link storage (h5py's libver=\"latest\" or track_order)".into(),
    })
}

/// A link's name as text. Names that could mean another place are refused.
fn name(bytes: &[u8], path: &str) -> Result<String> {
    let problem = match std::str::from_utf8(bytes) {
        Ok("") => "an empty name",
        Ok("." | "..") => "a name that means another group",
        Ok(name) if name.contains('/') => "a name with a slash",
        Ok(name) => return Ok(name.to_string()),
        Err(_) => "a name that is not UTF-8",
    };
    Err(Error::corrupt(
        format!("group `/{path}`"),
        format!("it holds {problem}"),
    ))
}

fn refused(path: &str, name: &str, feature: &str) -> Error {
    Error::Hdf5Feature {
        object: format!("/{}", super::join(path, name)),
        feature: feature.into(),
    }
}
