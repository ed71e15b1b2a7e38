//! `burn-keras predict`.

use std::path::PathBuf;

use burn_keras::saving::{LoadModel, load_model_with};
use burn_keras::training::Predict;

use super::{DeviceArg, at_least_1};
use crate::error::Result;
use crate::{arrays, output};

/// Write what a model puts out for given inputs.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras predict model.keras --input x.npy --output y.npy
  burn-keras predict two_inputs.keras --input x.npz --output y.npz --batch-size 256")]
pub struct Args {
    /// The model, .keras or legacy .h5.
    model: PathBuf,
    /// The inputs: .npy or .csv for a model with one, .npz for several, under the names of the input layers.
    #[arg(long, value_name = "X")]
    input: PathBuf,
    /// Where the outputs go: .npy for one, .npz for any number, as output_0, output_1, …
    #[arg(long, value_name = "Y")]
    output: PathBuf,
    /// How many samples are computed at once.
    #[arg(long, value_name = "N", value_parser = at_least_1)]
    batch_size: Option<usize>,
    #[command(flatten)]
    device: DeviceArg,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.device.choose()?;
    let model = load_model_with(&args.model, LoadModel::new().compile(false))?;
    arrays::check_predictions_name(&args.output, &model.output_names()?)?;
    output::check_destination(&args.output)?;
    let x = arrays::inputs(&args.input, &model)?;
    let mut options = Predict::new().verbose(1);
    if let Some(size) = args.batch_size {
        options = options.batch_size(size);
    }
    let predictions = model.predict_all_with(arrays::values(&x)?, options)?;
    arrays::write_predictions(&args.output, &predictions)
}
