//! A weight whose number of axes is known only when its layer is built.

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
    Param,
};
use burn::tensor::{Device, Tensor};

use super::WeightBuilder;
use crate::initializers::Initializer;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// What a [`ModuleVisitor`] is told when it enters a weight that Keras holds as one number without axes.
pub(crate) const SCALAR: &str = "Scalar";

/// A weight of one number or of up to 4 axes.
///
/// burn's tensors have at least one axis: one number is stored under the shape `[1]`, and the layer's weights are
/// listed with the shape `[]`, as in Keras.
#[derive(Clone, Debug)]
pub enum AnyWeight {
    /// One number.
    Scalar(Param<Tensor<1>>),
    /// One axis.
    Rank1(Param<Tensor<1>>),
    /// Two axes.
    Rank2(Param<Tensor<2>>),
    /// Three axes.
    Rank3(Param<Tensor<3>>),
    /// Four axes.
    Rank4(Param<Tensor<4>>),
}

/// Runs `$body` with `$param` as the parameter, whatever its rank.
macro_rules! each_rank {
    ($weight:expr, $param:ident => $body:expr) => {
        match $weight {
            AnyWeight::Scalar($param) | AnyWeight::Rank1($param) => $body,
            AnyWeight::Rank2($param) => $body,
            AnyWeight::Rank3($param) => $body,
            AnyWeight::Rank4($param) => $body,
        }
    };
}

/// The same weight with its parameter replaced by `$body`.
macro_rules! same_rank {
    ($weight:expr, $param:ident => $body:expr) => {
        match $weight {
            AnyWeight::Scalar($param) => AnyWeight::Scalar($body),
            AnyWeight::Rank1($param) => AnyWeight::Rank1($body),
            AnyWeight::Rank2($param) => AnyWeight::Rank2($body),
            AnyWeight::Rank3($param) => AnyWeight::Rank3($body),
            AnyWeight::Rank4($param) => AnyWeight::Rank4($body),
        }
    };
}

impl AnyWeight {
    /// A weight that training updates; no axes make it one number.
    ///
    /// # Errors
    ///
    /// Those of the initializer; [`Error::Weights`] for more than 4 axes.
    pub fn new(
        weights: &mut WeightBuilder<'_>,
        shape: &[usize],
        initializer: &Initializer,
    ) -> Result<Self> {
        super::weights::checked_count(shape)?;
        let values = initializer.values(shape, weights.generator())?;
        Self::from_values(weights, shape, values)
    }

    /// A weight that training updates, with these values, row after row.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] for another number of values, or more than 4 axes.
    pub fn from_values(
        weights: &mut WeightBuilder<'_>,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<Self> {
        if values.len() != super::weights::checked_count(shape)? {
            let problem = format!("has {} values for the shape {shape:?}", values.len());
            return Err(Error::weights("a weight", problem));
        }
        Ok(match *shape {
            [] => Self::Scalar(weights.weight_from([1], values)),
            [a] => Self::Rank1(weights.weight_from([a], values)),
            [a, b] => Self::Rank2(weights.weight_from([a, b], values)),
            [a, b, c] => Self::Rank3(weights.weight_from([a, b, c], values)),
            [a, b, c, d] => Self::Rank4(weights.weight_from([a, b, c, d], values)),
            _ => {
                let problem = format!("would have {} axes; up to 4 are supported", shape.len());
                return Err(Error::weights("a weight", problem));
            }
        })
    }

    /// The same weight, saved with the layer but never updated by the optimizer.
    pub fn non_trainable(self) -> Self {
        same_rank!(self, param => param.set_require_grad(false))
    }

    /// Its values; one number has the shape `[1]`.
    pub fn value(&self) -> AnyTensor {
        each_rank!(self, param => param.val().into())
    }
}

impl Module for AnyWeight {
    fn collect_devices(&self, devices: Devices) -> Devices {
        each_rank!(self, param => param.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        same_rank!(self, param => Module::fork(param, device))
    }

    fn to_device(self, device: &Device) -> Self {
        same_rank!(self, param => Module::to_device(param, device))
    }

    fn train(self) -> Self {
        same_rank!(self, param => Module::train(param))
    }

    fn valid(&self) -> Self {
        same_rank!(self, param => Module::valid(param))
    }

    fn materialize(self) -> Self {
        same_rank!(self, param => Module::materialize(param))
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        let scalar = matches!(self, Self::Scalar(_));
        if scalar {
            visitor.enter_module(SCALAR, SCALAR);
        }
        each_rank!(self, param => param.visit(visitor));
        if scalar {
            visitor.exit_module(SCALAR, SCALAR);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        same_rank!(self, param => Module::map(param, mapper))
    }
}

impl ModuleDisplayDefault for AnyWeight {
    fn content(&self, content: Content) -> Option<Content> {
        Some(content.add_formatted(&format!("{:?}", self.value().shape())))
    }
}

impl ModuleDisplay for AnyWeight {}
