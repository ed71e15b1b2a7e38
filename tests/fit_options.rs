//! Every option of `fit`, `evaluate` and the single-batch calls gives Keras' figures and weights.
//!
//! The fixtures are made by `tests/keras/make_fit_options.py` with keras==3.15.1 on JAX.

use std::sync::Arc;

use burn_keras::models::Model;
use burn_keras::prelude::*;
use burn_keras::training::{Logs, OnBatch, Stream};
use burn_keras_tests::fit_case::{FitCase, class_weights, names, number};
use burn_keras_tests::{TestResult, assert_close, devices, read_arrays, read_json};
use serde_json::Value;

/// Built as the script of the same name does.
fn model(kind: &str) -> TestResult<Model> {
    let mut chain = Sequential::new();
    match kind {
        "dense" => {
            chain.add(Dense::new(6).activation("tanh").input_shape([4]))?;
            chain.add(Dense::new(3).activation("softmax"))?;
        }
        "binary" => {
            chain.add(Dense::new(1).activation("sigmoid").input_shape([4]))?;
        }
        "steps" => {
            chain.add(Lstm::new(5).return_sequences(true).input_shape([5, 4]))?;
            chain.add(Dense::new(3).activation("softmax"))?;
        }
        "masked" => {
            chain.add(Embedding::new(7, 3).mask_zero(true).input_shape([5]))?;
            chain.add(Lstm::new(5).return_sequences(true))?;
            chain.add(Dense::new(3).activation("softmax"))?;
        }
        "two_outputs" => {
            let x = Input::new([4]);
            let a = Dense::new(3).activation("softmax").name("a").call(&x)?;
            let b = Dense::new(1).name("b").call(&x)?;
            return Ok(Model::new(&x, (&a, &b))?);
        }
        other => return Err(format!("there is no model {other}").into()),
    }
    Ok(chain.into())
}

/// The names of metrics, with the output they are for; without one where they are for all.
fn metrics_by_output(value: &Value) -> TestResult<Vec<(Option<String>, Vec<String>)>> {
    match value.as_object() {
        None => Ok(vec![(None, names(value)?)]),
        Some(outputs) => outputs
            .iter()
            .map(|(output, metrics)| Ok((Some(output.clone()), names(metrics)?)))
            .collect(),
    }
}

/// Keras on JAX forgets the mask of the output before it computes the metrics of a training step (not its loss, and not
/// the metrics of an evaluation); here masked steps never count.
fn keras_forgets_the_mask(case: &str, figure: &str) -> bool {
    case == "masked_step_weight" && figure.ends_with("accuracy")
}

fn assert_logs(place: &str, got: &Logs, wanted: &Value) -> TestResult {
    let wanted = wanted.as_object().ok_or("no figures")?;
    for (name, wanted) in wanted {
        let wanted = wanted.as_f64().ok_or("a figure is no number")?;
        let got = got
            .get(name)
            .ok_or_else(|| format!("{place}: {name} is missing"))?;
        assert!(
            (got - wanted).abs() <= 1e-5 + 1e-5 * wanted.abs(),
            "{place}: {name} is {got}, Keras' is {wanted}"
        );
    }
    assert_eq!(got.iter().count(), wanted.len(), "{place}: {got}");
    Ok(())
}

fn run(name: &str) -> TestResult {
    let case = FitCase {
        name: name.to_string(),
        spec: read_json("fit_options.json")?["cases"][name].clone(),
        arrays: Arc::new(read_arrays("fit_options.npz")?),
    };
    for (backend, device) in devices()? {
        set_device(&device);
        let place = format!("{name} on {backend}");
        let mut model = model(case.spec["model"].as_str().ok_or("no model")?)?;
        model.set_weights(&case.weights("w")?)?;
        let losses: Vec<String> = names(&case.spec["loss"])?;
        let losses = losses
            .iter()
            .map(|loss| burn_keras::losses::by_name(loss))
            .collect::<Result<Vec<_>>>()?;
        let mut compile = Compile::new(Sgd::new().learning_rate(0.1), losses)?;
        for (output, metrics) in metrics_by_output(&case.spec["metrics"])? {
            let metrics = metrics.iter().map(String::as_str).collect::<Vec<_>>();
            compile = match output {
                Some(output) => compile.metrics_of(output, metrics)?,
                None => compile.metrics(metrics)?,
            };
        }
        for (output, metrics) in metrics_by_output(&case.spec["weighted_metrics"])? {
            let metrics = metrics.iter().map(String::as_str).collect::<Vec<_>>();
            compile = match output {
                Some(output) => compile.weighted_metrics_of(output, metrics)?,
                None => compile.weighted_metrics(metrics)?,
            };
        }
        model.compile_with(compile)?;

        let x = case.values(&["x".to_string()], None)?;
        let history = model.fit(x.clone(), case.labels("y", None)?, case.fit_options()?)?;
        let epochs: Vec<usize> = serde_json::from_value(case.spec["epochs"].clone())?;
        assert_eq!(history.epochs(), epochs, "{place}");
        let wanted = case.spec["history"].as_object().ok_or("no history")?;
        assert_eq!(
            history.names().len(),
            wanted.len(),
            "{place}: {:?}",
            history.names()
        );
        for (figure, values) in wanted {
            let values: Vec<f64> = serde_json::from_value(values.clone())?;
            let got = history.get(figure);
            if keras_forgets_the_mask(name, figure) {
                continue;
            }
            assert_eq!(got.len(), values.len(), "{place}: {figure}");
            for (got, wanted) in got.iter().zip(&values) {
                assert!(
                    (got - wanted).abs() <= 1e-5 + 1e-5 * wanted.abs(),
                    "{place}: {figure} is {got}, Keras' is {wanted}"
                );
            }
        }

        let mut evaluate = Evaluate::new();
        for (option, value) in case.spec["evaluate_options"]
            .as_object()
            .ok_or("no options")?
        {
            let count = number(value).unwrap_or_default();
            evaluate = match option.as_str() {
                "batch_size" => evaluate.batch_size(count),
                "steps" => evaluate.steps(count),
                "sample_weight" => evaluate.sample_weight(case.values(&names(value)?, None)?),
                other => return Err(format!("the test does not know the option {other}").into()),
            };
        }
        let scores = model.evaluate_with(x, case.labels("y", None)?, evaluate)?;
        assert_logs(
            &format!("{place}, evaluate"),
            scores.logs(),
            &case.spec["evaluate"],
        )?;

        let x = case.values(&["x".to_string()], Some(8))?;
        let (mut test, mut train) = (OnBatch::new(), OnBatch::new());
        let asked = &case.spec["on_batch_options"];
        if let Some(weights) = asked.get("sample_weight") {
            test = test.sample_weight(case.values(&names(weights)?, Some(8))?);
            train = train.sample_weight(case.values(&names(weights)?, Some(8))?);
        }
        if let Some(weights) = asked.get("class_weight") {
            train = train.class_weight(class_weights(weights)?);
        }
        let tested = model.test_on_batch_with(x.clone(), case.labels("y", Some(8))?, test)?;
        assert_logs(
            &format!("{place}, test_on_batch"),
            tested.logs(),
            &case.spec["test_on_batch"],
        )?;
        let trained = model.train_on_batch_with(x, case.labels("y", Some(8))?, train)?;
        if !keras_forgets_the_mask(name, "accuracy") {
            assert_logs(
                &format!("{place}, train_on_batch"),
                trained.logs(),
                &case.spec["train_on_batch"],
            )?;
        }

        for (i, (got, wanted)) in model
            .get_weights()?
            .iter()
            .zip(case.weights("final")?)
            .enumerate()
        {
            assert_close(&format!("{place}: weight {i}"), got, &wanted, 1e-5, 1e-5);
        }
    }
    Ok(())
}

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() -> TestResult {
                run(stringify!($name))
            }
        )+

        #[test]
        fn every_case_of_the_fixtures_is_tested() -> TestResult {
            let all = read_json("fit_options.json")?;
            let cases = all["cases"].as_object().ok_or("no cases")?;
            let tested = [$(stringify!($name)),+];
            let missing: Vec<_> = cases.keys().filter(|c| !tested.contains(&c.as_str())).collect();
            assert!(missing.is_empty(), "not tested: {missing:?}");
            Ok(())
        }
    };
}

cases!(
    sample_weight,
    step_weight,
    masked_step_weight,
    class_weight,
    class_weight_one_hot,
    class_weight_binary,
    split_takes_the_weights_along,
    steps_go_on,
    steps_give_the_batch_size,
    validation_options,
    validation_steps_give_the_batch_size,
    validation_after_named_epochs,
    initial_epoch,
    two_outputs_one_weight,
    two_outputs_two_weights,
    metrics_of_each_output,
);

/// Keras multiplies `[samples, timesteps]` by `[samples]` as NumPy would, which fails or, for as many samples as steps,
/// weighs the wrong ones.
#[test]
fn the_weight_of_a_sequence_is_that_of_each_of_its_steps() -> TestResult {
    let x =
        ndarray::Array::from_shape_fn((5, 5, 4), |(i, j, k)| ((i + 2 * j + 3 * k) as f32).sin());
    let y = ndarray::Array::from_shape_fn((5, 5), |(i, j)| ((i + j) % 3) as i32);
    let of_samples = ndarray::array![0.5f32, 1.0, 2.0, 0.0, 3.0];
    let of_steps = ndarray::Array::from_shape_fn((5, 5), |(i, _)| of_samples[i]);
    let mut model = model("steps")?;
    model.compile("sgd", "sparse_categorical_crossentropy", ())?;
    let one = model.evaluate_with(&x, &y, Evaluate::new().sample_weight(&of_samples))?;
    let each = model.evaluate_with(&x, &y, Evaluate::new().sample_weight(&of_steps))?;
    let none = model.evaluate(&x, &y)?;
    assert_eq!(one.loss(), each.loss());
    assert!((one.loss() - none.loss()).abs() > 1e-3);
    Ok(())
}

#[test]
fn options_that_contradict_each_other_are_refused_by_name() -> TestResult {
    let mut model = model("dense")?;
    model.compile("sgd", "sparse_categorical_crossentropy", ())?;
    let x = ndarray::Array2::<f32>::ones((8, 4));
    let y = ndarray::Array1::<i32>::zeros(8);
    let w = ndarray::Array1::<f32>::ones(8);
    let short = ndarray::Array1::<f32>::ones(7);
    let square = ndarray::Array2::<f32>::ones((8, 8));
    let refused: Vec<(Fit<'_>, &str)> = vec![
        (
            Fit::new().class_weight([(0, 2.0)]).sample_weight(&w),
            "class_weight",
        ),
        (
            Fit::new().class_weight([(3, 2.0)]),
            "names the class 3, but the output has 3 classes, 0 to 2",
        ),
        (
            Fit::new().class_weight([(0, f32::NAN)]),
            "it must be a number",
        ),
        (
            Fit::new().sample_weight(&short),
            "sample_weight: has 7 values, but x has 8 samples",
        ),
        (
            Fit::new().sample_weight(&square),
            "sample_weight of shape (8, 8)",
        ),
        (Fit::new().steps_per_epoch(0), "steps_per_epoch is 0"),
        (Fit::new().validation_freq(0), "validation_freq is 0"),
        (Fit::new().validation_steps(2), "give `validation_data` too"),
        (
            Fit::new().validation_freq(2),
            "validation_freq was given without",
        ),
        (
            Fit::new().validation_split(0.5).validation_freq([]),
            "validation_freq names no epoch",
        ),
        (
            Fit::new().validation_split(0.5).validation_freq([0, 1]),
            "validation_freq names epoch 0",
        ),
        (
            Fit::new()
                .validation_stream(Stream::endless([]))
                .validation_batch_size(2),
            "validation_batch_size",
        ),
        (
            Fit::new().validation_sample_weight(&w),
            "validation_sample_weight",
        ),
        (Fit::new().shuffle("batches"), "did you mean \"batch\"?"),
    ];
    for (options, wanted) in refused {
        let Err(error) = model.fit(&x, &y, options.verbose(0)) else {
            return Err(format!("nothing was refused where \"{wanted}\" was expected").into());
        };
        assert!(error.to_string().contains(wanted), "{error} lacks {wanted}");
    }
    Ok(())
}

/// Keeps the warnings of this process.
struct Warnings(std::sync::Mutex<Vec<String>>);

impl log::Log for Warnings {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Warn
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata())
            && let Ok(mut texts) = self.0.lock()
        {
            texts.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

static WARNINGS: Warnings = Warnings(std::sync::Mutex::new(Vec::new()));

/// Keras says nothing.
#[test]
fn options_that_leave_nothing_to_do_are_warned_of() -> TestResult {
    log::set_logger(&WARNINGS)?;
    log::set_max_level(log::LevelFilter::Warn);
    let mut model = model("dense")?;
    model.compile("sgd", "sparse_categorical_crossentropy", ())?;
    let x = ndarray::Array2::<f32>::ones((8, 4));
    let y = ndarray::Array1::<i32>::zeros(8);
    let warned: Vec<(Fit<'_>, usize, &str)> = vec![
        (
            Fit::new().epochs(0),
            0,
            "fit trains nothing: `epochs` is the number of the last epoch, 0",
        ),
        (
            Fit::new().epochs(3).initial_epoch(3),
            0,
            "3 are held to be done",
        ),
        (
            Fit::new().validation_data(&x, &y).validation_split(0.5),
            1,
            "`validation_split` is ignored",
        ),
        (
            Fit::new()
                .epochs(2)
                .validation_split(0.5)
                .validation_freq([3]),
            2,
            "none of epochs 1 to 2",
        ),
        (
            Fit::new()
                .epochs(2)
                .validation_split(0.5)
                .validation_freq(3),
            2,
            "none of epochs 1 to 2",
        ),
    ];
    for (options, epochs, wanted) in warned {
        let history = model.fit(&x, &y, options.verbose(0))?;
        assert_eq!(history.epochs().len(), epochs, "{wanted}");
        let texts = WARNINGS.0.lock().map_err(|e| e.to_string())?;
        let found = texts.iter().any(|text| text.contains(wanted));
        assert!(found, "\"{wanted}\" is not among {texts:?}");
        drop(texts);
        WARNINGS.0.lock().map_err(|e| e.to_string())?.clear();
    }
    Ok(())
}

#[test]
fn metrics_of_an_output_are_saved_with_it_and_one_that_is_not_there_is_named() -> TestResult {
    let mut trained = model("two_outputs")?;
    let losses = ["sparse_categorical_crossentropy", "mse"];
    let compile = Compile::new("adam", losses)?.metrics_of("a", ["accuracy"])?;
    trained.compile_with(compile.weighted_metrics_of("b", ["mae", "mse"])?)?;
    let x = ndarray::Array2::<f32>::ones((8, 4));
    let y = || {
        (
            ndarray::Array1::<i32>::zeros(8),
            ndarray::Array2::<f32>::ones((8, 1)),
        )
    };
    let before = trained.evaluate(&x, y())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.keras");
    trained.save(&path)?;
    let after = load_model(&path)?.evaluate(&x, y())?;
    assert_eq!(after.logs(), before.logs());
    let figures: Vec<&str> = after.logs().iter().map(|(name, _)| name).collect();
    assert_eq!(
        figures,
        ["a_accuracy", "a_loss", "b_loss", "b_mae", "b_mse", "loss"]
    );

    let compile = Compile::new("adam", losses)?.metrics_of("c", ["accuracy"])?;
    let refused = trained.compile_with(compile);
    let text = refused
        .err()
        .ok_or("an unknown output was taken")?
        .to_string();
    assert!(text.contains("there is no output named \"c\""), "{text}");
    Ok(())
}
