//! Weights in memory: variables under the paths that `.weights.h5` gives them, or the flat lists
//! of the legacy format.

use std::collections::{BTreeMap, HashMap};

use crate::array::Array;
use crate::error::{Error, Result};

/// What a weights file holds, in the layout it was written in.
#[derive(Debug, Clone, PartialEq)]
pub enum Weights {
    /// `.keras` and `.weights.h5`: a path for every object.
    Tree(WeightTree),
    /// Legacy `.h5`: a flat list of arrays for every layer of the outermost model.
    Legacy(LegacyWeights),
}

/// The variables of every object of a model, by path: `layers/lstm/cell`, `optimizer`, and the
/// empty path for the model itself. [`naming`](crate::naming) says how paths are made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WeightTree {
    objects: BTreeMap<String, Variables>,
}

/// The variables that one object owns itself (those of its children have paths of their own).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variables {
    /// The object's name (`lstm_3`); a path does not have it. Keras 3.3 wrote none.
    pub name: Option<String>,
    /// The arrays in the order of the object's variables.
    pub arrays: Vec<Array>,
}

/// Weights of the legacy format: by position, layer by layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LegacyWeights {
    /// Keras version that wrote the file.
    pub keras_version: Option<String>,
    /// Every layer of the outermost model in its order, those without weights too.
    pub layers: Vec<LegacyGroup>,
    /// Variables that the model owns outside of its layers.
    pub top_level: Vec<NamedArray>,
    /// The optimizer's variables, if the file has them. From Keras 3 they are in the order of
    /// `optimizer/vars` in a [`WeightTree`]; from Keras 2 the names have to be gone by
    /// (`iteration:0`, `Adam/m/lstm/lstm_cell/kernel:0`), and the learning rate is not among them.
    pub optimizer: Option<Vec<NamedArray>>,
}

/// The weights of one layer: its trainable ones, then the others, nested layers included.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LegacyGroup {
    /// The layer's name.
    pub name: String,
    /// Its weights in the order of `layer.weights`.
    pub weights: Vec<NamedArray>,
}

/// An array and the name the legacy format gives it: `lstm/lstm_cell/kernel:0`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArray {
    /// The variable's path in Python.
    pub name: String,
    /// Its value.
    pub array: Array,
}

impl WeightTree {
    /// A tree without objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object's variables under `path`, without slashes at its ends. Gives back what was
    /// there.
    pub fn insert(&mut self, path: impl Into<String>, variables: Variables) -> Option<Variables> {
        self.objects.insert(path.into(), variables)
    }

    /// The variables under exactly this path.
    pub fn get(&self, path: &str) -> Option<&Variables> {
        self.objects.get(path)
    }

    /// Takes an object out, to use its arrays without a copy.
    pub fn remove(&mut self, path: &str) -> Option<Variables> {
        self.objects.remove(path)
    }

    /// The arrays under `path` if there are exactly `count`: what a layer of `count` variables loads.
    ///
    /// # Errors
    /// [`Error::MissingWeight`] when the object or one of its arrays is absent, [`Error::Corrupt`]
    /// when it has more.
    pub fn expect(&self, path: &str, count: usize) -> Result<&[Array]> {
        let arrays = match self.get(path) {
            Some(found) => found.arrays.as_slice(),
            None if count == 0 => &[],
            None => return Err(Error::MissingWeight(path.to_string())),
        };
        if arrays.len() < count {
            return Err(Error::MissingWeight(format!(
                "{path}/vars/{}",
                arrays.len()
            )));
        }
        if arrays.len() > count {
            let detail = format!("it needs {count} arrays, the file has {}", arrays.len());
            return Err(Error::corrupt(format!("the weights of `{path}`"), detail));
        }
        Ok(arrays)
    }

    /// Every object with its path, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variables)> {
        self.objects.iter().map(|(path, v)| (path.as_str(), v))
    }

    /// Moves everything at and below the first path of each pair to the second, all at once.
    pub(crate) fn rename(&mut self, moves: &HashMap<String, String>) {
        let renamed = |path: String| {
            let ends = path
                .match_indices('/')
                .map(|(at, _)| at)
                .chain([path.len()]);
            let found = ends
                .filter_map(|end| Some((end, moves.get(path.get(..end)?)?)))
                .next();
            match found {
                Some((end, to)) => format!("{to}{}", path.get(end..).unwrap_or_default()),
                None => path,
            }
        };
        let objects = std::mem::take(&mut self.objects).into_iter();
        self.objects = objects.map(|(path, v)| (renamed(path), v)).collect();
    }

    /// Number of objects, empty ones included.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
}

impl Variables {
    /// The variables of an object of that name.
    pub fn new(name: impl Into<String>, arrays: impl Into<Vec<Array>>) -> Self {
        Variables {
            name: Some(name.into()),
            arrays: arrays.into(),
        }
    }
}

impl FromIterator<(String, Variables)> for WeightTree {
    fn from_iter<I: IntoIterator<Item = (String, Variables)>>(iter: I) -> Self {
        WeightTree {
            objects: iter.into_iter().collect(),
        }
    }
}

impl IntoIterator for WeightTree {
    type Item = (String, Variables);
    type IntoIter = std::collections::btree_map::IntoIter<String, Variables>;

    fn into_iter(self) -> Self::IntoIter {
        self.objects.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_gets_its_arrays_only_when_their_number_is_right() {
        let mut tree = WeightTree::new();
        tree.insert(
            "layers/dense",
            Variables::new("d", vec![Array::scalar_f32(1.0)]),
        );
        assert_eq!(tree.expect("layers/dense", 1).unwrap().len(), 1);
        assert!(
            tree.expect("layers/dense", 2)
                .unwrap_err()
                .to_string()
                .contains("layers/dense/vars/1")
        );
        assert!(matches!(
            tree.expect("layers/dense", 0),
            Err(Error::Corrupt { .. })
        ));
        assert!(matches!(
            tree.expect("layers/lstm", 3),
            Err(Error::MissingWeight(_))
        ));
        assert!(tree.expect("layers/dropout", 0).unwrap().is_empty());
    }
}
