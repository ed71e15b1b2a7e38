//! `burn-keras plot`.

use std::path::PathBuf;

use burn_keras::saving::{LoadModel, load_model_with};

use crate::error::Result;
use crate::output;

/// Draw a model: its layers, what goes from one to the next, and in which shape.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras plot model.keras --output model.svg
  burn-keras plot model.h5 --output model.png")]
pub struct Args {
    /// The model, .keras or legacy .h5.
    model: PathBuf,
    /// Where the picture goes; its ending says which kind: .svg, .png or .html.
    #[arg(long, value_name = "PICTURE")]
    output: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    output::check_destination(&args.output)?;
    let model = load_model_with(&args.model, LoadModel::new().compile(false))?;
    Ok(model.plot(&args.output)?)
}
