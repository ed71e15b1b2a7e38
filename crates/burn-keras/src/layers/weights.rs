//! Creating, listing and replacing the weights of a layer, in Keras' order.

use std::collections::HashMap;

use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::ArrayD;

use super::any_weight::SCALAR;
use super::weight_mismatch::{other_count, other_shape};
use super::{DynLayer, map, visit};
use crate::initializers::Initializer;
use crate::random::Generator;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// The most values one weight may have: 8 GB of them.
const MOST_VALUES: usize = 1 << 31;

/// The number of values of a weight of this shape.
///
/// Sizes can come from a stranger's file: a product that wraps around or fills the memory is refused.
pub(super) fn checked_count(shape: &[usize]) -> Result<usize> {
    shape
        .iter()
        .try_fold(1usize, |n, axis| n.checked_mul(*axis))
        .filter(|n| *n <= MOST_VALUES)
        .ok_or_else(|| {
            let problem = format!(
                "would have a weight of shape {shape:?}, which is more than {MOST_VALUES} values"
            );
            Error::weights("a layer", problem)
        })
}

/// Makes the weights of one layer while it is built.
pub struct WeightBuilder<'a> {
    device: &'a Device,
    generator: &'a mut Generator,
}

impl<'a> WeightBuilder<'a> {
    pub(crate) fn new(device: &'a Device, generator: &'a mut Generator) -> Self {
        Self { device, generator }
    }

    /// The device the weights are placed on.
    pub fn device(&self) -> &Device {
        self.device
    }

    /// The generator that initial values are drawn from.
    pub fn generator(&mut self) -> &mut Generator {
        self.generator
    }

    /// A weight that training updates.
    ///
    /// # Errors
    ///
    /// Those of [`Initializer::values`].
    pub fn weight<const D: usize>(
        &mut self,
        shape: [usize; D],
        initializer: &Initializer,
    ) -> Result<Param<Tensor<D>>> {
        checked_count(&shape)?;
        let values = initializer.values(&shape, self.generator)?;
        Ok(self.weight_from(shape, values))
    }

    /// A weight that training updates, with these values, row after row.
    pub fn weight_from<const D: usize>(
        &mut self,
        shape: [usize; D],
        values: Vec<f32>,
    ) -> Param<Tensor<D>> {
        Param::from_data(TensorData::new(values, shape), self.device)
    }

    /// A weight that is saved with the layer but never updated by the optimizer (moving averages).
    ///
    /// # Errors
    ///
    /// Those of [`Initializer::values`].
    pub fn non_trainable<const D: usize>(
        &mut self,
        shape: [usize; D],
        initializer: &Initializer,
    ) -> Result<Param<Tensor<D>>> {
        Ok(self.weight(shape, initializer)?.set_require_grad(false))
    }
}

/// One weight of a layer.
#[derive(Clone, Debug)]
pub struct WeightInfo {
    /// The field it is stored in, as `kernel`; inner layers' names stand before it, as `cell.kernel`.
    pub name: String,
    /// burn's identity of the parameter.
    pub id: ParamId,
    /// Whether training updates it.
    pub trainable: bool,
    /// Its shape in Keras: without axes for one number, whose value here has one axis.
    pub shape: Vec<usize>,
    /// Its values.
    pub value: AnyTensor,
}

impl WeightInfo {
    /// The number of its values.
    pub fn count(&self) -> usize {
        self.value.shape().iter().product()
    }
}

/// The weights of a layer in Keras' order: those that train first, then the others.
pub(crate) fn collect_weights(layer: &dyn DynLayer) -> Vec<WeightInfo> {
    struct Collector {
        path: Vec<String>,
        found: Vec<WeightInfo>,
    }
    impl ModuleVisitor for Collector {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            // The entry that marks one number is no part of the name.
            let scalar = self.path.last().is_some_and(|last| last == SCALAR);
            let path = &self.path[..self.path.len() - usize::from(scalar)];
            let value = param.val().without_autodiff();
            self.found.push(WeightInfo {
                name: path.join("."),
                id: param.id,
                // Only a parameter on an autodiff device tells whether it trains.
                trainable: param.clone().train_flag(),
                shape: if scalar {
                    Vec::new()
                } else {
                    value.dims().to_vec()
                },
                value: AnyTensor::from(value),
            });
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut collector = Collector {
        path: Vec::new(),
        found: Vec::new(),
    };
    visit(layer, &mut collector);
    let mut weights = collector.found;
    // A stable sort keeps the order of the fields within both groups.
    weights.sort_by_key(|w| !w.trainable);
    let frozen = layer.frozen_inside();
    for weight in &mut weights {
        weight.trainable &= layer.options().trainable()
            && !frozen.iter().any(|field| weight.name.starts_with(field));
    }
    weights
}

/// Whether a parameter was made to be trained, asked of a copy since only an autodiff tensor tells.
trait TrainFlag {
    fn train_flag(self) -> bool;
}

impl<const D: usize> TrainFlag for Param<Tensor<D>> {
    fn train_flag(self) -> bool {
        burn::module::Module::train(self).val().is_require_grad()
    }
}

/// The values of `weights` as arrays.
///
/// # Errors
///
/// [`Error::Device`] when the device fails to hand them over.
pub(crate) fn read_weights(weights: &[WeightInfo]) -> Result<Vec<ArrayD<f32>>> {
    weights
        .iter()
        .map(|w| as_array(w.value.to_vec()?, &w.shape))
        .collect()
}

fn as_array(values: Vec<f32>, shape: &[usize]) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(shape, values)
        .map_err(|e| Error::tensor("reading a tensor", e.to_string()))
}

/// The same layer with parameters that burn takes for others.
pub(crate) fn with_new_identities(layer: Box<dyn DynLayer>) -> Box<dyn DynLayer> {
    struct Renamer;
    impl ModuleMapper for Renamer {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (_, value, mapper) = param.consume();
            Param::from_mapped_value(ParamId::new(), value, mapper)
        }
    }
    map(layer, &mut Renamer)
}

/// Gives a layer new weights; `values` are in the order of [`collect_weights`] and have its shapes.
///
/// # Errors
///
/// [`Error::Weights`] when their number or a shape differs; the layer is then unchanged.
pub(crate) fn replace_weights(
    layer: &dyn DynLayer,
    values: &[ArrayD<f32>],
) -> Result<Box<dyn DynLayer>> {
    let weights = collect_weights(layer);
    if weights.len() != values.len() {
        let shapes: Vec<&[usize]> = values.iter().map(ArrayD::shape).collect();
        return Err(other_count(layer, &weights, &shapes));
    }
    for (weight, value) in weights.iter().zip(values) {
        if weight.shape != value.shape() {
            return Err(other_shape(layer, weight, value.shape()));
        }
    }
    let new = weights.iter().map(|w| w.id).zip(values).collect();
    Ok(map(layer.boxed_clone(), &mut Replacer { new }))
}

/// The layer with the new values that belong to it; `None` where none does.
pub(crate) fn with_updates(
    layer: &dyn DynLayer,
    updated: &HashMap<ParamId, AnyTensor>,
) -> Option<Box<dyn DynLayer>> {
    struct Finder<'a> {
        updated: &'a HashMap<ParamId, AnyTensor>,
        found: bool,
    }
    impl ModuleVisitor for Finder<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.found |= self.updated.contains_key(&param.id);
        }
    }
    struct Applier<'a> {
        updated: &'a HashMap<ParamId, AnyTensor>,
    }
    impl ModuleMapper for Applier<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let new = self.updated.get(&param.id);
            match new.and_then(|new| new.float::<D>().ok()) {
                Some(new) => param.map(|old| {
                    if old.is_autodiff() {
                        new.autodiff().set_require_grad(old.is_require_grad())
                    } else {
                        new
                    }
                }),
                None => param,
            }
        }
    }
    let mut finder = Finder {
        updated,
        found: false,
    };
    visit(layer, &mut finder);
    finder
        .found
        .then(|| map(layer.boxed_clone(), &mut Applier { updated }))
}

struct Replacer<'a> {
    new: Vec<(ParamId, &'a ArrayD<f32>)>,
}

impl ModuleMapper for Replacer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some((_, values)) = self.new.iter().find(|(id, _)| *id == param.id) else {
            return param;
        };
        let values: Vec<f32> = values.iter().copied().collect();
        param.map(|old| {
            let fresh = Tensor::from_data(TensorData::new(values, old.shape()), &old.device());
            let fresh = if old.is_autodiff() {
                fresh.autodiff()
            } else {
                fresh
            };
            fresh.set_require_grad(old.is_require_grad())
        })
    }
}
