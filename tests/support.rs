//! What the tests share: the fixtures that real Keras wrote, the devices, and comparisons that say what differs.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, Tensor};
use burn_keras::backend::{Backend, Device, set_device};
use burn_keras::layers::{Gru, Implementation, Lstm, Registry, Rnn, SimpleRnn};
use burn_keras::models::{Model, Sequential};
use burn_keras::tensor::AnyTensor;
use ndarray::ArrayD;
use ndarray_npy::NpzReader;
use serde_json::Value;

pub mod differences;
pub mod fit_case;
pub mod keras_callbacks;

/// A result that any failure fits.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The backends that are tested, by name: those of the CPU, or `wgpu` alone in a build with that feature.
pub fn devices() -> TestResult<Vec<(Backend, Device)>> {
    let backends: &[Backend] = if cfg!(feature = "wgpu") {
        &[Backend::Wgpu]
    } else {
        &[Backend::Flex, Backend::NdArray]
    };
    backends
        .iter()
        .copied()
        .map(|backend| Ok((backend, backend.open()?)))
        .collect()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// A JSON file of `tests/fixtures`.
pub fn read_json(name: &str) -> TestResult<Value> {
    Ok(serde_json::from_reader(std::io::BufReader::new(
        File::open(fixture(name))?,
    ))?)
}

/// The arrays of an `.npz` file of `tests/fixtures`: whole numbers as floats, true as 1 and false as 0.
pub fn read_arrays(name: &str) -> TestResult<HashMap<String, ArrayD<f32>>> {
    read_arrays_at(&fixture(name))
}

/// The arrays of an `.npz` file, whole numbers as floats.
pub fn read_arrays_at(path: &Path) -> TestResult<HashMap<String, ArrayD<f32>>> {
    let mut reader = NpzReader::new(File::open(path)?)?;
    let mut arrays = HashMap::new();
    for entry in reader.names()? {
        let key = entry.trim_end_matches(".npy").to_string();
        let array = match reader.by_name::<ndarray::OwnedRepr<f32>, ndarray::IxDyn>(&entry) {
            Ok(array) => array,
            Err(_) => match reader.by_name::<ndarray::OwnedRepr<i32>, ndarray::IxDyn>(&entry) {
                Ok(array) => array.mapv(|v| v as f32),
                Err(_) => reader
                    .by_name::<ndarray::OwnedRepr<bool>, ndarray::IxDyn>(&entry)?
                    .mapv(|v| f32::from(u8::from(v))),
            },
        };
        arrays.insert(key, array);
    }
    Ok(arrays)
}

/// All classes, the recurrent ones run in a given way.
pub fn registry(implementation: Implementation) -> Registry {
    let mut registry = Registry::new();
    registry.register("GRU", move |config| {
        Ok(Gru::from_config(config)?.implementation(implementation))
    });
    registry.register("LSTM", move |config| {
        Ok(Lstm::from_config(config)?.implementation(implementation))
    });
    registry.register("SimpleRNN", move |config| {
        Ok(SimpleRnn::from_config(config)?.implementation(implementation))
    });
    registry.register_wrapper("RNN", move |config, registry| {
        Ok(Rnn::from_config(config, registry)?.implementation(implementation))
    });
    registry
}

/// The `Sequential` of a Keras configuration, on a device, its recurrent layers run in a given way.
pub fn sequential(
    config: &Value,
    device: &Device,
    implementation: Implementation,
) -> TestResult<Sequential> {
    set_device(device);
    Ok(Sequential::from_config(config, &registry(implementation))?)
}

/// A tensor's values as an array.
pub fn to_array(tensor: &AnyTensor) -> TestResult<ArrayD<f32>> {
    Ok(ArrayD::from_shape_vec(tensor.shape(), tensor.to_vec()?)?)
}

/// The gradient of each weight in the order of `get_weights`; `None` for one that has none.
pub fn weight_gradients(
    model: &Model,
    gradients: &Gradients,
) -> TestResult<Vec<Option<ArrayD<f32>>>> {
    struct Collector<'a> {
        gradients: &'a Gradients,
        found: HashMap<ParamId, AnyTensor>,
    }
    impl ModuleVisitor for Collector<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad(self.gradients) {
                self.found.insert(param.id, gradient.into());
            }
        }
    }
    let mut collector = Collector {
        gradients,
        found: HashMap::new(),
    };
    model.visit(&mut collector);
    let found = collector.found;
    let weights = model.weights();
    let gradient = |id| found.get(id).map(to_array).transpose();
    weights.iter().map(|weight| gradient(&weight.id)).collect()
}

/// Fails, naming the worst value, unless `|a - b| <= absolute + relative |b|` everywhere.
pub fn assert_close(
    what: &str,
    got: &ArrayD<f32>,
    wanted: &ArrayD<f32>,
    absolute: f32,
    relative: f32,
) {
    assert_eq!(got.shape(), wanted.shape(), "{what}: shapes differ");
    let worst = got
        .indexed_iter()
        .zip(wanted)
        .map(|((index, a), b)| (index, *a, *b, (a - b).abs() - relative * b.abs()))
        .max_by(|a, b| a.3.total_cmp(&b.3));
    if let Some((index, a, b, excess)) = worst {
        assert!(
            excess <= absolute,
            "{what}: {a} at {:?} where Keras has {b} (difference {:e}, allowed {absolute:e} + {relative:e} |b|)",
            ndarray::Dimension::slice(&index),
            (a - b).abs(),
        );
    }
}
