//! Real sequences of different lengths, padded and masked, are learned as well as by Keras.
//!
//! The figure to reach is the mean of Keras' runs in `fixtures/baseline_vowels.json`, made by
//! `tests/keras/baseline_vowels.py`: the same data, model, batch size, optimizer and number of epochs.

use burn_keras::prelude::*;
use burn_keras::preprocessing::{Pad, Side, pad_series};
use burn_keras_tests::{TestResult, devices, read_json};
use ndarray::{Array2, Array3};

const FEATURES: usize = 12;
const SPEAKERS: usize = 9;

/// The utterances of a part, `[utterances, 29, 12]`, and one-hot speakers.
fn utterances(part: &str) -> TestResult<(Array3<f32>, Array2<f32>)> {
    let mut found: std::collections::BTreeMap<usize, (usize, Vec<f32>)> = Default::default();
    for line in include_str!("../examples/data/japanese_vowels.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [of, utterance, speaker, step @ ..] = fields.as_slice() else {
            return Err("a short line".into());
        };
        if *of != part {
            continue;
        }
        let speaker = speaker.parse()?;
        let (_, steps) = found
            .entry(utterance.parse()?)
            .or_insert((speaker, Vec::new()));
        for value in step {
            steps.push(value.parse()?);
        }
    }
    let mut y = Array2::zeros((found.len(), SPEAKERS));
    let mut series = Vec::new();
    for (i, (speaker, steps)) in found.into_values().enumerate() {
        y[[i, speaker - 1]] = 1.0;
        series.push(Array2::from_shape_vec(
            (steps.len() / FEATURES, FEATURES),
            steps,
        )?);
    }
    let padding = Pad::new().maxlen(29).padding(Side::Post);
    Ok((pad_series(&series, padding)?, y))
}

#[test]
fn the_vowels_are_learned_within_0_02_of_keras() -> TestResult {
    let keras = read_json("baseline_vowels.json")?["after_30_epochs"]["mean"]
        .as_f64()
        .ok_or("no mean")?;
    let (x, y) = utterances("train")?;
    let (x_test, y_test) = utterances("test")?;
    assert_eq!(
        (x.shape(), x_test.shape()),
        (&[270, 29, 12][..], &[370, 29, 12][..])
    );
    let (_, device) = devices()?.into_iter().next().ok_or("no device")?;
    let mut reached = Vec::new();
    for seed in 1..4 {
        set_random_seed(seed);
        let mut model = Sequential::new().device(&device);
        model.add(Masking::new().input_shape([29, FEATURES]))?;
        model.add(Bidirectional::new(Lstm::new(32).return_sequences(true)))?;
        model.add(Lstm::new(32))?;
        model.add(Dense::new(SPEAKERS).activation("softmax"))?;
        model.compile("adam", "categorical_crossentropy", ["accuracy"])?;
        model.fit(&x, &y, Fit::new().batch_size(16).epochs(30).verbose(0))?;
        let scores = model.evaluate(&x_test, &y_test)?;
        reached.push(scores.get("accuracy").ok_or("no accuracy")?);
    }
    let mean = reached.iter().sum::<f64>() / reached.len() as f64;
    println!("test accuracy {reached:?}, mean {mean:.4}; Keras {keras:.4}");
    assert!(
        (mean - keras).abs() <= 0.02,
        "{reached:?} (mean {mean}), where Keras reaches {keras}"
    );
    Ok(())
}
