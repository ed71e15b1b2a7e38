//! Draws the book's pictures: `cargo run --release --example pictures -- FOLDER`.

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

/// An encoder whose last states begin a decoder.
fn encoder_decoder() -> Result<Model> {
    let words = Input::new((None,)).name("words");
    let answer = Input::new((None, 25)).name("answer_so_far");
    let vectors = Embedding::new(25, 16).mask_zero(true).call(&words)?;
    let [_, h, c] = Lstm::new(32)
        .return_state(true)
        .name("encoder")
        .call(&vectors)?
        .try_into()?;
    let sequence = Lstm::new(32)
        .return_sequences(true)
        .name("decoder")
        .call((&answer, &h, &c))?;
    let next = Dense::new(25).activation("softmax").call(&sequence)?;
    Model::new([&words, &answer], &next)
}

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_string());
    let folder = Path::new(&folder);
    stacked()?.plot(folder.join("stacked_graph.svg"))?;
    encoder_decoder()?.plot(folder.join("encoder_decoder.svg"))?;
    stacked()?.plot(folder.join("stacked_graph.png"))?;
    encoder_decoder()?.plot(folder.join("encoder_decoder.png"))?;
    Ok(())
}
