//! `.weights.h5`: a group for every object of a model, its variables numbered in `<path>/vars`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use crate::array::Array;
use crate::atomic::try_atomic_write;
use crate::error::{Error, Result};
use crate::hdf5::{Image, Object, join, tree_to_builder};
use crate::naming::current_key;
use crate::weights::{Variables, WeightTree};

/// Whether the root group has the layout this module reads (and not the legacy one).
pub(crate) fn looks_like(image: &Image<'_>, root: &Object<'_>) -> Result<bool> {
    for name in [
        "layers",
        "vars",
        "_layer_checkpoint_dependencies",
        "optimizer",
    ] {
        if root.child(image, name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the whole tree.
pub(crate) fn read(image: &Image<'_>, root: &Object<'_>) -> Result<WeightTree> {
    let mut tree = WeightTree::new();
    walk(image, root, "", &mut tree)?;
    Ok(tree)
}

fn walk(image: &Image<'_>, group: &Object<'_>, path: &str, tree: &mut WeightTree) -> Result<()> {
    for (name, child) in group.children(image)? {
        if child.is_dataset() {
            let what = format!("`/{}`", child.path());
            return Err(Error::corrupt(what, "an array outside of a group `vars`"));
        }
        if name == "vars" {
            tree.insert(path, variables(image, &child)?);
            continue;
        }
        walk(image, &child, &join(path, current_key(&name)), tree)?;
    }
    Ok(())
}

/// HDF5 lists the names as texts (`0`, `1`, `10`, `2`); the numbers are what counts.
fn variables(image: &Image<'_>, vars: &Object<'_>) -> Result<Variables> {
    let mut numbered: BTreeMap<usize, Array> = BTreeMap::new();
    for (name, child) in vars.children(image)? {
        let number = name.parse().ok().filter(|n: &usize| n.to_string() == name);
        let (Some(number), true) = (number, child.is_dataset()) else {
            return Err(Error::Hdf5Feature {
                object: format!("/{}", child.path()),
                feature: "a variable without a number (a layer that saves itself in its own way)"
                    .into(),
            });
        };
        numbered.insert(number, child.array(image)?);
    }
    if let Some(gap) = numbered
        .keys()
        .enumerate()
        .find_map(|(i, &n)| (i != n).then_some(i))
    {
        return Err(Error::MissingWeight(format!("{}/{gap}", vars.path())));
    }
    Ok(Variables {
        name: vars.text(image, "name")?,
        arrays: numbered.into_values().collect(),
    })
}

/// Writes a `.weights.h5` file, whole or not at all.
///
/// ```
/// use keras_format::{Array, Variables, WeightTree};
/// # let dir = std::env::temp_dir().join(format!("keras-format-w-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir)?;
/// # let path = dir.join("m.weights.h5");
/// let mut tree = WeightTree::new();
/// tree.insert("", Variables::new("sequential", []));
/// let kernel = Array::f32([3, 2], vec![0.5; 6])?;
/// let bias = Array::f32([2], vec![0.0; 2])?;
/// tree.insert("layers/dense", Variables::new("dense", [kernel, bias]));
/// keras_format::write_weights(&path, &tree)?;
/// assert_eq!(keras_format::read_weights(&path)?, keras_format::Weights::Tree(tree));
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Encode`] for paths that are none, [`Error::Io`] for what the system refuses.
pub fn write_weights(path: impl AsRef<Path>, tree: &WeightTree) -> Result<()> {
    try_atomic_write(path.as_ref(), |file| {
        let mut out = std::io::BufWriter::with_capacity(1 << 16, file);
        encode(tree, &mut out)?;
        out.flush().map_err(Error::io("write the file"))
    })
}

/// The HDF5 file as bytes into `out`.
pub(crate) fn encode(tree: &WeightTree, out: impl Write) -> Result<()> {
    tree_to_builder(tree)?.finish_to(out).map_err(|e| match e {
        hdf5_pure::Error::Io(source) => Error::Io {
            action: "write the weights",
            source,
        },
        other => Error::Encode {
            what: "the weights",
            detail: other.to_string(),
        },
    })
}
