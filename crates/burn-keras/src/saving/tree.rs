//! Weights under the paths that Keras 3 gives them: `layers/lstm/cell/vars/0`.

use std::collections::HashMap;

use keras_format::{Array, Variables, WeightTree, places};
use ndarray::ArrayD;
use serde_json::Value;

use super::file_error;
use super::holders::{Found, Holder, Part, members};
use crate::layers::{LayerHandle, read_weights};
use crate::models::Model;
use crate::{Error, Result};

/// The tree of a model whose configuration is `object`, without the optimizer.
pub(super) fn write(model: &Model, object: &Value) -> Result<WeightTree> {
    let mut arrays: HashMap<String, Vec<Array>> = HashMap::new();
    let mut seen: HashMap<u64, &str> = HashMap::new();
    let members = members(model.layers(), object)?;
    for holder in members.iter().flat_map(|m| &m.holders) {
        if let Some(first) = seen.insert(holder.layer.identity(), &holder.name) {
            let name = &holder.name;
            model.notes.say_once(&format!("{name} saved twice"), || {
                format!(
                    "the layer \"{first}\" is also \"{name}\", in another model: Keras' files hold such a layer twice, and \
                     loaded again it is two layers, with the same weights but trained apart"
                )
            });
        }
        let weights = read_weights(&holder.weights())?;
        let counts = holder.counts(weights.len())?;
        let mut weights = weights.into_iter();
        for (part, count) in holder.parts.iter().zip(counts) {
            let own = weights.by_ref().take(count).map(to_file);
            arrays.insert(part.path.clone(), own.collect::<Result<_>>()?);
        }
    }
    let mut tree = WeightTree::new();
    for place in places(object).map_err(file_error)? {
        let own = arrays.remove(&place.path).unwrap_or_default();
        tree.insert(
            &place.path,
            Variables {
                name: place.name,
                arrays: own,
            },
        );
    }
    Ok(tree)
}

/// An array as files hold it.
pub(super) fn to_file(array: ArrayD<f32>) -> Result<Array> {
    let shape = array.shape().to_vec();
    let (values, _) = array.into_raw_vec_and_offset();
    Array::f32(shape, values).map_err(file_error)
}

/// An array of a file.
pub(super) fn from_file(place: &str, array: &Array) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(array.shape().to_vec(), array.to_f32().into_owned())
        .map_err(|e| Error::weights(place, e.to_string()))
}

/// The arrays of each layer in the order of its weights, or why the file does not have them.
pub(super) fn read(
    layers: &[LayerHandle],
    object: &Value,
    tree: &WeightTree,
    by_name: bool,
) -> Result<Found> {
    let paths = if by_name {
        Some(paths_by_name(object, tree)?)
    } else {
        None
    };
    let holders = members(layers, object)?.into_iter().flat_map(|m| m.holders);
    Ok(holders
        .map(|holder| {
            let arrays = arrays(&holder, tree, paths.as_ref());
            (holder, arrays)
        })
        .collect())
}

fn arrays(
    holder: &Holder,
    tree: &WeightTree,
    paths: Option<&HashMap<String, String>>,
) -> Result<Vec<ArrayD<f32>>> {
    let counts = holder.counts(holder.weights().len())?;
    let mut arrays = Vec::new();
    for (Part { path, .. }, count) in holder.parts.iter().zip(counts) {
        let path = match paths {
            None => path,
            Some(paths) => paths.get(path).ok_or_else(|| {
                Error::weights(
                    holder.layer.describe(),
                    format!("the file has no layer \"{}\"", holder.name),
                )
            })?,
        };
        let found = tree
            .expect(path, count)
            .map_err(|e| Error::weights(holder.layer.describe(), e.to_string()))?;
        for array in found {
            arrays.push(from_file(path, array)?);
        }
    }
    Ok(arrays)
}

/// For the path of every object of the model, the path of the object of the same names in the file.
fn paths_by_name(object: &Value, tree: &WeightTree) -> Result<HashMap<String, String>> {
    let mut members: HashMap<(&str, &str), &str> = HashMap::new();
    for (path, variables) in tree.iter() {
        if let (Some((parent, _)), Some(name)) = (path.rsplit_once('/'), &variables.name) {
            members.insert((parent, name.as_str()), path);
        }
    }
    if members.is_empty() {
        return Err(Error::weights(
            "the file",
            "does not tell the layers' names, so its weights can be loaded by position only",
        ));
    }
    let mut found: HashMap<String, String> = HashMap::from([(String::new(), String::new())]);
    for place in places(object).map_err(file_error)? {
        let Some((parent, key)) = place.path.rsplit_once('/') else {
            continue;
        };
        // What is not numbered by its class (`cell`, `forward_layer`) has the same key in the file.
        let in_list = parent == "layers" || parent.ends_with("/layers");
        let above = if in_list {
            parent
                .strip_suffix("layers")
                .unwrap_or(parent)
                .trim_end_matches('/')
        } else {
            parent
        };
        let Some(above) = found.get(above) else {
            continue;
        };
        let there = if in_list {
            let list = keras_format::naming::child_path(above, "layers");
            let name = place.name.as_deref().unwrap_or_default();
            members.get(&(list.as_str(), name)).map(|p| p.to_string())
        } else {
            Some(keras_format::naming::child_path(above, key))
        };
        if let Some(there) = there {
            found.insert(place.path.clone(), there);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn a_layer_of_two_models_is_said_to_become_two() -> Result<()> {
        let mut shared = Sequential::new().named("shared");
        shared.add(Dense::new(3).input_shape([3]))?;
        let shared = shared.handle();
        let inside = Input::new([3]);
        let inner = Model::new(&inside, &shared.call(&inside)?)?;
        let input = Input::new([3]);
        let alone = Model::new(&input, &inner.call(&input)?)?;
        write(&alone, &alone.to_object())?;
        assert!(alone.warnings().is_empty(), "{:?}", alone.warnings());
        let both = Model::new(&input, &shared.call(&inner.call(&input)?)?)?;
        write(&both, &both.to_object())?;
        let told = both.warnings();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains("shared/dense") && told[0].contains("trained apart"),
            "{}",
            told[0]
        );
        Ok(())
    }
}
