//! `burn-keras convert`.

use std::path::{Path, PathBuf};

use burn_keras::models::Model;
use burn_keras::saving::load_model;

use crate::error::{Error, Result};
use crate::output::{self, ending};

/// Turn a file of a model, or of weights, into another format.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras convert old.h5 new.keras
  burn-keras convert model.keras model.safetensors
  burn-keras convert trained.weights.h5 trained.keras --model untrained.keras")]
pub struct Args {
    /// A model (.keras, .h5), or weights alone (.weights.h5, .safetensors, .h5).
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// What to make: .keras, or the weights alone as .weights.h5 or .safetensors.
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// The model that weights alone belong to; it keeps its architecture and takes the weights.
    #[arg(long, value_name = "M.keras")]
    model: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let kind = ending(&args.to);
    if !matches!(kind.as_str(), "keras" | "weights.h5" | "safetensors") {
        return Err(Error::file(
            &args.to,
            "models are written as .keras, weights as .weights.h5 or .safetensors; give the file one of these endings",
        ));
    }
    output::check_destination(&args.to)?;
    let model = load(&args.from, args.model.as_deref())?;
    if kind == "keras" {
        model.save(&args.to)?;
    } else {
        model.save_weights(&args.to)?;
    }
    Ok(())
}

fn load(from: &Path, model: Option<&Path>) -> Result<Model> {
    let weights_alone = matches!(ending(from).as_str(), "weights.h5" | "safetensors");
    match model {
        None if weights_alone => Err(Error::file(
            from,
            "holds weights alone; say which model they belong to with `--model M.keras`",
        )),
        None => Ok(load_model(from)?),
        Some(model) => {
            let mut model = load_model(model)?;
            model.load_weights(from)?;
            Ok(model)
        }
    }
}
