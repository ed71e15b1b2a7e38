//! Which values of a model carry masks.

use crate::Result;
use crate::models::{MaskFlow, Merge, Model, Step, StepMasks};

/// How many calls of layers are followed, those inside models included: a model inside a model inside a model may stand
/// for more of them than anybody can count. What is behind them carries a mask if all that goes in does.
const MOST_FOLLOWED: usize = 20_000;

/// For each value of a model whether it carries a mask; `inputs` says it of the model's inputs.
///
/// # Errors
///
/// [`Error::NotBuilt`](crate::Error::NotBuilt) before the model knows its input shape.
pub(super) fn carried(model: &Model, inputs: &[bool]) -> Result<Vec<bool>> {
    follow(model, inputs, &mut MOST_FOLLOWED.clone())
}

fn follow(model: &Model, inputs: &[bool], left: &mut usize) -> Result<Vec<bool>> {
    let graph = model.graph()?;
    let mut masked = vec![false; graph.dims.len()];
    masked[..graph.inputs.len()].copy_from_slice(inputs);
    for step in &graph.steps {
        *left = left.saturating_sub(1);
        let layer = &model.layers()[step.layer];
        let came: Vec<bool> = step.inputs.iter().map(|v| masked[*v]).collect();
        let gone = match MaskFlow::of(layer) {
            MaskFlow::Inside => inside(model, step, &came, left)?,
            flow => of_layer(flow, step, &came),
        };
        for (value, gone) in step.outputs.iter().zip(gone) {
            masked[*value] = gone;
        }
    }
    Ok(masked)
}

/// The masks that come out of a model inside a model.
fn inside(model: &Model, step: &Step, came: &[bool], left: &mut usize) -> Result<Vec<bool>> {
    let read = model.layers()[step.layer].read();
    if let Some(inner) = read.as_any().downcast_ref::<Model>()
        && inner.is_built()
        && *left > 0
    {
        let masked = follow(inner, came, left)?;
        return Ok(inner.graph()?.outputs.iter().map(|v| masked[*v]).collect());
    }
    Ok(vec![!came.contains(&false); step.outputs.len()])
}

fn of_layer(flow: MaskFlow, step: &Step, came: &[bool]) -> Vec<bool> {
    let explicit = match &step.masks {
        StepMasks::Implicit => None,
        StepMasks::Explicit(values) => Some(values.iter().any(Option::is_some)),
        StepMasks::Unused { goes_on } => Some(*goes_on && came.contains(&true)),
    };
    let first = explicit.unwrap_or_else(|| came.first() == Some(&true));
    let any = explicit.unwrap_or_else(|| came.contains(&true));
    let all = explicit.unwrap_or_else(|| !came.is_empty() && !came.contains(&false));
    match flow {
        MaskFlow::Passed => vec![any; step.outputs.len()],
        MaskFlow::Made(_) => vec![true],
        MaskFlow::Steps | MaskFlow::Merged(Merge::First) => vec![first],
        MaskFlow::Merged(Merge::Any) => vec![any],
        MaskFlow::Merged(Merge::All) => vec![all],
        MaskFlow::Gone | MaskFlow::Inside => Vec::new(),
    }
}
