//! A training that `kill_and_resume` kills: `training_worker FOLDER SAVE_FREQ`.
//!
//! Writes the weights, the history and a log to FOLDER; goes on from the backup in it.

use std::path::PathBuf;

use burn_keras::backend::Backend;
use burn_keras::callbacks::{BackupAndRestore, CsvLogger, EarlyStopping, ReduceLROnPlateau};
use burn_keras::prelude::*;
use burn_keras_tests::TestResult;
use ndarray::Array;

fn main() -> TestResult {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("no folder")?);
    let save_freq = arguments.next().ok_or("no frequency")?;
    set_device(&Backend::Flex.open()?);
    set_random_seed(5);

    let mut model = Sequential::new();
    model.add(
        Lstm::new(6)
            .dropout(0.2)
            .return_sequences(true)
            .input_shape([7, 3]),
    )?;
    model.add(Lstm::new(5))?;
    model.add(Dropout::new(0.3))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile(
        Adam::new().learning_rate(0.01),
        "sparse_categorical_crossentropy",
        ["accuracy"],
    )?;

    let x = Array::from_shape_fn((90, 7, 3), |(i, j, k)| {
        ((i * 7 + j * 3 + k * 11) as f32 * 0.37).sin()
    });
    let y = Array::from_shape_fn(90, |i| (i * i / 3 % 2) as i32);
    let backup = BackupAndRestore::new(folder.join("backup"));
    let backup = match save_freq.parse::<usize>() {
        Ok(batches) => backup.save_freq(batches),
        Err(_) => backup.save_freq(save_freq.as_str()),
    };
    let callbacks = (
        ReduceLROnPlateau::new()
            .monitor("loss")
            .patience(1)
            .min_delta(0.02)
            .factor(0.7),
        EarlyStopping::new()
            .monitor("val_loss")
            .patience(100)
            .restore_best_weights(true),
        CsvLogger::new(folder.join("log.csv")),
        backup,
    );
    // Epochs of 5 steps over passes of 7 batches: an epoch's end is no pass' end.
    let options = Fit::new()
        .batch_size(10)
        .epochs(12)
        .steps_per_epoch(5)
        .validation_split(0.25)
        .seed(3)
        .verbose(0);
    let history = model.fit(&x, &y, options.callbacks(callbacks))?;
    history.save(folder.join("history.json"))?;
    model.save_weights(folder.join("trained.safetensors"))?;
    Ok(())
}
