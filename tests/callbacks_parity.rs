//! Callbacks over scripted figures do what Keras' do: which epoch stopped, which files hold which weights, which
//! learning rates, which text.
//!
//! The fixtures are made by `tests/keras/make_callbacks.py` with keras==3.15.1 on JAX.

use std::collections::BTreeMap;
use std::path::Path;

use burn_keras::callbacks::{
    Callback, EarlyStopping, LambdaCallback, LearningRateScheduler, ModelCheckpoint,
    ReduceLROnPlateau, TerminateOnNaN, Training,
};
use burn_keras::prelude::*;
use burn_keras::training::Logs;
use burn_keras_tests::keras_callbacks::callback;
use burn_keras_tests::{TestResult, read_json};
use ndarray::Array2;

/// Replaces the figures of each epoch by the script's, and the weight by the epoch's number.
struct Script {
    curve: Vec<Option<f64>>,
    figure: String,
}

impl Callback for Script {
    fn on_epoch_begin(&mut self, training: &mut Training<'_>, epoch: usize) -> Result<()> {
        let mut weights = training.model().get_weights()?;
        weights[0].fill(epoch as f32);
        training.model().set_weights(&weights)
    }

    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        *logs = Logs::default();
        if self.figure != "loss" {
            logs.set("loss", 0.25);
        }
        if let Some(value) = self.curve[epoch] {
            logs.set(self.figure.clone(), value);
        }
        Ok(())
    }
}

fn new_model() -> TestResult<Sequential> {
    let mut model = Sequential::new();
    model.add(Dense::new(1).input_shape([1]))?;
    model.compile(Sgd::new().learning_rate(1.0), "mse", ["accuracy"])?;
    Ok(model)
}

/// Every file below a folder, by its path in it.
fn files(
    folder: &Path,
    below: &Path,
    found: &mut BTreeMap<String, std::path::PathBuf>,
) -> TestResult {
    for entry in std::fs::read_dir(below)? {
        let path = entry?.path();
        if path.is_dir() {
            files(folder, &path, found)?;
        } else {
            found.insert(
                path.strip_prefix(folder)?.to_string_lossy().into_owned(),
                path,
            );
        }
    }
    Ok(())
}

#[test]
fn callbacks_do_what_keras_does() -> TestResult {
    let all = read_json("callbacks.json")?;
    let cases = all["cases"].as_object().ok_or("no cases")?;
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    for (name, case) in cases {
        let folder = tempfile::tempdir()?;
        let mut model = new_model()?;
        let curve: Vec<Option<f64>> = serde_json::from_value(case["curve"].clone())?;
        let epochs = curve.len();
        let mut ran = Vec::new();
        let mut rates = Vec::new();
        let watch = LambdaCallback::new().on_epoch_end(|training, epoch, _| {
            ran.push(epoch);
            rates.push(f64::from(training.learning_rate()?));
            Ok(())
        });
        let mut callbacks: Vec<Box<dyn Callback + '_>> = vec![Box::new(Script {
            curve,
            figure: case["figure"].as_str().ok_or("no figure")?.to_string(),
        })];
        for spec in case["callbacks"].as_array().ok_or("no callbacks")? {
            let class = spec[0].as_str().ok_or("no class")?;
            callbacks.push(callback(
                class,
                spec[1].as_object().ok_or("no arguments")?,
                folder.path(),
            )?);
        }
        callbacks.push(Box::new(watch));
        let zeros = Array2::<f32>::zeros((4, 1));
        let mut history = History::default();
        for _ in 0..case["fits"].as_u64().ok_or("no number of fits")? {
            let options = Fit::new()
                .batch_size(2)
                .epochs(epochs)
                .validation_data(&zeros, &zeros)
                .verbose(0);
            let same: Vec<_> = callbacks.iter_mut().collect();
            history = model
                .fit(&zeros, &zeros, options.callbacks(same))
                .map_err(|e| format!("{name}: {e}"))?;
        }
        drop(callbacks);

        assert_eq!(
            ran,
            serde_json::from_value::<Vec<usize>>(case["ran"].clone())?,
            "{name}: epochs"
        );
        assert!(!ran.is_empty(), "{name}: no epoch");
        let wanted: Vec<f64> = serde_json::from_value(case["rates"].clone())?;
        assert_eq!(rates.len(), wanted.len(), "{name}: learning rates");
        for (got, wanted) in rates.iter().zip(&wanted) {
            // A step of 32-bit rounding: the schedule's product is rounded once more in Python.
            assert!(
                (got - wanted).abs() <= 1e-7 * wanted,
                "{name}: {rates:?} where Keras has {wanted:?}"
            );
        }
        let figures = case["history"].as_object().ok_or("no history")?;
        let mut names = history.names();
        names.sort_unstable();
        let mut wanted: Vec<&str> = figures.keys().map(String::as_str).collect();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{name}: figures");
        for (figure, values) in figures {
            let values: Vec<f64> = serde_json::from_value(values.clone())?;
            let got = history.get(figure);
            assert_eq!(got.len(), values.len(), "{name}: {figure}");
            assert!(
                got.iter().zip(&values).all(|(a, b)| (a - b).abs() <= 1e-7),
                "{name}: {figure}: {got:?}"
            );
        }

        let mut found = BTreeMap::new();
        files(folder.path(), folder.path(), &mut found)?;
        let csv = found
            .remove("log.csv")
            .map(std::fs::read_to_string)
            .transpose()?;
        assert_eq!(csv.as_deref(), case["csv"].as_str(), "{name}: the CSV file");
        let wanted: BTreeMap<String, f32> = serde_json::from_value(case["files"].clone())?;
        let names = |map: Vec<&String>| map.into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(found.keys().collect()),
            names(wanted.keys().collect()),
            "{name}: files"
        );
        for (file, weight) in wanted {
            let mut saved = new_model()?;
            saved.load_weights(&found[&file])?;
            assert_eq!(saved.get_weights()?[0][[0, 0]], weight, "{name}: {file}");
        }
        let weight = case["weight"].as_f64().ok_or("no weight")? as f32;
        assert_eq!(
            model.get_weights()?[0][[0, 0]],
            weight,
            "{name}: the weight at the end"
        );
    }
    Ok(())
}

#[test]
fn hooks_are_called_in_keras_order() -> TestResult {
    #[derive(Default)]
    struct Recorder(Vec<String>);

    macro_rules! record {
        ($($hook:ident($($argument:ident: $type:ty),*) $text:expr;)+) => {
            $(fn $hook(&mut self, $($argument: $type),*) -> Result<()> {
                self.0.push($text);
                Ok(())
            })+
        };
    }

    impl Callback for Recorder {
        record! {
            on_train_begin(_t: &mut Training<'_>) "train begin".into();
            on_train_end(_t: &mut Training<'_>, logs: &Logs) format!("train end {}", logs.iter().count());
            on_epoch_begin(_t: &mut Training<'_>, epoch: usize) format!("epoch {epoch} begin");
            on_epoch_end(_t: &mut Training<'_>, epoch: usize, logs: &mut Logs)
                format!("epoch {epoch} end {}", logs.iter().map(|(n, _)| n).collect::<Vec<_>>().join(" "));
            on_train_batch_begin(_t: &mut Training<'_>, batch: usize) format!("batch {batch} begin");
            on_train_batch_end(_t: &mut Training<'_>, batch: usize, _l: &burn_keras::callbacks::RunningLogs<'_>)
                format!("batch {batch} end");
            on_test_begin(_i: &mut burn_keras::callbacks::Inference<'_>) "test begin".into();
            on_test_end(_i: &mut burn_keras::callbacks::Inference<'_>, _l: &Logs) "test end".into();
            on_test_batch_begin(_i: &mut burn_keras::callbacks::Inference<'_>, batch: usize)
                format!("test batch {batch} begin");
            on_test_batch_end(
                _i: &mut burn_keras::callbacks::Inference<'_>,
                batch: usize,
                _l: &burn_keras::callbacks::RunningLogs<'_>
            ) format!("test batch {batch} end");
        }
    }

    let mut model = new_model()?;
    let mut recorder = Recorder::default();
    let zeros = Array2::<f32>::zeros((4, 1));
    let options = Fit::new()
        .batch_size(2)
        .validation_data(&zeros, &zeros)
        .validation_batch_size(4)
        .verbose(0);
    model.fit(&zeros, &zeros, options.callbacks(&mut recorder))?;
    assert_eq!(
        recorder.0,
        [
            "train begin",
            "epoch 0 begin",
            "batch 0 begin",
            "batch 0 end",
            "batch 1 begin",
            "batch 1 end",
            "test begin",
            "test batch 0 begin",
            "test batch 0 end",
            "test end",
            "epoch 0 end accuracy loss val_accuracy val_loss",
            "train end 4",
        ]
    );
    Ok(())
}

#[test]
fn a_callbacks_error_ends_the_training_with_the_model_intact() -> TestResult {
    let mut model = new_model()?;
    let ones = Array2::<f32>::ones((8, 1));
    let fail = LambdaCallback::new().on_train_batch_end(|_, batch, _| match batch {
        2 => Err(Error::Training("enough".to_string())),
        _ => Ok(()),
    });
    let stopped = model.fit(
        &ones,
        &(2.0 * &ones),
        Fit::new().batch_size(1).verbose(0).callbacks(fail),
    );
    assert_eq!(
        stopped.err().map(|e| e.to_string()),
        Some("training stopped: enough".to_string())
    );
    assert!(model.predict(&ones)?.iter().all(|v| v.is_finite()));
    model.fit(&ones, &ones, Fit::new().verbose(0))?;
    Ok(())
}

#[test]
fn a_loss_without_end_stops_the_training() -> TestResult {
    let ones = Array2::<f32>::ones((8, 1));
    let far = Array2::<f32>::from_elem((8, 1), 1e30);
    let mut batches = 0;
    let count = LambdaCallback::new().on_train_batch_end(|_, _, _| {
        batches += 1;
        Ok(())
    });
    let options = Fit::new().batch_size(2).epochs(3).verbose(0);
    let history = new_model()?.fit(
        &ones,
        &far,
        options.callbacks((TerminateOnNaN::new(), count)),
    )?;
    assert_eq!((batches, history.epochs().len()), (1, 1));
    let strict = Fit::new()
        .verbose(0)
        .callbacks(TerminateOnNaN::new().raise_error(true));
    assert!(new_model()?.fit(&ones, &far, strict).is_err());
    Ok(())
}

#[test]
fn a_bad_argument_of_a_callback_is_named() -> TestResult {
    let zeros = Array2::<f32>::zeros((4, 1));
    let refused: Vec<(Box<dyn Callback>, &str)> = vec![
        (
            Box::new(ModelCheckpoint::new("model.h6")),
            "saved as `.keras`",
        ),
        (
            Box::new(ModelCheckpoint::new("{epoch:s}.keras")),
            "`s` does not fit `epoch`",
        ),
        (Box::new(ModelCheckpoint::new("{acc}.keras")), "names `acc`"),
        (
            Box::new(ModelCheckpoint::new("m.keras").save_freq("batch")),
            "save_freq",
        ),
        (
            Box::new(ReduceLROnPlateau::new().factor(1.0)),
            "factor is 1",
        ),
        (
            Box::new(EarlyStopping::new().monitor("loss").mode("low")),
            "mode",
        ),
        (
            Box::new(EarlyStopping::new().monitor("val_profit")),
            "there is no figure named \"val_profit\"",
        ),
        (
            Box::new(LearningRateScheduler::new(|_, _| f32::NAN)),
            "gave NaN",
        ),
    ];
    for (callback, wanted) in refused {
        let failed = new_model()?.fit(&zeros, &zeros, Fit::new().verbose(0).callbacks(callback));
        let Err(error) = failed else {
            return Err(format!("nothing was refused where \"{wanted}\" was expected").into());
        };
        assert!(error.to_string().contains(wanted), "{error} lacks {wanted}");
    }
    Ok(())
}
