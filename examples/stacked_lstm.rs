//! Three stacked LSTMs read handwritten digits: the program to start from.
//!
//!     cargo run --release --example stacked_lstm [epochs] [model seed]
//!
//! The data are the 1,797 digits of `examples/data/digits.csv`. Each is a picture of 8×8 pixels, and the model reads it
//! row by row: 8 timesteps of 8 features, `[8, 8]`. Ctrl-C ends the training after the running batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn_keras::ndarray::{Array2, Array3, s};
use burn_keras::prelude::*;

const TIMESTEPS: usize = 8;
const FEATURES: usize = 8;
const CLASSES: usize = 10;
const HELD_BACK: usize = 360;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let epochs = arguments.next().map_or(Ok(60), |a| a.parse())?;
    let seed = arguments.next().map_or(Ok(1), |a| a.parse())?;
    set_random_seed(seed);

    // x: [samples, timesteps, features], y: [samples, classes], a 1 for the right class.
    let (x, y) = digits()?;
    let split = x.dim().0 - HELD_BACK;
    let (x_train, x_val) = (x.slice(s![..split, .., ..]), x.slice(s![split.., .., ..]));
    let (y_train, y_val) = (y.slice(s![..split, ..]), y.slice(s![split.., ..]));
    println!(
        "x_train {:?}, y_train {:?}",
        x_train.shape(),
        y_train.shape()
    );
    println!("x_val   {:?}, y_val   {:?}", x_val.shape(), y_val.shape());

    let mut model = Sequential::new();
    model.add(
        Lstm::new(32)
            .return_sequences(true)
            .input_shape([TIMESTEPS, FEATURES]),
    )?;
    model.add(Lstm::new(32).return_sequences(true))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(CLASSES).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    println!("{}", model.summary());

    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let history = model.fit(
        &x_train,
        &y_train,
        Fit::new()
            .batch_size(64)
            .epochs(epochs)
            .validation_data(&x_val, &y_val)
            .stop_when(stop),
    )?;
    println!(
        "val_accuracy after {} epochs: {:.4}",
        history.epochs().len(),
        history.last("val_accuracy").unwrap_or(0.0)
    );

    let scores = model.evaluate(&x_val, &y_val)?;
    println!("on the {HELD_BACK} digits held back: {scores}");

    let probabilities = model.predict(&x_val.slice(s![..5, .., ..]))?;
    for (row, labels) in probabilities.rows().into_iter().zip(y_val.rows()) {
        let guess = largest(row.iter());
        println!(
            "a {} is taken for a {guess} ({:.0} %)",
            largest(labels.iter()),
            100.0 * row[guess]
        );
    }
    Ok(())
}

/// The digits as `[samples, 8, 8]`, pixels from 0 to 1, and their one-hot labels `[samples, 10]`.
fn digits() -> Result<(Array3<f32>, Array2<f32>), Box<dyn std::error::Error>> {
    let text = include_str!("data/digits.csv");
    let samples = text.lines().count();
    let mut x = Array3::zeros((samples, TIMESTEPS, FEATURES));
    let mut y = Array2::zeros((samples, CLASSES));
    for (i, line) in text.lines().enumerate() {
        let numbers = line
            .split(',')
            .map(str::parse)
            .collect::<Result<Vec<usize>, _>>()?;
        let (label, pixels) = numbers.split_last().ok_or("an empty line")?;
        for (p, pixel) in pixels.iter().enumerate() {
            x[[i, p / FEATURES, p % FEATURES]] = *pixel as f32 / 16.0;
        }
        y[[i, *label]] = 1.0;
    }
    Ok((x, y))
}

/// The position of the largest value.
fn largest<'a>(values: impl Iterator<Item = &'a f32>) -> usize {
    values
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(position, _)| position)
}
