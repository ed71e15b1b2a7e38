//! What layers add to the loss and how their weights are held after a step, as their options say.

use std::collections::HashMap;

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use super::{Context, DynLayer, WeightRule, visit};
use crate::Result;
use crate::regularizers::Regularizer;
use crate::tensor::{AnyTensor, Kind};

/// Adds the penalty of the layer's `activity_regularizer`: on each output, divided by the batch size.
pub(crate) fn penalize_outputs(
    layer: &dyn DynLayer,
    outputs: &[AnyTensor],
    context: &mut Context,
) -> Result<()> {
    match layer.options().activity_regularizer() {
        Some(regularizer) if !layer.regularizes_parts() => {
            add_penalties(regularizer, outputs, context)
        }
        _ => Ok(()),
    }
}

/// Adds a penalty on each of `outputs`, divided by the batch size.
pub(crate) fn add_penalties(
    regularizer: &Regularizer,
    outputs: &[AnyTensor],
    context: &mut Context,
) -> Result<()> {
    for output in outputs.iter().filter(|o| o.kind() == Kind::Float) {
        let batch = output.shape().first().copied().unwrap_or(1).max(1);
        context.add_loss(regularizer.penalty(output)? / batch as f32);
    }
    Ok(())
}

/// The penalties on the layer's weights; a layer that is not trained has none, as in Keras.
pub(crate) fn penalize_weights(layer: &dyn DynLayer) -> Result<Vec<Tensor<1>>> {
    let mut rules = layer.weight_rules();
    if rules.is_empty() || !layer.options().trainable() {
        return Ok(Vec::new());
    }
    let frozen = layer.frozen_inside();
    rules.retain(|rule| !frozen.iter().any(|field| rule.weight.starts_with(field)));
    let mut penalties = Ok(Vec::new());
    visit_ruled(layer, &rules, &mut |rule, param| {
        let (Some(regularizer), Ok(found)) = (&rule.regularizer, &mut penalties) else {
            return;
        };
        match regularizer.penalty(&param.value()) {
            Ok(penalty) => found.push(penalty),
            Err(error) => penalties = Err(error),
        }
    });
    penalties
}

/// Brings the new values among `updated` that belong to the layer back to its constraints.
pub(crate) fn constrain(
    layer: &dyn DynLayer,
    updated: &mut HashMap<ParamId, AnyTensor>,
) -> Result<()> {
    let rules = layer.weight_rules();
    if rules.iter().all(|r| r.constraint.is_none()) {
        return Ok(());
    }
    let mut done = Ok(());
    visit_ruled(layer, &rules, &mut |rule, param| {
        let (Some(constraint), Some(new), Ok(())) =
            (&rule.constraint, updated.get_mut(&param.id()), &done)
        else {
            return;
        };
        match param.constrained(new, constraint) {
            Ok(value) => *new = value,
            Err(error) => done = Err(error),
        }
    });
    done
}

/// A parameter whose rank its methods know.
trait Ruled {
    fn id(&self) -> ParamId;
    fn value(&self) -> AnyTensor;
    fn constrained(
        &self,
        new: &AnyTensor,
        constraint: &crate::constraints::Constraint,
    ) -> Result<AnyTensor>;
}

impl<const D: usize> Ruled for Param<Tensor<D>> {
    fn id(&self) -> ParamId {
        self.id
    }

    fn value(&self) -> AnyTensor {
        self.val().into()
    }

    fn constrained(
        &self,
        new: &AnyTensor,
        constraint: &crate::constraints::Constraint,
    ) -> Result<AnyTensor> {
        Ok(constraint.apply(new.float::<D>()?)?.into())
    }
}

/// Calls `act` for each weight that a rule names.
fn visit_ruled(
    layer: &dyn DynLayer,
    rules: &[WeightRule],
    act: &mut dyn FnMut(&WeightRule, &dyn Ruled),
) {
    struct Visitor<'a> {
        path: Vec<String>,
        rules: &'a [WeightRule],
        act: &'a mut dyn FnMut(&WeightRule, &dyn Ruled),
    }
    impl ModuleVisitor for Visitor<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = self.path.join(".");
            if let Some(rule) = self.rules.iter().find(|r| r.weight == name) {
                (self.act)(rule, param);
            }
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.to_string());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    let mut visitor = Visitor {
        path: Vec::new(),
        rules,
        act,
    };
    visit(layer, &mut visitor);
}
