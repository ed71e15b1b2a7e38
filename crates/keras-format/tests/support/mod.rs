//! What the tests share: fixtures made by tests/make_fixtures.py, and what Keras said is in them.

#![allow(dead_code)] // each test file uses its part

use std::path::PathBuf;

use keras_format::{Array, Data};
use serde_json::Value;

/// Path of a fixture.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Bytes of a fixture.
pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// What Keras and h5py said about every file: `(file, description)`.
pub fn expected() -> Vec<(String, Value)> {
    let mut files = Vec::new();
    for keras in ["k2", "k3", "k33"] {
        let text = std::fs::read_to_string(fixture(&format!("{keras}_expected.json"))).unwrap();
        let all: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        files.extend(all);
    }
    files
}

/// Holds an array against shape, type, sums and ends that NumPy computed.
pub fn check_array(array: &Array, expected: &Value, what: &str) {
    let shape: Vec<u64> = array.shape().iter().map(|&n| n as u64).collect();
    assert_eq!(serde_json::json!(shape), expected["shape"], "{what}");
    assert_eq!(
        array.dtype().to_string(),
        expected["dtype"].as_str().unwrap(),
        "{what}"
    );
    let values: Vec<f64> = match array.data() {
        Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        Data::F64(v) => v.clone(),
        Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        Data::I64(v) => v.iter().map(|&x| x as f64).collect(),
        other => panic!("{what}: {other:?}"),
    };
    let near = |found: f64, key: &str| {
        let wanted = expected[key].as_f64().unwrap();
        assert!(
            (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
            "{what}, {key}: {found} for {wanted}"
        );
    };
    near(values.iter().sum(), "sum");
    near(
        values.iter().zip(1..).map(|(x, i)| x * f64::from(i)).sum(),
        "ramp",
    );
    if let (Some(first), Some(last)) = (values.first(), values.last()) {
        assert_eq!(serde_json::json!([first, last]), expected["ends"], "{what}");
    }
}
