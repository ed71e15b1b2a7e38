//! Weights of legacy `.h5` files: a flat list for every layer of the outermost model.

use std::collections::HashMap;

use burn::module::ParamId;
use keras_format::LegacyWeights;
use ndarray::ArrayD;
use serde_json::Value;

use super::holders::{Found, Member, members};
use super::tree::from_file;
use crate::error::plural;
use crate::layers::{LayerHandle, WeightInfo};
use crate::{Error, Result};

/// The arrays of each layer in the order of its weights, or why the file does not have them.
///
/// By name, a layer takes the list of its name; by position the n-th layer with weights takes the n-th list that is
/// not empty.
pub(super) fn read(
    layers: &[LayerHandle],
    object: &Value,
    weights: &LegacyWeights,
    by_name: bool,
) -> Result<Found> {
    let members = members(layers, object)?;
    let members: Vec<Member> = members
        .into_iter()
        .filter(|m| !m.holders.is_empty())
        .collect();
    let groups: Vec<_> = weights
        .layers
        .iter()
        .filter(|g| !g.weights.is_empty())
        .collect();
    if !by_name && groups.len() != members.len() {
        return Err(Error::weights(
            "the file",
            format!(
                "has {} {} with weights, but the model has {}; load by name what both have",
                groups.len(),
                plural(groups.len(), "layer"),
                members.len()
            ),
        ));
    }
    let named: HashMap<&str, usize> = groups
        .iter()
        .enumerate()
        .map(|(i, g)| (g.name.as_str(), i))
        .collect();
    let mut found = Vec::new();
    for (position, member) in members.into_iter().enumerate() {
        let group = if by_name {
            named.get(member.name.as_str()).copied()
        } else {
            Some(position)
        };
        let arrays = match group.and_then(|i| groups.get(i)) {
            Some(group) => group
                .weights
                .iter()
                .map(|w| from_file(&w.name, &w.array))
                .collect::<Result<Vec<_>>>(),
            None => Err(Error::weights(
                format!("the layer \"{}\"", member.name),
                "the file has no layer of this name",
            )),
        };
        found.extend(share_out(member, arrays));
    }
    Ok(found)
}

/// The name of every weight in the file, for a model loaded from it.
pub(super) fn weight_names(
    layers: &[LayerHandle],
    object: &Value,
    weights: &LegacyWeights,
) -> Result<HashMap<ParamId, String>> {
    let mut names = HashMap::new();
    for member in members(layers, object)? {
        let group = weights.layers.iter().find(|g| g.name == member.name);
        let own = in_file_order(&member);
        for ((_, weight), named) in own.iter().zip(group.iter().flat_map(|g| &g.weights)) {
            names.insert(weight.id, named.name.clone());
        }
    }
    Ok(names)
}

/// The weights of a member in the order of its list, each with the number of its holder: first the trainable ones of
/// all layers in it, then the others.
fn in_file_order(member: &Member) -> Vec<(usize, WeightInfo)> {
    let numbered = member.holders.iter().enumerate();
    let mut weights: Vec<_> = numbered
        .flat_map(|(i, holder)| holder.weights().into_iter().map(move |w| (i, w)))
        .collect();
    weights.sort_by_key(|(_, w)| !w.trainable);
    weights
}

/// Splits a member's list.
fn share_out(member: Member, arrays: Result<Vec<ArrayD<f32>>>) -> Found {
    let places = in_file_order(&member);
    let arrays = arrays.and_then(|arrays| {
        if arrays.len() == places.len() {
            return Ok(arrays);
        }
        Err(Error::weights(
            format!("the layer \"{}\"", member.name),
            format!(
                "has {} weights, but the file has {} for it",
                places.len(),
                arrays.len()
            ),
        ))
    });
    match arrays {
        Err(error) => member
            .holders
            .into_iter()
            .map(|h| (h, Err(error.clone())))
            .collect(),
        Ok(arrays) => {
            let mut shares = vec![Vec::new(); member.holders.len()];
            for ((number, _), array) in places.into_iter().zip(arrays) {
                shares[number].push(array);
            }
            let shares = shares.into_iter().map(Ok);
            member.holders.into_iter().zip(shares).collect()
        }
    }
}
