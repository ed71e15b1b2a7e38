//! The stacked LSTMs learn the handwritten digits as well as Keras' do.
//!
//! The figure to reach is the mean of Keras' runs in `fixtures/baseline_digits.json`, made by
//! `tests/keras/baseline_digits.py`: the same model, split, batch size, optimizer and number of epochs.

use burn_keras::prelude::*;
use burn_keras_tests::{TestResult, devices, read_json};
use ndarray::{Array2, Array3, s};

const HELD_BACK: usize = 360;

fn digits() -> TestResult<(Array3<f32>, Array2<f32>)> {
    let lines: Vec<&str> = include_str!("../examples/data/digits.csv")
        .lines()
        .collect();
    let mut x = Array3::zeros((lines.len(), 8, 8));
    let mut y = Array2::zeros((lines.len(), 10));
    for (i, line) in lines.iter().enumerate() {
        let numbers = line
            .split(',')
            .map(str::parse)
            .collect::<Result<Vec<usize>, _>>()?;
        let (label, pixels) = numbers.split_last().ok_or("an empty line")?;
        for (p, pixel) in pixels.iter().enumerate() {
            x[[i, p / 8, p % 8]] = *pixel as f32 / 16.0;
        }
        y[[i, *label]] = 1.0;
    }
    Ok((x, y))
}

#[test]
fn the_digits_are_learned_within_0_03_of_keras_in_30_epochs() -> TestResult {
    let keras = read_json("baseline_digits.json")?["after_30_epochs"]["mean"]
        .as_f64()
        .ok_or("no mean")?;
    let (x, y) = digits()?;
    let split = x.dim().0 - HELD_BACK;
    let (_, device) = devices()?.into_iter().next().ok_or("no device")?;
    let mut reached = Vec::new();
    for seed in 0..3 {
        set_random_seed(seed);
        let mut model = Sequential::new().device(&device);
        model.add(Lstm::new(32).return_sequences(true).input_shape([8, 8]))?;
        model.add(Lstm::new(32).return_sequences(true))?;
        model.add(Lstm::new(32))?;
        model.add(Dense::new(10).activation("softmax"))?;
        model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
        model.fit(
            &x.slice(s![..split, .., ..]),
            &y.slice(s![..split, ..]),
            Fit::new().batch_size(64).epochs(30).verbose(0),
        )?;
        let scores = model.evaluate(&x.slice(s![split.., .., ..]), &y.slice(s![split.., ..]))?;
        reached.push(scores.get("accuracy").ok_or("no accuracy")?);
    }
    let mean = reached.iter().sum::<f64>() / reached.len() as f64;
    println!("val_accuracy {reached:?}, mean {mean:.4}; Keras {keras:.4}");
    assert!(
        mean >= keras - 0.03,
        "{reached:?} (mean {mean}), where Keras reaches {keras}"
    );
    Ok(())
}
