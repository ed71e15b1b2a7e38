//! Model files: what Keras wrote is read, what is written is read again, and bad files are refused in words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn_keras::layers::Registry;
use burn_keras::prelude::*;
use burn_keras::saving::{LoadModel, load_model, load_model_with};
use burn_keras_tests::{TestResult, assert_close};
use ndarray::{Array2, Array3, ArrayD};
use serde_json::{Value, json};

/// The files that several releases of Keras wrote for the crate that reads them.
fn format_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/keras-format/tests/fixtures")
        .join(name)
}

/// Inputs `x0`, `x1`, … and outputs `y0`, `y1`, … of an `.npz` file.
fn arrays(path: &Path) -> TestResult<[Vec<ArrayD<f32>>; 2]> {
    let arrays: HashMap<String, ArrayD<f32>> = burn_keras_tests::read_arrays_at(path)?;
    let numbered = |letter: &str| -> Vec<ArrayD<f32>> {
        (0..)
            .map_while(|i| arrays.get(&format!("{letter}{i}")).cloned())
            .collect()
    };
    Ok([numbered("x"), numbered("y")])
}

fn predict(model: &Model, x: &[ArrayD<f32>]) -> TestResult<Vec<ArrayD<f32>>> {
    use burn_keras::training::data::IntoData;
    let mut values = Vec::new();
    for x in x {
        values.extend(x.into_data()?);
    }
    Ok(model.predict_all(values)?.into_arrays())
}

/// Every model that some Keras saved, with the arrays it predicted.
const FILES: [(&str, &str); 17] = [
    ("k3_stacked.keras", "k3_stacked"),
    ("k3_trained.keras", "k3_trained"),
    ("k3_trained.h5", "k3_trained"),
    ("k3_single.keras", "k3_single"),
    ("k33_stacked.keras", "k33_stacked"),
    ("k33_trained.keras", "k33_trained"),
    ("k33_trained.h5", "k33_trained"),
    ("k2_trained.h5", "k2_trained"),
    ("k2_hard.h5", "k2_hard"),
    ("k3_wrapped.keras", "k3_wrapped"),
    ("k3_graph.keras", "k3_graph"),
    ("k3_graph.h5", "k3_graph"),
    ("k33_wrapped.keras", "k33_wrapped"),
    ("k33_graph.keras", "k33_graph"),
    ("k2_wrapped.h5", "k2_wrapped"),
    ("k2_graph.h5", "k2_graph"),
    ("k2_graph.keras", "k2_graph"),
];

#[test]
fn files_of_every_keras_predict_what_it_predicted() -> TestResult {
    let dir = tempfile::tempdir()?;
    for (file, data) in FILES {
        let uncompiled = LoadModel::new().compile(false);
        let model = load_model_with(format_fixture(file), uncompiled)?;
        let [x, y] = arrays(&format_fixture(&format!("{data}.npz")))?;
        // What is written here is read again to the same effect.
        let again = dir.path().join("again.keras");
        model.save(&again)?;
        for (what, model) in [("read", &model), ("written", &load_model(&again)?)] {
            let found = predict(model, &x)?;
            assert_eq!(found.len(), y.len(), "{file}");
            for (got, wanted) in found.iter().zip(&y) {
                assert_close(&format!("{file}, {what}"), got, wanted, 1e-5, 1e-5);
            }
        }
    }
    Ok(())
}

#[test]
fn compiled_files_come_back_compiled_with_their_progress() -> TestResult {
    for (file, optimizer, steps) in [
        ("k3_trained.keras", "RMSprop", 4),
        ("k3_trained.h5", "RMSprop", 4),
        ("k33_trained.keras", "RMSprop", 4),
        ("k3_single.keras", "SGD", 2),
        ("k2_trained.h5", "Adam", 4),
    ] {
        let model = load_model(format_fixture(file))?;
        assert_eq!(model.optimizer()?.rule().class_name(), optimizer, "{file}");
        let state = model.optimizer_variables()?;
        assert_eq!(state.iterations, steps, "{file}");
        let moved = state
            .arrays
            .iter()
            .any(|(_, array)| array.iter().any(|v| *v != 0.0));
        assert!(moved, "{file}: the optimizer remembers nothing");
    }
    Ok(())
}

#[test]
fn losses_metrics_and_weighted_metrics_come_back() -> TestResult {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("m.keras");
    let mut model = stacked()?;
    let compile = Compile::new("adam", "categorical_crossentropy")?
        .metrics(["accuracy"])?
        .weighted_metrics(["mae"])?;
    model.compile_with(compile)?;
    model.save(&path)?;
    let mut again = load_model(&path)?;
    let (x, y) = data();
    let history = again.fit(&x, &y, Fit::new().verbose(0))?;
    assert_eq!(history.names(), ["accuracy", "loss", "mae"]);
    Ok(())
}

#[test]
fn weights_alone_of_old_files_are_loaded() -> TestResult {
    let mut model = load_model(format_fixture("k2_hard.h5"))?;
    let wanted = model.get_weights()?;
    let zeros: Vec<_> = wanted.iter().map(|w| w * 0.0).collect();
    for file in ["k2_hard_weights.h5", "k2_hard.h5"] {
        model.set_weights(&zeros)?;
        model.load_weights(format_fixture(file))?;
        assert_eq!(model.get_weights()?, wanted, "{file}");
    }
    Ok(())
}

#[test]
fn an_optimizer_of_keras_2_goes_on() -> TestResult {
    let model = load_model(format_fixture("k2_trained.h5"))?;
    let state = model.optimizer_variables()?;
    assert_eq!(state.iterations, 4);
    let keras_format::Weights::Legacy(file) =
        keras_format::read_weights(format_fixture("k2_trained.h5"))?
    else {
        return Err("an .h5 of Keras 2 is legacy".into());
    };
    let saved = file.optimizer.ok_or("the file has an optimizer")?;
    // Adam's order is Keras 3's already: iteration, then m and v of each weight.
    assert_eq!(state.arrays.len(), saved.len() - 1);
    for ((name, got), wanted) in state.arrays.iter().zip(&saved[1..]) {
        let got: Vec<f32> = got.iter().copied().collect();
        assert_eq!(
            got,
            wanted.array.to_f32().as_ref(),
            "{name} is {}",
            wanted.name
        );
    }
    Ok(())
}

#[test]
fn what_cannot_be_read_is_named() {
    for (file, part) in [
        ("k3_lambda.keras", "times_two"),
        ("k3_custom.keras", "Twice"),
        ("k3_mixed.keras", "bfloat16"),
        ("k3_trained.weights.h5", "weights alone"),
        ("no_such_file.keras", "no_such_file.keras"),
    ] {
        let text = load_model(format_fixture(file)).unwrap_err().to_string();
        assert!(text.contains(part) && text.contains(file), "{file}: {text}");
    }
}

/// `k3_trained.keras`, which is compiled, with its configuration changed, written again.
fn changed(dir: &Path, change: impl FnOnce(&mut Value)) -> TestResult<PathBuf> {
    let mut file = keras_format::read_model(format_fixture("k3_trained.keras"))?;
    change(&mut file.config);
    let keras_format::Weights::Tree(tree) = file.weights else {
        return Err("a .keras has a tree".into());
    };
    let path = dir.join("changed.keras");
    keras_format::write_model(&path, &file.config, &tree)?;
    Ok(path)
}

#[test]
fn a_configuration_cannot_ask_for_more_than_the_file_holds() -> TestResult {
    let dir = tempfile::tempdir()?;
    for units in [6_u64, 1 << 20, 1 << 31, 1 << 62] {
        let path = changed(dir.path(), |config| {
            config["config"]["layers"][1]["config"]["units"] = json!(units)
        })?;
        let text = load_model(&path).unwrap_err().to_string();
        assert!(text.contains("changed.keras"), "{units}: {text}");
    }
    let path = changed(dir.path(), |config| {
        let layer =
            json!({"module": "keras.layers", "class_name": "Dropout", "config": {"rate": 0.5}});
        let layers = config["config"]["layers"]
            .as_array_mut()
            .expect("a Sequential has layers");
        layers.extend(vec![layer; 10_000]);
    })?;
    let text = load_model(&path).unwrap_err().to_string();
    assert!(text.contains("more than 2000 layers"), "{text}");
    Ok(())
}

#[test]
fn what_a_file_compiles_and_we_do_not_is_named_and_the_model_loads_without_it() -> TestResult {
    let dir = tempfile::tempdir()?;
    let scaled = |config: &mut Value| {
        let compiled = &mut config["compile_config"];
        compiled["optimizer"] = json!({
            "module": "keras.optimizers", "class_name": "LossScaleOptimizer", "registered_name": null,
            "config": {
                "name": "loss_scale_optimizer", "inner_optimizer": compiled["optimizer"], "initial_scale": 32768.0,
                "dynamic_growth_steps": 2000,
            },
        });
    };
    let path = changed(dir.path(), scaled)?;
    let text = load_model(&path).unwrap_err().to_string();
    assert!(
        text.contains("LossScaleOptimizer") && text.contains("changed.keras"),
        "{text}"
    );
    load_model_with(&path, LoadModel::new().compile(false))?;
    for loss in [json!([null]), json!({}), json!(null)] {
        let path = changed(dir.path(), |config| {
            config["compile_config"]["loss"] = loss.clone()
        })?;
        let text = load_model(&path).unwrap_err().to_string();
        assert!(text.contains("has no loss"), "{loss}: {text}");
        if !loss.is_null() {
            assert!(text.contains("for the output \"dense"), "{loss}: {text}");
        }
        load_model_with(&path, LoadModel::new().compile(false))?;
    }
    Ok(())
}

#[test]
fn damaged_files_are_errors() -> TestResult {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("damaged.keras");
    let whole = std::fs::read(format_fixture("k3_stacked.keras"))?;
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        std::fs::write(&path, &whole[..length])?;
        assert!(load_model(&path).is_err(), "the first {length} bytes");
    }
    let safetensors = dir.path().join("damaged.safetensors");
    let mut model = stacked()?;
    model.save_weights(&safetensors)?;
    let whole = std::fs::read(&safetensors)?;
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        std::fs::write(&safetensors, &whole[..length])?;
        assert!(
            model.load_weights(&safetensors).is_err(),
            "the first {length} bytes"
        );
    }
    Ok(())
}

#[test]
fn bare_operations_and_unknown_call_arguments_are_refused() {
    let tensor = |layer: &str| json!({"class_name": "__keras_tensor__", "config": {"shape": [null, 2], "dtype": "float32", "keras_history": [layer, 0, 0]}});
    let graph = |member: Value| {
        json!({
            "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
            "config": {
                "name": "m", "trainable": true,
                "layers": [
                    {"module": "keras.layers", "class_name": "InputLayer", "name": "x", "inbound_nodes": [],
                     "config": {"batch_shape": [null, 2], "dtype": "float32", "name": "x"}},
                    member,
                ],
                "input_layers": ["x", 0, 0], "output_layers": ["y", 0, 0],
            },
        })
        .to_string()
    };
    let add = json!({
        "module": "keras.src.ops.numpy", "class_name": "Add", "registered_name": "Add", "name": "y",
        "config": {"name": "y"}, "inbound_nodes": [{"args": [tensor("x"), 1.0], "kwargs": {}}],
    });
    let text = Model::from_json(&graph(add)).unwrap_err().to_string();
    assert!(text.contains("bare operation `Add`"), "{text}");
    let dense = |inbound: Value| {
        json!({
            "module": "keras.layers", "class_name": "Dense", "registered_name": null, "name": "y",
            "config": {"name": "y", "units": 3}, "inbound_nodes": inbound,
        })
    };
    for (inbound, part) in [
        (
            json!([{"args": [tensor("x")], "kwargs": {"scale": 2.0}}]),
            "`scale`",
        ),
        (
            json!([{"args": [tensor("x"), 5], "kwargs": {}}]),
            "only tensors",
        ),
        (json!([{"args": [tensor("z")], "kwargs": {}}]), "\"z\""),
        (json!([{"args": [tensor("y")], "kwargs": {}}]), "circle"),
    ] {
        let text = Model::from_json(&graph(dense(inbound)))
            .unwrap_err()
            .to_string();
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        Model::from_json(&graph(dense(
            json!([{"args": [tensor("x")], "kwargs": {"training": true}}])
        )))
        .is_ok()
    );
}

fn stacked() -> Result<Sequential> {
    let mut model = Sequential::new().named("stacked");
    model.add(
        Lstm::new(6)
            .return_sequences(true)
            .name("first")
            .input_shape([5, 3]),
    )?;
    model.add(Lstm::new(4).name("second"))?;
    model.add(Dropout::new(0.5))?;
    model.add(Dense::new(2).activation("softmax").name("last"))?;
    Ok(model)
}

fn data() -> (Array3<f32>, Array2<f32>) {
    let x = Array3::from_shape_fn((8, 5, 3), |(i, j, k)| {
        ((i * 15 + j * 3 + k) as f32 * 0.37).sin()
    });
    let y = Array2::from_shape_fn((8, 2), |(i, j)| f32::from((i + j) % 2 == 0));
    (x, y)
}

#[test]
fn training_goes_on_from_a_file_without_a_jump() -> TestResult {
    let (x, y) = data();
    let dir = tempfile::tempdir()?;
    for optimizer in ["adam", "rmsprop", "sgd"] {
        let fit = |epochs| {
            Fit::new()
                .epochs(epochs)
                .batch_size(4)
                .shuffle(false)
                .verbose(0)
        };
        let mut whole = Sequential::new();
        whole.add(Lstm::new(6).return_sequences(true).input_shape([5, 3]))?;
        whole.add(Lstm::new(4))?;
        whole.add(Dense::new(2).activation("softmax"))?;
        whole.compile(optimizer, "categorical_crossentropy", ["accuracy"])?;
        let start = dir.path().join("start.keras");
        whole.save(&start)?;
        let wanted = whole.fit(&x, &y, fit(4))?;

        let path = dir.path().join("half.keras");
        let mut first = load_model(&start)?;
        first.fit(&x, &y, fit(2))?;
        first.save(&path)?;
        let mut second = load_model(&path)?;
        let history = second.fit(&x, &y, fit(2))?;
        assert_eq!(history.get("loss"), &wanted.get("loss")[2..], "{optimizer}");
        assert_eq!(second.get_weights()?, whole.get_weights()?, "{optimizer}");
    }
    Ok(())
}

#[test]
fn weights_alone_go_through_every_format() -> TestResult {
    let dir = tempfile::tempdir()?;
    let (x, _) = data();
    for name in ["m.weights.h5", "m.safetensors"] {
        let path = dir.path().join(name);
        let one = stacked()?;
        one.save_weights(&path)?;
        let mut other = stacked()?;
        assert_ne!(one.get_weights()?, other.get_weights()?);
        other.load_weights(&path)?;
        assert_eq!(one.get_weights()?, other.get_weights()?, "{name}");
        assert_eq!(one.predict(&x)?, other.predict(&x)?);
    }
    Ok(())
}

#[test]
fn a_functional_model_with_shared_layers_and_states_comes_back() -> TestResult {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("m.keras");
    let a = Input::new([4, 3]).name("a");
    let b = Input::new([4, 3]).name("b");
    let shared = Lstm::new(5)
        .return_state(true)
        .return_sequences(true)
        .name("shared");
    let [seq, h, c] = shared.call(&a)?.try_into()?;
    let [other, _, _] = shared.call(&b)?.try_into()?;
    let decoded = Lstm::new(5).name("decoder").call((&other, &h, &c))?;
    let inner_input = Input::new([5]);
    let inner_output = Dense::new(2).name("inner_dense").call(&inner_input)?;
    let inner = Model::new(&inner_input, &inner_output)?;
    let first = inner.call(&decoded)?;
    let second = inner.call(&h)?;
    let model = Model::new([&a, &b], (&seq, &first, &second))?;
    model.save(&path)?;
    let again = load_model(&path)?;
    assert_eq!(again.output_names()?, model.output_names()?);
    let x = ArrayD::from_shape_fn(vec![3, 4, 3], |i| {
        (i[0] * 12 + i[1] * 3 + i[2]) as f32 * 0.1 - 1.0
    });
    let inputs = [x.clone(), x.mapv(|v| v * v)];
    assert_eq!(predict(&model, &inputs)?, predict(&again, &inputs)?);
    assert_eq!(again.to_json()?, model.to_json()?);
    Ok(())
}

#[test]
fn masks_are_written_as_operations_and_read_back() -> TestResult {
    let ids = Input::new([4])
        .dtype(burn_keras::tensor::Kind::Int)
        .name("ids");
    let embedded = Embedding::new(7, 3).mask_zero(true).call(&ids)?;
    let [seq, h, c] = Lstm::new(3)
        .return_sequences(true)
        .return_state(true)
        .call(&embedded)?
        .try_into()?;
    let last = Lstm::new(3).call((&seq, &h, &c))?;
    let model = Model::new(&ids, &last)?;
    let json = model.to_json()?;
    assert!(json.contains("NotEqual"), "{json}");
    let again = Model::from_json(&json)?;
    again.set_weights(&model.get_weights()?)?;
    let x = ndarray::array![[1, 2, 0, 0], [3, 4, 5, 6]];
    assert_eq!(model.predict(&x)?, again.predict(&x)?);
    assert_eq!(again.to_json()?, json);
    Ok(())
}

#[test]
fn layers_are_loaded_by_name_and_misfits_skipped_when_asked_for() -> TestResult {
    let dir = tempfile::tempdir()?;
    for file in ["m.weights.h5", "m.safetensors"] {
        let path = dir.path().join(file);
        let one = stacked()?;
        one.save_weights(&path)?;
        let mut other = Sequential::new();
        other.add(Dense::new(7).name("new").input_shape([5, 3]))?;
        other.add(Lstm::new(6).return_sequences(true).name("wider"))?;
        other.add(Lstm::new(4).name("second"))?;
        other.add(Dense::new(9).name("last"))?;
        let before = other.get_weights()?;
        assert!(other.load_weights(&path).is_err());
        assert_eq!(other.get_weights()?, before, "nothing was loaded");
        let skipped =
            other.load_weights_with(&path, LoadWeights::new().by_name(true).skip_mismatch(true))?;
        assert_eq!(skipped, ["new", "wider", "last"], "{file}");
        assert_eq!(
            other.get_layer("second")?.get_weights()?,
            one.get_layer("second")?.get_weights()?
        );
    }
    Ok(())
}

#[test]
fn a_layer_of_ones_own_is_known_through_the_registry() -> TestResult {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("m.keras");
    stacked()?.save(&path)?;
    let mut registry = Registry::new();
    registry.register("LSTM", |config| {
        Ok(Lstm::from_config(config)?.implementation(Implementation::Burn))
    });
    let model = load_model_with(&path, &registry)?;
    assert!(model.summary().to_string().contains("Run by burn's module"));
    Ok(())
}
