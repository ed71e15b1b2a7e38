//! How a predictor runs its model.

use crate::Result;
use crate::layers::Packed;
use crate::models::Model;

/// The layers of a stack with packed weights, or the model as it is.
#[derive(Debug)]
pub(super) enum Plan {
    Packed(Vec<Stage>),
    Model(Box<Model>),
}

/// One layer of a stack.
#[derive(Debug)]
pub(super) struct Stage {
    /// The layer as errors name it.
    pub name: String,
    pub packed: Packed,
}

impl Plan {
    /// The plan for a model with one input and one output.
    pub fn of(model: &Model) -> Result<Self> {
        let stages = stages(model)?.filter(|stages| !stages.is_empty());
        Ok(match stages {
            Some(stages) => Self::Packed(stages),
            None => Self::Model(Box::new(model.clone())),
        })
    }
}

/// The layers from input to output; `None` when they are no stack, or one of them cannot be packed.
fn stages(model: &Model) -> Result<Option<Vec<Stage>>> {
    let graph = model.graph()?;
    let mut value = 0;
    let mut stages = Vec::new();
    for step in &graph.steps {
        let ([input], [output]) = (step.inputs.as_slice(), step.outputs.as_slice()) else {
            return Ok(None);
        };
        if *input != value {
            return Ok(None);
        }
        value = *output;
        let layer = &model.layers()[step.layer];
        let Some(packed) = layer.read().packed()? else {
            return Ok(None);
        };
        if !matches!(packed, Packed::Nothing) {
            let name = layer.describe();
            stages.push(Stage { name, packed });
        }
    }
    Ok((graph.outputs == [value]).then_some(stages))
}
