//! Sequence to sequence: an encoder reads a word, a decoder spells it backwards, letter by letter.
//!
//!     cargo run --release --example seq2seq
//!
//! The words come from `examples/data/words.csv` and have 3 to 5 letters; shorter ones are padded with 0, which
//! `mask_zero` leaves out of states and loss. For training the decoder is shown the letters it should have written so
//! far (teacher forcing). To spell a new word the same layers are put together in two other models: the encoder, and
//! one step of the decoder that takes its own last letter and states.

use burn_keras::ndarray::{Array2, ArrayD};
use burn_keras::prelude::*;
use burn_keras::tensor::Kind;

const WORDS: &str = include_str!("data/words.csv");
const LETTERS: usize = 5;
/// Padding, the letters, and a sign for the beginning and the end.
const CODES: usize = 28;
const EDGE: i32 = 27;
const UNITS: usize = 64;
const HELD_BACK: usize = 200;

fn codes(word: &str) -> Vec<i32> {
    word.bytes().map(|b| i32::from(b - b'a') + 1).collect()
}

/// Codes as rows of the same length, zeros behind.
fn padded(rows: &[Vec<i32>], length: usize) -> Array2<i32> {
    Array2::from_shape_fn((rows.len(), length), |(row, step)| {
        rows[row].get(step).copied().unwrap_or(0)
    })
}

fn letters(codes: &[i32]) -> String {
    codes
        .iter()
        .map(|c| char::from(b'a' + *c as u8 - 1))
        .collect()
}

fn main() -> Result<()> {
    set_random_seed(1);
    let all = WORDS.lines().filter_map(|line| line.split(',').next());
    let words: Vec<Vec<i32>> = all
        .filter(|w| (3..=LETTERS).contains(&w.len()))
        .map(codes)
        .collect();
    let (train, test) = words.split_at(words.len() - HELD_BACK);

    // The layers, used by three models.
    let embedding = Embedding::new(CODES, 32).mask_zero(true);
    let encoder = Lstm::new(UNITS).return_state(true);
    let decoder = Lstm::new(UNITS).return_sequences(true).return_state(true);
    let spell = Dense::new(CODES).activation("softmax");

    // For training: word and the letters so far to the next letters.
    let word = Input::new([LETTERS]).dtype(Kind::Int).name("word");
    let so_far = Input::new([LETTERS + 1]).dtype(Kind::Int).name("so_far");
    let [_, h, c] = encoder.call(&embedding.call(&word)?)?.try_into()?;
    let [steps, _, _] = decoder
        .call((&embedding.call(&so_far)?, &h, &c))?
        .try_into()?;
    let mut model = Model::new((&word, &so_far), &spell.call(&steps)?)?;
    model.compile(
        Adam::new().learning_rate(0.005),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )?;
    println!("{}", model.summary());

    let backwards: Vec<Vec<i32>> = train
        .iter()
        .map(|w| w.iter().rev().copied().collect())
        .collect();
    let shown: Vec<Vec<i32>> = backwards
        .iter()
        .map(|w| [&[EDGE], w.as_slice()].concat())
        .collect();
    let wanted: Vec<Vec<i32>> = backwards
        .iter()
        .map(|w| [w.as_slice(), &[EDGE]].concat())
        .collect();
    let x = (padded(train, LETTERS), padded(&shown, LETTERS + 1));
    let y = padded(&wanted, LETTERS + 1);
    let history = model.fit(
        (&x.0, &x.1),
        &y,
        Fit::new().epochs(20).batch_size(64).verbose(0),
    )?;
    for epoch in [0, 9, 19] {
        println!(
            "epoch {:2}: accuracy a letter {:.3}",
            epoch + 1,
            history.get("accuracy")[epoch]
        );
    }

    // For spelling: the states that the encoder leaves, and one step of the decoder from given states.
    let encode = Model::new(&word, (&h, &c))?;
    let (last, h_in, c_in) = (
        Input::new([1]).dtype(Kind::Int),
        Input::new([UNITS]),
        Input::new([UNITS]),
    );
    let [step, h_out, c_out] = decoder
        .call((&embedding.call(&last)?, &h_in, &c_in))?
        .try_into()?;
    let decode = Model::new((&last, &h_in, &c_in), (&spell.call(&step)?, &h_out, &c_out))?;

    let mut spelled = vec![Vec::new(); test.len()];
    let mut states = encode.predict_all(&padded(test, LETTERS))?.into_arrays();
    let mut letter = Array2::from_elem((test.len(), 1), EDGE);
    for _ in 0..LETTERS {
        let outputs = decode
            .predict_all((&letter, &states[0], &states[1]))?
            .into_arrays();
        for (row, spelled) in spelled.iter_mut().enumerate() {
            letter[[row, 0]] = most_likely(&outputs[0], row);
            spelled.push(letter[[row, 0]]);
        }
        states = outputs[1..].to_vec();
    }

    let ends = |codes: &[i32]| codes.iter().position(|c| *c == EDGE).unwrap_or(codes.len());
    let results: Vec<(String, String)> = test
        .iter()
        .zip(&spelled)
        .map(|(word, codes)| (letters(word), letters(&codes[..ends(codes)])))
        .collect();
    println!();
    for (word, backwards) in results.iter().take(8) {
        println!("{word:>8} -> {backwards}");
    }
    let right = results
        .iter()
        .filter(|(word, backwards)| word.chars().rev().eq(backwards.chars()))
        .count();
    println!(
        "\n{right} of {} words that it never saw are right to the last letter",
        test.len()
    );
    Ok(())
}

/// The letter (not the padding) with the highest probability in a row of `[batch, 1, CODES]`.
fn most_likely(probabilities: &ArrayD<f32>, row: usize) -> i32 {
    (1..CODES as i32)
        .max_by(|a, b| {
            let of = |code: &i32| probabilities[[row, 0, *code as usize]];
            of(a).total_cmp(&of(b))
        })
        .unwrap_or(EDGE)
}
