//! One batch: forward, loss, backward, update.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor};

use super::compile::Compiled;
use super::logs::Logs;
use crate::layers::{Context, DynLayer, LayerHandle, constrain, penalize_weights, visit};
use crate::metrics::{Mean, Metric};
use crate::models::{Model, run};
use crate::optimizers::Change;
use crate::random::Generator;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// What a batch came to.
pub(crate) struct Outcome {
    /// The total loss, one value, on the device.
    pub loss: Tensor<1>,
    /// Each output's own loss, one value each.
    pub losses: Vec<Tensor<1>>,
    /// The outputs.
    pub outputs: Vec<AnyTensor>,
}

/// Trains on one batch.
///
/// The model is changed only at the very end, layer by layer, by values that have all been computed: an error leaves it
/// as it was.
pub(crate) fn train(
    model: &mut Model,
    inputs: Vec<AnyTensor>,
    targets: &[AnyTensor],
    generator: &mut Generator,
) -> Result<Outcome> {
    let leaves = model.leaves();
    let step = model.compiled_for("training")?.optimizer.iterations();
    let mut context = Context::training(Generator::new(generator.next_u64())).at_step(step);
    let copies: Vec<Arc<dyn DynLayer>> = leaves.iter().map(training_copy).collect();
    for (leaf, copy) in leaves.iter().zip(&copies) {
        context.stand_in(leaf.identity(), Arc::clone(copy));
    }
    let outputs = run(model, inputs, &mut context)?;
    let compiled = model.compiled_for("training")?;
    let mut penalties = context.take_losses();
    for copy in &copies {
        penalties.extend(penalize_weights(&**copy)?);
    }
    let (loss, losses) = total_loss(compiled, targets, &outputs, penalties)?;
    if !loss.is_tracked() {
        return Err(Error::Training(
            "no weight of the model would change: every layer is frozen or has no weights; unfreeze one with \
             `model.get_layer(name)?.set_trainable(true)`, or use `evaluate`"
                .to_string(),
        ));
    }
    let mut gradients = match compiled.optimizer.loss_scale() {
        Some(scale) => (loss.clone() * scale).backward(),
        None => loss.backward(),
    };
    let moved = context.take_updates();
    context.drop_stand_ins();

    let mut collector = Collector {
        gradients: &mut gradients,
        changes: Vec::new(),
        shapes: HashMap::new(),
        path: Vec::new(),
    };
    for copy in &copies {
        collector.path = vec![copy.options().name().unwrap_or_default().to_string()];
        visit(&**copy, &mut collector);
    }
    let Collector {
        changes, shapes, ..
    } = collector;
    let mut updated = HashMap::new();
    for (id, flat) in model
        .compiled_for_mut("training")?
        .optimizer
        .step(changes)?
    {
        updated.insert(id, AnyTensor::from_flat(flat, &shapes[&id])?);
    }
    for copy in &copies {
        constrain(&**copy, &mut updated)?;
    }
    drop(copies);
    updated.extend(moved);
    model.keep_carried(&mut context);
    leaves.iter().for_each(|leaf| leaf.apply(&updated));
    Ok(Outcome {
        loss: loss.without_autodiff(),
        losses: losses.into_iter().map(Tensor::without_autodiff).collect(),
        outputs: outputs.into_iter().map(|o| o.without_autodiff()).collect(),
    })
}

/// Ends a training: where the optimizer keeps averages of the weights, they take the weights' place.
pub(crate) fn finish(model: &mut Model) -> Result<()> {
    let averages: HashMap<_, _> = model
        .compiled_for("training")?
        .optimizer
        .averages()
        .into_iter()
        .collect();
    if averages.is_empty() {
        return Ok(());
    }
    let mut updated = HashMap::new();
    for weight in model.trained_weights() {
        if let Some(average) = averages.get(&weight.id) {
            let value = AnyTensor::from_flat(average.clone(), &weight.shape)?;
            updated.insert(weight.id, value);
        }
    }
    model.leaves().iter().for_each(|leaf| leaf.apply(&updated));
    Ok(())
}

/// Computes outputs and loss of one batch without changing anything.
pub(crate) fn test(
    model: &Model,
    inputs: Vec<AnyTensor>,
    targets: &[AnyTensor],
) -> Result<Outcome> {
    let mut context = Context::inference();
    let outputs = run(model, inputs, &mut context)?;
    let compiled = model.compiled_for("evaluate")?;
    let penalties = model.losses(&mut context)?;
    let (loss, losses) = total_loss(compiled, targets, &outputs, penalties)?;
    model.keep_carried(&mut context);
    Ok(Outcome {
        loss,
        losses,
        outputs,
    })
}

/// A copy of a layer whose weights are tracked for gradients, or are constants if the layer is frozen.
fn training_copy(leaf: &LayerHandle) -> Arc<dyn DynLayer> {
    let layer = leaf.read();
    let copy = layer.boxed_clone();
    if layer.options().trainable() {
        Arc::from(copy.boxed_train())
    } else {
        Arc::from(copy)
    }
}

/// The sum of the outputs' weighted losses and the layers' penalties, and each output's own loss.
fn total_loss(
    compiled: &Compiled,
    targets: &[AnyTensor],
    outputs: &[AnyTensor],
    penalties: Vec<Tensor<1>>,
) -> Result<(Tensor<1>, Vec<Tensor<1>>)> {
    let mut total: Option<Tensor<1>> = None;
    let mut losses = Vec::new();
    for (i, (target, output)) in targets.iter().zip(outputs).enumerate() {
        let (loss, weight) = compiled.loss(i, outputs.len())?;
        let rows = loss.rows(target, output)?;
        let mean = match row_mask(output, rows.dims()[0]) {
            // A masked step does not count, neither in the sum nor in the number.
            Some(mask) => (rows * mask.clone()).sum() / mask.sum().clamp_min(1e-7),
            None => rows.mean(),
        };
        losses.push(mean.clone());
        let part = if weight == 1.0 { mean } else { mean * weight };
        total = Some(match total {
            Some(sum) => sum + part,
            None => part,
        });
    }
    let total = penalties
        .into_iter()
        .fold(total, |sum, penalty| {
            Some(match sum {
                Some(sum) => sum + penalty,
                None => penalty,
            })
        })
        .ok_or_else(|| {
            Error::Training("the model has no output to compute a loss from".to_string())
        })?;
    Ok((total, losses))
}

/// The mask of an output as weights of its rows, where there is one with as many values.
fn row_mask(output: &AnyTensor, rows: usize) -> Option<Tensor<1>> {
    let mask = output.mask()?;
    (mask.shape().num_elements() == rows).then(|| mask.clone().float().reshape([rows]))
}

/// Collects every tracked weight with its gradient.
struct Collector<'a> {
    gradients: &'a mut Gradients,
    changes: Vec<Change>,
    shapes: HashMap<ParamId, Vec<usize>>,
    path: Vec<String>,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val();
        if !weight.is_require_grad() {
            return;
        }
        // A weight that the loss does not depend on has no gradient and stays.
        let Some(gradient) = weight.grad_remove(self.gradients) else {
            return;
        };
        let shape = weight.dims();
        let count = shape.iter().product::<usize>();
        self.shapes.insert(param.id, shape.to_vec());
        self.changes.push(Change {
            id: param.id,
            path: self.path.join("/"),
            shape: shape.to_vec(),
            weight: weight.inner().reshape([count]),
            gradient: gradient.reshape([count]),
        });
    }
}

/// The running figures of an epoch.
#[derive(Debug)]
pub(crate) struct Tracker {
    loss: Mean,
    /// Each output's name and loss, where there are several outputs.
    losses: Vec<(String, Mean)>,
    /// For each output its metrics, with the names they are reported under.
    metrics: Vec<Vec<(String, Box<dyn Metric>)>>,
}

impl Tracker {
    /// Figures for a model whose labels have these shapes.
    pub fn new(model: &Model, labels: &[crate::dims::Dims]) -> Result<Self> {
        let compiled = model.compiled_for("fit")?;
        let outputs = model.output_shapes()?;
        let names = model.output_names()?;
        let several = outputs.len() > 1;
        let mut metrics = Vec::new();
        for ((labels, output), output_name) in labels.iter().zip(&outputs).zip(&names) {
            let mut resolved = Vec::new();
            for spec in &compiled.metrics {
                let metric = spec.resolve(labels, output)?;
                let name = if several {
                    format!("{output_name}_{}", metric.name())
                } else {
                    metric.name().to_string()
                };
                resolved.push((name, metric));
            }
            metrics.push(resolved);
        }
        let losses = if several {
            names
                .iter()
                .map(|n| (format!("{n}_loss"), Mean::default()))
                .collect()
        } else {
            Vec::new()
        };
        Ok(Self {
            loss: Mean::default(),
            losses,
            metrics,
        })
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.loss = Mean::default();
        self.losses
            .iter_mut()
            .for_each(|(_, mean)| *mean = Mean::default());
        self.metrics
            .iter_mut()
            .flatten()
            .for_each(|(_, metric)| metric.reset());
    }

    /// Takes a batch of `samples` samples in.
    pub fn update(
        &mut self,
        outcome: &Outcome,
        targets: &[AnyTensor],
        samples: usize,
    ) -> Result<()> {
        self.loss.update_with_mean(outcome.loss.clone(), samples);
        for ((_, mean), loss) in self.losses.iter_mut().zip(&outcome.losses) {
            mean.update_with_mean(loss.clone(), samples);
        }
        for ((metrics, output), target) in
            self.metrics.iter_mut().zip(&outcome.outputs).zip(targets)
        {
            let shape = output.shape();
            let rows = shape.iter().take(shape.len().saturating_sub(1)).product();
            let mask = row_mask(output, rows);
            for (_, metric) in metrics {
                metric.update(target, output, mask.as_ref())?;
            }
        }
        Ok(())
    }

    /// The figures so far, in alphabetical order.
    pub fn logs(&self) -> Result<Logs> {
        let mut logs = Logs::default();
        logs.set("loss", self.loss.result()?);
        for (name, mean) in &self.losses {
            logs.set(name.clone(), mean.result()?);
        }
        for (name, metric) in self.metrics.iter().flatten() {
            logs.set(name.clone(), metric.result()?);
        }
        Ok(logs.sorted())
    }
}
