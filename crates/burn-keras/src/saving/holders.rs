//! Which layer's weights are where in a weights file.

use std::collections::HashMap;

use keras_format::{Place, places};
use ndarray::ArrayD;
use serde_json::Value;

use super::file_error;
use crate::layers::{LayerHandle, WeightInfo};
use crate::models::is_model;
use crate::{Error, Result};

/// A layer of the outermost model, with every layer inside of it that holds weights.
#[derive(Debug)]
pub(super) struct Member {
    /// The layer's name.
    pub name: String,
    /// The layers with weights, in the order of the configuration: the layer itself unless it is a model.
    pub holders: Vec<Holder>,
}

/// A layer with weights, and where they are.
#[derive(Debug)]
pub(super) struct Holder {
    /// The layer.
    pub layer: LayerHandle,
    /// Its name with those of the models around it: `encoder/lstm`.
    pub name: String,
    /// The objects that hold its variables, in the order of `layer.weights` in Keras.
    pub parts: Vec<Part>,
}

/// An object of the file that holds variables.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its path, as `layers/lstm/cell`.
    pub path: String,
    /// The number of its variables; `None` for an object that has all of its layer's.
    pub count: Option<usize>,
}

/// For each layer what it takes from a file, in the order of its weights, or why it can't.
pub(super) type Found = Vec<(Holder, Result<Vec<ArrayD<f32>>>)>;

impl Holder {
    /// Its weights in Keras' order.
    pub fn weights(&self) -> Vec<WeightInfo> {
        self.layer.weights()
    }

    /// The number of variables in each part of a layer with `total` weights.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] when the configuration promises another number of weights than the layer has.
    pub fn counts(&self, total: usize) -> Result<Vec<usize>> {
        if let [Part { count: None, .. }] = self.parts.as_slice() {
            return Ok(vec![total]);
        }
        let counts: Vec<usize> = self.parts.iter().map(|p| p.count.unwrap_or(0)).collect();
        let sum: usize = counts.iter().sum();
        if sum != total || self.parts.iter().any(|p| p.count.is_none()) {
            return Err(Error::weights(
                self.layer.describe(),
                format!("has {total} weights, but {sum} places in a Keras file"),
            ));
        }
        Ok(counts)
    }
}

/// The members of the model that `object` serialises; `layers` are those of the model that was made from it.
pub(super) fn members(layers: &[LayerHandle], object: &Value) -> Result<Vec<Member>> {
    let places = places(object).map_err(file_error)?;
    // The objects of a configuration are told apart by where they lie in memory.
    let mut found: HashMap<*const Value, Vec<&Place<'_>>> = HashMap::new();
    for place in &places {
        found
            .entry(std::ptr::from_ref(place.config))
            .or_default()
            .push(place);
    }
    let index = Index(found);
    let mut members = Vec::new();
    index.each_layer(layers, object, "", &mut |name, layer, object| {
        let mut holders = Vec::new();
        index.holders(name, layer, object, &mut holders)?;
        members.push(Member {
            name: name.to_string(),
            holders,
        });
        Ok(())
    })?;
    Ok(members)
}

/// The places of each serialised object.
struct Index<'p, 'c>(HashMap<*const Value, Vec<&'p Place<'c>>>);

/// What is done with a layer: its full name, the layer, and its serialised form.
type Visit<'v> = dyn FnMut(&str, &LayerHandle, &Value) -> Result<()> + 'v;

impl Index<'_, '_> {
    fn of(&self, object: &Value) -> &[&Place<'_>] {
        object
            .get("config")
            .and_then(|config| self.0.get(&std::ptr::from_ref(config)))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn each_layer(
        &self,
        layers: &[LayerHandle],
        model: &Value,
        prefix: &str,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let by_name: HashMap<String, &LayerHandle> = layers.iter().map(|l| (l.name(), l)).collect();
        let objects = model.pointer("/config/layers").and_then(Value::as_array);
        for object in objects.into_iter().flatten() {
            let name = object.pointer("/config/name").and_then(Value::as_str);
            if let Some((name, layer)) = name.and_then(|n| Some((n, *by_name.get(n)?))) {
                visit(&format!("{prefix}{name}"), layer, object)?;
            }
        }
        Ok(())
    }

    fn holders(
        &self,
        name: &str,
        layer: &LayerHandle,
        object: &Value,
        found: &mut Vec<Holder>,
    ) -> Result<()> {
        let inner = layer.read().inner_layers().map(<[LayerHandle]>::to_vec);
        // The layer is a model, or holds one, as a TimeDistributed can.
        let held = object.pointer("/config/layer");
        let model = [Some(object), held].into_iter().flatten();
        let model = model.into_iter().find(|object| is_model(object));
        if let Some((inner, model)) = inner.zip(model) {
            return self.each_layer(
                &inner,
                model,
                &format!("{name}/"),
                &mut |name, layer, object| self.holders(name, layer, object, found),
            );
        }
        if !layer.weights().is_empty() {
            found.push(Holder {
                layer: layer.clone(),
                name: name.to_string(),
                parts: self.parts(object),
            });
        }
        Ok(())
    }

    /// The objects that hold the variables of a layer, in the order of its weights.
    fn parts(&self, object: &Value) -> Vec<Part> {
        let places = self.of(object);
        let class_name = object
            .get("class_name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let config = object.get("config").unwrap_or(&Value::Null);
        let bias = usize::from(config.get("use_bias") != Some(&Value::Bool(false)));
        let part = |class: &str, count: Option<usize>| {
            places.iter().find(|p| p.class == class).map(|p| Part {
                path: p.path.clone(),
                count,
            })
        };
        let held = |key: &str| config.get(key).map(|o| self.parts(o)).unwrap_or_default();
        match class_name {
            "LSTM" | "GRU" | "SimpleRNN" => part(&format!("{class_name}Cell"), Some(2 + bias))
                .into_iter()
                .collect(),
            "LSTMCell" | "GRUCell" | "SimpleRNNCell" => {
                part(class_name, Some(2 + bias)).into_iter().collect()
            }
            "Bidirectional" => [held("layer"), held("backward_layer")].concat(),
            "TimeDistributed" => held("layer"),
            "RNN" => held("cell"),
            "StackedRNNCells" => {
                let cells = config.get("cells").and_then(Value::as_array);
                cells
                    .into_iter()
                    .flatten()
                    .flat_map(|c| self.parts(c))
                    .collect()
            }
            "MultiHeadAttention" => ["query", "key", "gate", "value", "attention_output"]
                .iter()
                .filter_map(|name| places.iter().find(|p| p.name.as_deref() == Some(*name)))
                .map(|p| Part {
                    path: p.path.clone(),
                    count: Some(1 + bias),
                })
                .collect(),
            _ => part(class_name, None).into_iter().collect(),
        }
    }
}
