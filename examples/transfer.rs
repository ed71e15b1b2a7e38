//! Transfer learning: what was learned from many words of four languages helps to tell three others apart, of which only
//! a few words are at hand.
//!
//!     cargo run --release --example transfer [words of each new language] [draws]
//!
//! A model first learns to tell Czech, English, French and Portuguese words apart. Then its embedding and its LSTM are
//! frozen, and its head is replaced by one for Italian, Spanish and Turkish, which learns from 15 words of each. Beside
//! it a model of the same layers learns from those words alone. Both are measured on the thousands of words that are
//! left; the mean of several draws of the few words is printed.

use std::io::Write;

use burn_keras::ndarray::{Array1, Array2, Axis};
use burn_keras::prelude::*;
use burn_keras::preprocessing::{Pad, Side, pad_sequences};
use burn_keras::random::Generator;

/// `examples/data/words.csv` has these, and words of a to z, which are coded as 1 to 26.
const OLD: [&str; 4] = ["czech", "english", "french", "portuguese"];
const NEW: [&str; 3] = ["italian", "spanish", "turkish"];
const TIMESTEPS: usize = 10;
const CODES: usize = 27;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let few = arguments.next().map_or(Ok(15), |a| a.parse())?;
    let draws = arguments.next().map_or(Ok(5), |a| a.parse())?;
    set_random_seed(1);

    let (x, y) = words(&OLD);
    let mut base = model(OLD.len())?;
    base.compile(
        Adam::new().learning_rate(0.003),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )?;
    println!("{}", base.summary());
    base.fit(&x, &y, Fit::new().batch_size(64).epochs(6).verbose(2))?;

    // From here on these layers stay as they are, in every model that shares them.
    for layer in ["embedding", "bidirectional"] {
        base.get_layer(layer)?.set_trainable(false);
    }
    let (x, y) = words(&NEW);
    let mut generator = Generator::new(1);
    let mut accuracies = [0.0, 0.0];
    for draw in 1..=draws {
        let (train, test) = split(&y, few, &mut generator);
        let (x_train, y_train) = (x.select(Axis(0), &train), y.select(Axis(0), &train));
        let (x_test, y_test) = (x.select(Axis(0), &test), y.select(Axis(0), &test));
        let transferred = base.replace_layer("head", head(NEW.len()))?;
        let models = [transferred, model(NEW.len())?.into()];
        for ((mut model, rate), sum) in models.into_iter().zip([0.01, 0.003]).zip(&mut accuracies) {
            model.compile(
                Adam::new().learning_rate(rate),
                "sparse_categorical_crossentropy",
                ["accuracy"],
            )?;
            let fit = Fit::new().batch_size(8).epochs(40).verbose(0);
            model.fit(&x_train, &y_train, fit)?;
            let scores = model.evaluate(&x_test, &y_test)?;
            *sum += scores.get("accuracy").unwrap_or_default();
        }
        print!("\rdraw {draw} of {draws}");
        std::io::stdout().flush()?;
    }
    println!();
    let [transferred, anew] = accuracies.map(|sum| sum / draws as f64);
    println!("{few} words of each of {}:", NEW.join(", "));
    println!("  test accuracy, transferred: {transferred:.3}");
    println!("  test accuracy, trained anew: {anew:.3}");
    Ok(())
}

/// Letters in, a class out.
fn model(classes: usize) -> Result<Sequential> {
    let mut model = Sequential::new();
    model.add(
        Embedding::new(CODES, 16)
            .mask_zero(true)
            .input_shape([TIMESTEPS])
            .name("embedding"),
    )?;
    model.add(Bidirectional::new(Lstm::new(32)).name("bidirectional"))?;
    model.add(head(classes))?;
    Ok(model)
}

fn head(classes: usize) -> Dense {
    Dense::new(classes).activation("softmax").name("head")
}

/// The words of some languages as numbers, `[words, 10]` with 0 behind the last letter, and which language each is of.
fn words(languages: &[&str]) -> (Array2<i32>, Array1<i32>) {
    let lines = include_str!("data/words.csv").lines();
    let (words, labels): (Vec<Vec<i32>>, Vec<i32>) = lines
        .filter_map(|line| {
            let (word, language) = line.split_once(',')?;
            let label = languages.iter().position(|l| *l == language)?;
            let letters = word.bytes().map(|letter| i32::from(letter - b'a') + 1);
            Some((letters.collect(), label as i32))
        })
        .unzip();
    let pad = Pad::new().maxlen(TIMESTEPS).padding(Side::Post);
    let x = pad_sequences(&words, pad.truncating(Side::Post));
    (x, Array1::from(labels))
}

/// `few` rows of each class, drawn at random, and all the others.
fn split(y: &Array1<i32>, few: usize, generator: &mut Generator) -> (Vec<usize>, Vec<usize>) {
    let mut rows: Vec<(f32, usize)> = (0..y.len()).map(|row| (generator.uniform(), row)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut taken = vec![0; NEW.len()];
    rows.into_iter().map(|(_, row)| row).partition(|row| {
        let count = &mut taken[y[*row] as usize];
        *count += 1;
        *count <= few
    })
}
