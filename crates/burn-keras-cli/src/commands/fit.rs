//! `burn-keras fit`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn_keras::models::Model;
use burn_keras::saving::load_model;
use burn_keras::training::{Compile, Fit, History};

use serde_json::{Map, Value};

use super::{DeviceArg, at_least_1};
use crate::error::{Error, Result};
use crate::output::{self, ending};
use crate::{arrays, messages};

/// Train a model on given data and save it.
///
/// Optimizer, loss and metrics are those compiled into the model, the optimizer with its state; the options override
/// them. Ctrl-C ends the training after the running batch, and the model is saved as it is then.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras fit model.keras --x x.npy --y y.npy --epochs 5 --output trained.keras
  burn-keras fit model.keras --x x.csv --y y.csv --epochs 20 --batch-size 64 --validation-split 0.2 \\
      --optimizer adam --loss mse --metrics mae --output trained.keras --history history.csv")]
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
    #[command(flatten)]
    device: DeviceArg,
}

/// Weights of classes as they are given: `{"0": 1.0, "1": 3.5}`.
#[derive(Clone)]
struct ClassWeights(Vec<(usize, f32)>);

fn class_weights(text: &str) -> Result<ClassWeights, String> {
    let object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| r#"it must be a JSON object as {"0": 1.0, "1": 3.5}"#.to_string())?;
    let read = |(class, weight): (String, Value)| match (class.parse(), weight.as_f64()) {
        (Ok(class), Some(weight)) => Ok((class, weight as f32)),
        (Err(_), _) => Err(format!("\"{class}\" is no number of a class")),
        (_, None) => Err(format!(
            "the weight of class {class} is {weight}, which is no number"
        )),
    };
    object
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map(ClassWeights)
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
    let mut model = load_model(&args.model)?;
    compile(&mut model, args)?;
    let x = arrays::inputs(&args.x, &model)?;
    let y = arrays::targets(&args.y, &model)?;
    let stop = stop_on_ctrl_c();
    let mut options = Fit::new()
        .epochs(args.epochs)
        .initial_epoch(args.initial_epoch)
        .shuffle(!args.no_shuffle)
        .verbose(1)
        .stop_when(Arc::clone(&stop));
    if let Some(size) = args.batch_size {
        options = options.batch_size(size);
    }
    if let Some(seed) = args.seed {
        options = options.seed(seed);
    }
    if let (Some(x), Some(y)) = (&args.validation_x, &args.validation_y) {
        options = options.validation_data(arrays::inputs(x, &model)?, arrays::targets(y, &model)?);
    }
    if let Some(share) = args.validation_split {
        options = options.validation_split(share);
    }
    if let Some(ClassWeights(weights)) = &args.class_weight {
        options = options.class_weight(weights.iter().copied());
    }
    if let Some(path) = &args.sample_weight {
        options = options.sample_weight(vec![arrays::single(path)?]);
    }
    let history = model.fit(x, y, options)?;
    model.save(&args.output)?;
    if let Some(path) = &args.history {
        write_history(path, &history)?;
    }
    if history.was_interrupted() {
        return Err(Error::Usage(format!(
            "interrupted: {} has the model as it was then",
            args.output.display()
        )));
    }
    Ok(())
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
        if !matches!(ending(path).as_str(), "json" | "csv") {
            return Err(Error::file(
                path,
                "the history is written as .json or .csv; give the file one of these endings",
            ));
        }
        output::check_destination(path)?;
    }
    Ok(())
}

/// Compiles the model as the options say; what they leave open stays as the file has it.
fn compile(model: &mut Model, args: &Args) -> Result<()> {
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

/// Writes the history in the form that its ending names, upper or lower case.
fn write_history(path: &Path, history: &History) -> Result<()> {
    let text = if ending(path) == "csv" {
        history.to_csv()?
    } else {
        format!("{:#}\n", history.to_json())
    };
    keras_format::atomic_write(path, |file| file.write_all(text.as_bytes()))?;
    Ok(())
}
