//! What the data become, and what is refused with the model left as it was, from the outside. The texts of refusals are in
//! `mistakes/`.

use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras_tests::{TestResult, devices};
use ndarray::{Array1, Array2, Array3, array};

fn stacked() -> Result<Sequential> {
    let mut model = Sequential::new();
    model.add(Lstm::new(4).return_sequences(true).input_shape([31, 25]))?;
    model.add(Lstm::new(4))?;
    model.add(Dense::new(3).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

/// Runs a test with each CPU backend as the device that models are built on.
fn on_both(test: impl Fn() -> TestResult) -> TestResult {
    for (backend, device) in devices()? {
        set_device(&device);
        test().map_err(|e| format!("on {backend}: {e}"))?;
    }
    Ok(())
}

fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "it was accepted".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_layer_that_is_refused_is_not_in_the_model() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Lstm::new(4).input_shape([8, 16]))?;
        assert!(model.add(Lstm::new(4)).is_err());
        assert_eq!(model.layers().len(), 1);
        assert_eq!(model.output_shape()?.to_string(), "(None, 4)");
        Ok(())
    })
}

#[test]
fn bad_data_name_the_array_and_the_row() -> TestResult {
    on_both(|| {
        let mut model = stacked()?;
        let mut x = Array3::<f32>::zeros((6, 31, 25));
        let y = Array2::<f32>::ones((6, 3));
        x[[4, 30, 24]] = f32::NAN;
        assert!(message(model.fit(&x, &y, Fit::new())).starts_with("x: has a NaN in row 4"));
        let empty = Array3::<f32>::zeros((0, 31, 25));
        assert!(message(model.predict(&empty)).starts_with("x: holds no samples"));
        let text = message(model.fit(&Array3::<f32>::zeros((5, 31, 25)), &y, Fit::new()));
        assert_eq!(
            text,
            "y: has 6 samples, but x has 5; each sample needs its labels"
        );
        Ok(())
    })
}

#[test]
fn typos_are_answered_with_the_nearest_names() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        let text = message(model.add(Dense::new(3).activation("sofmax").input_shape([2])));
        assert!(
            text.starts_with(
                "Dense, argument `activation`: there is no activation named \"sofmax\""
            ),
            "{text}"
        );
        assert!(text.contains("softmax"), "{text}");
        model.add(Dense::new(3).input_shape([2]))?;
        assert!(message(model.compile("rmsprp", "mse", ())).contains("rmsprop"));
        assert!(
            message(model.compile("adam", "categorical_crosentropy", ()))
                .contains("categorical_crossentropy")
        );
        assert!(message(model.compile("adam", "mse", ["acuracy"])).contains("accuracy"));
        assert!(message(model.get_layer("dens")).contains("\"dense\""));
        Ok(())
    })
}

#[test]
fn a_model_without_input_shape_builds_at_the_first_fit() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Lstm::new(4))?;
        model.add(Dense::new(1))?;
        assert!(message(model.count_params()).contains("input_shape"));
        assert!(model.summary().to_string().contains("0 (unbuilt)"));
        model.compile("adam", "mse", ())?;
        model.fit(
            &Array3::<f32>::zeros((6, 5, 2)),
            &Array1::<f32>::zeros(6),
            Fit::new().verbose(0),
        )?;
        assert_eq!(model.count_params()?, 4 * 4 * (2 + 4 + 1) + 5);
        assert_eq!(
            model.predict(&Array3::<f32>::zeros((3, 9, 2)))?.shape(),
            [3, 1]
        );
        Ok(())
    })
}

#[test]
fn pop_takes_the_last_layer_off_and_its_weights_stay_with_it() -> TestResult {
    on_both(|| {
        let mut model = stacked()?;
        let popped = model.pop()?.ok_or("a layer")?;
        assert_eq!(popped.name(), "dense");
        assert_eq!(model.output_shape()?.to_string(), "(None, 4)");
        let weights = popped.get_weights()?;
        model.add(popped)?;
        assert_eq!(model.output_shape()?.to_string(), "(None, 3)");
        assert_eq!(model.get_layer("dense")?.get_weights()?, weights);
        Ok(())
    })
}

#[test]
fn validation_split_takes_the_tail_before_shuffling() -> TestResult {
    on_both(|| {
        // The last fifth is all of class 1, the rest of class 0: a model that always says 0 is wrong on every one of them.
        let x = Array2::<f32>::zeros((10, 2));
        let y = array![0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        let mut model = Sequential::new();
        model.add(
            Dense::new(1)
                .activation("sigmoid")
                .bias_initializer(burn_keras::initializers::Initializer::Constant { value: -5.0 })
                .input_shape([2]),
        )?;
        model.compile(
            Sgd::new().learning_rate(0.0),
            "binary_crossentropy",
            ["accuracy"],
        )?;
        let history = model.fit(&x, &y, Fit::new().validation_split(0.2).verbose(0))?;
        assert_eq!(
            history.names(),
            ["accuracy", "loss", "val_accuracy", "val_loss"]
        );
        assert_eq!(history.last("accuracy"), Some(1.0));
        assert_eq!(history.last("val_accuracy"), Some(0.0));
        assert!(
            message(model.fit(&x, &y, Fit::new().validation_split(0.99)))
                .contains("validation_split")
        );
        Ok(())
    })
}

#[test]
fn the_same_seed_gives_the_same_weights_bit_for_bit() -> TestResult {
    let mut generator = Generator::new(1);
    let x = Array3::from_shape_simple_fn((40, 5, 3), || generator.uniform());
    let y = Array2::from_shape_simple_fn((40, 2), || generator.uniform());
    for (backend, device) in devices()? {
        let run = || -> Result<_> {
            set_random_seed(5);
            let mut model = Sequential::new().device(&device);
            model.add(Lstm::new(6).input_shape([5, 3]))?;
            model.add(Dropout::new(0.2))?;
            model.add(Dense::new(2))?;
            model.compile("adam", "mse", ())?;
            model.fit(&x, &y, Fit::new().batch_size(8).epochs(2).verbose(0))?;
            model.get_weights()
        };
        assert_eq!(run()?, run()?, "{backend}");
    }
    Ok(())
}

#[test]
fn models_over_the_same_nodes_share_weights_and_clones_do_not() -> TestResult {
    on_both(|| {
        let input = Input::new([4]);
        let hidden = Dense::new(3).call(&input)?;
        let output = Dense::new(1).call(&hidden)?;
        let mut whole = Model::new(&input, &output)?;
        let part = Model::new(&input, &hidden)?;
        let copy = whole.clone();
        let before = part.get_weights()?;
        whole.compile("sgd", "mse", ())?;
        let x = Array2::<f32>::ones((8, 4));
        whole.fit(&x, &Array1::<f32>::ones(8), Fit::new().verbose(0))?;
        assert_ne!(part.get_weights()?, before);
        assert_eq!(part.get_weights()?, whole.get_weights()?[..2]);
        assert_eq!(copy.get_weights()?[..2], before);
        Ok(())
    })
}

#[test]
fn a_frozen_layer_keeps_its_weights() -> TestResult {
    on_both(|| {
        let mut model = stacked()?;
        model.get_layer("lstm")?.set_trainable(false);
        let before = model.get_weights()?;
        let mut generator = Generator::new(2);
        let x = Array3::from_shape_simple_fn((8, 31, 25), || generator.uniform());
        let y = Array2::from_shape_simple_fn((8, 3), || generator.uniform());
        model.fit(&x, &y, Fit::new().verbose(0))?;
        let after = model.get_weights()?;
        assert_eq!(after[..3], before[..3]);
        assert!(after[3..].iter().zip(&before[3..]).all(|(a, b)| a != b));
        assert!(
            model
                .summary()
                .to_string()
                .contains("Non-trainable params: 480")
        );
        Ok(())
    })
}

#[test]
fn burns_lstm_and_ours_compute_the_same() -> TestResult {
    for (backend, device) in devices()? {
        let burns = burn::nn::LstmConfig::new(3, 5, true).init(&device);
        let mut generator = Generator::new(3);
        let x = Array3::from_shape_simple_fn((2, 4, 3), || generator.between(-1.0, 1.0));
        let tensor = burn::tensor::Tensor::<3>::from_data(
            burn::tensor::TensorData::new(x.iter().copied().collect::<Vec<f32>>(), [2, 4, 3]),
            &device,
        );
        let (sequence, _) = burns.forward(tensor, None);
        let wanted: Vec<f32> = sequence.try_into_vec_as().map_err(|e| format!("{e}"))?;

        let layer = Lstm::from_burn(&burns)?;
        let input = Input::new([4, 3]);
        let model = Model::new(&input, &layer.call(&input)?)?;
        let got = model.predict(&x)?;
        for (got, wanted) in got.iter().zip(&wanted) {
            assert!((got - wanted).abs() < 1e-6, "{backend}: {got} {wanted}");
        }
    }
    Ok(())
}

#[test]
fn digits_as_nested_vecs_and_as_arrays_are_the_same_data() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Dense::new(2).input_shape([3]))?;
        let nested = vec![vec![1.0f64, 2.0, 3.0], vec![4.0, 5.0, 6.0]];
        let flat = (vec![1i64, 2, 3, 4, 5, 6], [2, 3]);
        let array = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let wanted = model.predict(&array)?;
        assert_eq!(model.predict(&nested)?, wanted);
        assert_eq!(model.predict(flat)?, wanted);
        Ok(())
    })
}

#[test]
fn a_number_that_the_embedding_does_not_know_is_an_error_before_anything_runs() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Embedding::new(5, 2).input_shape([3]))?;
        model.add(Lstm::new(2))?;
        let text = message(model.predict(&array![[0, 1, 2], [3, 4, 5]]));
        assert!(text.starts_with("x: holds the number 5 in row 1"), "{text}");
        // Inside a model inside a model, too.
        let mut outer = Sequential::new();
        outer.add(model)?;
        let text = message(outer.predict(&array![[0, 1, -2]]));
        assert!(
            text.starts_with("x: holds the number -2 in row 0"),
            "{text}"
        );
        assert!(
            text.ends_with("code the categories as whole numbers from 0 on"),
            "{text}"
        );
        let text = message(outer.predict(&array![[0.0f32, 1.5, 2.0]]));
        assert!(
            text.starts_with("x: holds the number 1.5 in row 0"),
            "{text}"
        );
        Ok(())
    })
}

#[test]
fn a_model_in_which_nothing_trains_is_an_error_and_not_a_panic() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Dense::new(1).input_shape([2]))?;
        model.compile("sgd", "mse", ())?;
        model.set_trainable(false);
        let (x, y) = (Array2::<f32>::ones((4, 2)), Array1::<f32>::ones(4));
        let text = message(model.fit(&x, &y, Fit::new().verbose(0)));
        assert!(text.contains("every layer is frozen"), "{text}");
        model.set_trainable(true);
        model.fit(&x, &y, Fit::new().verbose(0))?;
        Ok(())
    })
}

#[test]
fn a_metric_that_does_not_fit_the_labels_is_an_error_before_anything_runs() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Dense::new(1).input_shape([2]))?;
        model.compile("sgd", "mse", ["sparse_categorical_crossentropy"])?;
        let before = model.get_weights()?;
        let (x, y) = (
            Array2::<f32>::ones((4, 2)),
            Array1::<f32>::from_elem(4, 5.0),
        );
        let text = message(model.fit(&x, &y, Fit::new().verbose(0)));
        assert!(text.contains("holds the class 5 in row 0"), "{text}");
        assert_eq!(model.get_weights()?, before);
        Ok(())
    })
}

#[test]
fn a_fixed_batch_size_is_kept_to() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Dense::new(1).batch_input_shape([4, 2]))?;
        model.compile("sgd", "mse", ())?;
        let (x, y) = (Array2::<f32>::ones((8, 2)), Array1::<f32>::ones(8));
        let text = message(model.fit(&x, &y, Fit::new().batch_size(8).verbose(0)));
        assert!(text.contains("fixed batch size 4"), "{text}");
        model.fit(&x, &y, Fit::new().verbose(0))?;
        assert_eq!(model.predict(&x)?.shape(), [8, 1]);
        let text = message(model.predict(&Array2::<f32>::ones((6, 2))));
        assert!(
            text.contains("6 samples do not divide into batches of 4"),
            "{text}"
        );
        let text = message(Sequential::new().add(Dense::new(1).batch_input_shape([0, 2])));
        assert!(text.contains("every axis must be at least 1"), "{text}");
        Ok(())
    })
}

#[test]
fn clones_of_a_layer_in_one_model_train_apart() -> TestResult {
    on_both(|| {
        let layer = Dense::new(2).input_shape([2]);
        let input = Input::new([2]);
        let first = layer.call(&input)?;
        let copy = layer.handle().get::<Dense>().ok_or("a Dense")?;
        let second = copy.call(&first)?;
        let mut model = Model::new(&input, &second)?;
        model.compile(Adam::new().learning_rate(0.1), "mse", ())?;
        let before = model.get_weights()?;
        assert_eq!(before[0], before[2]);
        let x = array![[1.0f32, 2.0], [3.0, -4.0]];
        model.fit(&x, &x, Fit::new().epochs(3).verbose(0))?;
        let after = model.get_weights()?;
        assert_ne!(after[0], after[2]);
        assert_ne!(after[0], before[0]);
        Ok(())
    })
}

#[test]
fn unnamed_models_inside_a_model_get_names_of_their_own() -> TestResult {
    on_both(|| {
        let part = || -> Result<Sequential> {
            let mut part = Sequential::new();
            part.add(Dense::new(2).input_shape([2]))?;
            Ok(part)
        };
        let input = Input::new([2]);
        let hidden = part()?.call(&input)?;
        let output = part()?.call(&hidden)?;
        let model = Model::new(&input, &output)?;
        let names: Vec<String> = model.layers().iter().map(LayerHandle::name).collect();
        assert_eq!(names, ["sequential", "sequential_1"]);
        assert_eq!(model.count_params()?, 12);
        Ok(())
    })
}

#[test]
fn a_contradicting_input_shape_on_a_later_layer_is_an_error() -> TestResult {
    on_both(|| {
        let mut model = Sequential::new();
        model.add(Dense::new(3).input_shape([2]))?;
        let text = message(model.add(Dense::new(1).input_shape([4])));
        assert!(text.contains("leave it out here"), "{text}");
        model.add(Dense::new(1).input_shape([3]))?;
        Ok(())
    })
}

#[test]
fn training_stops_after_the_running_batch_and_keeps_its_history() -> TestResult {
    on_both(|| {
        let mut model = stacked()?;
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let (x, y) = (
            Array3::<f32>::ones((8, 31, 25)),
            Array2::<f32>::ones((8, 3)),
        );
        let options = Fit::new()
            .batch_size(2)
            .epochs(5)
            .verbose(0)
            .stop_when(stop);
        let history = model.fit(&x, &y, options)?;
        assert!(history.was_interrupted());
        assert_eq!(history.epochs(), [0]);
        Ok(())
    })
}

#[test]
fn one_step_on_a_batch_is_what_fit_does_with_it() -> TestResult {
    on_both(|| {
        let model = stacked()?;
        let (mut a, mut b) = (model.clone(), model);
        let mut generator = Generator::new(8);
        let x = Array3::from_shape_simple_fn((4, 31, 25), || generator.uniform());
        let y = Array2::from_shape_simple_fn((4, 3), || generator.uniform());
        let step = a.train_on_batch(&x, &y)?;
        let history = b.fit(&x, &y, Fit::new().shuffle(false).verbose(0))?;
        assert_eq!(step.get("loss"), history.last("loss"));
        assert_eq!(a.get_weights()?, b.get_weights()?);
        assert_eq!(
            a.predict_on_batch(&x)?,
            a.predict_with(&x, Predict::new().batch_size(4))?
        );
        Ok(())
    })
}

#[test]
fn several_outputs_are_named_and_their_losses_weighed() -> TestResult {
    on_both(|| {
        let input = Input::new([2]);
        let first = Dense::new(1).name("first").call(&input)?;
        let second = Dense::new(2).name("second").call(&input)?;
        let mut model = Model::new(&input, [&first, &second])?;
        model.compile_with(Compile::new("sgd", "mse")?.loss_weights([1.0, 0.5]))?;
        let x = array![[1.0f32, 2.0], [3.0, 4.0]];
        let labels = (array![1.0f32, 2.0], array![[1.0f32, 0.0], [0.0, 1.0]]);
        let scores = model.evaluate(&x, (&labels.0, &labels.1))?;
        let loss = |name: &str| scores.get(name).ok_or(format!("no {name}"));
        assert!((scores.loss() - loss("first_loss")? - 0.5 * loss("second_loss")?).abs() < 1e-5);
        let predictions = model.predict_all(&x)?;
        let named: Vec<_> = predictions
            .iter()
            .map(|(n, a)| (n, a.shape().to_vec()))
            .collect();
        assert_eq!(named, [("first", vec![2, 1]), ("second", vec![2, 2])]);

        let states = Lstm::new(1)
            .return_sequences(true)
            .return_state(true)
            .call(&Input::new([2, 3]))?;
        let text = format!("{:?}", states.nodes());
        assert!(text.contains("(None, 2, 1)"), "{text}");
        Ok(())
    })
}

#[test]
fn shuffling_changes_the_order_and_a_seed_repeats_it() -> TestResult {
    on_both(|| {
        let model = stacked()?;
        let mut generator = Generator::new(6);
        let x = Array3::from_shape_simple_fn((8, 31, 25), || generator.uniform());
        let y = Array2::from_shape_simple_fn((8, 3), || generator.uniform());
        let weights = |shuffle: bool, seed: u64| -> Result<_> {
            let mut copy = model.clone();
            let options = Fit::new().shuffle(shuffle).seed(seed);
            copy.fit(&x, &y, options.batch_size(2).verbose(0))?;
            copy.get_weights()
        };
        assert_eq!(weights(true, 1)?, weights(true, 1)?);
        assert_ne!(weights(true, 1)?, weights(true, 2)?);
        assert_ne!(weights(true, 1)?, weights(false, 1)?);
        Ok(())
    })
}

#[test]
fn the_program_in_the_readme_is_the_example_of_that_name() -> TestResult {
    let (_, program) = include_str!("../examples/readme.rs")
        .split_once("\n\n")
        .ok_or("no program after the heading")?;
    assert!(include_str!("../README.md").contains(program));
    Ok(())
}
