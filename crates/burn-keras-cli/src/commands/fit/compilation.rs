//! How the model is trained: as its file says, or as the options do.

use burn_keras::models::Model;
use burn_keras::training::Compile;

use super::Args;
use crate::error::{Error, Result};

/// Compiles the model as the options say; what they leave open stays as the file has it.
pub fn compile(model: &mut Model, args: &Args) -> Result<()> {
    if !model.is_compiled() && args.loss.is_none() {
        return Err(Error::file(
            &args.model,
            "the model was saved without a loss: say which with `--loss`, as `--loss mse` (and `--optimizer`, rmsprop \
             unless told otherwise)",
        ));
    }
    let names = |names: &[String]| {
        names
            .iter()
            .map(|n| n.trim().to_string())
            .collect::<Vec<_>>()
    };
    let metrics = args.metrics.as_deref().map(names);
    let metrics: Option<Vec<&str>> = metrics
        .as_ref()
        .map(|m| m.iter().map(String::as_str).collect());
    if let Some(loss) = args.loss.as_deref() {
        if model.is_compiled() {
            model.set_loss(loss)?;
        } else {
            model.compile_with(Compile::new("rmsprop", loss)?)?;
        }
    }
    if let Some(metrics) = metrics {
        model.set_metrics(metrics)?;
    }
    if let Some(optimizer) = args.optimizer.as_deref() {
        model.set_optimizer(optimizer)?;
    }
    Ok(())
}
