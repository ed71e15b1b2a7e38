//! Model files: what Keras wrote is read, what is written is read again, and bad files are refused in words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn_keras::layers::Registry;
use burn_keras::prelude::*;
use burn_keras::saving::load_model;
use burn_keras_tests::{TestResult, assert_close};
use ndarray::{Array2, Array3, ArrayD};

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

#[test]
fn files_of_keras_predict_what_keras_predicted() -> TestResult {
    for (file, data) in [
        ("k3_stacked.keras", "k3_stacked.npz"),
        ("k33_stacked.keras", "k33_stacked.npz"),
        ("k3_trained.keras", "k3_trained.npz"),
        ("k3_trained.h5", "k3_trained.npz"),
        ("k33_trained.h5", "k33_trained.npz"),
        ("k2_trained.h5", "k2_trained.npz"),
    ] {
        let model = load_model(format_fixture(file))?;
        let [x, y] = arrays(&format_fixture(data))?;
        for (got, wanted) in predict(&model, &x)?.iter().zip(&y) {
            assert_close(file, got, wanted, 1e-5, 1e-5);
        }
        let dir = tempfile::tempdir()?;
        let again = dir.path().join("again.keras");
        model.save(&again)?;
        let model = load_model(&again)?;
        for (got, wanted) in predict(&model, &x)?.iter().zip(&y) {
            assert_close(file, got, wanted, 1e-5, 1e-5);
        }
    }
    Ok(())
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
