//! `burn-keras evaluate`.

use std::path::PathBuf;

use burn_keras::saving::load_model;
use burn_keras::training::Evaluate;
use serde_json::{Map, Value, json};

use super::{DeviceArg, at_least_1};
use crate::error::{Error, Result};
use crate::{arrays, output};

/// Print the loss and the metrics of a compiled model on given data.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras evaluate model.keras --x x.npy --y y.npy
  burn-keras evaluate model.keras --x x.csv --y y.csv --json")]
pub struct Args {
    /// The model, .keras or legacy .h5, saved compiled.
    model: PathBuf,
    /// The inputs: .npy or .csv for a model with one, .npz for several, under the names of the input layers.
    #[arg(long, value_name = "X")]
    x: PathBuf,
    /// The labels: .npy or .csv for a model with one output, .npz with output_0, output_1, … for several.
    #[arg(long, value_name = "Y")]
    y: PathBuf,
    /// How many samples are computed at once.
    #[arg(long, value_name = "N", value_parser = at_least_1)]
    batch_size: Option<usize>,
    /// Print JSON: {"loss": 0.25, "accuracy": 0.9}.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.device.choose()?;
    let model = load_model(&args.model)?;
    if !model.is_compiled() {
        return Err(Error::file(
            &args.model,
            "the model was saved without a loss, so there is nothing to measure it by; `burn-keras fit --loss …` compiles it",
        ));
    }
    let x = arrays::inputs(&args.x, &model)?;
    let y = arrays::targets(&args.y, &model)?;
    let mut options = Evaluate::new().verbose(1);
    if let Some(size) = args.batch_size {
        options = options.batch_size(size);
    }
    let scores = model.evaluate_with(arrays::values(&x)?, arrays::values(&y)?, options)?;
    if args.json {
        let figures: Map<String, Value> = scores
            .logs()
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect();
        output::print_json(&figures.into())
    } else {
        output::print(&scores.to_string())
    }
}
