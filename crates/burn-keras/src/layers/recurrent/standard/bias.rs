//! The bias of a cell, which has one or two rows.

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
    Param,
};
use burn::tensor::{Device, Tensor};

/// The bias of all gates side by side.
///
/// A burn module by hand, since a derived one would add the variant's name to the weight's.
#[derive(Clone, Debug)]
pub enum Bias {
    /// `[gates * units]`.
    Joint(Param<Tensor<1>>),
    /// `[2, gates * units]`: what is added to the input's product, and to the state's.
    Separate(Param<Tensor<2>>),
}

impl Bias {
    /// The values as `[rows, gates * units]`.
    pub fn rows(&self) -> Tensor<2> {
        match self {
            Self::Joint(bias) => bias.val().unsqueeze(),
            Self::Separate(bias) => bias.val(),
        }
    }
}

/// Applies a method of `Module` to whichever parameter it is, and wraps the result again.
macro_rules! mapped {
    ($self:ident, $method:ident $(, $argument:expr)*) => {
        match $self {
            Bias::Joint(bias) => Bias::Joint(Module::$method(bias $(, $argument)*)),
            Bias::Separate(bias) => Bias::Separate(Module::$method(bias $(, $argument)*)),
        }
    };
}

impl Module for Bias {
    fn collect_devices(&self, devices: Devices) -> Devices {
        match self {
            Self::Joint(bias) => bias.collect_devices(devices),
            Self::Separate(bias) => bias.collect_devices(devices),
        }
    }

    fn fork(self, device: &Device) -> Self {
        mapped!(self, fork, device)
    }

    fn to_device(self, device: &Device) -> Self {
        mapped!(self, to_device, device)
    }

    fn train(self) -> Self {
        mapped!(self, train)
    }

    fn valid(&self) -> Self {
        mapped!(self, valid)
    }

    fn materialize(self) -> Self {
        mapped!(self, materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        match self {
            Self::Joint(bias) => Module::visit(bias, visitor),
            Self::Separate(bias) => Module::visit(bias, visitor),
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        mapped!(self, map, mapper)
    }
}

impl ModuleDisplayDefault for Bias {
    fn content(&self, content: Content) -> Option<Content> {
        Some(content.add_formatted(&"bias"))
    }
}

impl ModuleDisplay for Bias {}
