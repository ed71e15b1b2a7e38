//! What is written is read again, and is laid out as Keras does. tests/crosscheck.py asks Keras.

mod support;

use std::io::{Cursor, Read};

use keras_format::{
    Array, Data, Error, Limits, Variables, WeightTree, Weights, read_model, read_model_bytes,
    read_weights, sort_layers, write_model, write_model_to, write_weights,
};
use support::{expected, fixture};

#[test]
fn every_keras_file_is_the_same_after_reading_writing_and_reading() {
    let directory = tempfile::tempdir().unwrap();
    for (file, _) in expected()
        .into_iter()
        .filter(|(file, _)| file.ends_with(".keras"))
    {
        let first = read_model(fixture(&file)).unwrap();
        let Weights::Tree(tree) = &first.weights else {
            panic!("{file}")
        };
        let path = directory.path().join(&file);
        write_model(&path, &first.config, tree).unwrap();
        let second = read_model(&path).unwrap();
        assert_eq!(second.weights, first.weights, "{file}");
        assert_eq!(second.config, first.config, "{file}");
        assert_eq!(
            second.keras_version.as_deref(),
            Some(keras_format::KERAS_VERSION)
        );
    }
}

#[test]
fn the_archive_has_the_three_entries_stored_and_in_order() {
    let mut bytes = Cursor::new(Vec::new());
    write_model_to(
        &mut bytes,
        &serde_json::json!({"class_name": "Sequential", "config": {}}),
        &sample(),
    )
    .unwrap();
    let mut archive = zip::ZipArchive::new(bytes).unwrap();
    let names: Vec<_> = (0..archive.len())
        .map(|i| archive.by_index(i).unwrap().name().unwrap().to_string())
        .collect();
    assert_eq!(names, ["metadata.json", "config.json", "model.weights.h5"]);
    for i in 0..3 {
        assert_eq!(
            archive.by_index(i).unwrap().compression(),
            zip::CompressionMethod::Stored
        );
    }
    let mut metadata = String::new();
    archive
        .by_index(0)
        .unwrap()
        .read_to_string(&mut metadata)
        .unwrap();
    assert!(
        metadata.starts_with("{\"keras_version\":\"3.15.1\",\"date_saved\":\"20"),
        "{metadata}"
    );
}

/// Every type, a scalar, an empty axis, an empty object, over ten variables.
fn sample() -> WeightTree {
    let mut tree = WeightTree::new();
    tree.insert("", Variables::new("model", []));
    tree.insert("layers/dropout", Variables::new("drop ü", []));
    let arrays = vec![
        Array::scalar_i32(-3),
        Array::new([2], Data::I64(vec![i64::MIN, i64::MAX])).unwrap(),
        Array::new([1, 3], Data::F64(vec![1e300, -0.0, f64::INFINITY])).unwrap(),
        Array::new([1], Data::U32(vec![u32::MAX])).unwrap(),
        Array::f32([0, 4], vec![]).unwrap(),
        Array::f32([2, 1, 2], vec![1.0, 2.0, 3.0, f32::MIN_POSITIVE]).unwrap(),
    ];
    tree.insert("layers/odd", Variables::new("odd", arrays));
    let many: Vec<_> = (0..25u8).map(|i| Array::scalar_f32(f32::from(i))).collect();
    tree.insert("optimizer", Variables::new("adam", many));
    tree.insert(
        "layers/a/cell/cells/b",
        Variables {
            name: None,
            arrays: vec![],
        },
    );
    tree
}

#[test]
fn every_type_and_shape_survives_a_weights_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.weights.h5");
    write_weights(&path, &sample()).unwrap();
    assert_eq!(read_weights(&path).unwrap(), Weights::Tree(sample()));
    let error = read_model(&path).unwrap_err();
    assert!(error.to_string().contains("weights alone"), "{error}");
}

#[test]
fn paths_that_are_none_are_not_written() {
    let directory = tempfile::tempdir().unwrap();
    for bad in ["a//b", "/a", "a/", "a/../b", ".", "layers/vars"] {
        let mut tree = WeightTree::new();
        tree.insert(bad, Variables::default());
        let path = directory.path().join("m.weights.h5");
        let error = write_weights(&path, &tree).unwrap_err();
        assert!(
            matches!(error.root(), Error::Encode { .. }),
            "{bad}: {error}"
        );
        assert_eq!(
            std::fs::read_dir(directory.path()).unwrap().count(),
            0,
            "{bad}"
        );
    }
}

#[test]
fn layers_out_of_keras_order_are_refused_until_they_are_sorted() {
    let model = read_model(fixture("k3_graph.keras")).unwrap();
    let Weights::Tree(tree) = &model.weights else {
        panic!()
    };
    let mut config = model.config.clone();
    let layers = config["config"]["layers"].as_array_mut().unwrap();
    layers.reverse();
    let mut target = Cursor::new(Vec::new());
    let error = write_model_to(&mut target, &config, tree).unwrap_err();
    assert!(error.to_string().contains("sort_layers"), "{error}");
    // With the layers the other way round, their weights were under other numbers.
    let mut moved = WeightTree::new();
    let numbers = |model: &serde_json::Value| -> Vec<(String, String)> {
        let places = keras_format::places(model).unwrap();
        places
            .into_iter()
            .map(|p| (format!("{:?} {}", p.name, p.class), p.path))
            .collect()
    };
    for ((_, here), (_, there)) in matched(&numbers(&model.config), &numbers(&config)) {
        moved.insert(there, tree.get(&here).unwrap().clone());
    }
    if let Some(optimizer) = tree.get("optimizer") {
        moved.insert("optimizer", optimizer.clone());
    }
    assert_ne!(&moved, tree);
    assert!(sort_layers(&mut config, &mut moved).unwrap());
    assert_eq!(config, model.config);
    assert_eq!(&moved, tree);
    write_model_to(&mut target, &config, &moved).unwrap();
    let again = read_model_bytes(target.get_ref(), &Limits::default()).unwrap();
    assert_eq!(again.weights, model.weights);
}

type Named = (String, String);

/// Pairs by name, in order where a name repeats inside of a layer that stays whole.
fn matched(here: &[Named], there: &[Named]) -> Vec<(Named, Named)> {
    let mut left = there.to_vec();
    let mut pairs = Vec::new();
    for one in here {
        // Parts (`lstm_cell`) repeat: the pair's parent has to be the pair of the parent.
        let at = left.iter().position(|other| {
            one.0 == other.0
                && parent(&one.1, &pairs).is_none_or(|p: String| other.1.starts_with(&p))
        });
        pairs.push((one.clone(), left.remove(at.unwrap())));
    }
    pairs
}

fn parent(path: &str, pairs: &[(Named, Named)]) -> Option<String> {
    let known = pairs
        .iter()
        .filter(|(here, _)| !here.1.is_empty() && path.starts_with(&format!("{}/", here.1)));
    known
        .max_by_key(|(here, _)| here.1.len())
        .map(|(_, there)| format!("{}/", there.1))
}
