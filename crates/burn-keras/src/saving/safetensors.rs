//! Weights as `.safetensors`: each under its layer's name and its own, `encoder/lstm/recurrent_kernel`.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use ndarray::ArrayD;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::Value;

use super::file_error;
use super::holders::{Found, Holder, members};
use crate::layers::{LayerHandle, WeightInfo, read_weights};
use crate::models::Model;
use crate::{Error, Result};

fn names(holder: &Holder) -> Vec<String> {
    let full = |w: &WeightInfo| format!("{}/{}", holder.name, w.name.replace('.', "/"));
    holder.weights().iter().map(full).collect()
}

/// Writes the weights of a model whose configuration is `object`.
pub(super) fn write(model: &Model, object: &Value, path: &Path) -> Result<()> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for holder in members(model.layers(), object)?
        .iter()
        .flat_map(|m| &m.holders)
    {
        let values = read_weights(&holder.weights())?;
        for (name, array) in names(holder).into_iter().zip(values) {
            let bytes = array.iter().flat_map(|v| v.to_le_bytes()).collect();
            tensors.push((name, array.shape().to_vec(), bytes));
        }
    }
    let failed = |problem: String| Error::File {
        path: path.display().to_string(),
        problem,
    };
    let mut views = Vec::new();
    for (name, shape, bytes) in &tensors {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
            .map_err(|e| failed(format!("cannot encode the weight `{name}`: {e}")))?;
        views.push((name.as_str(), view));
    }
    let metadata = HashMap::from([("format".to_string(), "keras".to_string())]);
    let bytes = safetensors::serialize(views, Some(metadata))
        .map_err(|e| failed(format!("cannot encode the weights: {e}")))?;
    keras_format::atomic_write(path, |file| file.write_all(&bytes)).map_err(file_error)
}

/// The arrays of each layer in the order of its weights, or why the file does not have them.
pub(super) fn read(layers: &[LayerHandle], object: &Value, path: &Path) -> Result<Found> {
    let failed = |problem: String| Error::File {
        path: path.display().to_string(),
        problem,
    };
    let regular = std::fs::metadata(path)
        .map_err(|e| failed(format!("cannot open the file: {e}")))?
        .is_file();
    if !regular {
        return Err(failed("is not a regular file".to_string()));
    }
    let bytes = std::fs::read(path).map_err(|e| failed(format!("cannot read the file: {e}")))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| failed(format!("is no safetensors file: {e}")))?;
    let holders = members(layers, object)?.into_iter().flat_map(|m| m.holders);
    Ok(holders
        .map(|holder| {
            let place = holder.layer.describe();
            let arrays = names(&holder)
                .iter()
                .map(|name| match file.tensor(name) {
                    Ok(view) => array(&place, name, &view),
                    Err(_) => Err(Error::weights(&place, format!("the file has no `{name}`"))),
                })
                .collect();
            (holder, arrays)
        })
        .collect())
}

fn array(place: &str, name: &str, view: &TensorView<'_>) -> Result<ArrayD<f32>> {
    let wide = |problem: String| Error::weights(place, format!("`{name}` {problem}"));
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::F64 => view
            .data()
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)
            .collect(),
        other => {
            return Err(wide(format!(
                "is of type {other:?}; F32 and F64 are supported"
            )));
        }
    };
    ArrayD::from_shape_vec(view.shape().to_vec(), values).map_err(|e| wide(e.to_string()))
}
