//! Weights as an HDF5 file that h5py and Keras read.

use std::collections::BTreeMap;

use hdf5_pure::{AttrValue, DatasetBuilder, FileBuilder, GroupBuilder};

use crate::array::{Array, Data};
use crate::error::{Error, Result};
use crate::weights::{Variables, WeightTree};

/// Groups nested in groups, as HDF5 wants them, from the flat paths of a [`WeightTree`].
#[derive(Default)]
struct Node<'a> {
    children: BTreeMap<&'a str, Node<'a>>,
    variables: Option<&'a Variables>,
}

/// The file with every object's `<path>/vars`, empty ones too.
pub(crate) fn tree_to_builder(tree: &WeightTree) -> Result<FileBuilder> {
    let mut root = Node::default();
    for (path, variables) in tree.iter() {
        let mut node = &mut root;
        for name in path.split('/').filter(|_| !path.is_empty()) {
            if matches!(name, "" | "." | ".." | "vars") {
                return Err(Error::Encode {
                    what: "the weights",
                    detail: format!("`{path}` is no path of groups"),
                });
            }
            node = node.children.entry(name).or_default();
        }
        node.variables = Some(variables);
    }
    let mut file = FileBuilder::new();
    // The format of HDF5 1.8: Keras' own h5py reads anything newer too, other tools may not.
    file.with_libver_bounds(hdf5_pure::LibVer::Earliest, hdf5_pure::LibVer::V18);
    if let Some(variables) = root.variables {
        let mut vars = file.create_group("vars");
        fill(&mut vars, variables);
        file.add_group(vars.finish());
    }
    for (name, node) in &root.children {
        let mut group = file.create_group(name);
        descend(&mut group, node);
        file.add_group(group.finish());
    }
    Ok(file)
}

fn descend(group: &mut GroupBuilder, node: &Node<'_>) {
    if let Some(variables) = node.variables {
        let mut vars = group.create_group("vars");
        fill(&mut vars, variables);
        group.add_group(vars.finish());
    }
    for (name, child) in &node.children {
        let mut inner = group.create_group(name);
        descend(&mut inner, child);
        group.add_group(inner.finish());
    }
}

fn fill(vars: &mut GroupBuilder, variables: &Variables) {
    if let Some(name) = &variables.name {
        vars.set_attr("name", AttrValue::VarLenString(name.clone()));
    }
    for (index, array) in variables.arrays.iter().enumerate() {
        dataset(vars.create_dataset(&index.to_string()), array);
    }
}

fn dataset(dataset: &mut DatasetBuilder, array: &Array) {
    match array.data() {
        Data::F32(v) => dataset.with_f32_data(v),
        Data::F64(v) => dataset.with_f64_data(v),
        Data::I32(v) => dataset.with_i32_data(v),
        Data::I64(v) => dataset.with_i64_data(v),
        Data::U32(v) => dataset.with_u32_data(v),
    };
    let shape: Vec<u64> = array.shape().iter().map(|&axis| axis as u64).collect();
    dataset.with_shape(&shape);
}
