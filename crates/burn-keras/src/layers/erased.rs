//! burn's `Module` behind a trait object, so that a model can hold layers chosen at run time.
//!
//! `Module` is generic over its visitors and mappers, and those over the tensors' rank, so neither can be a trait
//! object. This mirror passes every parameter as `dyn Any`; at the other end [`visit`] and [`map`] find its rank again
//! and call the real visitor or mapper.

use std::any::Any;

use burn::module::{
    Content, Devices, Flag, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper,
    ModuleVisitor, Param,
};
use burn::tensor::{Bool, Device, Int, Tensor};

use super::Layer;

/// A layer that is also a burn module: what a model holds.
///
/// Every `Layer` with `#[derive(Module)]` is one.
pub trait DynLayer: Layer + ErasedModule {}

impl<T: Layer + Module + Sync + 'static> DynLayer for T {}

/// The object-safe mirror of burn's `Module`; implemented for every module that is a layer.
pub trait ErasedModule {
    /// A copy with the same values.
    fn boxed_clone(&self) -> Box<dyn DynLayer>;
    /// `Module::train`.
    fn boxed_train(self: Box<Self>) -> Box<dyn DynLayer>;
    /// `Module::valid`.
    fn boxed_valid(&self) -> Box<dyn DynLayer>;
    /// `Module::fork`.
    fn boxed_fork(self: Box<Self>, device: &Device) -> Box<dyn DynLayer>;
    /// `Module::to_device`.
    fn boxed_to_device(self: Box<Self>, device: &Device) -> Box<dyn DynLayer>;
    /// `Module::materialize`.
    fn boxed_materialize(self: Box<Self>) -> Box<dyn DynLayer>;
    /// `Module::collect_devices`.
    fn erased_devices(&self, devices: Devices) -> Devices;
    /// `Module::visit`.
    fn erased_visit(&self, visitor: &mut dyn ErasedVisitor);
    /// `Module::map`.
    fn erased_map(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<dyn DynLayer>;
    /// For finding the concrete layer again.
    fn as_any(&self) -> &dyn Any;
    /// For finding the concrete layer again.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Layer + Module + Sync + 'static> ErasedModule for T {
    fn boxed_clone(&self) -> Box<dyn DynLayer> {
        Box::new(self.clone())
    }

    fn boxed_train(self: Box<Self>) -> Box<dyn DynLayer> {
        Box::new((*self).train())
    }

    fn boxed_valid(&self) -> Box<dyn DynLayer> {
        Box::new(self.valid())
    }

    fn boxed_fork(self: Box<Self>, device: &Device) -> Box<dyn DynLayer> {
        Box::new((*self).fork(device))
    }

    fn boxed_to_device(self: Box<Self>, device: &Device) -> Box<dyn DynLayer> {
        Box::new((*self).to_device(device))
    }

    fn boxed_materialize(self: Box<Self>) -> Box<dyn DynLayer> {
        Box::new((*self).materialize())
    }

    fn erased_devices(&self, devices: Devices) -> Devices {
        self.collect_devices(devices)
    }

    fn erased_visit(&self, visitor: &mut dyn ErasedVisitor) {
        self.visit(&mut Sender(visitor));
    }

    fn erased_map(self: Box<Self>, mapper: &mut dyn ErasedMapper) -> Box<dyn DynLayer> {
        Box::new((*self).map(&mut Sender(mapper)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A `ModuleVisitor` without generics.
pub trait ErasedVisitor {
    /// A parameter: `&Param<Tensor<D, K>>` of any rank and kind, or `&Param<Flag>`.
    fn parameter(&mut self, param: &dyn Any);
    /// `ModuleVisitor::enter_module`.
    fn enter(&mut self, name: &str, container: &str);
    /// `ModuleVisitor::exit_module`.
    fn exit(&mut self, name: &str, container: &str);
}

/// A `ModuleMapper` without generics.
pub trait ErasedMapper {
    /// A parameter to replace: `&mut Option<Param<..>>`, always filled before and after.
    fn parameter(&mut self, param: &mut dyn Any);
    /// `ModuleMapper::enter_module`.
    fn enter(&mut self, name: &str, container: &str);
    /// `ModuleMapper::exit_module`.
    fn exit(&mut self, name: &str, container: &str);
}

/// The near end: takes what burn's traversal hands over and passes it on without its type.
struct Sender<'a, T: ?Sized>(&'a mut T);

impl ModuleVisitor for Sender<'_, dyn ErasedVisitor + '_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.parameter(param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.parameter(param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.parameter(param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.parameter(flag);
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

impl Sender<'_, dyn ErasedMapper + '_> {
    fn pass<P: Clone + 'static>(&mut self, param: P) -> P {
        let mut slot = Some(param);
        self.0.parameter(&mut slot);
        // The far end always fills the slot again; see `map`.
        match slot {
            Some(param) => param,
            None => unreachable!("a mapper keeps every parameter"),
        }
    }
}

impl ModuleMapper for Sender<'_, dyn ErasedMapper + '_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.pass(param)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.pass(param)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.pass(param)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.pass(flag)
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }
}

/// The far end: finds each parameter's type again for a real visitor or mapper.
struct Receiver<'a, T>(&'a mut T);

/// Calls `$body` with `$param` as the first of `Param<Tensor<1..=8, Float | Int | Bool>>` that it is.
macro_rules! with_parameter {
    ($any:ident as $access:ident::<$wrap:ident> => $param:ident,
     float: $float:expr, int: $int:expr, bool: $bool:expr, flag: $flag:expr) => {
        with_parameter!(@ranks $any, $access, $wrap, $param, $float, $int, $bool, 1 2 3 4 5 6 7 8);
        if let Some($param) = $any.$access::<$wrap<Param<Flag>>>() {
            $flag;
        }
    };
    (@ranks $any:ident, $access:ident, $wrap:ident, $param:ident, $float:expr, $int:expr, $bool:expr, $($rank:literal)+) => {
        $(
            if let Some($param) = $any.$access::<$wrap<Param<Tensor<$rank>>>>() { $float; return; }
            if let Some($param) = $any.$access::<$wrap<Param<Tensor<$rank, Int>>>>() { $int; return; }
            if let Some($param) = $any.$access::<$wrap<Param<Tensor<$rank, Bool>>>>() { $bool; return; }
        )+
    };
}

type Plain<T> = T;

impl<V: ModuleVisitor> ErasedVisitor for Receiver<'_, V> {
    fn parameter(&mut self, param: &dyn Any) {
        with_parameter!(param as downcast_ref::<Plain> => p,
            float: self.0.visit_float(p), int: self.0.visit_int(p),
            bool: self.0.visit_bool(p), flag: self.0.visit_flag(p));
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}

impl<M: ModuleMapper> ErasedMapper for Receiver<'_, M> {
    fn parameter(&mut self, param: &mut dyn Any) {
        with_parameter!(param as downcast_mut::<Option> => p,
            float: *p = p.take().map(|p| self.0.map_float(p)),
            int: *p = p.take().map(|p| self.0.map_int(p)),
            bool: *p = p.take().map(|p| self.0.map_bool(p)),
            flag: *p = p.take().map(|p| self.0.map_flag(p)));
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }
}

/// Runs a burn visitor over a layer held as a trait object.
pub fn visit(layer: &dyn DynLayer, visitor: &mut impl ModuleVisitor) {
    layer.erased_visit(&mut Receiver(visitor));
}

/// Runs a burn mapper over a layer held as a trait object.
pub fn map(layer: Box<dyn DynLayer>, mapper: &mut impl ModuleMapper) -> Box<dyn DynLayer> {
    layer.erased_map(&mut Receiver(mapper))
}

/// A layer of any class as a burn module, for layers that hold other layers.
#[derive(Debug)]
pub struct LayerBox(Box<dyn DynLayer>);

impl LayerBox {
    /// Boxes a layer.
    pub fn new(layer: Box<dyn DynLayer>) -> Self {
        Self(layer)
    }

    /// The layer.
    pub fn get(&self) -> &dyn DynLayer {
        &*self.0
    }

    /// The layer.
    pub fn get_mut(&mut self) -> &mut dyn DynLayer {
        &mut *self.0
    }

    /// The layer.
    pub fn into_inner(self) -> Box<dyn DynLayer> {
        self.0
    }
}

impl Clone for LayerBox {
    fn clone(&self) -> Self {
        Self(self.0.boxed_clone())
    }
}

impl Module for LayerBox {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.erased_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.boxed_fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.boxed_to_device(device))
    }

    /// A frozen layer stays as it is.
    fn train(self) -> Self {
        if self.0.options().trainable() {
            Self(self.0.boxed_train())
        } else {
            self
        }
    }

    fn valid(&self) -> Self {
        Self(self.0.boxed_valid())
    }

    fn materialize(self) -> Self {
        Self(self.0.boxed_materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        visit(&*self.0, visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self(map(self.0, mapper))
    }
}

impl ModuleDisplayDefault for LayerBox {
    fn content(&self, content: Content) -> Option<Content> {
        Some(content.add_formatted(&self.0.class_name()))
    }
}

impl ModuleDisplay for LayerBox {}
