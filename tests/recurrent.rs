//! Recurrent layers beyond their numbers: states through training, dropout's rules, mistakes answered in words.

use std::collections::HashMap;

use burn::tensor::{DType, Tensor, TensorData};
use burn_keras::backend::{Backend, set_device};
use burn_keras::initializers::Initializer;
use burn_keras::layers::{Cell, Context, DropoutMasks};
use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::{TestResult, assert_close, devices, read_arrays, read_json, sequential};
use ndarray::{Array3, ArrayD, IxDyn};
use serde_json::Value;

// States through fit, evaluate and predict

/// `tests/keras/make_stateful_fit.py` says what the cases are; Keras ran them with TensorFlow.
#[test]
fn states_go_on_from_batch_to_batch_through_fit_evaluate_and_predict() -> TestResult {
    let json = read_json("stateful_fit.json")?;
    let arrays = read_arrays("stateful_fit.npz")?;
    let cases = json["cases"].as_object().ok_or("no cases")?;
    for (backend, device) in devices()? {
        for implementation in [Implementation::Fused, Implementation::Burn] {
            for (name, case) in cases {
                let what = format!("{name} on {backend}, {implementation:?}");
                let mut model = sequential(&case["config"], &device, implementation)?;
                check_stateful_fit(&what, name, case, &arrays, &mut model)?;
            }
        }
    }
    Ok(())
}

fn check_stateful_fit(
    what: &str,
    name: &str,
    case: &Value,
    arrays: &HashMap<String, ArrayD<f32>>,
    model: &mut Sequential,
) -> TestResult {
    let array = |key: &str| arrays.get(&format!("{name}/{key}")).ok_or("no such array");
    let numbered = |key: &str| -> Vec<ArrayD<f32>> {
        let all = (0..).map_while(|i| arrays.get(&format!("{name}/{key}{i}")).cloned());
        all.collect()
    };
    model.set_weights(&numbered("w"))?;
    let text = |key: &str| case[key].as_str().unwrap_or_default();
    model.compile(text("optimizer"), text("loss"), ())?;
    let mut fit = Fit::new().epochs(3).shuffle(false).verbose(0);
    if case["validation"] == true {
        fit = fit.validation_data(array("vx")?, array("vy")?);
    }
    let (x, y) = (array("x")?, array("y")?);
    let history = model.fit(x, y, fit)?;
    for (key, wanted) in case["history"].as_object().ok_or("no history")? {
        let wanted = wanted.as_array().ok_or("no numbers")?;
        for (got, wanted) in history.get(key).iter().zip(wanted) {
            let wanted = wanted.as_f64().ok_or("no number")?;
            let difference = (*got - wanted).abs();
            assert!(difference < 1e-5, "{what}: {key} {got}, Keras has {wanted}");
        }
        assert_eq!(history.get(key).len(), wanted.len(), "{what}: {key}");
    }
    for (got, wanted) in model.get_weights()?.iter().zip(&numbered("v")) {
        assert_close(what, got, wanted, 1e-5, 1e-5);
    }
    let loss = model.evaluate(x, y)?.loss();
    let wanted = case["evaluate"].as_f64().ok_or("no number")?;
    assert!(
        (loss - wanted).abs() < 1e-5,
        "{what}: evaluate {loss}, Keras has {wanted}"
    );
    assert_close(what, &model.predict(x)?, array("after")?, 1e-5, 1e-5);
    assert_close(what, &model.predict(x)?, array("again")?, 1e-5, 1e-5);
    model.reset_states();
    assert_close(what, &model.predict(x)?, array("fresh")?, 1e-5, 1e-5);
    Ok(())
}

#[test]
fn states_are_reset_on_the_model_or_on_one_layer_and_never_counted_as_weights() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut model = Sequential::new();
    let layer = Lstm::new(3).stateful(true).return_sequences(true);
    model.add(layer.batch_input_shape([2, 4, 3]))?;
    model.add(Gru::new(2).stateful(true))?;
    let x = Array3::from_shape_fn((2, 4, 3), |(i, j, k)| ((i * 12 + j * 3 + k) as f32).sin());
    let first = model.predict(&x)?;
    let second = model.predict(&x)?;
    assert_ne!(first, second);
    model.layers()[0].reset_states();
    let half = model.predict(&x)?;
    assert!(half != first && half != second, "the other layer went on");
    model.reset_states();
    assert_eq!(model.predict(&x)?, first);
    assert_eq!(model.get_weights()?.len(), 6);
    Ok(())
}

#[test]
fn a_pass_that_fails_leaves_the_states_as_they_were() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut model = Sequential::new();
    model.add(Lstm::new(3).stateful(true).batch_input_shape([2, 4, 3]))?;
    let x = Array3::<f32>::ones((2, 4, 3));
    model.predict(&x)?;
    let second = model.predict(&x)?;
    model.reset_states();
    model.predict(&x)?;
    assert!(model.predict(&Array3::<f32>::ones((3, 4, 3))).is_err());
    assert!(
        model
            .predict(&Array3::<f32>::from_elem((2, 4, 3), f32::NAN))
            .is_err()
    );
    assert_eq!(model.predict(&x)?, second);
    Ok(())
}

// Dropout inside cells

/// Values of a layer's output in a training pass.
fn train(model: &Model, inputs: &[AnyTensor], seed: u64) -> TestResult<ArrayD<f32>> {
    let mut context = Context::training(Generator::new(seed));
    let y = model.forward(inputs, &mut context)?.remove(0);
    Ok(ArrayD::from_shape_vec(IxDyn(&y.shape()), y.to_vec()?)?)
}

fn tensor(value: f32, shape: &[usize]) -> TestResult<AnyTensor> {
    let count = shape.iter().product();
    let device = burn_keras::backend::default_device()?;
    Ok(AnyTensor::from_f32(vec![value; count], shape, &device)?)
}

const BATCH: usize = 40;
const STEPS: usize = 4;
const SIZE: usize = 50;

/// A layer that only adds up what its dropout leaves: identities for weights, no function.
fn transparent(kernel: f32, recurrent: f32) -> SimpleRnn {
    let identity = |gain: f32| Initializer::Identity { gain };
    SimpleRnn::new(SIZE)
        .activation("linear")
        .use_bias(false)
        .kernel_initializer(identity(kernel))
        .recurrent_initializer(identity(recurrent))
        .return_sequences(true)
}

#[test]
fn a_mask_of_the_input_is_drawn_for_each_sample_and_feature_and_is_the_same_at_all_steps()
-> TestResult {
    for (_, device) in devices()? {
        set_device(&device);
        for implementation in [Implementation::Fused, Implementation::Burn] {
            // Only `tanh` runs fused; the sign and the zeros survive it.
            let activation = match implementation {
                Implementation::Fused => "tanh",
                _ => "linear",
            };
            let layer = transparent(1.0, 0.0)
                .dropout(0.3)
                .activation(activation)
                .implementation(implementation);
            let input = Input::new([STEPS, SIZE]);
            let model = Model::new(&input, &layer.call(&input)?)?;
            let y = train(&model, &[tensor(1.0, &[BATCH, STEPS, SIZE])?], 1)?;
            let kept = if activation == "tanh" {
                (1.0_f32 / 0.7).tanh()
            } else {
                1.0 / 0.7
            };
            let mut zeros = 0;
            for b in 0..BATCH {
                for f in 0..SIZE {
                    let first = y[[b, 0, f]];
                    assert!(first == 0.0 || (first - kept).abs() < 1e-5, "{first}");
                    zeros += usize::from(first == 0.0);
                    (1..STEPS).for_each(|t| assert_eq!(y[[b, t, f]], first));
                }
            }
            let share = zeros as f32 / (BATCH * SIZE) as f32;
            assert!((share - 0.3).abs() < 0.04, "{share} were dropped");
            let row = |b: usize| -> Vec<f32> { (0..SIZE).map(|f| y[[b, 0, f]]).collect() };
            assert_ne!(row(0), row(1), "two samples have one mask");
            let again = train(&model, &[tensor(1.0, &[BATCH, STEPS, SIZE])?], 2)?;
            assert_ne!(y, again, "two batches have one mask");
        }
    }
    Ok(())
}

#[test]
fn a_mask_of_the_state_is_the_same_at_all_steps_and_leaves_the_first_output_alone() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let layer = transparent(0.0, 1.0).recurrent_dropout(0.5);
    let (x, h) = (Input::new([STEPS, SIZE]), Input::new([SIZE]));
    let model = Model::new([&x, &h], &layer.call((&x, &h))?)?;
    let inputs = [
        tensor(0.0, &[BATCH, STEPS, SIZE])?,
        tensor(1.0, &[BATCH, SIZE])?,
    ];
    let y = train(&model, &inputs, 3)?;
    let mut zeros = 0;
    for b in 0..BATCH {
        for u in 0..SIZE {
            let kept = y[[b, 0, u]] != 0.0;
            zeros += usize::from(!kept);
            for t in 0..STEPS {
                // Kept entries are scaled by 1 / (1 - 0.5) at each step.
                let wanted = if kept {
                    2.0_f32.powi(t as i32 + 1)
                } else {
                    0.0
                };
                assert_eq!(y[[b, t, u]], wanted);
            }
        }
    }
    let share = zeros as f32 / (BATCH * SIZE) as f32;
    assert!((share - 0.5).abs() < 0.05, "{share} were dropped");
    Ok(())
}

#[test]
fn recurrent_dropout_gives_each_gate_its_own_masks() -> TestResult {
    let device = Backend::Flex.open()?;
    let masks = |cell: &dyn Cell| -> Result<DropoutMasks> {
        let mut context = Context::training(Generator::new(5));
        cell.draw_masks([3, 40], (&device, DType::F32), &mut context)
    };
    let counts = |masks: &DropoutMasks| (masks.input.len(), masks.recurrent.len());
    let lstm = || LstmCell::new(30);
    assert_eq!(counts(&masks(&lstm())?), (0, 0));
    assert_eq!(counts(&masks(&lstm().dropout(0.5))?), (1, 0));
    assert_eq!(counts(&masks(&lstm().recurrent_dropout(0.5))?), (0, 4));
    let both = masks(&GruCell::new(30).dropout(0.5).recurrent_dropout(0.5))?;
    assert_eq!(counts(&both), (3, 3));
    let values = |mask: &Tensor<2>| mask.clone().try_into_vec_as::<f32>();
    for (group, size) in [(&both.input, 40), (&both.recurrent, 30)] {
        group
            .iter()
            .for_each(|mask| assert_eq!(mask.dims(), [3, size]));
        assert_ne!(values(&group[0])?, values(&group[1])?);
        assert_ne!(values(&group[1])?, values(&group[2])?);
    }
    Ok(())
}

/// Keras' LSTM and GRU take a rate of 1 for 0; SimpleRNN and Dropout drop everything.
#[test]
fn a_rate_of_1_drops_everything_while_training() -> TestResult {
    fn check<L: LayerExt + CellExt>(layer: impl Fn() -> L) -> TestResult {
        let x = tensor(1.0, &[2, 3, 4])?;
        let model = |layer: L| -> TestResult<Model> {
            let input = Input::new([3, 4]);
            Ok(Model::new(&input, &layer.call(&input)?)?)
        };
        let all = model(layer().dropout(1.0).recurrent_dropout(1.0))?;
        let none = model(
            layer()
                .kernel_initializer("zeros")
                .recurrent_initializer("zeros"),
        )?;
        let dropped = train(&all, std::slice::from_ref(&x), 1)?;
        assert_eq!(dropped, train(&none, std::slice::from_ref(&x), 1)?);
        let predicted = all.forward(&[x], &mut Context::inference())?;
        assert_ne!(
            predicted[0].to_vec()?,
            dropped.iter().copied().collect::<Vec<_>>()
        );
        Ok(())
    }
    for (_, device) in devices()? {
        set_device(&device);
        for way in [Implementation::Fused, Implementation::Burn] {
            let bias = Initializer::Constant { value: 0.3 };
            check(|| {
                Lstm::new(3)
                    .bias_initializer(bias.clone())
                    .implementation(way)
            })?;
            check(|| {
                Gru::new(3)
                    .bias_initializer(bias.clone())
                    .implementation(way)
            })?;
            check(|| {
                SimpleRnn::new(3)
                    .bias_initializer(bias.clone())
                    .implementation(way)
            })?;
        }
    }
    Ok(())
}

#[test]
fn a_seeded_layer_drops_the_same_whatever_the_seed_of_training() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = tensor(1.0, &[4, 3, 8])?;
    let input = Input::new([3, 8]);
    let seeded = Model::new(&input, &Lstm::new(5).dropout(0.5).seed(7).call(&input)?)?;
    assert_eq!(
        train(&seeded, std::slice::from_ref(&x), 1)?,
        train(&seeded, std::slice::from_ref(&x), 2)?
    );
    let unseeded = Model::new(&input, &Lstm::new(5).dropout(0.5).call(&input)?)?;
    assert_ne!(
        train(&unseeded, std::slice::from_ref(&x), 1)?,
        train(&unseeded, &[x], 2)?
    );
    Ok(())
}

#[test]
fn each_step_of_a_time_distributed_dropout_draws_anew() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let input = Input::new([STEPS, SIZE]);
    let model = Model::new(
        &input,
        &TimeDistributed::new(Dropout::new(0.5)).call(&input)?,
    )?;
    let y = train(&model, &[tensor(1.0, &[BATCH, STEPS, SIZE])?], 1)?;
    let step = |t: usize| y.index_axis(ndarray::Axis(1), t).to_owned();
    assert_ne!(step(0), step(1));
    assert_ne!(step(1), step(2));
    Ok(())
}

/// Keras' SimpleRNN accepts one and forgets it.
#[test]
fn an_activity_regularizer_counts_in_every_recurrent_layer() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = tensor(1.0, &[2, 3, 4])?;
    let input = Input::new([3, 4]);
    let layers = [
        Lstm::new(3).activity_regularizer("l2").handle(),
        Gru::new(3).activity_regularizer("l2").handle(),
        SimpleRnn::new(3).activity_regularizer("l2").handle(),
        Bidirectional::new(SimpleRnn::new(3).activity_regularizer("l2")).handle(),
    ];
    for layer in layers {
        let model = Model::new(&input, &layer.call(&input)?)?;
        let mut context = Context::inference();
        let y = model.forward(std::slice::from_ref(&x), &mut context)?[0].to_vec()?;
        let losses = model.losses(&mut context)?;
        let got: f32 = losses.into_iter().map(Tensor::into_scalar::<f32>).sum();
        let wanted = 0.01 * y.iter().map(|v| v * v).sum::<f32>() / 2.0;
        assert!(
            (got - wanted).abs() < 1e-6,
            "{}: {got}, not {wanted}",
            layer.class_name()
        );
    }
    Ok(())
}

#[test]
fn a_frozen_layer_inside_another_one_is_not_trained() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let frozen = || Gru::new(3).kernel_regularizer("l2").trainable(false);
    let trained = || SimpleRnn::new(3).go_backwards(true);
    let layers = [
        (
            Bidirectional::new(frozen())
                .backward_layer(trained())
                .handle(),
            3,
        ),
        (
            Rnn::new((LstmCell::new(3).trainable(false), GruCell::new(2))).handle(),
            3,
        ),
        (
            TimeDistributed::new(Dense::new(2).trainable(false)).handle(),
            2,
        ),
    ];
    for (layer, count) in layers {
        let name = layer.class_name();
        let mut model = Sequential::new();
        model.add(Input::new([4, 3]))?;
        model.add(layer.clone())?;
        model.add(Flatten::new())?;
        model.add(Dense::new(1))?;
        assert_eq!(
            layer.weights().iter().filter(|w| !w.trainable).count(),
            count,
            "{name}"
        );
        assert!(
            model.losses(&mut Context::inference())?.is_empty(),
            "{name}"
        );
        model.compile("sgd", "mse", ())?;
        let before = layer.get_weights()?;
        let x = ArrayD::from_shape_fn(IxDyn(&[8, 4, 3]), |i| {
            ((i[0] * 12 + i[1] * 3 + i[2]) as f32).sin()
        });
        model.fit(&x, &ArrayD::<f32>::ones(vec![8, 1]), Fit::new().verbose(0))?;
        let after = layer.get_weights()?;
        for (i, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(before == after, i < count, "{name}, weight {i}");
        }
    }
    Ok(())
}

/// Keras' setter goes on to the layers inside; a frozen batch normalization keeps its averages.
#[test]
fn freezing_a_layer_freezes_what_is_inside() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let inner = || {
        let mut model = Sequential::new();
        model.add(BatchNormalization::new().input_shape([3]))?;
        Ok::<_, Error>(model)
    };
    let by_handle = TimeDistributed::new(BatchNormalization::new()).handle();
    by_handle.set_trainable(false);
    let layers = [
        TimeDistributed::new(BatchNormalization::new())
            .trainable(false)
            .handle(),
        by_handle,
        TimeDistributed::new(Model::from(inner()?))
            .trainable(false)
            .handle(),
    ];
    for layer in layers {
        let mut model = Sequential::new();
        model.add(Input::new([4, 3]))?;
        model.add(layer.clone())?;
        model.add(Flatten::new())?;
        model.add(Dense::new(1))?;
        model.compile("sgd", "mse", ())?;
        let x = ArrayD::from_shape_fn(IxDyn(&[8, 4, 3]), |i| (i[0] + i[1] * i[2]) as f32);
        let y = ArrayD::<f32>::ones(vec![8, 1]);
        let before = layer.get_weights()?;
        model.fit(&x, &y, Fit::new().verbose(0))?;
        assert_eq!(layer.get_weights()?, before);
        layer.set_trainable(true);
        model.compile("sgd", "mse", ())?;
        model.fit(&x, &y, Fit::new().verbose(0))?;
        let after = layer.get_weights()?;
        assert!(before.iter().zip(&after).all(|(a, b)| a != b));
    }
    let both = Bidirectional::new(Lstm::new(2)).trainable(false);
    let config = both.handle().config();
    for layer in ["layer", "backward_layer"] {
        assert_eq!(config[layer]["config"]["trainable"], false, "{layer}");
    }
    let cells = Rnn::new((LstmCell::new(3), GruCell::new(2))).trainable(false);
    let config = cells.handle().config();
    assert_eq!(
        config["cell"]["config"]["cells"][1]["config"]["trainable"],
        false
    );
    Ok(())
}

// Mistakes

fn text<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "no error".to_string(),
        Err(error) => error.to_string(),
    }
}

/// A layer that comes with its weights.
fn burns() -> Result<Lstm> {
    let device = Backend::Flex.open()?;
    Lstm::from_burn(&burn::nn::LstmConfig::new(3, 4, true).init(&device))
}

#[test]
fn mistakes_are_answered_with_what_to_do() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = Input::new([5, 3]);
    let state = Input::new([4]);
    for (error, parts) in [
        (
            text(Lstm::new(4).stateful(true).call(&x)),
            vec!["Lstm", "stateful", "batch_input_shape", "batch_size(batch)"],
        ),
        (
            text(Lstm::new(4).call((&x, &state))),
            vec![
                "needs both initial states, h [batch, units = 4]",
                "(&x, &h, &c)",
            ],
        ),
        (
            text(Gru::new(4).call((&x, &Input::new([7])))),
            vec!["initial state h", "units = 4"],
        ),
        (
            text(Gru::new(4).dropout(1.2).call(&x)),
            vec!["Gru: dropout is 1.2", "between 0 and 1"],
        ),
        (
            text(Rnn::new(LstmCell::new(0)).call(&x)),
            vec!["Rnn", "units is 0"],
        ),
        (
            text(Rnn::new(Vec::<LstmCell>::new()).call(&x)),
            vec!["cells is empty"],
        ),
        (
            text(Rnn::new((GruCell::new(4), LstmCell::new(4).activity_regularizer("l2"))).call(&x)),
            vec!["LstmCell", "activity_regularizer", "layer around the cell"],
        ),
        (
            text(Bidirectional::new(burns()?).call(&x)),
            vec!["the same weights in both directions", ".backward_layer"],
        ),
        (
            text(
                Bidirectional::new(burns()?)
                    .backward_layer(burns()?.go_backwards(true))
                    .call(&x),
            ),
            vec!["no error"],
        ),
        (
            text(LstmCell::new(4).call(&x)),
            vec!["LstmCell", "one step", "Rnn::new(cell)"],
        ),
        (
            text(Bidirectional::new(Dense::new(4)).call(&x)),
            vec![
                "Bidirectional: layer is Dense",
                "Lstm, Gru, SimpleRnn or Rnn",
            ],
        ),
        (
            text(Bidirectional::new(Gru::new(4)).merge_mode("max").call(&x)),
            vec!["merge mode", "\"max\"", "concat"],
        ),
        (
            text(
                Bidirectional::new(Gru::new(4))
                    .backward_layer(Gru::new(4))
                    .call(&x),
            ),
            vec![
                "backward_layer reads in the same direction",
                "go_backwards(true)",
            ],
        ),
        (
            text(
                Bidirectional::new(Gru::new(4).return_sequences(true))
                    .backward_layer(Gru::new(4).go_backwards(true))
                    .call(&x),
            ),
            vec!["return_sequences = false", "must be the same"],
        ),
        (
            text(
                Bidirectional::new(Gru::new(4))
                    .backward_layer(Gru::new(5).go_backwards(true))
                    .merge_mode("sum")
                    .call(&x),
            ),
            vec!["(None, 4)", "(None, 5)", "concat"],
        ),
        (
            text(Bidirectional::new(Lstm::new(4)).call((&x, &state))),
            vec!["initial states of both directions"],
        ),
        (
            text(TimeDistributed::new(Dense::new(4)).call(&state)),
            vec!["at least 3 axes", "timesteps"],
        ),
        (
            text(TimeDistributed::new(Dense::new(4).input_shape([3])).call(&x)),
            vec!["input_shape", "TimeDistributed"],
        ),
        (
            text(TimeDistributed::new(LstmCell::new(4)).call(&x)),
            vec!["3 outputs"],
        ),
        (
            text(
                Sequential::new()
                    .add(Gru::new(4).return_state(true).input_shape([5, 3]))
                    .map(drop),
            ),
            vec!["Gru", "return_state", "Model"],
        ),
    ] {
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in: {error}");
        }
    }
    Ok(())
}

#[test]
fn a_batch_of_another_size_is_refused_before_anything_runs() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut model = Sequential::new();
    model.add(Input::new([4, 3]).batch_size(2))?;
    model.add(Gru::new(3).stateful(true))?;
    model.compile("sgd", "mse", ())?;
    let before = model.get_weights()?;
    let (x, y) = (
        ArrayD::<f32>::ones(vec![5, 4, 3]),
        ArrayD::<f32>::ones(vec![5, 3]),
    );
    let error = text(model.fit(&x, &y, Fit::new().verbose(0)));
    assert!(error.contains("batches of exactly 2 samples"), "{error}");
    let error = text(model.predict_with(&x, Predict::new().batch_size(5)));
    assert!(error.contains("batches of exactly 2"), "{error}");
    assert_eq!(model.get_weights()?, before);
    let context = &mut Context::inference();
    let device = burn_keras::backend::default_device()?;
    let x: Tensor<3> = Tensor::from_data(TensorData::new(vec![1.0_f32; 24], [2, 4, 3]), &device);
    model.forward(&[AnyTensor::from(x.clone())], context)?;
    let error = text(model.forward(&[AnyTensor::from(x.repeat_dim(0, 2))], context));
    assert!(error.contains("reset_states"), "{error}");
    Ok(())
}
