//! A training that is watched, saved, slowed down and stopped by callbacks.
//!
//!     cargo run --release --example callbacks             writes to a folder that it names
//!     cargo run --release --example callbacks -- FOLDER
//!
//! The folder holds afterwards: `logs` for `tensorboard --logdir`, `log.csv`, the best model as `best.keras`, the history
//! as `history.json` and its curves as `curves.svg` and `curves.png`.

use std::path::PathBuf;

use burn_keras::ndarray::{Array1, Array3};
use burn_keras::prelude::*;
use burn_keras::random::Generator;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = match std::env::args().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::temp_dir().join(format!("burn-keras-callbacks-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder)?;
    set_random_seed(1);

    // Waves in noise that are to be told from their mirror images.
    let mut random = Generator::new(3);
    let x = Array3::from_shape_fn((400, 12, 1), |(i, t, _)| {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        sign * (t as f32 * 0.7).sin() + 5.0 * (random.uniform() - 0.5)
    });
    let y = Array1::from_shape_fn(400, |i| (i % 2) as i32);

    let mut model = Sequential::new();
    model.add(Lstm::new(8).input_shape([12, 1]))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile(
        Adam::new().learning_rate(0.02),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )?;

    let mut stopping = EarlyStopping::new()
        .monitor("val_accuracy")
        .patience(5)
        .restore_best_weights(true);
    let callbacks = (
        ReduceLROnPlateau::new().factor(0.5).patience(2),
        &mut stopping,
        ModelCheckpoint::new(folder.join("best.keras")).save_best_only(true),
        CsvLogger::new(folder.join("log.csv")),
        TensorBoard::new(folder.join("logs"))
            .histogram_freq(2)
            .update_freq(5),
    );
    let options = Fit::new()
        .epochs(15)
        .validation_split(0.25)
        .callbacks(callbacks)
        .verbose(2);
    let history = model.fit(&x, &y, options)?;

    println!("{history}");
    match stopping.stopped_epoch() {
        Some(epoch) => println!("stopped after epoch {}", epoch + 1),
        None => println!("all epochs ran"),
    }
    history.save(folder.join("history.json"))?;
    history.plot(folder.join("curves.svg"))?;
    history.plot(folder.join("curves.png"))?;
    println!("see {}", folder.display());
    Ok(())
}
