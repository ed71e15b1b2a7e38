//! A training that ends too early, by an error, an interruption or a stop, goes on as if it had not: what
//! `kill_and_resume` does with processes at random moments, at chosen moments and without them. So does one whose model
//! moves to another device.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::Module;
use burn_keras::callbacks::{
    BackupAndRestore, Callback, CsvLogger, EarlyStopping, LambdaCallback, SwapEmaWeights, Training,
};
use burn_keras::metrics::{
    Auc, BinaryIoU, F1Score, Precision, R2Score, RootMeanSquaredError, TruePositives,
};
use burn_keras::prelude::*;
use burn_keras::training::Logs;
use burn_keras_tests::{TestResult, assert_close};
use ndarray::{Array2, ArrayD};

/// A model with dropout and an optimizer that remembers, always with the same weights.
fn model() -> TestResult<Sequential> {
    set_random_seed(4);
    let mut model = Sequential::new();
    model.add(Dense::new(5).activation("tanh").input_shape([3]))?;
    model.add(Dropout::new(0.2))?;
    model.add(Dense::new(1).activation("sigmoid"))?;
    let metrics = (
        (
            Auc::new(),
            F1Score::new().average(Some("macro".to_string())),
        ),
        (Precision::new(), TruePositives::new()),
        (
            BinaryIoU::new(),
            R2Score::new(),
            RootMeanSquaredError::new(),
        ),
    );
    model.compile(
        Adam::new().learning_rate(0.05),
        "binary_crossentropy",
        metrics,
    )?;
    Ok(model)
}

fn data() -> (Array2<f32>, Array2<f32>) {
    let x = Array2::from_shape_fn((40, 3), |(i, j)| ((i * 5 + j * 7) as f32 * 0.61).sin());
    let y = Array2::from_shape_fn((40, 1), |(i, _)| (i * i % 3 % 2) as f32);
    (x, y)
}

/// Ten batches an epoch.
fn options<'a>() -> Fit<'a> {
    Fit::new().batch_size(4).epochs(4).seed(9).verbose(0)
}

/// Fails at a batch of an epoch, as a process that is killed does.
fn fail_at<'a>(epoch: usize, batch: usize) -> LambdaCallback<'a> {
    let now = std::rc::Rc::new(std::cell::Cell::new(0));
    let then = std::rc::Rc::clone(&now);
    LambdaCallback::new()
        .on_epoch_begin(move |_, epoch| {
            now.set(epoch);
            Ok(())
        })
        .on_train_batch_begin(move |_, now| match (then.get(), now) {
            at if at == (epoch, batch) => Err(Error::Training("killed".to_string())),
            _ => Ok(()),
        })
}

/// Stands where [`fail_at`] stood, in a training that ends well.
fn fail_never<'a>() -> LambdaCallback<'a> {
    LambdaCallback::new()
}

fn assert_killed<T: std::fmt::Debug>(ended: Result<T>) {
    match ended {
        Err(error) => assert!(error.to_string().contains("killed"), "{error}"),
        Ok(ended) => panic!("the training ended well: {ended:?}"),
    }
}

/// History and weights of a training that nothing disturbs.
fn undisturbed() -> TestResult<(History, Vec<ArrayD<f32>>)> {
    let (x, y) = data();
    let mut model = model()?;
    let history = model.fit(&x, &y, options())?;
    assert_eq!(history.epochs().len(), 4);
    Ok((history, model.get_weights()?))
}

fn backup(folder: &Path) -> BackupAndRestore {
    BackupAndRestore::new(folder.join("backup"))
}

#[test]
fn every_metric_goes_on_inside_an_epoch() -> TestResult {
    let (x, y) = data();
    let (history, weights) = undisturbed()?;
    let folder = tempfile::tempdir()?;
    let first = (backup(folder.path()).save_freq(3), fail_at(1, 5));
    assert_killed(model()?.fit(&x, &y, options().callbacks(first)));
    let mut again = model()?;
    let second = (backup(folder.path()).save_freq(3), fail_never());
    let resumed = again.fit(&x, &y, options().callbacks(second))?;
    for name in history.names() {
        assert_eq!(resumed.get(name), history.get(name), "{name}");
    }
    assert_eq!(resumed.names().len(), 8);
    assert_eq!(again.get_weights()?, weights);
    Ok(())
}

#[test]
fn an_interrupted_training_goes_on_with_the_next_batch() -> TestResult {
    let (x, y) = data();
    let (history, weights) = undisturbed()?;
    for save_freq in ["epoch", "batches"] {
        for (epoch, batch) in [(0, 0), (2, 6), (2, 9)] {
            let folder = tempfile::tempdir()?;
            let backup = || match save_freq {
                "epoch" => backup(folder.path()),
                _ => backup(folder.path()).save_freq(7),
            };
            let flag = Arc::new(AtomicBool::new(false));
            let mut now = 0;
            let batches = epoch * 10 + batch;
            let stop = LambdaCallback::new().on_train_batch_end(|_, _, _| {
                flag.store(now == batches, Ordering::Relaxed);
                now += 1;
                Ok(())
            });
            let mut first = model()?;
            let options_then = options().stop_when(Arc::clone(&flag));
            let part = first.fit(&x, &y, options_then.callbacks((backup(), stop)))?;
            assert!(part.was_interrupted());
            assert_eq!(part.epochs().len(), epoch + 1);
            assert!(folder.path().join("backup/latest.safetensors").exists());

            let mut again = model()?;
            let resumed = again.fit(&x, &y, options().callbacks((backup(), fail_never())))?;
            assert_eq!(resumed, history, "{save_freq}, stopped at {epoch}, {batch}");
            assert_eq!(again.get_weights()?, weights);
            assert!(!folder.path().join("backup").exists());
        }
    }
    Ok(())
}

#[test]
fn an_interruption_between_epochs_loses_nothing() -> TestResult {
    let (x, y) = data();
    let (history, weights) = undisturbed()?;
    let folder = tempfile::tempdir()?;
    let flag = Arc::new(AtomicBool::new(false));
    let stop = LambdaCallback::new().on_epoch_end(|_, epoch, _| {
        flag.store(epoch == 1, Ordering::Relaxed);
        Ok(())
    });
    let first = options().stop_when(Arc::clone(&flag));
    let part = model()?.fit(
        &x,
        &y,
        first.callbacks((backup(folder.path()).save_freq(7), stop)),
    )?;
    assert_eq!((part.was_interrupted(), part.epochs().len()), (true, 2));
    let mut again = model()?;
    let second = (backup(folder.path()).save_freq(7), fail_never());
    assert_eq!(again.fit(&x, &y, options().callbacks(second))?, history);
    assert_eq!(again.get_weights()?, weights);
    Ok(())
}

/// Fails when the training ends, before the backup is deleted: the process is killed just then.
fn fail_at_the_end<'a>() -> LambdaCallback<'a> {
    LambdaCallback::new().on_train_end(|_, _| Err(Error::Training("killed".to_string())))
}

#[test]
fn a_stopped_training_stays_stopped() -> TestResult {
    let (x, y) = data();
    let stopping = || {
        EarlyStopping::new()
            .monitor("loss")
            .mode("max")
            .restore_best_weights(true)
    };
    let mut whole = model()?;
    let history = whole.fit(&x, &y, options().callbacks((stopping(), fail_never())))?;
    assert_eq!(
        history.epochs().len(),
        2,
        "the loss does not fall: choose other data"
    );

    let folder = tempfile::tempdir()?;
    let first = (stopping(), fail_at_the_end(), backup(folder.path()));
    assert_killed(model()?.fit(&x, &y, options().callbacks(first)));
    let mut again = model()?;
    let mut second = stopping();
    let callbacks = (&mut second, fail_never(), backup(folder.path()));
    assert_eq!(again.fit(&x, &y, options().callbacks(callbacks))?, history);
    assert_eq!(second.stopped_epoch(), Some(1));
    assert_eq!(again.get_weights()?, whole.get_weights()?);
    Ok(())
}

#[test]
fn a_training_stopped_inside_an_epoch_ends_that_epoch_only() -> TestResult {
    /// Stops at a batch, and fails at the end of that epoch if it is to.
    struct Stop {
        fail: bool,
    }
    impl Callback for Stop {
        fn on_train_batch_end(
            &mut self,
            training: &mut Training<'_>,
            batch: usize,
            _: &burn_keras::callbacks::RunningLogs<'_>,
        ) -> Result<()> {
            if batch == 5 {
                training.stop_training();
            }
            Ok(())
        }

        fn on_epoch_end(&mut self, _: &mut Training<'_>, _: usize, _: &mut Logs) -> Result<()> {
            match self.fail {
                true => Err(Error::Training("killed".to_string())),
                false => Ok(()),
            }
        }
    }
    let (x, y) = data();
    let mut whole = model()?;
    let history = whole.fit(&x, &y, options().callbacks(Stop { fail: false }))?;
    let folder = tempfile::tempdir()?;
    let first = (backup(folder.path()).save_freq(1), Stop { fail: true });
    assert_killed(model()?.fit(&x, &y, options().callbacks(first)));
    let mut again = model()?;
    let second = (backup(folder.path()).save_freq(1), Stop { fail: false });
    assert_eq!(again.fit(&x, &y, options().callbacks(second))?, history);
    assert_eq!(again.get_weights()?, whole.get_weights()?);
    Ok(())
}

#[test]
fn a_log_that_is_added_to_has_each_epoch_once() -> TestResult {
    /// Fails at the end of the first epoch, after the log was written.
    fn fail_after_logging<'a>() -> LambdaCallback<'a> {
        LambdaCallback::new().on_epoch_end(|_, _, _| Err(Error::Training("killed".to_string())))
    }
    let (x, y) = data();
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log.csv");
    let before = "epoch,loss\r\n7,0.5\r\n";
    std::fs::write(&log, before)?;
    let logger = || CsvLogger::new(&log).append(true);
    let backup = || backup(folder.path()).save_freq(4);
    let first = (logger(), fail_after_logging(), backup());
    assert_killed(model()?.fit(&x, &y, options().callbacks(first)));
    assert!(std::fs::read_to_string(&log)?.len() > before.len());
    let second = (logger(), fail_never(), backup());
    model()?.fit(&x, &y, options().callbacks(second))?;
    let text = std::fs::read_to_string(&log)?;
    let epochs: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(epochs, ["epoch", "7", "0", "1", "2", "3"]);
    Ok(())
}

#[test]
fn other_callbacks_than_before_are_refused() -> TestResult {
    let (x, y) = data();
    let folder = tempfile::tempdir()?;
    let first = (
        backup(folder.path()),
        EarlyStopping::new().monitor("loss"),
        fail_at(1, 0),
    );
    assert_killed(model()?.fit(&x, &y, options().callbacks(first)));
    let log = CsvLogger::new(folder.path().join("log.csv"));
    let others = (backup(folder.path()), log, fail_never());
    let refused = model()?.fit(&x, &y, options().callbacks(others));
    let text = refused
        .err()
        .ok_or("other callbacks were taken")?
        .to_string();
    for part in [
        "with the callbacks BackupAndRestore, EarlyStopping, LambdaCallback",
        "has BackupAndRestore, CsvLogger, LambdaCallback",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // What is shown on the screen may change.
    let same = (
        backup(folder.path()),
        EarlyStopping::new().monitor("loss"),
        fail_never(),
    );
    model()?.fit(&x, &y, options().verbose(2).callbacks(same))?;
    Ok(())
}

#[test]
fn the_backup_before_the_last_one_stands_in_for_it() -> TestResult {
    let (x, y) = data();
    let (history, weights) = undisturbed()?;
    let folder = tempfile::tempdir()?;
    let backup = || backup(folder.path()).double_checkpoint(true);
    assert_killed(model()?.fit(&x, &y, options().callbacks((backup(), fail_at(3, 2)))));
    let last = folder.path().join("backup/latest.safetensors");
    assert!(folder.path().join("backup/previous.safetensors").exists());
    std::fs::write(&last, &std::fs::read(&last)?[..1000])?;
    let mut again = model()?;
    let resumed = again.fit(&x, &y, options().callbacks((backup(), fail_never())))?;
    assert_eq!(resumed, history);
    assert_eq!(again.get_weights()?, weights);
    assert!(!folder.path().join("backup").exists());
    Ok(())
}

#[test]
fn a_backup_of_another_version_is_refused_by_its_number_and_left_alone() -> TestResult {
    let (x, y) = data();
    let folder = tempfile::tempdir()?;
    // The one before it is of this version, but older.
    let backup = || backup(folder.path()).double_checkpoint(true);
    assert_killed(model()?.fit(&x, &y, options().callbacks((backup(), fail_at(3, 2)))));
    let last = folder.path().join("backup/latest.safetensors");
    let written = std::fs::read(&last)?;
    let number = br#"\"format\":1"#;
    let place = written
        .windows(number.len())
        .position(|part| part == number)
        .ok_or("no format number")?;
    for (changed, told) in [
        (&br#"\"format\":2"#[..], "format 2"),
        (br#"\"fermat\":1"#, "without a format number"),
    ] {
        let mut other = written.clone();
        other[place..place + number.len()].copy_from_slice(changed);
        std::fs::write(&last, &other)?;
        let fit = model()?.fit(&x, &y, options().callbacks((backup(), fail_never())));
        let error = fit.expect_err("another format").to_string();
        assert!(error.contains(told), "{error}");
        assert!(error.contains("this one reads format 1"), "{error}");
        assert_eq!(std::fs::read(&last)?, other);
    }
    Ok(())
}

#[test]
fn an_error_while_averages_stand_in_brings_the_weights_back() -> TestResult {
    /// Keeps the weights as training left them, and fails in the validation.
    struct FailInValidation<'a>(&'a mut Vec<ArrayD<f32>>);
    impl Callback for FailInValidation<'_> {
        fn on_test_begin(
            &mut self,
            inference: &mut burn_keras::callbacks::Inference<'_>,
        ) -> Result<()> {
            *self.0 = inference.model().get_weights()?;
            Ok(())
        }

        fn on_test_batch_end(
            &mut self,
            _: &mut burn_keras::callbacks::Inference<'_>,
            _: usize,
            _: &burn_keras::callbacks::RunningLogs<'_>,
        ) -> Result<()> {
            Err(Error::Training("killed".to_string()))
        }
    }
    let (x, y) = data();
    let mut model = model()?;
    model.set_optimizer(Adam::new().use_ema(true))?;
    let mut before = Vec::new();
    let options = options().validation_data(&x, &y);
    let callbacks = (FailInValidation(&mut before), SwapEmaWeights::new());
    assert_killed(model.fit(&x, &y, options.callbacks(callbacks)));
    assert!(!before.is_empty());
    assert_eq!(model.get_weights()?, before);
    Ok(())
}

#[test]
fn a_killed_training_with_nothing_left_to_do_ends() -> TestResult {
    let (x, y) = data();
    let (history, weights) = undisturbed()?;
    let folder = tempfile::tempdir()?;
    let first = (fail_at_the_end(), backup(folder.path()));
    assert_killed(model()?.fit(&x, &y, options().callbacks(first)));
    let mut again = model()?;
    let mut last = 0;
    let end = LambdaCallback::new().on_train_end(|_, logs| {
        last = logs.iter().count();
        Ok(())
    });
    let resumed = again.fit(&x, &y, options().callbacks((end, backup(folder.path()))))?;
    assert_eq!((resumed, again.get_weights()?), (history, weights));
    assert_eq!(
        last, 8,
        "the figures of the last epoch reach `on_train_end`"
    );
    Ok(())
}

#[test]
fn a_training_goes_on_where_the_model_moves_to() -> TestResult {
    let (x, y) = data();
    let devices = [Backend::Flex.open()?, Backend::NdArray.open()?];
    let mut weights = Vec::new();
    for (from, to) in [(0, 0), (0, 1), (1, 0)] {
        set_device(&devices[from]);
        let mut model = model()?;
        // 10 batches an epoch: the gradients of the last one wait for their change.
        let optimizer = Adam::new()
            .learning_rate(0.05)
            .use_ema(true)
            .gradient_accumulation_steps(3);
        model.compile(optimizer, "binary_crossentropy", ())?;
        model.fit(&x, &y, options().epochs(1))?;
        let mut model = model.to_device(&devices[to]);
        model.fit(&x, &y, options().epochs(1))?;
        weights.push(model.get_weights()?);
    }
    for moved in &weights[1..] {
        for (i, (a, b)) in moved.iter().zip(&weights[0]).enumerate() {
            assert_close(&format!("weight {i}"), a, b, 1e-5, 1e-5);
        }
    }
    Ok(())
}
