//! A stateful LSTM on long series: trained on pieces that follow each other, then run one step at a time.
//!
//!     cargo run --release --example stateful_stream [epochs]
//!
//! Sixteen sensors send readings that are off by an amount that only a rare calibration message tells: about every 40
//! steps a sensor measures nothing, sends its offset, and from then on every reading holds that offset. Who wants the true
//! values has to remember the last message. Series of 2,000 steps are trained on in pieces of 20, and in most pieces there
//! is no message: a model that starts each piece from zeros cannot know the offset. A stateful one carries it on.

use burn_keras::ndarray::{Array3, s};
use burn_keras::prelude::*;
use burn_keras::random::Generator;

const SENSORS: usize = 16;
const STEPS: usize = 2000;
const PIECE: usize = 20;
const UNITS: usize = 24;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(25), |a| a.parse())?;
    set_random_seed(1);
    let (x, y) = series(&mut Generator::new(1))?;
    let (x_new, y_new) = series(&mut Generator::new(2))?;

    // A batch is the same piece of time of all sensors; row i of the next batch goes on where row i of this one ended.
    let mut model = network(SENSORS, PIECE)?;
    model.compile(Adam::new().learning_rate(0.005), "mse", ())?;
    let (pieces, targets) = (cut(&x), cut(&y));
    let mut loss = 0.0;
    for _ in 0..epochs {
        // Shuffled pieces would go on from the wrong states.
        let fit = Fit::new().shuffle(false).verbose(0);
        loss = model
            .fit(&pieces, &targets, fit)?
            .last("loss")
            .unwrap_or_default();
        // The next epoch begins at the series' beginning again.
        model.reset_states();
    }
    println!("trained for {epochs} epochs: mean squared error {loss:.4}");

    let (pieces, targets) = (cut(&x_new), cut(&y_new));
    let stateful = model.evaluate(&pieces, &targets)?.loss();
    let mut forgetful = 0.0;
    for first in (0..pieces.dim().0).step_by(SENSORS) {
        model.reset_states();
        let rows = s![first..first + SENSORS, .., ..];
        forgetful += model
            .evaluate(&pieces.slice(rows), &targets.slice(rows))?
            .loss();
    }
    forgetful /= (STEPS / PIECE) as f64;
    println!("new series, states carried on:     {stateful:.4}");
    println!("new series, each piece from zeros: {forgetful:.4}");

    // The same weights as a program in production runs them: one sensor, one reading at a time.
    let stream = network(1, 1)?;
    stream.set_weights(&model.get_weights()?)?;
    model.reset_states();
    let whole = model.predict(&pieces)?;
    println!("\nsensor 0, step by step");
    let mut apart = 0.0_f32;
    for t in 0..STEPS {
        let reading = x_new.slice(s![0..1, t..t + 1, ..]);
        let value = stream.predict(&reading)?[[0, 0, 0]];
        apart = apart.max((value - whole[[t / PIECE * SENSORS, t % PIECE, 0]]).abs());
        if t >= STEPS - 5 {
            let (sent, truth) = (reading[[0, 0, 0]], y_new[[0, t, 0]]);
            println!("  {t}: sent {sent:+.3}, model {value:+.3}, true {truth:+.3}");
        }
    }
    println!("steps and pieces give the same: at most {apart:.1e} apart");
    Ok(())
}

/// The model for batches of `sensors` series and pieces of `steps`.
fn network(sensors: usize, steps: usize) -> Result<Sequential> {
    let mut model = Sequential::new();
    let lstm = Lstm::new(UNITS).return_sequences(true).stateful(true);
    model.add(lstm.batch_input_shape([sensors, steps, 2]))?;
    model.add(Dense::new(1))?;
    Ok(model)
}

/// Readings with a flag for calibration, `[sensors, steps, 2]`, and the true values, `[sensors, steps, 1]`.
fn series(generator: &mut Generator) -> Result<(Array3<f32>, Array3<f32>)> {
    let mut x = Array3::zeros((SENSORS, STEPS, 2));
    let mut y = Array3::zeros((SENSORS, STEPS, 1));
    for sensor in 0..SENSORS {
        let mut offset = 0.0;
        for t in 0..STEPS {
            if t == 0 || generator.uniform() < 1.0 / 40.0 {
                offset = generator.between(-1.0, 1.0);
                x[[sensor, t, 0]] = offset;
                x[[sensor, t, 1]] = 1.0;
            } else {
                y[[sensor, t, 0]] = generator.between(-1.0, 1.0);
                x[[sensor, t, 0]] = y[[sensor, t, 0]] + offset;
            }
        }
    }
    Ok((x, y))
}

/// Series `[sensors, steps, n]` as pieces, `[pieces * sensors, piece, n]`: all sensors' first pieces, then all second ones.
fn cut(series: &Array3<f32>) -> Array3<f32> {
    let features = series.dim().2;
    let pieces = STEPS / PIECE;
    Array3::from_shape_fn((pieces * SENSORS, PIECE, features), |(row, t, f)| {
        series[[row % SENSORS, row / SENSORS * PIECE + t, f]]
    })
}
