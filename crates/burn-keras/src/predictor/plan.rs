//! How a predictor runs its model.

use burn_recurrent::packed::{Activation, PackedDense, PackedLayer};

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
    pub work: StageWork,
}

/// What a stage does.
#[derive(Debug)]
pub(super) enum StageWork {
    /// Runs over time; its state is number `state` of a session's.
    Recurrent {
        layer: PackedLayer<f32>,
        return_sequences: bool,
        go_backwards: bool,
        state: usize,
    },
    /// Works on each row for itself.
    ByRow(RowWork),
}

/// What is done to the features of one step of one sample.
#[derive(Debug)]
pub(super) enum RowWork {
    Dense {
        layer: PackedDense<f32>,
        activation: Activation,
    },
    Activation(Activation),
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
    let mut states = 0;
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
        let work = match packed {
            Packed::Nothing => continue,
            Packed::Recurrent {
                layer,
                return_sequences,
                go_backwards,
            } => {
                states += 1;
                StageWork::Recurrent {
                    layer,
                    return_sequences,
                    go_backwards,
                    state: states - 1,
                }
            }
            Packed::Dense { layer, activation } => {
                StageWork::ByRow(RowWork::Dense { layer, activation })
            }
            Packed::Activation(activation) => StageWork::ByRow(RowWork::Activation(activation)),
        };
        let name = layer.describe();
        stages.push(Stage { name, work });
    }
    Ok((graph.outputs == [value]).then_some(stages))
}
