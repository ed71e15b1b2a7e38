//! Draws the book's pictures: `cargo run --release --example pictures -- FOLDER`.
//!
//! The format follows the ending: `.svg`, `.png`, or `.html` for a page whose switches change shapes, program and picture.

use std::path::Path;

use burn_keras::prelude::*;

/// The stacked LSTM of the book's first program.
fn stacked() -> Result<Sequential> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([31, 25]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

/// Both directions of time, then one that reads backwards and gives its states.
fn directions() -> Result<Model> {
    let input = Input::new([24, 3]);
    let both = Bidirectional::new(Lstm::new(16).return_sequences(true)).call(&input)?;
    let backwards = Lstm::new(8).go_backwards(true).return_state(true);
    let [output, h, c] = backwards.call(&both)?.try_into()?;
    Model::new(&input, [output, h, c])
}

/// An encoder whose last states begin a decoder.
fn encoder_decoder() -> Result<Model> {
    let words = Input::new((None,)).name("words");
    let answer = Input::new((None, 25)).name("answer_so_far");
    let vectors = Embedding::new(25, 16).mask_zero(true).call(&words)?;
    let encoder = Lstm::new(32).return_state(true).name("encoder");
    let [_, h, c] = encoder.call(&vectors)?.try_into()?;
    let decoder = Lstm::new(32).return_sequences(true).name("decoder");
    let sequence = decoder.call((&answer, &h, &c))?;
    let next = Dense::new(25).activation("softmax").call(&sequence)?;
    Model::new([&words, &answer], &next)
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_string());
    let folder = Path::new(&folder);
    let words = Plot::new().unrolled().samples(1_085_420).batch_size(64);
    stacked()?.plot_with(folder.join("unrolled.svg"), &words)?;
    stacked()?.plot_with(folder.join("stacked.html"), &words)?;
    let series = Plot::new().unrolled().series(10_000);
    directions()?.plot_with(folder.join("directions.svg"), &series)?;
    encoder_decoder()?.plot(folder.join("encoder_decoder.svg"))?;
    println!("drawn in {}", folder.display());
    Ok(())
}
