//! One batch: forward, loss, backward, update.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Bool, Gradients, Tensor};

use super::compile::Compiled;
use super::set::Targets;
use crate::layers::{Context, DynLayer, LayerHandle, constrain, penalize_weights, visit};
use crate::losses::reduce;
use crate::models::Model;
use crate::optimizers::Change;
use crate::random::Generator;
use crate::tensor::{AnyTensor, Mask};
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
/// as it was, except one of a GPU, which shows only when values are read, after the change.
pub(crate) fn train(
    model: &mut Model,
    inputs: Vec<AnyTensor>,
    targets: &Targets,
    generator: &mut Generator,
) -> Result<Outcome> {
    let leaves = model.leaves();
    let step = model.compiled_for("training")?.optimizer.iterations();
    let mut context = Context::training(Generator::new(generator.next_u64())).at_step(step);
    let copies: Vec<Arc<dyn DynLayer>> = leaves.iter().map(training_copy).collect();
    for (leaf, copy) in leaves.iter().zip(&copies) {
        context.stand_in(leaf.identity(), Arc::clone(copy));
    }
    let outputs = model.run(inputs, &mut context)?;
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
        path: Vec::new(),
    };
    for copy in &copies {
        collector.path = vec![copy.options().name().unwrap_or_default().to_string()];
        visit(&**copy, &mut collector);
    }
    let changes = collector.changes;
    let shapes: Vec<Vec<usize>> = changes.iter().map(|c| c.shape.clone()).collect();
    let optimizer = &mut model.compiled_for_mut("training")?.optimizer;
    let mut updated = HashMap::new();
    for ((id, flat), shape) in optimizer.step(changes)?.into_iter().zip(&shapes) {
        updated.insert(id, AnyTensor::from_flat(flat, shape)?);
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

/// Where the optimizer keeps averages of the weights, puts them in the weights' place; says whether there were any.
pub(crate) fn use_averages(model: &Model) -> Result<bool> {
    let averages: HashMap<_, _> = model
        .compiled_for("training")?
        .optimizer
        .averages()
        .into_iter()
        .collect();
    if averages.is_empty() {
        return Ok(false);
    }
    let mut updated = HashMap::new();
    for weight in model.trained_weights() {
        if let Some(average) = averages.get(&weight.id) {
            let value = AnyTensor::from_flat(average.clone(), &weight.shape)?;
            updated.insert(weight.id, value);
        }
    }
    model.leaves().iter().for_each(|leaf| leaf.apply(&updated));
    Ok(true)
}

/// Computes outputs and loss of one batch; only the states that stateful layers carry on change.
pub(crate) fn test(model: &Model, inputs: Vec<AnyTensor>, targets: &Targets) -> Result<Outcome> {
    let mut context = Context::inference();
    let outputs = model.run(inputs, &mut context)?;
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
    targets: &Targets,
    outputs: &[AnyTensor],
    penalties: Vec<Tensor<1>>,
) -> Result<(Tensor<1>, Vec<Tensor<1>>)> {
    let mut total: Option<Tensor<1>> = None;
    let mut losses = Vec::new();
    for (i, (labels, output)) in targets.y.iter().zip(outputs).enumerate() {
        let (loss, weight) = compiled.loss(i, outputs.len())?;
        let rows = loss.rows(labels, output)?;
        let weights = targets.weights(i);
        // A loss with one value for the whole batch is weighed by every sample.
        let count = match (rows.dims()[0], weights) {
            (1, Some(weights)) => weights.shape().iter().product(),
            (count, _) => count,
        };
        let mask = row_mask(output, count);
        let weights = row_weights(mask.clone(), weights, count)?;
        let ends = (labels, output);
        let mean = reduce(loss, rows, ends, weights.as_ref(), mask.as_ref())?;
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

/// The mask of an output as weights of its rows, where there is one: a step's is that of everything in it.
pub(crate) fn row_mask(output: &AnyTensor, rows: usize) -> Option<Tensor<1>> {
    let (mask, axes): (Tensor<1, Bool>, usize) = match output.any_mask()? {
        Mask::Steps(mask) => (mask.clone().flatten(0, 1), 2),
        Mask::Nested(mask) => (mask.clone().flatten(0, 2), 3),
    };
    let count = mask.dims()[0];
    let mask = mask.float();
    if count == rows {
        return Some(mask);
    }
    let within = count > 0 && rows.is_multiple_of(count) && output.rank() > axes + 1;
    within.then(|| {
        let each = mask.reshape([count, 1]).expand([count, rows / count]);
        each.reshape([rows])
    })
}

/// How much each row of an output counts: the weight of its sample or step, nothing where `mask` ([`row_mask`]) says so.
/// `None` where all count alike.
///
/// # Errors
///
/// [`Error::Tensor`] when there is no whole number of rows for a weight.
pub(crate) fn row_weights(
    mask: Option<Tensor<1>>,
    weights: Option<&AnyTensor>,
    rows: usize,
) -> Result<Option<Tensor<1>>> {
    let Some(weights) = weights else {
        return Ok(mask);
    };
    let weights = weights.float_flat()?;
    let count = weights.dims()[0];
    if count == 0 || !rows.is_multiple_of(count) {
        return Err(Error::tensor(
            "sample_weight",
            format!("{count} weights cannot be shared out among {rows} values of the loss"),
        ));
    }
    // The weight of a sample is that of each of its steps.
    let each: Tensor<1> = if count == rows {
        weights
    } else {
        weights
            .reshape([count, 1])
            .repeat_dim(1, rows / count)
            .reshape([rows])
    };
    Ok(Some(match mask {
        Some(mask) => each * mask,
        None => each,
    }))
}

/// Collects every tracked weight with its gradient.
struct Collector<'a> {
    gradients: &'a mut Gradients,
    changes: Vec<Change>,
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
        self.changes.push(Change {
            id: param.id,
            path: self.path.join("/"),
            shape: shape.to_vec(),
            weight: weight.inner().reshape([count]),
            gradient: gradient.reshape([count]),
        });
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::backend::default_device;

    #[test]
    fn a_mask_counts_for_every_row_that_it_is_of() -> Result<()> {
        let device = default_device()?;
        let output = AnyTensor::from_f32(vec![0.0; 24], &[1, 2, 3, 4], &device)?;
        let values = |output: &AnyTensor, rows| -> Result<Option<Vec<f32>>> {
            row_mask(output, rows)
                .map(|mask| AnyTensor::from(mask).to_vec())
                .transpose()
        };
        let steps = Tensor::<2, Bool>::from_data([[true, false]], &device);
        let of_steps = output.clone().with_mask(Some(steps.clone()));
        assert_eq!(
            values(&of_steps, 6)?,
            Some(vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
        );
        let inner =
            Tensor::<3, Bool>::from_data([[[true, false, true], [false, true, false]]], &device);
        let nested = output.with_any_mask(Some(Mask::Nested(inner)));
        assert_eq!(
            values(&nested, 6)?,
            Some(vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0])
        );
        // A mask of steps says nothing of features.
        let flat = AnyTensor::from_f32(vec![0.0; 4], &[1, 4], &device)?.with_mask(Some(steps));
        assert_eq!(values(&flat, 4)?, None);
        Ok(())
    }
}
