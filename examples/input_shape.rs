//! What is my `input_shape`? Three ways to feed integer-coded sequences to an LSTM.
//!
//!     cargo run --release --example input_shape [epochs]
//!
//! Every word of `examples/data/words.csv` becomes 31 whole numbers: a = 1, …, z = 26, and 0 for "no letter". All words
//! together are a matrix `[words, 31]`. An LSTM reads `[batch, timesteps, features]`, so one axis is missing. The task:
//! which of seven languages is the word from?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn_keras::ndarray::{Array1, Array2, Array3, Axis, s};
use burn_keras::prelude::*;

const TIMESTEPS: usize = 31;
const CODES: usize = 27;
const HELD_BACK: usize = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epochs = std::env::args().nth(1).map_or(Ok(8), |a| a.parse())?;
    set_random_seed(1);

    // Ctrl-C ends the training after the running batch.
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let (x, y, languages) = words();
    println!("x {:?}: one row a word, one column a letter", x.shape());
    println!("y {:?}: one of {languages:?}", y.shape());
    println!("the first word: {:?}", x.row(0).to_vec());

    println!("\n0. The matrix as it is");
    let mut model = classifier(
        Lstm::new(32).input_shape([TIMESTEPS, CODES]),
        languages.len(),
    )?;
    match model.fit(&x, &y, Fit::new()) {
        Ok(_) => println!("it was accepted"),
        Err(error) => println!("{error}"),
    }

    println!("\n1. A letter is one number: [words, 31] becomes [words, 31, 1]");
    let numbers = x.mapv(|code| code as f32 / 26.0).insert_axis(Axis(2));
    println!("x {:?}, input_shape [{TIMESTEPS}, 1]", numbers.shape());
    let mut model = classifier(Lstm::new(32).input_shape([TIMESTEPS, 1]), languages.len())?;
    train(&mut model, &numbers, &y, epochs, &stop)?;

    println!("\n2. A letter is a category, one-hot: [words, 31] becomes [words, 31, 27]");
    let one_hot = one_hot(&x);
    println!(
        "x {:?}, input_shape [{TIMESTEPS}, {CODES}]",
        one_hot.shape()
    );
    let mut model = classifier(
        Lstm::new(32).input_shape([TIMESTEPS, CODES]),
        languages.len(),
    )?;
    train(&mut model, &one_hot, &y, epochs, &stop)?;

    println!("\n3. A letter is a category, its vector learned: [words, 31] stays as it is");
    let mut model = Sequential::new();
    model.add(Embedding::new(CODES, 8).input_shape([TIMESTEPS]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(languages.len()).activation("softmax"))?;
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    println!(
        "x {:?}, input_shape [{TIMESTEPS}] of the Embedding",
        x.shape()
    );
    println!("{}", model.summary());
    let split = x.nrows() - HELD_BACK;
    model.fit(
        &x.slice(s![..split, ..]),
        &y.slice(s![..split]),
        Fit::new()
            .batch_size(128)
            .epochs(epochs)
            .verbose(2)
            .stop_when(Arc::clone(&stop)),
    )?;
    println!(
        "{}",
        model.evaluate(&x.slice(s![split.., ..]), &y.slice(s![split..]))?
    );
    Ok(())
}

/// An LSTM and a softmax over the languages; labels are the number of the language.
fn classifier(lstm: Lstm, languages: usize) -> Result<Sequential> {
    let mut model = Sequential::new();
    model.add(lstm)?;
    model.add(Dense::new(languages).activation("softmax"))?;
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

fn train(
    model: &mut Sequential,
    x: &Array3<f32>,
    y: &Array1<i32>,
    epochs: usize,
    stop: &Arc<AtomicBool>,
) -> Result<()> {
    println!("{}", model.summary());
    let split = x.dim().0 - HELD_BACK;
    model.fit(
        &x.slice(s![..split, .., ..]),
        &y.slice(s![..split]),
        Fit::new()
            .batch_size(128)
            .epochs(epochs)
            .verbose(2)
            .stop_when(Arc::clone(stop)),
    )?;
    println!(
        "{}",
        model.evaluate(&x.slice(s![split.., .., ..]), &y.slice(s![split..]))?
    );
    Ok(())
}

/// The words as numbers, `[words, 31]`, padded with 0 in front, the number of each one's language, and the languages.
fn words() -> (Array2<i32>, Array1<i32>, Vec<&'static str>) {
    let lines: Vec<(&str, &str)> = include_str!("data/words.csv")
        .lines()
        .filter_map(|line| line.split_once(','))
        .collect();
    let mut languages: Vec<&str> = lines.iter().map(|(_, language)| *language).collect();
    languages.sort_unstable();
    languages.dedup();
    let mut x = Array2::zeros((lines.len(), TIMESTEPS));
    for (i, (word, _)) in lines.iter().enumerate() {
        let start = TIMESTEPS - word.len();
        for (t, letter) in word.bytes().enumerate() {
            x[[i, start + t]] = i32::from(letter - b'a') + 1;
        }
    }
    let y = lines
        .iter()
        .map(|(_, language)| languages.iter().position(|l| l == language).unwrap_or(0) as i32)
        .collect();
    (x, y, languages)
}

/// A 1 at each letter's code: `[words, 31]` to `[words, 31, 27]`.
fn one_hot(codes: &Array2<i32>) -> Array3<f32> {
    let (words, timesteps) = codes.dim();
    let mut x = Array3::zeros((words, timesteps, CODES));
    for ((word, t), code) in codes.indexed_iter() {
        x[[word, t, *code as usize]] = 1.0;
    }
    x
}
