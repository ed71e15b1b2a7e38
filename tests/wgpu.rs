//! What only a GPU has: how often it is asked for values, how many kernels a step launches, what is said when there is no
//! driver or no memory. Any Vulkan driver will do, one that computes on the CPU too.
//!
//! That layers, losses, metrics and optimizers give Keras' numbers on `wgpu` is tested where it is tested for the CPU:
//! `layer_parity`, `training_parity` and `recurrent` run on it in a build with the feature.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};

use burn::module::Module;
use burn::tensor::Tensor;
use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};
use burn_keras::backend::{Backend, Device, device_name, read_backs, set_device};
use burn_keras::layers::Implementation;
use burn_keras::optimizers::Optimizer;
use burn_keras::prelude::*;
use burn_keras::tensor::AnyTensor;
use burn_keras::training::{Batch, IntoOptimizer, Stream};
use burn_keras_tests::{TestResult, assert_close};
use ndarray::{Array2, Array3};

/// Launches and read-backs are counted for the whole process, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn wgpu() -> TestResult<Device> {
    Ok(Backend::Wgpu.open()?)
}

/// Sequences whose mean decides the class.
fn data(samples: usize, timesteps: usize) -> (Array3<f32>, Array2<f32>) {
    let x = Array3::from_shape_fn((samples, timesteps, 4), |(i, t, f)| {
        ((i * 31 + t * 7 + f * 3) % 17) as f32 / 17.0 - (i % 2) as f32 * 0.5
    });
    let mut y = Array2::zeros((samples, 2));
    for i in 0..samples {
        y[[i, i % 2]] = 1.0;
    }
    (x, y)
}

/// Two LSTMs and a Dense layer, always with the same weights.
fn model(device: &Device, optimizer: &str) -> TestResult<Sequential> {
    set_random_seed(3);
    set_device(device);
    let mut model = Sequential::new();
    model.add(Lstm::new(8).return_sequences(true).input_shape((None, 4)))?;
    model.add(Lstm::new(8))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile(optimizer, "categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

fn options<'a>() -> Fit<'a> {
    Fit::new().seed(5).verbose(0)
}

#[test]
fn a_training_on_wgpu_is_that_on_the_cpu() -> TestResult {
    let _alone = alone();
    let (x, y) = data(50, 5);
    for optimizer in ["rmsprop", "adam", "sgd", "adamw"] {
        let mut trained = Vec::new();
        for device in [Backend::Flex.open()?, wgpu()?] {
            let mut model = model(&device, optimizer)?;
            let history = model.fit(&x, &y, options().batch_size(16).epochs(3))?;
            trained.push((history, model.get_weights()?));
        }
        let [(cpu_history, cpu), (history, gpu)] = &trained[..] else {
            return Err("two trainings".into());
        };
        // As between Keras and the CPU: sums of floats in another order, and shaders may round exp and tanh otherwise.
        for (a, b) in history.get("loss").iter().zip(cpu_history.get("loss")) {
            assert!(
                (a - b).abs() < 1e-4,
                "{optimizer}: {a} on wgpu, {b} on flex"
            );
        }
        for (i, (a, b)) in gpu.iter().zip(cpu).enumerate() {
            assert_close(&format!("{optimizer}: weight {i}"), a, b, 1e-4, 1e-4);
        }
    }
    Ok(())
}

#[test]
fn batches_cut_on_the_device_are_those_cut_on_the_host() -> TestResult {
    let _alone = alone();
    let device = wgpu()?;
    let (x, y) = data(20, 3);
    let mut resident = model(&device, "sgd")?;
    resident.fit(&x, &y, options().batch_size(8).epochs(2).shuffle(false))?;
    let mut streamed = model(&device, "sgd")?;
    let batches = || {
        let cut = [(0, 8), (8, 16), (16, 20)].into_iter();
        cut.map(|(start, end)| {
            let rows = ndarray::s![start..end, .., ..];
            Batch::new(
                x.slice(rows).to_owned(),
                y.slice(ndarray::s![start..end, ..]).to_owned(),
            )
        })
    };
    streamed.fit_stream(Stream::new(move |_| batches()), options().epochs(2))?;
    assert_eq!(resident.get_weights()?, streamed.get_weights()?);
    Ok(())
}

#[test]
fn a_model_trained_on_wgpu_is_saved_and_predicts_the_same_on_the_cpu() -> TestResult {
    let _alone = alone();
    let (x, y) = data(16, 4);
    let mut gpu = model(&wgpu()?, "adam")?;
    gpu.fit(&x, &y, options().epochs(2))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("m.keras");
    gpu.save(&path)?;
    set_device(&Backend::Flex.open()?);
    let cpu = load_model(&path)?;
    assert_eq!(gpu.get_weights()?, cpu.get_weights()?);
    // Only the rounding of exp and tanh differs.
    assert_close("output", &gpu.predict(&x)?, &cpu.predict(&x)?, 1e-5, 1e-5);
    Ok(())
}

/// How often values are read back from the device while `run` runs.
fn reads(run: impl FnOnce() -> TestResult) -> TestResult<u64> {
    let before = read_backs();
    run()?;
    Ok(read_backs() - before)
}

#[test]
fn fit_reads_values_back_once_an_epoch_however_many_batches_there_are() -> TestResult {
    let _alone = alone();
    let (x, y) = data(48, 3);
    let mut model = model(&wgpu()?, "rmsprop")?;
    for batch_size in [48, 12, 4] {
        let read = reads(|| {
            let fit = options().batch_size(batch_size).epochs(2);
            model.fit(&x, &y, fit.validation_data(&x, &y))?;
            Ok(())
        })?;
        // Loss and accuracy of 2 epochs, of training and validation.
        assert_eq!(read, 2 * 2 * 2, "batches of {batch_size}");
    }
    Ok(())
}

/// Adam that remembers all that an optimizer can: moments, averages, and sums of the gradients of 3 batches.
fn remembering() -> Optimizer {
    Adam::new()
        .learning_rate(0.01)
        .use_ema(true)
        .ema_momentum(0.9)
        .gradient_accumulation_steps(3)
}

/// A training of 2 times 4 batches, between which the model is handed to `change`.
fn trained_in_two_parts(
    device: &Device,
    change: impl FnOnce(Sequential) -> Sequential,
) -> TestResult<Sequential> {
    let (x, y) = data(16, 3);
    let mut model = model(device, "sgd")?;
    model.compile(remembering(), "categorical_crossentropy", ["accuracy"])?;
    // 4 batches: the gradients of the last one wait for their change.
    model.fit(&x, &y, options().batch_size(4))?;
    let mut model = change(model);
    model.fit(&x, &y, options().batch_size(4))?;
    Ok(model)
}

#[test]
fn a_model_that_moves_takes_along_what_its_optimizer_has_learned() -> TestResult {
    let _alone = alone();
    let (x, y) = data(16, 3);
    let (flex, gpu) = (Backend::Flex.open()?, wgpu()?);
    let expected = trained_in_two_parts(&flex, |model| model)?;
    for (name, from, to, by) in [
        ("to_device", &flex, &gpu, Module::to_device as fn(_, _) -> _),
        ("to_device", &gpu, &flex, Module::to_device),
        ("fork", &flex, &gpu, Module::fork),
        ("device", &flex, &gpu, Sequential::device),
    ] {
        let case = format!("{name} to {}", device_name(to));
        let mut moved = trained_in_two_parts(from, |model| by(model, to))?;
        let weights = [moved.get_weights()?, expected.get_weights()?];
        assert_eq!(weights[0].len(), weights[1].len());
        for (i, (a, b)) in weights[0].iter().zip(&weights[1]).enumerate() {
            assert_close(&format!("{case}: weight {i}"), a, b, 1e-4, 1e-4);
        }
        let arrays = [&moved, &expected].map(|model| model.optimizer_variables());
        let [arrays, wanted] = arrays.map(|variables| variables.map(|v| v.arrays));
        let (arrays, wanted) = (arrays?, wanted?);
        assert_eq!(arrays.len(), wanted.len());
        for ((array, a), (_, b)) in arrays.iter().zip(&wanted) {
            assert_close(&format!("{case}: {array}"), a, b, 1e-4, 1e-4);
        }
        if to != &gpu {
            continue;
        }
        for batch_size in [16, 4, 2] {
            let read = reads(|| {
                moved.fit(&x, &y, options().batch_size(batch_size))?;
                Ok(())
            })?;
            // Loss and accuracy.
            assert_eq!(read, 2, "{case}: batches of {batch_size}");
        }
    }
    Ok(())
}

/// How often each kernel was launched.
#[derive(Default)]
struct Launches(Mutex<BTreeMap<&'static str, usize>>);

impl LaunchObserver for Launches {
    fn launched(&self, kernel: &'static str) {
        let mut counts = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        *counts.entry(kernel).or_default() += 1;
    }
}

/// The kernels launched while `run` runs.
fn launches(run: impl FnOnce() -> TestResult) -> TestResult<BTreeMap<&'static str, usize>> {
    let observer = Arc::new(Launches::default());
    let watching = LaunchObservation::new(observer.clone());
    run()?;
    drop(watching);
    let counts = observer
        .0
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok(counts.clone())
}

/// The kernels of one training step, once products are tuned for its sizes: when two steps launch as many.
fn step(
    model: &mut Sequential,
    samples: usize,
    timesteps: usize,
) -> TestResult<BTreeMap<&'static str, usize>> {
    let (x, y) = data(samples, timesteps);
    let mut before = 0;
    for _ in 0..20 {
        let counts = launches(|| {
            model.train_on_batch(&x, &y)?;
            Ok(())
        })?;
        let all = counts.values().sum();
        if all == before {
            return Ok(counts);
        }
        before = all;
    }
    Err(format!("the number of launches does not settle: {before} at last").into())
}

/// The stacked LSTM of [`data`] as a classifier, by fused layers or by burn's operations.
fn stacked(implementation: Implementation) -> TestResult<Sequential> {
    set_random_seed(3);
    set_device(&wgpu()?);
    let lstm = || Lstm::new(8).implementation(implementation);
    let mut model = Sequential::new();
    model.add(lstm().return_sequences(true).input_shape((None, 4)))?;
    model.add(lstm())?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile("adam", "categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

#[test]
fn the_launches_of_a_training_step_do_not_grow_with_the_timesteps() -> TestResult {
    let _alone = alone();
    let mut fused = stacked(Implementation::Fused)?;
    let [few, many] = [step(&mut fused, 8, 3)?, step(&mut fused, 8, 25)?];
    let total = |counts: &BTreeMap<&str, usize>| counts.values().sum::<usize>();
    println!("a step: {} launches\n{many:#?}", total(&many));
    let ours = |counts: &BTreeMap<&'static str, usize>| -> BTreeMap<&'static str, usize> {
        let of_ours = counts
            .iter()
            .filter(|(name, _)| name.starts_with("burn_recurrent"));
        of_ours.map(|(name, count)| (*name, *count)).collect()
    };
    assert_eq!(ours(&few), ours(&many));
    // Two layers forward and backward, softmax and cross-entropy forward and backward.
    assert_eq!(ours(&many).values().sum::<usize>(), 2 * 2 + 4, "{many:#?}");
    // The form of a product that is fastest for a size may copy an operand first. There are three a layer backward and one
    // forward.
    assert!(
        total(&few).abs_diff(total(&many)) <= 3 * 4,
        "{few:#?} {many:#?}"
    );
    let mut burns = stacked(Implementation::Burn)?;
    let burns = total(&step(&mut burns, 8, 25)?);
    println!("by burn's operations: {burns} launches");
    assert!(burns > 20 * total(&many), "{burns}");
    Ok(())
}

/// The launches that a training step with an optimizer has beside those of forward and backward, and the number of
/// weights.
fn launches_of_update(optimizer: impl IntoOptimizer) -> TestResult<(usize, usize)> {
    let mut model = model(&wgpu()?, "sgd")?;
    // No change ever comes: beside forward and backward there is a sum for each gradient.
    model.compile(
        Sgd::new().gradient_accumulation_steps(1 << 20),
        "categorical_crossentropy",
        ["accuracy"],
    )?;
    let total =
        |model: &mut Sequential| -> TestResult<usize> { Ok(step(model, 8, 2)?.values().sum()) };
    let without = total(&mut model)?;
    model.compile(optimizer, "categorical_crossentropy", ["accuracy"])?;
    let with = total(&mut model)?;
    let weights = model.get_weights()?.len();
    Ok((with + weights - without, weights))
}

#[test]
fn an_optimizer_changes_each_weight_by_one_launch() -> TestResult {
    let _alone = alone();
    // `adamw` has weight decay, which is part of that launch.
    for optimizer in [
        "sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "adadelta", "ftrl", "lion",
    ] {
        let (launches, weights) = launches_of_update(optimizer)?;
        assert_eq!(launches, weights, "{optimizer}");
    }
    Ok(())
}

#[test]
fn clipping_and_averages_add_a_known_number_of_launches() -> TestResult {
    let _alone = alone();
    let adam = Adam::new;
    // For each weight, and once a step.
    for (name, optimizer, each, once) in [
        ("clipvalue", adam().clipvalue(0.5), 1, 0),
        ("clipnorm", adam().clipnorm(0.5), 8, 0),
        // The loss is scaled, and its gradient.
        ("loss_scale_factor", adam().loss_scale_factor(8.0), 1, 2),
        ("use_ema", adam().use_ema(true), 3, 0),
        // The sum over the weights is one launch less than there are weights.
        ("global_clipnorm", adam().global_clipnorm(0.5), 4, 4),
    ] {
        let (launches, weights) = launches_of_update(optimizer)?;
        assert_eq!(launches, weights * (1 + each) + once, "{name}");
    }
    Ok(())
}

/// The answer of a test when it runs alone in a process of its own, where this variable is set.
fn in_a_process(test: &str, variable: &str, more: &[(&str, &str)]) -> TestResult<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(variable, "1")
        .envs(more.iter().copied())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    Ok(text)
}

#[test]
fn a_machine_without_a_driver_is_told_how_to_get_on() -> TestResult {
    const CHILD: &str = "BURN_KERAS_TEST_WITHOUT_DRIVER";
    if std::env::var_os(CHILD).is_some() {
        let answer = Backend::Wgpu.open().map(|device| device_name(&device));
        println!("answer: {answer:?}");
        return Ok(());
    }
    let _alone = alone();
    let none = [
        "VK_DRIVER_FILES",
        "VK_ICD_FILENAMES",
        "LIBGL_DRIVERS_PATH",
        "__EGL_VENDOR_LIBRARY_FILENAMES",
    ];
    let text = in_a_process(
        "a_machine_without_a_driver_is_told_how_to_get_on",
        CHILD,
        &none.map(|variable| (variable, "/nonexistent")),
    )?;
    for part in [
        "cannot be used on this machine",
        "GPU driver may be missing",
        "BURN_KERAS_DEVICE=flex",
    ] {
        assert!(text.contains(part), "{text}");
    }
    Ok(())
}

#[test]
fn a_device_that_burn_has_open_already_is_opened() -> TestResult {
    const CHILD: &str = "BURN_KERAS_TEST_OPEN_ALREADY";
    if std::env::var_os(CHILD).is_some() {
        let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
        let ones = Tensor::<1>::ones([2], &device);
        let opened = Backend::Wgpu.open()?;
        let sum = ones + Tensor::<1>::ones([2], &opened);
        println!("answer: {:?}", AnyTensor::from(sum).to_vec()?);
        return Ok(());
    }
    let _alone = alone();
    let text = in_a_process("a_device_that_burn_has_open_already_is_opened", CHILD, &[])?;
    assert!(text.contains("answer: [2.0, 2.0]"), "{text}");
    Ok(())
}

#[test]
fn numbers_that_the_model_makes_are_kept_within_an_embeddings_table() -> TestResult {
    let _alone = alone();
    set_device(&wgpu()?);
    let mut model = Sequential::new();
    // Not checked before it is uploaded, as it goes into another layer first.
    model.add(Rescaling::new(1.0).input_shape([4]))?;
    model.add(Embedding::new(3, 2))?;
    let table = model.get_weights()?.remove(0);
    let x = ndarray::arr2(&[[-7.0f32, 0.0, 2.0, 900.0]]);
    let y = model.predict(&x)?;
    for (step, row) in [0, 0, 2, 2].into_iter().enumerate() {
        for unit in 0..2 {
            assert_eq!(y[[0, step, unit]], table[[row, unit]], "step {step}");
        }
    }
    Ok(())
}

#[test]
fn a_batch_for_which_the_device_has_no_buffer_is_refused_with_the_size_that_fits() -> TestResult {
    let _alone = alone();
    set_device(&wgpu()?);
    let mut model = Sequential::new();
    // 16 MB for each sample.
    model.add(RepeatVector::new(1 << 20).input_shape([4]))?;
    let text = model.predict_with(
        &Array2::<f32>::zeros((1 << 16, 4)),
        Predict::new().batch_size(1 << 16),
    );
    let text = text.map(|_| ()).unwrap_err().to_string();
    assert!(text.contains("needs a buffer of 1.00 TB"), "{text}");
    assert!(text.contains("a batch_size of"), "{text}");
    Ok(())
}

#[test]
fn batches_that_come_whole_are_refused_with_the_number_of_samples_that_fits() -> TestResult {
    let _alone = alone();
    set_device(&wgpu()?);
    let mut model = Sequential::new();
    model.add(RepeatVector::new(1 << 20).input_shape([4]))?;
    model.add(GlobalAveragePooling1d::new())?;
    model.compile("sgd", "mse", ())?;
    let x = Array2::<f32>::zeros((1 << 16, 4));
    let batches = || Stream::new(|_| std::iter::once(Batch::new(x.clone(), x.clone())));
    let mut y = x.clone();
    let refusals = [
        model.fit_stream(batches(), options()).map(|_| ()),
        model
            .evaluate_stream(batches(), Evaluate::new().verbose(0))
            .map(|_| ()),
        model.predict_stream(batches(), Predict::new()).map(|_| ()),
        model.train_on_batch(&x, &x).map(|_| ()),
        model.test_on_batch(&x, &x).map(|_| ()),
        model.predictor()?.session().predict_into(&x, &mut y),
    ];
    for refusal in refusals {
        let text = refusal.unwrap_err().to_string();
        assert!(text.contains("needs a buffer of 1.00 TB"), "{text}");
        assert!(text.contains("has 65536 samples"), "{text}");
        assert!(text.contains("at a time fit"), "{text}");
    }
    Ok(())
}

#[test]
fn an_error_of_the_device_comes_out_when_values_are_read() -> TestResult {
    let _alone = alone();
    let device = wgpu()?;
    // More than any buffer: 4 TB.
    let tensor = Tensor::<2>::zeros([1 << 20, 1 << 20], &device);
    let text = AnyTensor::from(tensor.slice([0..1, 0..1])).to_vec();
    let text = text.map(|_| ()).unwrap_err().to_string();
    assert!(
        text.contains("reading values back from the device failed"),
        "{text}"
    );
    // The device goes on.
    assert_eq!(
        AnyTensor::from(Tensor::<1>::ones([2], &device)).to_vec()?,
        [1.0, 1.0]
    );
    Ok(())
}
