//! Legacy `.h5`: one HDF5 file whose attributes are the configs, weights by layer name.
//!
//! Written by Keras 2, `tf.keras` 2.x and, on request, by Keras 3.

use crate::error::{Error, Result};
use crate::hdf5::{Attribute, Image, Object, join};
use crate::weights::{LegacyGroup, LegacyWeights, NamedArray};

/// The parts of a legacy file.
pub(crate) struct LegacyFile {
    pub(crate) keras_version: Option<String>,
    pub(crate) backend: Option<String>,
    pub(crate) model_config: Option<String>,
    pub(crate) training_config: Option<String>,
    pub(crate) weights: LegacyWeights,
}

/// Whether the root group belongs to a legacy file, with a model in it or weights alone.
pub(crate) fn looks_like(image: &Image<'_>, root: &Object<'_>) -> Result<bool> {
    Ok(root.attribute(image, "model_config")?.is_some()
        || root.child(image, "model_weights")?.is_some()
        || has_list(image, root, "layer_names")?)
}

/// Reads everything.
pub(crate) fn read(image: &Image<'_>, root: &Object<'_>) -> Result<LegacyFile> {
    // Weights saved alone have at the root what a model has in `model_weights`.
    let inner = root.child(image, "model_weights")?;
    let group = inner.as_ref().unwrap_or(root);
    let mut layers = Vec::new();
    for name in list(image, group, "layer_names")? {
        let found = descend(image, group, &name)?;
        let found = found.ok_or_else(|| Error::MissingWeight(join(group.path(), &name)))?;
        let weights = named_arrays(image, &found)?;
        layers.push(LegacyGroup { name, weights });
    }
    let top_level = match group.child(image, "top_level_model_weights")? {
        Some(found) => named_arrays(image, &found)?,
        None => Vec::new(),
    };
    let optimizer = match root.child(image, "optimizer_weights")? {
        Some(found) => Some(named_arrays(image, &found)?),
        None => None,
    };
    let mut keras_version = root.text(image, "keras_version")?;
    if keras_version.is_none() {
        keras_version = group.text(image, "keras_version")?;
    }
    Ok(LegacyFile {
        backend: root.text(image, "backend")?,
        model_config: root.text(image, "model_config")?,
        training_config: root.text(image, "training_config")?,
        weights: LegacyWeights {
            keras_version: keras_version.clone(),
            layers,
            top_level,
            optimizer,
        },
        keras_version,
    })
}

/// The arrays that `weight_names` of a group lists, in that order.
fn named_arrays(image: &Image<'_>, group: &Object<'_>) -> Result<Vec<NamedArray>> {
    let mut arrays = Vec::new();
    for name in list(image, group, "weight_names")? {
        let path = join(group.path(), &name);
        let found = descend(image, group, &name)?;
        let found = found
            .filter(Object::is_dataset)
            .ok_or(Error::MissingWeight(path))?;
        let array = found.array(image)?;
        arrays.push(NamedArray { name, array });
    }
    Ok(arrays)
}

/// The object at a path of several names below `group`.
fn descend<'a>(image: &Image<'a>, group: &Object<'a>, path: &str) -> Result<Option<Object<'a>>> {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    let Some(first) = names.next() else {
        return Ok(None);
    };
    let mut found = group.child(image, first)?;
    for name in names {
        found = match found {
            Some(inner) if !inner.is_dataset() => inner.child(image, name)?,
            _ => None,
        };
    }
    Ok(found)
}

fn has_list(image: &Image<'_>, group: &Object<'_>, name: &str) -> Result<bool> {
    Ok(group.attribute(image, name)?.is_some()
        || group.attribute(image, &format!("{name}0"))?.is_some())
}

/// A list of names. Lists over 64 KiB are cut into attributes `name0`, `name1`, and so on.
fn list(image: &Image<'_>, group: &Object<'_>, name: &str) -> Result<Vec<String>> {
    let no_list = || {
        let what = format!("attribute `{name}` of `/{}`", group.path());
        Error::corrupt(what, "it is not a list of names")
    };
    let names = |attribute| match attribute {
        Attribute::Text(names) => Ok(names),
        Attribute::Other { empty: true } => Ok(Vec::new()),
        Attribute::Other { empty: false } => Err(no_list()),
    };
    if let Some(whole) = group.attribute(image, name)? {
        return names(whole);
    }
    let mut all = Vec::new();
    let mut part = 0;
    while let Some(next) = group.attribute(image, &format!("{name}{part}"))? {
        all.extend(names(next)?);
        part += 1;
    }
    if part == 0 {
        return Err(no_list());
    }
    Ok(all)
}
