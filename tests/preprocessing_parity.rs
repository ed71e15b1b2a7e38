//! Padding, one-hot encoding and windows against what Keras' utilities give (`tests/keras/make_preprocessing.py`).

use burn_keras::ndarray::{Array1, Array2, ArrayD};
use burn_keras::preprocessing::{Pad, Side, Windows, pad_sequences, pad_series, to_categorical};
use burn_keras::training::NpyFile;
use burn_keras_tests::{TestResult, read_json};
use serde_json::Value;

fn cases(name: &str) -> TestResult<Vec<Value>> {
    let all = read_json("preprocessing.json")?;
    let cases = all[name].as_array().cloned().unwrap_or_default();
    assert!(!cases.is_empty(), "{name}");
    Ok(cases)
}

/// The numbers of a list, or of a list of lists.
fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN) as f32],
    }
}

fn size(value: &Value) -> Option<usize> {
    value.as_u64().map(|n| n as usize)
}

fn shape(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|n| n as usize).collect()
}

#[test]
fn sequences_are_padded_as_keras_pads_them() -> TestResult {
    for case in cases("pad_sequences")? {
        let sequences: Vec<Vec<f32>> = case["sequences"]
            .as_array()
            .ok_or("no sequences")?
            .iter()
            .map(numbers)
            .collect();
        let side = |key: &str| match case[key].as_str() {
            Some("pre") => Side::Pre,
            _ => Side::Post,
        };
        let mut options = Pad::new()
            .padding(side("padding"))
            .truncating(side("truncating"))
            .value(7.0);
        if let Some(maxlen) = size(&case["maxlen"]) {
            options = options.maxlen(maxlen);
        }
        let expected = numbers(&case["result"]);
        let given = pad_sequences(&sequences, options);
        assert_eq!(
            given.iter().copied().collect::<Vec<_>>(),
            expected,
            "{case}"
        );
        // A series of one feature a step is the same.
        let series: Vec<Array2<f32>> = sequences
            .iter()
            .map(|s| Array2::from_shape_vec((s.len(), 1), s.clone()))
            .collect::<Result<_, _>>()?;
        let given = pad_series(&series, options)?;
        assert_eq!(given.into_iter().collect::<Vec<_>>(), expected, "{case}");
    }
    Ok(())
}

#[test]
fn series_of_different_features_are_refused() {
    let series = [Array2::<f32>::zeros((3, 2)), Array2::zeros((3, 4))];
    let text = pad_series(&series, Pad::new()).map_err(|e| e.to_string());
    assert_eq!(
        text.expect_err("a mistake"),
        "series: number 1 has 4 features and number 0 has 2; every step of every series needs the same number"
    );
}

#[test]
fn labels_become_one_hot_as_in_keras() -> TestResult {
    for case in cases("to_categorical")? {
        let rows = case["labels"].as_array().ok_or("no labels")?;
        let mut axes = vec![rows.len()];
        axes.extend(rows[0].as_array().map(Vec::len));
        let labels = ArrayD::from_shape_vec(axes, numbers(&case["labels"]))?;
        let given = to_categorical(&labels, size(&case["classes"]))?;
        assert_eq!(given.shape(), shape(&case["shape"]), "{case}");
        assert_eq!(
            given.into_iter().collect::<Vec<_>>(),
            numbers(&case["result"])
        );
    }
    for wrong in [vec![-1.0], vec![0.5], vec![3.0]] {
        let text = to_categorical(&wrong, 3).map_err(|e| e.to_string());
        let text = text.expect_err("a mistake");
        assert!(text.contains("whole numbers from 0 to 2"), "{text}");
    }
    Ok(())
}

#[test]
fn windows_and_their_targets_are_those_of_keras() -> TestResult {
    for case in cases("windows")? {
        let series = Array2::from_shape_vec((23, 2), numbers(&case["series"]))?;
        let mut windows = Windows::new(size(&case["length"]).ok_or("no length")?)
            .sequence_stride(size(&case["stride"]).ok_or("no stride")?)
            .sampling_rate(size(&case["rate"]).ok_or("no rate")?);
        if let Some(start) = size(&case["start"]) {
            windows = windows.start_index(start);
        }
        if let Some(end) = size(&case["end"]) {
            windows = windows.end_index(end);
        }
        let x = if case["targets"].is_null() {
            windows.of(&series)?
        } else {
            let targets = Array1::from(numbers(&case["targets"]));
            let (x, y) = windows.with_targets(&series, &targets)?;
            assert_eq!(
                y.into_iter().collect::<Vec<_>>(),
                numbers(&case["y"]),
                "{windows:?}"
            );
            x
        };
        assert_eq!(x.shape(), shape(&case["shape"]), "{windows:?}");
        assert_eq!(
            x.into_iter().collect::<Vec<_>>(),
            numbers(&case["x"]),
            "{windows:?}"
        );
    }
    Ok(())
}

#[test]
fn labels_that_no_encoding_holds_are_errors() -> TestResult {
    for (labels, words) in [
        (vec![0.0f32, 1e30], "whole numbers"),
        (vec![0.0, f32::INFINITY], "whole numbers"),
        (vec![f32::NAN, 1.0], "hold NaN in row 0"),
        (vec![16_777_214.0; 300], "more than"),
    ] {
        let text = to_categorical(&labels, None).map_err(|e| e.to_string());
        let text = text.expect_err("a mistake");
        assert!(text.contains(words), "{}: {text}", labels[0]);
    }
    let huge = to_categorical(&vec![1i64 << 40], None).map_err(|e| e.to_string());
    assert!(huge.is_err());
    let none = to_categorical(&vec![0i32], usize::MAX).map_err(|e| e.to_string());
    assert!(none.is_err());

    let dir = tempfile::tempdir()?;
    let path = dir.path().join("labels.npy");
    ndarray_npy::write_npy(&path, &ndarray::array![0i32, 2, 1])?;
    let file = NpyFile::open(&path)?;
    assert_eq!(to_categorical(&file, None)?.shape(), [3, 3]);
    let few = to_categorical(&file, 2).map_err(|e| e.to_string());
    let text = few.expect_err("a label of no class");
    assert!(text.contains("hold 2 in row 1"), "{text}");
    Ok(())
}

#[test]
fn there_are_as_many_windows_as_there_are_targets_behind_the_start() -> TestResult {
    let series = Array2::from_shape_fn((20, 1), |(i, _)| i as f32);
    let targets = Array1::from_shape_fn(12, |i| 100.0 + i as f32);
    let windows = Windows::new(3).start_index(5).sequence_stride(2);
    let (x, y) = windows.with_targets(&series, &targets)?;
    assert_eq!(x.shape(), [4, 3, 1]);
    assert_eq!(y.into_raw_vec_and_offset().0, [105.0, 107.0, 109.0, 111.0]);
    let none = Windows::new(3)
        .start_index(12)
        .with_targets(&series, &targets);
    let text = none
        .map_err(|e| e.to_string())
        .expect_err("no target is left");
    assert!(text.contains("first window begins at step 12"), "{text}");
    Ok(())
}

#[test]
fn options_that_leave_nothing_are_errors() {
    let series = Array2::<f32>::zeros((10, 2));
    for (windows, words) in [
        (Windows::new(11), "needs 11 steps; there are 10"),
        (Windows::new(0), "sequence_length is 0"),
        (Windows::new(usize::MAX).sampling_rate(3), "there are 10"),
        (Windows::new(2).sequence_stride(0), "sequence_stride is 0"),
        (Windows::new(2).start_index(10), "the series has 10 steps"),
        (Windows::new(2).end_index(11), "the series has 10 steps"),
    ] {
        let text = windows.of(&series).map_err(|e| e.to_string());
        let text = text.expect_err("a mistake");
        assert!(text.contains(words), "{text}");
    }
}
