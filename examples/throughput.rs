//! How fast three stacked LSTMs train and predict: the program that `tools/compare` sets against other libraries.
//!
//!     cargo run --release --example throughput train_small
//!     cargo run --release --example throughput train_small rounds=5 epochs=20 implementation=burn
//!
//! It prints one line of JSON: seconds for one epoch (`train_…`) or for one call of predict (`predict_…`), the best and
//! the median of the rounds. A round is one `fit` of several epochs, or several predicts, and its time is divided by
//! their number; building the model and a first, unmeasured round are left out. The data are random. Predictions go
//! through a session of the model's predictor, or through `predict` with `session=no`.

use std::time::Instant;

use burn_keras::ndarray::{Array2, Array3};
use burn_keras::prelude::*;
use burn_keras::random::Generator;

const CLASSES: usize = 10;
const WORKLOADS: [Workload; 5] = [
    Workload::new("train_small", [1000, 8, 16], 32, 64, 10),
    Workload::new("train_medium", [256, 50, 64], 256, 64, 1),
    Workload::new("train_large", [128, 100, 128], 512, 64, 1),
    Workload::new("predict_small", [1000, 8, 16], 32, 1000, 20),
    Workload::new("predict_one", [1, 8, 16], 32, 1, 1000),
];

/// What is measured.
#[derive(Clone, Copy)]
struct Workload {
    name: &'static str,
    /// `[samples, timesteps, features]`
    shape: [usize; 3],
    units: usize,
    batch: usize,
    /// Epochs or predicts in a round.
    epochs: usize,
    rounds: usize,
    implementation: Implementation,
    /// Whether predictions go through a session.
    session: bool,
}

impl Workload {
    const fn new(
        name: &'static str,
        shape: [usize; 3],
        units: usize,
        batch: usize,
        epochs: usize,
    ) -> Self {
        let (rounds, implementation, session) = (5, Implementation::Auto, true);
        Self {
            name,
            shape,
            units,
            batch,
            epochs,
            rounds,
            implementation,
            session,
        }
    }

    /// Changes what `option` says: `batch=`, `epochs=`, `rounds=`, `implementation=` or `session=`.
    fn set(&mut self, option: &str) -> Result<(), Box<dyn std::error::Error>> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "batch" => self.batch = value.parse()?,
            "epochs" => self.epochs = value.parse()?,
            "rounds" => self.rounds = value.parse()?,
            "implementation" => {
                self.implementation = match value {
                    "auto" => Implementation::Auto,
                    "fused" => Implementation::Fused,
                    "burn" => Implementation::Burn,
                    _ => return Err(format!("{option}: one of auto, fused, burn").into()),
                }
            }
            "session" => {
                self.session = match value {
                    "yes" => true,
                    "no" => false,
                    _ => return Err(format!("{option}: yes or no").into()),
                }
            }
            _ => {
                return Err(format!(
                    "{option}: one of batch=, epochs=, rounds=, implementation=, session="
                )
                .into());
            }
        }
        if self.batch.min(self.epochs).min(self.rounds) == 0 {
            return Err(format!("{option}: at least 1").into());
        }
        Ok(())
    }

    fn model(&self) -> Result<Sequential> {
        let [_, timesteps, features] = self.shape;
        let lstm = || Lstm::new(self.units).implementation(self.implementation);
        let mut model = Sequential::new();
        model.add(
            lstm()
                .return_sequences(true)
                .input_shape([timesteps, features]),
        )?;
        model.add(lstm().return_sequences(true))?;
        model.add(lstm())?;
        model.add(Dense::new(CLASSES).activation("softmax"))?;
        model.compile("rmsprop", "categorical_crossentropy", ())?;
        Ok(model)
    }

    /// The seconds of every round.
    fn measure(&self) -> Result<Vec<f64>> {
        set_random_seed(1);
        let mut random = Generator::new(1);
        let x = Array3::from_shape_simple_fn(self.shape, || random.uniform());
        let mut y = Array2::<f32>::zeros((self.shape[0], CLASSES));
        for (i, mut row) in y.rows_mut().into_iter().enumerate() {
            row[i % CLASSES] = 1.0;
        }

        let mut model = self.model()?;
        let train = self.name.starts_with("train");
        let mut session = model.predictor()?.session();
        let mut predicted = y.clone();
        let mut round = |epochs: usize| -> Result<f64> {
            let start = Instant::now();
            if train {
                let options = Fit::new().batch_size(self.batch).epochs(epochs).verbose(0);
                model.fit(&x, &y, options)?;
            } else {
                for _ in 0..epochs {
                    if self.session {
                        session.predict_into(&x, &mut predicted)?;
                        std::hint::black_box(&predicted);
                    } else {
                        let options = Predict::new().batch_size(self.batch);
                        std::hint::black_box(model.predict_with(&x, options)?);
                    }
                }
            }
            Ok(start.elapsed().as_secs_f64() / epochs as f64)
        };
        round(self.epochs)?;
        (0..self.rounds).map(|_| round(self.epochs)).collect()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let names = WORKLOADS.map(|w| w.name).join(", ");
    let name = arguments
        .next()
        .ok_or_else(|| format!("name a workload: {names}"))?;
    let mut workload = WORKLOADS
        .into_iter()
        .find(|w| w.name == name)
        .ok_or_else(|| format!("no workload {name}; there are {names}"))?;
    arguments.try_for_each(|option| workload.set(&option))?;

    let rounds = workload.measure()?;
    let mut sorted = rounds.clone();
    sorted.sort_by(f64::total_cmp);
    println!(
        "{{\"workload\": \"{name}\", \"seconds\": {:e}, \"median\": {:e}, \"rounds\": {rounds:?}}}",
        sorted[0],
        sorted[sorted.len() / 2]
    );
    Ok(())
}
