//! `burn-keras fit`.

mod checkpoint;
mod compilation;
mod data;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn_keras::callbacks::TensorBoard;
use burn_keras::saving::load_model;
use burn_keras::training::Fit;

use super::{DeviceArg, at_least_1};
use crate::error::{Error, Result};
use crate::output::{self, ending};
use crate::{arrays, messages};
use checkpoint::Checkpoint;
use compilation::compile;
use data::{ClassWeights, Data, class_weights};

/// Train a model on given data and save it.
///
/// Optimizer, loss and metrics are those compiled into the model, the optimizer with its state; the options override
/// them. Ctrl-C ends the training after the running batch, and the model is saved as it is then. With --checkpoint a
/// training that was killed goes on when the same command is given again with --resume, and ends with the weights of one
/// that was not.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras fit model.keras --x x.npy --y y.npy --epochs 5 --output trained.keras
  burn-keras fit model.keras --x x.csv --y y.csv --epochs 20 --batch-size 64 --validation-split 0.2 \\
      --optimizer adam --loss mse --metrics mae --output trained.keras --history history.csv
  burn-keras fit model.keras --x x.npy --y y.npy --epochs 500 --checkpoint backup --resume --output trained.keras")]
pub struct Args {
    /// The model, .keras or legacy .h5.
    model: PathBuf,
    /// The inputs: .npy or .csv for a model with one, .npz for several, under the names of the input layers.
    #[arg(long, value_name = "X")]
    x: PathBuf,
    /// The labels: .npy or .csv for a model with one output, .npz with output_0, output_1, … for several.
    #[arg(long, value_name = "Y")]
    y: PathBuf,
    /// How often all samples are gone through.
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_least_1)]
    epochs: usize,
    /// How many samples make up a step (32, or the model's fixed batch size).
    #[arg(long, value_name = "N", value_parser = at_least_1)]
    batch_size: Option<usize>,
    /// Keep the samples in their order instead of a new random one each epoch.
    #[arg(long)]
    no_shuffle: bool,
    /// Make order and dropout repeatable.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Inputs that are not trained on but measured after each epoch.
    #[arg(long, value_name = "X", requires = "validation_y")]
    validation_x: Option<PathBuf>,
    /// Their labels.
    #[arg(long, value_name = "Y", requires = "validation_x")]
    validation_y: Option<PathBuf>,
    /// The share of the samples, from the end, that is measured after each epoch instead of trained on.
    #[arg(long, value_name = "SHARE", conflicts_with = "validation_x")]
    validation_split: Option<f64>,
    /// How much the samples of each class count in the loss; a class that is not named counts 1.
    #[arg(long, value_name = "JSON", value_parser = class_weights, conflicts_with = "sample_weight")]
    class_weight: Option<ClassWeights>,
    /// How much each sample counts in the loss, .npy.
    #[arg(long, value_name = "W.npy")]
    sample_weight: Option<PathBuf>,
    /// The number of the first epoch, counted from 0; those before it are taken for done.
    #[arg(long, value_name = "N", default_value = "0")]
    initial_epoch: usize,
    /// Start with this optimizer instead of the model's: adam, rmsprop, sgd, …
    #[arg(long, value_name = "O")]
    optimizer: Option<String>,
    /// Use this loss instead of the model's: mse, categorical_crossentropy, …
    #[arg(long, value_name = "L")]
    loss: Option<String>,
    /// Report these metrics instead of the model's, as accuracy,mae.
    #[arg(long, value_name = "M,M", value_delimiter = ',')]
    metrics: Option<Vec<String>>,
    /// Where the trained model goes, .keras.
    #[arg(long, value_name = "TRAINED.keras")]
    output: PathBuf,
    /// Where the figures of each epoch go: .json ({"loss": [..], ..}) or .csv.
    #[arg(long, value_name = "H")]
    history: Option<PathBuf>,
    /// Keep the state of the training in this folder after each epoch, so that it can go on if it is killed.
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Go on from what --checkpoint kept; without that, begin anew.
    #[arg(long, requires = "checkpoint")]
    resume: bool,
    /// Write figures for TensorBoard into this folder.
    #[arg(long, value_name = "DIR")]
    tensorboard: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArg,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    args.device.choose()?;
    check_destinations(args)?;
    if args.initial_epoch >= args.epochs {
        return Err(Error::Usage(format!(
            "--initial-epoch {} leaves nothing to do of --epochs {}: epochs are counted from 0",
            args.initial_epoch, args.epochs
        )));
    }
    let checkpoint = args
        .checkpoint
        .as_deref()
        .map(|folder| Checkpoint::open(folder, args.resume));
    let checkpoint = checkpoint.transpose()?;
    let mut model = load_model(&args.model)?;
    compile(&mut model, args)?;
    let data = Data::read(args, &model)?;
    let mut options = data.add_to(options(args))?;
    if let Some(checkpoint) = &checkpoint {
        options = options.callbacks(checkpoint.callback());
    }
    if let Some(folder) = &args.tensorboard {
        options = options.callbacks(TensorBoard::new(folder));
    }
    let history = model.fit(arrays::values(&data.x)?, arrays::values(&data.y)?, options)?;
    model.save(&args.output)?;
    if let Some(path) = &args.history {
        history.save(path)?;
    }
    let output = args.output.display();
    match checkpoint {
        Some(checkpoint) if history.was_interrupted() => Err(Error::Usage(format!(
            "interrupted: {output} has the model as it was then; the same command with --resume goes on from {}",
            checkpoint.folder().display()
        ))),
        None if history.was_interrupted() => Err(Error::Usage(format!(
            "interrupted: {output} has the model as it was then"
        ))),
        Some(checkpoint) => checkpoint.delete(),
        None => Ok(()),
    }
}

/// The options that need no arrays.
fn options<'a>(args: &Args) -> Fit<'a> {
    let mut options = Fit::new()
        .epochs(args.epochs)
        .initial_epoch(args.initial_epoch)
        .shuffle(!args.no_shuffle)
        .verbose(1)
        .stop_when(stop_on_ctrl_c());
    if let Some(size) = args.batch_size {
        options = options.batch_size(size);
    }
    if let Some(seed) = args.seed {
        options = options.seed(seed);
    }
    if let Some(share) = args.validation_split {
        options = options.validation_split(share);
    }
    if let Some(ClassWeights(weights)) = &args.class_weight {
        options = options.class_weight(weights.iter().copied());
    }
    options
}

/// Finds out before the training whether its results can be written.
fn check_destinations(args: &Args) -> Result<()> {
    if ending(&args.output) != "keras" {
        return Err(Error::file(
            &args.output,
            "models are written as .keras; give the file that ending",
        ));
    }
    output::check_destination(&args.output)?;
    if let Some(path) = &args.history {
        if !matches!(ending(path).to_lowercase().as_str(), "json" | "csv") {
            return Err(Error::file(
                path,
                "the history is written as .json or .csv; give the file one of these endings",
            ));
        }
        output::check_destination(path)?;
    }
    if let Some(folder) = &args.tensorboard {
        output::check_folder(folder)?;
    }
    Ok(())
}

/// A flag that the first Ctrl-C raises; the second ends the process at once.
fn stop_on_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    let installed = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
        messages::say("stopping after this batch; Ctrl-C again ends at once, without saving");
    });
    if let Err(problem) = installed {
        messages::say(&format!(
            "warning: Ctrl-C will not save the model: {problem}"
        ));
    }
    stop
}
