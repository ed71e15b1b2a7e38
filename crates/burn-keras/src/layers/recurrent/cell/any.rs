//! A cell whose class is known at run time only.

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::{DType, Device, Tensor};
use serde_json::{Map, Value};

use super::{Cell, DropoutMasks, StackedRnnCells};
use crate::layers::recurrent::steps::{Run, Sequence};
use crate::layers::{
    Context, DynLayer, LayerBox, LayerOptions, WeightBuilder, WeightRule, describe,
    set_default_name,
};
use crate::{Error, Result};

/// A cell of any class, as [`Rnn`](crate::layers::Rnn) and [`StackedRnnCells`] hold it.
#[derive(Clone, Debug)]
pub struct AnyCell(LayerBox);

impl AnyCell {
    /// Boxes a cell.
    pub fn new(cell: impl Cell + DynLayer + 'static) -> Self {
        let mut cell: Box<dyn DynLayer> = Box::new(cell);
        set_default_name(&mut *cell);
        Self(LayerBox::new(cell))
    }

    /// Takes over a layer that is a cell.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for one that is none.
    pub fn from_layer(mut layer: Box<dyn DynLayer>) -> Result<Self> {
        if layer.as_cell().is_none() {
            return Err(Error::argument(
                describe(&*layer),
                "cell",
                "is no cell; RNN runs LSTMCell, GRUCell, SimpleRNNCell, StackedRNNCells, or a type of yours that \
                 implements `Cell`",
            ));
        }
        set_default_name(&mut *layer);
        Ok(Self(LayerBox::new(layer)))
    }

    /// The cell as a layer.
    pub fn layer(&self) -> &dyn DynLayer {
        self.0.get()
    }

    fn cell(&self) -> &dyn Cell {
        match self.0.get().as_cell() {
            Some(cell) => cell,
            None => unreachable!(
                "both constructors take cells only, and no mapping changes a layer's type"
            ),
        }
    }
}

impl Cell for AnyCell {
    fn class_name(&self) -> &str {
        self.layer().class_name()
    }

    fn type_name(&self) -> &str {
        self.layer().type_name()
    }

    fn options(&self) -> &LayerOptions {
        self.layer().options()
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        self.0.get_mut().options_mut()
    }

    fn state_sizes(&self) -> Vec<usize> {
        self.cell().state_sizes()
    }

    fn state_names(&self) -> Vec<&'static str> {
        self.cell().state_names()
    }

    fn output_size(&self) -> usize {
        self.cell().output_size()
    }

    fn output_state(&self) -> usize {
        self.cell().output_state()
    }

    fn features(&self) -> Option<usize> {
        self.cell().features()
    }

    fn build(&mut self, features: usize, weights: &mut WeightBuilder<'_>) -> Result<()> {
        let dims = crate::dims::Dims::new([None, Some(features)]);
        self.0.get_mut().build(&[dims], weights)
    }

    fn draw_masks(
        &self,
        shape: [usize; 2],
        place: (&Device, DType),
        context: &mut Context,
    ) -> Result<DropoutMasks> {
        self.cell().draw_masks(shape, place, context)
    }

    fn step(
        &self,
        x: Tensor<2>,
        states: &[Tensor<2>],
        masks: &DropoutMasks,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>)> {
        self.cell().step(x, states, masks)
    }

    fn run(&self, sequence: Sequence<'_>) -> Result<Run> {
        self.cell().run(sequence)
    }

    fn run_words(&self) -> &'static str {
        self.cell().run_words()
    }

    fn not_fused(&self, device: &Device, dtype: DType) -> Option<String> {
        self.cell().not_fused(device, dtype)
    }

    fn largest_fused(&self, sizes: [usize; 3], training: bool) -> u64 {
        self.cell().largest_fused(sizes, training)
    }

    fn run_fused(&self, sequence: Sequence<'_>) -> Result<Run> {
        self.cell().run_fused(sequence)
    }

    fn config(&self) -> Map<String, Value> {
        self.layer().config()
    }

    fn weight_rules(&self) -> Vec<WeightRule> {
        self.layer().weight_rules()
    }

    fn frozen_inside(&self) -> Vec<String> {
        self.layer().frozen_inside()
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn DynLayer> {
        self.0.get_mut().parts_mut()
    }
}

impl Module for AnyCell {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.to_device(device))
    }

    fn train(self) -> Self {
        Self(self.0.train())
    }

    fn valid(&self) -> Self {
        Self(self.0.valid())
    }

    fn materialize(self) -> Self {
        Self(self.0.materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0.visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self(self.0.map(mapper))
    }
}

impl ModuleDisplayDefault for AnyCell {
    fn content(&self, content: Content) -> Option<Content> {
        self.0.content(content)
    }
}

impl ModuleDisplay for AnyCell {}

/// What [`Rnn::new`](crate::layers::Rnn::new) takes: a cell, or several as an array, a `Vec` or a tuple, which become a
/// stack.
pub trait IntoCell {
    /// The cell.
    fn into_cell(self) -> AnyCell;
}

impl<C: Cell + DynLayer + 'static> IntoCell for C {
    fn into_cell(self) -> AnyCell {
        AnyCell::new(self)
    }
}

impl<C: IntoCell> IntoCell for Vec<C> {
    fn into_cell(self) -> AnyCell {
        AnyCell::new(StackedRnnCells::new(self))
    }
}

impl<C: IntoCell, const N: usize> IntoCell for [C; N] {
    fn into_cell(self) -> AnyCell {
        AnyCell::new(StackedRnnCells::new(self))
    }
}

macro_rules! tuple_of_cells {
    ($($cell:ident),+) => {
        impl<$($cell: IntoCell),+> IntoCell for ($($cell,)+) {
            fn into_cell(self) -> AnyCell {
                #[allow(non_snake_case)]
                let ($($cell,)+) = self;
                AnyCell::new(StackedRnnCells::new([$($cell.into_cell()),+]))
            }
        }
    };
}

tuple_of_cells!(A, B);
tuple_of_cells!(A, B, C);
tuple_of_cells!(A, B, C, D);
