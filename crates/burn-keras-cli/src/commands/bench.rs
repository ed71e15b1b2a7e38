//! `burn-keras bench`.

use std::time::{Duration, Instant};

use burn_keras::backend::{default_device, device_name};
use burn_keras::layers::{Dense, LayerExt, Lstm};
use burn_keras::models::Sequential;
use burn_keras::random::Generator;
use burn_keras::training::{Fit, Predict};
use ndarray::{Array2, Array3};
use serde_json::json;

use super::{DeviceArg, at_least_1};
use crate::error::{Error, Result};
use crate::output;

const CLASSES: usize = 10;

/// More is a slip of the keyboard rather than a question.
const MOST_BYTES: u128 = 64 << 30;

/// Measure how fast stacked LSTMs train and predict here, on random data.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras bench
  burn-keras bench --units 256 --timesteps 50 --features 64 --device flex --json")]
pub struct Args {
    /// The size of each layer's states.
    #[arg(long, value_name = "N", default_value = "32", value_parser = at_least_1)]
    units: usize,
    /// How many LSTM layers.
    #[arg(long, value_name = "N", default_value = "3", value_parser = at_least_1)]
    layers: usize,
    /// Steps in a sequence.
    #[arg(long, value_name = "N", default_value = "8", value_parser = at_least_1)]
    timesteps: usize,
    /// Numbers in a step.
    #[arg(long, value_name = "N", default_value = "16", value_parser = at_least_1)]
    features: usize,
    /// Samples in a batch.
    #[arg(long, value_name = "N", default_value = "64", value_parser = at_least_1)]
    batch_size: usize,
    /// Samples in an epoch.
    #[arg(long, value_name = "N", default_value = "1024", value_parser = at_least_1)]
    samples: usize,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArg,
}

impl Args {
    /// About how many numbers a training of this size holds at once.
    fn numbers(&self) -> u128 {
        let product = |sizes: &[usize]| {
            let sizes = sizes.iter().map(|n| *n as u128);
            sizes.fold(1, u128::saturating_mul)
        };
        let input = self.features.max(self.units).saturating_add(self.units);
        // Weights, gradients and the optimizer's averages; the four gates, the state and the output of each step with
        // their gradients.
        let weights = product(&[3, self.layers, 4, self.units, input]);
        let steps = product(&[
            2,
            6,
            self.layers,
            self.batch_size.min(self.samples),
            self.timesteps,
            self.units,
        ]);
        product(&[self.samples, self.timesteps, self.features])
            .saturating_add(product(&[self.samples, CLASSES]))
            .saturating_add(weights)
            .saturating_add(steps)
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let bytes = args.numbers().saturating_mul(size_of::<f32>() as u128);
    if bytes > MOST_BYTES {
        return Err(Error::Usage(format!(
            "a training of this size would hold about {} GiB in memory, {} are allowed: lower --units, --layers, \
             --timesteps, --features, --batch-size or --samples",
            bytes >> 30,
            MOST_BYTES >> 30
        )));
    }
    args.device.choose()?;
    let device = device_name(&default_device()?);
    let mut model = Sequential::new();
    for i in 0..args.layers {
        let layer = Lstm::new(args.units).return_sequences(i + 1 < args.layers);
        model.add(if i == 0 {
            layer.input_shape([args.timesteps, args.features])
        } else {
            layer
        })?;
    }
    model.add(Dense::new(CLASSES).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ())?;
    let mut random = Generator::new(0);
    let shape = (args.samples, args.timesteps, args.features);
    let x = Array3::from_shape_simple_fn(shape, || random.normal());
    let y = Array2::from_shape_fn((args.samples, CLASSES), |(i, j)| {
        f32::from(i % CLASSES == j)
    });

    let train = fastest(|| {
        let options = Fit::new().batch_size(args.batch_size).verbose(0);
        model.fit(&x, &y, options).map(|_| ())
    })?;
    let predict = fastest(|| {
        let options = Predict::new().batch_size(args.batch_size);
        model.predict_with(&x, options).map(|_| ())
    })?;
    let rate = |time: Duration| args.samples as f64 / time.as_secs_f64();
    if args.json {
        return output::print_json(&json!({
            "device": device,
            "units": args.units,
            "layers": args.layers,
            "timesteps": args.timesteps,
            "features": args.features,
            "batch_size": args.batch_size,
            "samples": args.samples,
            "train_seconds": train.as_secs_f64(),
            "train_samples_per_second": rate(train),
            "predict_seconds": predict.as_secs_f64(),
            "predict_samples_per_second": rate(predict),
        }));
    }
    let line = |what: &str, time: Duration| {
        format!(
            "{what:<8} {:>9.2} ms for {} samples, {:>9.0} samples a second",
            time.as_secs_f64() * 1e3,
            args.samples,
            rate(time)
        )
    };
    output::print(&format!(
        "{} x LSTM({}) on {device}, [{}, {}, {}] in batches of {}\n{}\n{}",
        args.layers,
        args.units,
        args.samples,
        args.timesteps,
        args.features,
        args.batch_size,
        line("train", train),
        line("predict", predict),
    ))
}

/// The shortest of the runs that fit into about a second; the first, which sets things up, does not count.
fn fastest(mut run: impl FnMut() -> burn_keras::Result<()>) -> Result<Duration> {
    run()?;
    let started = Instant::now();
    let mut best = Duration::MAX;
    while best == Duration::MAX || started.elapsed() < Duration::from_secs(1) {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
