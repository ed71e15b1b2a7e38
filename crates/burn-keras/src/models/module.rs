//! Models as burn modules, and as layers of other models.

use std::sync::OnceLock;

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::Device;
use serde_json::{Map, Value};

use super::{Model, Sequential};
use crate::Result;
use crate::dims::Dims;
use crate::layers::{
    Context, DynLayer, Layer, LayerHandle, LayerOptions, MaskPolicy, WeightBuilder,
    map as map_layer, visit as visit_layer,
};
use crate::tensor::AnyTensor;

impl Model {
    /// The same structure over other layers.
    fn over(&self, layers: Vec<LayerHandle>) -> Self {
        Self {
            options: self.options.clone(),
            sequential: self.sequential,
            input: self.input.clone(),
            graph: self.graph.clone(),
            layers,
            nodes: OnceLock::new(),
            device: self.device.clone(),
            compiled: self.compiled.clone(),
            notes: self.notes.clone(),
        }
    }

    /// All that belongs on this device beside the layers.
    pub(super) fn leave_for(&mut self, device: &Device) {
        self.device = Some(device.clone());
        self.compiled = self.compiled.take().map(|c| c.moved_to(device));
    }

    /// A model with layers of its own, each made from one of this model's.
    fn derive(&self, change: impl Fn(&dyn DynLayer) -> Box<dyn DynLayer>) -> Self {
        self.over(self.layers.iter().map(|l| l.derive(&change)).collect())
    }
}

/// A clone has weights of its own, with the same values: burn's semantics of a module.
///
/// To share the layers instead, build another model from the same nodes.
impl Clone for Model {
    fn clone(&self) -> Self {
        self.derive(|layer| layer.boxed_clone())
    }
}

impl Module for Model {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.layers
            .iter()
            .fold(devices, |found, layer| layer.read().erased_devices(found))
    }

    fn fork(self, device: &Device) -> Self {
        let mut model = self.derive(|layer| layer.boxed_clone().boxed_fork(device));
        model.leave_for(device);
        model
    }

    fn to_device(self, device: &Device) -> Self {
        let mut model = self.derive(|layer| layer.boxed_clone().boxed_to_device(device));
        model.leave_for(device);
        model
    }

    fn train(self) -> Self {
        self.derive(|layer| layer.boxed_clone().boxed_train())
    }

    fn valid(&self) -> Self {
        self.derive(|layer| layer.boxed_valid())
    }

    fn materialize(self) -> Self {
        self.derive(|layer| layer.boxed_clone().boxed_materialize())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for layer in &self.layers {
            let name = layer.name();
            visitor.enter_module(&name, "Struct:Layer");
            visit_layer(&**layer.read(), visitor);
            visitor.exit_module(&name, "Struct:Layer");
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        for layer in &self.layers {
            let name = layer.name();
            mapper.enter_module(&name, "Struct:Layer");
            // The layer is mapped as a copy and put in place whole: a mapper that panics loses nothing.
            let copy = layer.read().boxed_clone();
            let mapped = map_layer(copy, mapper);
            *layer.write() = mapped;
            mapper.exit_module(&name, "Struct:Layer");
        }
        self
    }
}

impl ModuleDisplayDefault for Model {
    fn content(&self, content: Content) -> Option<Content> {
        Some(self.layers.iter().fold(content, |content, layer| {
            content.add(&layer.name(), &layer.class_name())
        }))
    }

    fn num_params(&self) -> usize {
        Module::num_params(self)
    }
}

impl ModuleDisplay for Model {}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("name", &self.options.name())
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

impl Layer for Model {
    fn class_name(&self) -> &str {
        if self.sequential {
            "Sequential"
        } else {
            "Functional"
        }
    }

    fn type_name(&self) -> &str {
        if self.sequential {
            "Sequential"
        } else {
            "Model"
        }
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn input_count(&self) -> std::ops::RangeInclusive<usize> {
        let count = self.graph.as_ref().map_or(1, |g| g.inputs.len());
        count..=count
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        if self.graph.is_some() {
            return Ok(());
        }
        let device = weights.device().clone();
        self.build_chain(crate::layers::only(inputs)?, &device, weights.generator())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        match &self.graph {
            // Models inside models inside models would ask each other for every call of a call otherwise.
            Some(graph) if graph.inputs.iter().map(|i| &i.dims).eq(inputs) => {
                Ok(graph.output_dims())
            }
            Some(graph) => {
                // The batch size, and any axis the model leaves open, come from the inputs at hand.
                let mut dims: Vec<Dims> = inputs.to_vec();
                dims.resize(graph.dims.len(), Dims::default());
                for step in &graph.steps {
                    let ins: Vec<Dims> = step.inputs.iter().map(|v| dims[*v].clone()).collect();
                    let outs = self.layers[step.layer].output_dims(&ins)?;
                    for (value, shape) in step.outputs.iter().zip(outs) {
                        dims[*value] = shape;
                    }
                }
                Ok(graph.outputs.iter().map(|v| dims[*v].clone()).collect())
            }
            // The shapes of a chain are known only by building it; a copy is built for the question.
            None => {
                let mut trial = self.clone();
                trial.build_chain(
                    crate::layers::only(inputs)?,
                    &crate::backend::default_device()?,
                    &mut crate::random::Generator::new(0),
                )?;
                Ok(trial.graph.map(|g| g.output_dims()).unwrap_or_default())
            }
        }
    }

    fn largest_inside(&self, inputs: &[Dims], training: bool) -> u64 {
        crate::training::largest_values(self, inputs, training)
    }

    fn forward(&self, inputs: &[AnyTensor], context: &mut Context) -> Result<Vec<AnyTensor>> {
        self.run(inputs.to_vec(), context)
    }

    fn input_range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let graph = self.graph.as_ref()?;
        let ranges = graph.steps.iter().flat_map(|step| {
            let places = (0..step.inputs.len()).filter(|place| step.inputs[*place] == index);
            places.filter_map(|place| self.layers[step.layer].read().input_range(place))
        });
        // Several layers may look the input up.
        ranges.reduce(|a, b| a.start.max(b.start)..a.end.min(b.end))
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Own
    }

    fn config(&self) -> Map<String, Value> {
        self.structure_config()
    }

    fn inner_layers(&self) -> Option<&[LayerHandle]> {
        Some(&self.layers)
    }

    fn built_inputs(&self) -> Option<Vec<Dims>> {
        let graph = self.graph.as_ref()?;
        Some(graph.inputs.iter().map(|i| i.dims.clone()).collect())
    }

    fn share(&self) -> Option<Box<dyn DynLayer>> {
        Some(Box::new(self.over(self.layers.clone())))
    }
}

/// A `Sequential` is its model in all of these.
macro_rules! as_its_model {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)+) => {$(
        fn $name(self, $($arg: $ty),*) -> $out {
            Self::from_model(Module::$name(self.into_model(), $($arg),*))
        }
    )+};
}

impl Module for Sequential {
    as_its_model! {
        fork(device: &Device) -> Self;
        to_device(device: &Device) -> Self;
        train() -> Self;
        materialize() -> Self;
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        (**self).collect_devices(devices)
    }

    fn valid(&self) -> Self {
        Self::from_model((**self).valid())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        (**self).visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self::from_model(self.into_model().map(mapper))
    }
}

impl ModuleDisplayDefault for Sequential {
    fn content(&self, content: Content) -> Option<Content> {
        (**self).content(content)
    }

    fn num_params(&self) -> usize {
        Module::num_params(&**self)
    }
}

impl ModuleDisplay for Sequential {}
