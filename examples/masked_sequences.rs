//! Sequences of different lengths: padded with zeros, masked, read in both directions.
//!
//!     cargo run --release --example masked_sequences [epochs] [seed]
//!
//! Nine people say the same vowels; the task is to tell who speaks. An utterance of `examples/data/japanese_vowels.csv` is
//! 7 to 29 timesteps of 12 features. All are padded with zeros to `[29, 12]`, and `Masking` makes the layers after it skip
//! the padding: without it the last state would be what 20 steps of silence left of the voice.

use std::collections::BTreeMap;

use burn_keras::metrics::{ClassificationReport, ConfusionMatrix};
use burn_keras::ndarray::{Array2, Array3};
use burn_keras::prelude::*;
use burn_keras::preprocessing::{Pad, Side, pad_series};

const TIMESTEPS: usize = 29;
const FEATURES: usize = 12;
const SPEAKERS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let epochs = arguments.next().map_or(Ok(30), |a| a.parse())?;
    let seed = arguments.next().map_or(Ok(1), |a| a.parse())?;
    set_random_seed(seed);
    let (x_train, y_train) = utterances("train")?;
    let (x_test, y_test) = utterances("test")?;
    println!(
        "x_train {:?}, y_train {:?}",
        x_train.shape(),
        y_train.shape()
    );

    let mut model = Sequential::new();
    model.add(Masking::new().input_shape([TIMESTEPS, FEATURES]))?;
    model.add(Bidirectional::new(Lstm::new(32).return_sequences(true)))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(SPEAKERS).activation("softmax"))?;
    model.compile("adam", "categorical_crossentropy", ["accuracy"])?;
    println!("{}", model.summary());

    let fit = Fit::new().batch_size(16).epochs(epochs).verbose(2);
    model.fit(&x_train, &y_train, fit)?;
    let scores = model.evaluate(&x_test, &y_test)?;
    println!(
        "on the {} utterances of the test set: {scores}",
        x_test.dim().0
    );
    println!(
        "test accuracy: {:.4}",
        scores.get("accuracy").unwrap_or_default()
    );

    // Who is taken for whom.
    let chosen = model.predict(&x_test)?;
    let matrix = ConfusionMatrix::new(&y_test, &chosen)?;
    println!("\n{matrix}\n\n{}", ClassificationReport::from(&matrix));
    let picture = std::env::temp_dir().join("masked_sequences.svg");
    matrix.plot(&picture)?;
    println!("drawn in {}", picture.display());
    Ok(())
}

/// The utterances of a part, `[utterances, 29, 12]` with zeros after their last step, and one-hot speakers.
fn utterances(part: &str) -> Result<(Array3<f32>, Array2<f32>), Box<dyn std::error::Error>> {
    // Utterances in their order, each with its speaker and its steps.
    let mut found: BTreeMap<usize, (usize, Vec<Vec<f32>>)> = BTreeMap::new();
    for line in include_str!("data/japanese_vowels.csv").lines() {
        let mut fields = line.split(',');
        if fields.next() != Some(part) {
            continue;
        }
        let mut whole = || -> Result<usize, Box<dyn std::error::Error>> {
            Ok(fields.next().ok_or("a line is too short")?.parse()?)
        };
        let (utterance, speaker) = (whole()?, whole()?);
        let step = fields.map(str::parse).collect::<Result<Vec<f32>, _>>()?;
        let entry = found.entry(utterance).or_insert((speaker, Vec::new()));
        entry.1.push(step);
    }
    let mut y = Array2::zeros((found.len(), SPEAKERS));
    let mut series = Vec::new();
    for (i, (speaker, steps)) in found.into_values().enumerate() {
        let steps_of_features = Array2::from_shape_vec((steps.len(), FEATURES), steps.concat())?;
        series.push(steps_of_features);
        y[[i, speaker - 1]] = 1.0;
    }
    let padding = Pad::new().maxlen(TIMESTEPS).padding(Side::Post);
    Ok((pad_series(&series, padding)?, y))
}
