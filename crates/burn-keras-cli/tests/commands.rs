//! The commands as processes: what they are for.

mod support;

use std::path::Path;

use burn_keras::prelude::*;
use ndarray::{Array1, Array2, Array3, ArrayD, array};
use ndarray_npy::{NpzReader, NpzWriter, read_npy, write_npy};
use serde_json::Value;
use support::{TestResult, Work, x, y};

/// A model with two inputs `a`, `b` and two outputs.
fn save_two_by_two(path: &Path) -> TestResult {
    let a = Input::new([3]).name("a");
    let b = Input::new([2]).name("b");
    let first = Dense::new(2).name("first").call(&a)?;
    let second = Dense::new(1).name("second").call(&b)?;
    Model::new([&a, &b], [&first, &second])?.save(path)?;
    Ok(())
}

#[test]
fn predict_writes_what_the_library_predicts() -> TestResult {
    let work = Work::new()?;
    let wanted = load_model(work.path("model.keras"))?.predict(&x())?;
    for options in ["", " --batch-size 3", " --device flex"] {
        let text = work.good(&format!(
            "predict model.keras --input x.npy --output out.npy{options}"
        ))?;
        assert_eq!(text, "", "data went to stdout");
        let found: ArrayD<f32> = read_npy(work.path("out.npy"))?;
        for (a, b) in found.iter().zip(&wanted) {
            assert!((a - b).abs() < 1e-6, "{options}: {a} {b}");
        }
    }
    Ok(())
}

#[test]
fn several_inputs_and_outputs_are_npz() -> TestResult {
    let work = Work::new()?;
    save_two_by_two(&work.path("two.keras"))?;
    let a = Array2::<f64>::from_shape_fn((4, 3), |(i, j)| (i + j) as f64);
    let b = Array2::<i64>::from_shape_fn((4, 2), |(i, j)| (i * j) as i64);
    let mut npz = NpzWriter::new_compressed(std::fs::File::create(work.path("in.npz"))?);
    npz.add_array("b", &b)?;
    npz.add_array("a", &a)?;
    npz.finish()?;
    work.good("predict two.keras --input in.npz --output out.npz")?;
    let mut found = NpzReader::new(std::fs::File::open(work.path("out.npz"))?)?;
    let model = load_model(work.path("two.keras"))?;
    let wanted = model.predict_all((&a.mapv(|v| v as f32), &b.mapv(|v| v as f32)))?;
    for (i, (_, wanted)) in wanted.iter().enumerate() {
        let found: ArrayD<f32> = found.by_name(&format!("output_{i}"))?;
        assert_eq!(&found, wanted);
    }
    let message = work.bad("predict two.keras --input in.npz --output out.npy")?;
    assert!(
        message.contains("first, second") && message.contains(".npz"),
        "{message}"
    );
    let message = work.bad("predict two.keras --input x.npy --output other.npz")?;
    assert!(message.contains("a, b"), "{message}");
    Ok(())
}

#[test]
fn csv_columns_become_steps_of_one_number() -> TestResult {
    let work = Work::new()?;
    let mut model = Sequential::new();
    model.add(Lstm::new(3).input_shape([4, 1]))?;
    model.add(Dense::new(1))?;
    model.compile("sgd", "mse", ())?;
    model.save(work.path("series.keras"))?;
    std::fs::write(work.path("x.csv"), "a,b,c,d\n1,2,3,4\n0.5,1,1.5,2\n")?;
    std::fs::write(work.path("y.csv"), "1\n2\n")?;
    let run = work.run("fit series.keras --x x.csv --y y.csv --output t.keras")?;
    let notes = String::from_utf8(run.stderr)?;
    assert!(run.status.success(), "{notes}");
    assert!(
        notes.contains("[2, 4] was read as [2, 4, 1]"),
        "the reshape is said: {notes}"
    );
    assert!(notes.contains("first row"), "the header is said: {notes}");
    let misfit = work.run("evaluate model.keras --x x.csv --y y.csv")?;
    let message = String::from_utf8(misfit.stderr)?;
    assert_eq!(misfit.status.code(), Some(1));
    assert!(
        message.contains("timesteps = 6") && message.contains("timesteps = 4"),
        "{message}"
    );
    Ok(())
}

#[test]
fn fit_trains_and_writes_model_and_history() -> TestResult {
    let work = Work::new()?;
    work.good(
        "fit model.keras --x x.npy --y y.npy --epochs 3 --batch-size 4 --no-shuffle --validation-split 0.2 \
         --output trained.keras --history H.JSON",
    )?;
    let history: Value = serde_json::from_str(&std::fs::read_to_string(work.path("H.JSON"))?)?;
    let names: Vec<&String> = history
        .as_object()
        .into_iter()
        .flat_map(|h| h.keys())
        .collect();
    assert_eq!(names, ["accuracy", "loss", "val_accuracy", "val_loss"]);
    assert_eq!(history["loss"].as_array().map(Vec::len), Some(3));

    let mut wanted = load_model(work.path("model.keras"))?;
    let fit = Fit::new()
        .epochs(3)
        .batch_size(4)
        .shuffle(false)
        .validation_split(0.2)
        .verbose(0);
    let (x, y) = (x(), y());
    wanted.fit(&x, &y, fit)?;
    let trained = load_model(work.path("trained.keras"))?;
    assert_eq!(trained.get_weights()?, wanted.get_weights()?);

    // The optimizer's state goes with the model: one run of 2 + 1 epochs is one of 3.
    for (from, epochs, to) in [("model", 2, "two"), ("two", 1, "three")] {
        work.good(&format!(
            "fit {from}.keras --x x.npy --y y.npy --epochs {epochs} --batch-size 4 --no-shuffle --validation-split 0.2 \
             --output {to}.keras --history {to}.csv"
        ))?;
    }
    assert_eq!(
        load_model(work.path("three.keras"))?.get_weights()?,
        wanted.get_weights()?
    );
    let csv = std::fs::read_to_string(work.path("two.csv"))?;
    assert!(
        csv.starts_with("epoch,accuracy,loss,val_accuracy,val_loss\n0,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 3);
    Ok(())
}

#[test]
fn fit_takes_other_optimizers_losses_metrics_and_validation_data() -> TestResult {
    let work = Work::new()?;
    work.good(
        "fit model.keras --x x.npy --y y.npy --seed 1 --validation-x x.npy --validation-y y.npy --optimizer sgd --loss mse \
         --metrics mae,mse --output a.keras --history h.json",
    )?;
    let history: Value = serde_json::from_str(&std::fs::read_to_string(work.path("h.json"))?)?;
    let names: Vec<&String> = history
        .as_object()
        .into_iter()
        .flat_map(|h| h.keys())
        .collect();
    assert_eq!(
        names,
        ["loss", "mae", "mse", "val_loss", "val_mae", "val_mse"]
    );
    work.good(
        "fit model.keras --x x.npy --y y.npy --seed 1 --optimizer sgd --loss mse --output b.keras",
    )?;
    let weights = |name: &str| -> TestResult<Vec<ArrayD<f32>>> {
        Ok(load_model(work.path(name))?.get_weights()?)
    };
    assert_eq!(
        weights("a.keras")?,
        weights("b.keras")?,
        "the same seed, the same numbers"
    );
    assert_ne!(weights("a.keras")?, weights("model.keras")?);
    Ok(())
}

#[test]
fn evaluate_prints_figures_for_people_and_programs() -> TestResult {
    let work = Work::new()?;
    let scores = load_model(work.path("model.keras"))?.evaluate(&x(), &y())?;
    let text = work.good("evaluate model.keras --x x.npy --y y.npy --batch-size 4")?;
    assert!(
        text.starts_with("accuracy: ") && text.contains("loss: "),
        "{text}"
    );
    let json: Value =
        serde_json::from_str(&work.good("evaluate model.keras --x x.npy --y y.npy --json")?)?;
    let loss = json["loss"].as_f64().unwrap_or(f64::NAN);
    assert!((loss - scores.loss()).abs() < 1e-6, "{json}");
    Ok(())
}

#[test]
fn summary_and_shapes_describe_the_model() -> TestResult {
    let work = Work::new()?;
    let text = work.good("summary model.keras")?;
    assert!(
        text.contains("lstm (LSTM)") && text.contains("Total params: 218"),
        "{text}"
    );
    let json: Value = serde_json::from_str(&work.good("summary model.keras --json")?)?;
    assert_eq!(json["total_params"], 218);
    assert_eq!(
        json["layers"][0]["output_shapes"],
        serde_json::json!([[null, 5]])
    );
    let text = work.good("shapes model.keras")?;
    assert!(
        text.contains("[batch, timesteps = 6, features = 4]"),
        "{text}"
    );
    let text = work.good("shapes model.keras --input x.npy")?;
    assert!(
        text.contains("x is [10, 6, 4], that is [batch = 10,"),
        "{text}"
    );
    write_npy(work.path("flat.npy"), &Array2::<f32>::zeros((10, 6)))?;
    let text = work.good("shapes model.keras --input flat.npy")?;
    assert!(text.contains("features axis is missing"), "{text}");
    Ok(())
}

#[test]
fn plot_draws_every_model_that_loads() -> TestResult {
    let work = Work::new()?;
    save_two_by_two(&work.path("two.keras"))?;
    assert_eq!(work.good("plot model.keras --output m.svg")?, "");
    let svg = std::fs::read_to_string(work.path("m.svg"))?;
    assert!(
        svg.contains("</svg>") && svg.contains("LSTM") && svg.contains("Dense"),
        "{svg}"
    );
    work.good("plot two.keras --output two.png")?;
    assert!(std::fs::read(work.path("two.png"))?.starts_with(b"\x89PNG\r\n"));
    Ok(())
}

#[test]
fn convert_goes_between_all_formats() -> TestResult {
    let work = Work::new()?;
    let wanted = load_model(work.path("model.keras"))?.get_weights()?;
    let mut other = Sequential::new();
    other.add(Lstm::new(5).input_shape([6, 4]))?;
    other.add(Dense::new(3).activation("softmax"))?;
    other.save(work.path("untrained.keras"))?;
    for weights in ["w.weights.h5", "w.safetensors"] {
        work.good(&format!("convert model.keras {weights}"))?;
        work.good(&format!(
            "convert {weights} back.keras --model untrained.keras"
        ))?;
        assert_eq!(
            load_model(work.path("back.keras"))?.get_weights()?,
            wanted,
            "{weights}"
        );
        let message = work.bad(&format!("convert {weights} new.keras"))?;
        assert!(message.contains("--model"), "{message}");
    }
    work.good("convert w.weights.h5 again.safetensors --model untrained.keras")?;
    assert_eq!(
        std::fs::read(work.path("again.safetensors"))?,
        std::fs::read(work.path("w.safetensors"))?
    );
    work.good("convert model.keras copy.keras")?;
    assert!(load_model(work.path("copy.keras"))?.is_compiled());
    Ok(())
}

#[test]
fn devices_bench_completions_and_help_answer() -> TestResult {
    let work = Work::new()?;
    assert!(work.good("devices")?.contains("flex (CPU)"));
    let json: Value = serde_json::from_str(&work.good("devices --json")?)?;
    assert_eq!(json["devices"][0]["usable"], true);
    let bench = "bench --units 2 --layers 1 --timesteps 2 --features 2 --batch-size 4 --samples 4";
    assert!(work.good(bench)?.contains("samples a second"));
    let json: Value = serde_json::from_str(&work.good(&format!("{bench} --json"))?)?;
    assert!(json["train_seconds"].as_f64().is_some_and(|s| s > 0.0));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            work.good(&format!("completions {shell}"))?
                .contains("burn-keras")
        );
    }
    let commands = [
        "predict",
        "fit",
        "evaluate",
        "summary",
        "shapes",
        "plot",
        "convert",
        "devices",
        "bench",
        "completions",
    ];
    let help = work.good("--help")?;
    for command in commands {
        assert!(help.contains(command), "{command} is not in the help");
        let text = work.good(&format!("{command} --help"))?;
        assert!(text.contains("Examples:"), "{command} has no example");
    }
    assert!(work.good("--version")?.starts_with("burn-keras "));
    Ok(())
}

#[test]
fn whole_numbers_of_any_width_are_categories() -> TestResult {
    let work = Work::new()?;
    let mut model = Sequential::new();
    model.add(Embedding::new(5, 2).input_shape([3]))?;
    model.add(Lstm::new(2))?;
    model.save(work.path("words.keras"))?;
    let ids: Array2<i64> = array![[1, 2, 3], [4, 0, 1]];
    write_npy(work.path("i64.npy"), &ids)?;
    write_npy(work.path("u8.npy"), &ids.mapv(|v| v as u8))?;
    work.good("predict words.keras --input i64.npy --output a.npy")?;
    work.good("predict words.keras --input u8.npy --output b.npy")?;
    assert_eq!(
        std::fs::read(work.path("a.npy"))?,
        std::fs::read(work.path("b.npy"))?
    );
    write_npy(work.path("bad.npy"), &ids.mapv(|v| v + 9))?;
    let message = work.bad("predict words.keras --input bad.npy --output c.npy")?;
    assert!(message.contains("knows 5 numbers, 0 to 4"), "{message}");
    Ok(())
}

#[test]
fn one_sample_has_a_batch_axis() -> TestResult {
    let work = Work::new()?;
    write_npy(work.path("one.npy"), &Array3::<f32>::zeros((1, 6, 4)))?;
    work.good("predict model.keras --input one.npy --output one_out.npy")?;
    let out: ArrayD<f32> = read_npy(work.path("one_out.npy"))?;
    assert_eq!(out.shape(), [1, 3]);
    write_npy(work.path("none.npy"), &Array1::<f32>::zeros(0))?;
    let message = work.bad("predict model.keras --input none.npy --output out.npy")?;
    assert!(message.contains("no samples"), "{message}");
    Ok(())
}

#[test]
fn weights_of_classes_and_samples_and_a_later_start_reach_the_training() -> TestResult {
    let work = Work::new()?;
    let weights = Array1::from_shape_fn(10, |i| i as f32 / 5.0);
    write_npy(work.path("w.npy"), &weights)?;
    let (x, y) = (x(), y());
    let fit = || Fit::new().shuffle(false).verbose(0);
    let classes = [(0, 1.0), (1, 3.5)];
    for (options, fit) in [
        (
            "--class-weight {\"0\":1.0,\"1\":3.5}",
            fit().class_weight(classes),
        ),
        ("--sample-weight w.npy", fit().sample_weight(&weights)),
        (
            "--epochs 3 --initial-epoch 1",
            fit().epochs(3).initial_epoch(1),
        ),
    ] {
        let mut wanted = load_model(work.path("model.keras"))?;
        let history = wanted.fit(&x, &y, fit)?;
        work.good(&format!(
            "fit model.keras --x x.npy --y y.npy --no-shuffle --output t.keras --history h.json {options}"
        ))?;
        let trained = load_model(work.path("t.keras"))?;
        assert_eq!(trained.get_weights()?, wanted.get_weights()?, "{options}");
        let found: Value = serde_json::from_str(&std::fs::read_to_string(work.path("h.json"))?)?;
        assert_eq!(found, history.to_json(), "{options}");
    }
    Ok(())
}

#[test]
fn arrays_larger_than_what_is_read_at_once_stay_in_their_files() -> TestResult {
    let work = Work::new()?;
    // 6 x 2 ** 20 numbers a sample, 11 samples: 264 MiB of zeros, none of which the file system stores.
    let mut model = Sequential::new();
    model.add(GlobalAveragePooling1d::new().input_shape([6, 1 << 20]))?;
    model.add(Dense::new(1).bias_initializer("ones"))?;
    model.compile("sgd", "mse", ())?;
    model.save(work.path("wide.keras"))?;
    let mut header = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (11, 6, 1048576), }";
    header.extend(format!("{text:<117}\n").bytes());
    let length = header.len() as u64 + 11 * 6 * (4 << 20);
    std::fs::write(work.path("large.npy"), header)?;
    std::fs::File::options()
        .write(true)
        .open(work.path("large.npy"))?
        .set_len(length)?;
    write_npy(work.path("labels.npy"), &Array2::<f32>::zeros((11, 1)))?;
    work.good("predict wide.keras --input large.npy --output out.npy --batch-size 2")?;
    let found: ArrayD<f32> = read_npy(work.path("out.npy"))?;
    assert_eq!(found, ArrayD::<f32>::ones(vec![11, 1]));
    let text =
        work.good("evaluate wide.keras --x large.npy --y labels.npy --batch-size 2 --json")?;
    assert_eq!(serde_json::from_str::<Value>(&text)?["loss"], 1.0);
    Ok(())
}
