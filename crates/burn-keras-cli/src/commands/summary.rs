//! `burn-keras summary`.

use std::path::PathBuf;

use burn_keras::models::Model;
use burn_keras::saving::{LoadModel, load_model_with};
use serde_json::{Value, json};

use super::DeviceArg;
use crate::error::Result;
use crate::output;

/// Print the table of a model's layers with their shapes and numbers of weights.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras summary model.keras
  burn-keras summary model.h5 --json")]
pub struct Args {
    /// The model, .keras or legacy .h5.
    model: PathBuf,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.device.choose()?;
    let model = load_model_with(&args.model, LoadModel::new().compile(false))?;
    if args.json {
        output::print_json(&as_json(&model)?)
    } else {
        output::print(&model.summary().to_string())
    }
}

fn as_json(model: &Model) -> Result<Value> {
    let mut layers = Vec::new();
    let mut trainable = 0;
    for layer in model.layers() {
        let outputs: Vec<_> = model
            .output_of(&layer.name())?
            .iter()
            .map(|node| node.dims().axes().to_vec())
            .collect();
        let own: usize = layer
            .weights()
            .iter()
            .filter(|w| w.trainable)
            .map(|w| w.count())
            .sum();
        trainable += own;
        layers.push(json!({
            "name": layer.name(),
            "class_name": layer.class_name(),
            "output_shapes": outputs,
            "params": layer.count_params(),
            "trainable_params": own,
        }));
    }
    let shapes = |dims: Vec<burn_keras::dims::Dims>| -> Vec<_> {
        dims.iter().map(|d| d.axes().to_vec()).collect()
    };
    let total = model.count_params()?;
    Ok(json!({
        "name": model.model_name(),
        "inputs": model.input_names()?,
        "input_shapes": shapes(model.input_shapes()?),
        "outputs": model.output_names()?,
        "output_shapes": shapes(model.output_shapes()?),
        "layers": layers,
        "total_params": total,
        "trainable_params": trainable,
        "non_trainable_params": total - trainable,
    }))
}
