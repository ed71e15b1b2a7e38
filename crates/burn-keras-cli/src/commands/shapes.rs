//! `burn-keras shapes`.

use std::path::PathBuf;

use burn_keras::saving::{LoadModel, load_model_with};

use crate::error::Result;
use crate::{arrays, output};

/// Say in words what goes into each layer and what comes out; with data, what they would have to become.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras shapes model.keras
  burn-keras shapes model.keras --input x.npy")]
pub struct Args {
    /// The model, .keras or legacy .h5.
    model: PathBuf,
    /// Data to compare with what the model takes.
    #[arg(long, value_name = "X")]
    input: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let model = load_model_with(&args.model, LoadModel::new().compile(false))?;
    let shapes = match &args.input {
        None => model.shapes()?,
        Some(path) => model.shapes_with(arrays::values(&arrays::inputs(path, &model)?)?)?,
    };
    output::print(&shapes.to_string())
}
