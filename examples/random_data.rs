//! The stacked LSTM of Keras' guide on made-up data: the shortest complete program.
//!
//!     cargo run --release --example random_data
//!
//! The labels are random real numbers, not one-hot and not summing to 1. A cross-entropy accepts them, as in Keras, but
//! there is nothing to learn from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn_keras::ndarray::{Array2, Array3};
use burn_keras::prelude::*;
use burn_keras::random::Generator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (timesteps, data_dim, num_classes) = (8, 16, 10);

    let mut random = Generator::new(1);
    let x_train = Array3::from_shape_simple_fn((1000, timesteps, data_dim), || random.uniform());
    let y_train = Array2::from_shape_simple_fn((1000, num_classes), || random.uniform());
    let x_val = Array3::from_shape_simple_fn((100, timesteps, data_dim), || random.uniform());
    let y_val = Array2::from_shape_simple_fn((100, num_classes), || random.uniform());

    let mut model = Sequential::new();
    model.add(
        Lstm::new(32)
            .return_sequences(true)
            .input_shape([timesteps, data_dim]),
    )?;
    model.add(Lstm::new(32).return_sequences(true))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(num_classes).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    println!("{}", model.summary());

    // Ctrl-C ends the training after the running batch.
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))?;

    let history = model.fit(
        &x_train,
        &y_train,
        Fit::new()
            .batch_size(64)
            .epochs(5)
            .validation_data(&x_val, &y_val)
            .stop_when(stop),
    )?;
    println!("{history}");
    println!("{}", model.evaluate(&x_val, &y_val)?);
    Ok(())
}
