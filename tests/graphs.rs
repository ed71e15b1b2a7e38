//! Functional models beyond their layers' numbers: names, masks, parts and copies of models, sizes that nothing holds.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn_keras::backend::{Backend, set_device};
use burn_keras::dims::Dims;
use burn_keras::initializers::Initializer;
use burn_keras::layers::{Context, Layer, LayerHandle, LayerOptions, Registry, WeightBuilder};
use burn_keras::prelude::*;
use burn_keras::tensor::{AnyTensor, Kind};
use burn_keras_tests::TestResult;
use ndarray::{Array1, Array2, Array3, ArrayD, array};
use serde_json::{Map, Value};

fn text<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "no error".to_string(),
        Err(error) => error.to_string(),
    }
}

// Names

/// Keras: `The name "x" is used 2 times in the model. All operation names should be unique.`
#[test]
fn names_of_inputs_and_layers_differ() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let (a, b) = (Input::new([3]).name("x"), Input::new([3]).name("x"));
    let sum = Add::new().call([&a, &b])?;
    assert!(text(Model::new([&a, &b], &sum)).contains("two inputs have the name \"x\""));
    let named = Dense::new(2).name("x").call(&a)?;
    assert!(text(Model::new(&a, &named)).contains("have the name \"x\""));
    let mut chain = Sequential::new();
    chain.add(Input::new([3]).name("x"))?;
    assert!(text(chain.add(Dense::new(2).name("x")).map(drop)).contains("the name \"x\""));
    // Names that nobody asked for make room.
    let (c, d) = (Input::new([3]).name("dense"), Input::new([3]));
    let hidden = Dense::new(2).call(&c)?;
    let other = Dense::new(2).name("input_layer").call(&d)?;
    let model = Model::new([&c, &d], Add::new().call([&hidden, &other])?)?;
    assert_eq!(model.input_names()?, ["dense", "input_layer_1"]);
    let names: Vec<String> = model.layers().iter().map(|l| l.name()).collect();
    assert_eq!(names, ["dense_1", "input_layer", "add"]);
    assert_eq!(
        Model::from_json(&model.to_json()?)?.to_json()?,
        model.to_json()?
    );
    Ok(())
}

/// Keras 3.15.1's `to_snake_case`, also where a digit stands behind capitals.
#[test]
fn layers_are_named_after_their_class_as_in_keras() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let input = Input::new([4, 3]);
    let mut node = Conv1d::new(2, 1).call(&input)?;
    node = MaxPooling1d::new(2).call(&node)?;
    node = Relu::new().call(&node)?;
    node = SimpleRnn::new(2).call(&node)?;
    let model = Model::new(&input, &node)?;
    let names: Vec<String> = model.layers().iter().map(|l| l.name()).collect();
    assert_eq!(names, ["conv1d", "max_pooling1d", "re_lu", "simple_rnn"]);
    Ok(())
}

// Sizes

#[test]
fn sizes_that_nothing_holds_are_errors_and_no_crash() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let huge = usize::MAX / 2 + 1;
    let (flat, steps) = (Input::new([3]), Input::new((None, 3)));
    let (wide, long) = (Input::new([huge]), Input::new([huge, 3]));
    for outputs in [
        text(RepeatVector::new(huge).call(&flat)),
        text(RepeatVector::new(1 << 31).call(&flat)),
        text(ZeroPadding1d::new((huge, huge)).call(&steps)),
        text(UpSampling1d::new(huge).call(&steps)),
        text(ZeroPadding1d::new(1).call(&long)),
        text(Concatenate::new().call([&wide, &wide])),
        text(Concatenate::new().axis(1).call([&long, &long])),
        text(Reshape::new([huge, huge]).call(&flat)),
        text(Reshape::new((huge, 4, None)).call(&flat)),
        text(Flatten::new().call(&long)),
        text(Add::new().call([&wide, &wide])),
    ] {
        assert_ne!(outputs, "no error");
    }
    Ok(())
}

// Masks of sequences of sequences

/// Each step is a sequence with a mask of its own, and behind `TimeDistributed` a step counts if any inner step did.
#[test]
fn a_mask_of_sequences_of_sequences_reaches_the_layer_inside() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let documents = Input::new([2, 3]).dtype(Kind::Int);
    let embedding = Embedding::new(5, 4).mask_zero(true);
    let words = Lstm::new(3);
    let read = TimeDistributed::new(words).call(&embedding.call(&documents)?)?;
    let last = Lstm::new(2).call(&read)?;
    let model = Model::new(&documents, [&read, &last])?;
    let full = array![[[1, 2, 3], [3, 4, 1]]];
    let padded = array![[[1, 2, 0], [3, 0, 0]]];
    let outputs = |x: &Array3<i32>| Ok::<_, Error>(model.predict_all(x)?.into_arrays());
    assert_ne!(outputs(&full)?, outputs(&padded)?);

    // The same sentences without the padding, word by word through the layers alone.
    let sentence = Input::new((None,)).dtype(Kind::Int);
    let inner = Registry::new().layer_from_json(&serde_json::json!({
        "class_name": "LSTM", "config": {"units": 3}
    }))?;
    let lstm = LayerHandle::from(inner);
    let alone = Model::new(&sentence, lstm.call(&embedding.call(&sentence)?)?)?;
    lstm.set_weights(&model.layers()[1].get_weights()?)?;
    let read = &outputs(&padded)?[0];
    for (step, words) in [array![[1, 2]], array![[3]]].into_iter().enumerate() {
        for (unit, wanted) in alone.predict(&words)?.iter().enumerate() {
            let got = read[[0, step, unit]];
            assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
        }
    }

    // A sentence without words is no step of the document.
    let cut = array![[[1, 2, 0], [0, 0, 0]]];
    let after = &outputs(&cut)?[1];
    let short = Input::new([1, 3]).dtype(Kind::Int);
    let mut node = short.node();
    for layer in model.layers() {
        node = layer.call(&node)?.nodes()[0].clone();
    }
    let wanted = Model::new(&short, node)?.predict(&array![[[1, 2, 0]]])?;
    for (got, wanted) in after.iter().zip(&wanted) {
        assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
    }
    Ok(())
}

#[test]
fn what_loses_a_mask_of_sequences_of_sequences_says_so() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let documents = Input::new([2, 3]).dtype(Kind::Int);
    let embedded = Embedding::new(5, 4).mask_zero(true).call(&documents)?;
    let joined = Concatenate::new().call([&embedded, &embedded])?;
    let model = Model::new(&documents, &joined)?;
    model.predict(&array![[[1, 2, 0], [0, 0, 0]]])?;
    let warnings = model.warnings().join(" ");
    assert!(warnings.contains("Concatenate"), "{warnings}");
    let masked = Input::new([2, 3, 4]);
    let read = TimeDistributed::new(Gru::new(2)).call(&Masking::new().call(&masked)?)?;
    let model = Model::new(&masked, &read)?;
    let mut x = ArrayD::<f32>::ones(vec![1, 2, 3, 4]);
    let before = model.predict(&x)?;
    x.slice_mut(ndarray::s![0, 0, 1.., ..]).fill(0.0);
    let after = model.predict(&x)?;
    assert_ne!(before, after);
    assert!(model.warnings().is_empty());
    Ok(())
}

// Masks told at a call

/// A matrix of ones and zeros, the mask that an embedding makes of the same tokens, and Keras' rule that the mask given
/// at the call goes on with the sequence.
#[test]
fn a_mask_can_be_given_at_the_call() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let (ids, counts) = (Input::new([4]).dtype(Kind::Int), Input::new([4]));
    let embedded = Embedding::new(5, 3).call(&ids)?;
    let masked = Embedding::new(5, 3).mask_zero(true).call(&ids)?;
    let (first, second) = (Gru::new(3).return_sequences(true), Gru::new(2));
    let told = second.call(&first.call_with_mask(&embedded, &counts)?)?;
    let carried = first.call_with_mask(&embedded, StepMask::of(&masked)?)?;
    let carried = second.call(&carried)?;
    let without = second.call(&first.call(&embedded)?)?;
    let model = Model::new([&ids, &counts], [&told, &carried, &without])?;
    let x = array![[1, 2, 0, 0], [3, 4, 1, 0]];
    let mask = x.mapv(|id| f32::from(u8::from(id != 0)));
    let predictions = |model: &Model, x: &Array2<i32>, mask: &Array2<f32>| {
        Ok::<_, Error>(model.predict_all((x, mask))?.into_arrays())
    };
    let [told, carried, without] = <[ArrayD<f32>; 3]>::try_from(predictions(&model, &x, &mask)?)
        .map_err(|all| format!("{} outputs", all.len()))?;
    assert_eq!(told, carried);
    assert_ne!(told, without);
    let everywhere = Array2::ones((2, 4));
    assert_ne!(predictions(&model, &x, &everywhere)?[0], told);

    let json = model.to_json()?;
    let again = Model::from_json(&json)?;
    again.set_weights(&model.get_weights()?)?;
    assert_eq!(predictions(&again, &x, &mask)?, [told, carried, without]);
    assert_eq!(again.to_json()?, json);
    Ok(())
}

#[test]
fn attention_takes_a_mask_for_each_input() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let (query, value, counts) = (Input::new([3, 4]), Input::new([5, 4]), Input::new([5]));
    let layers = [
        Attention::new().handle(),
        AdditiveAttention::new().handle(),
        MultiHeadAttention::new(2, 2).handle(),
    ];
    for layer in layers {
        let masks = [StepMask::none(), StepMask::from(&counts)];
        let seen = layer.call_with_masks((&query, &value), masks)?;
        let model = Model::new([&query, &value, &counts], &seen)?;
        let (q, mut v) = (
            Array3::<f32>::ones((1, 3, 4)),
            Array3::<f32>::ones((1, 5, 4)),
        );
        let mask = array![[1.0f32, 1.0, 1.0, 0.0, 0.0]];
        let before = model.predict((&q, &v, &mask))?;
        v.slice_mut(ndarray::s![0, 3.., ..]).fill(7.0);
        let again = Model::from_json(&model.to_json()?)?;
        again.set_weights(&model.get_weights()?)?;
        for model in [&model, &again] {
            let after = model.predict((&q, &v, &mask))?;
            for (a, b) in before.iter().zip(&after) {
                assert!((a - b).abs() < 1e-6, "{}: {a} {b}", layer.class_name());
            }
        }
    }
    Ok(())
}

#[test]
fn masks_that_do_not_fit_are_errors() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let (x, short) = (Input::new([4, 3]), Input::new([3]));
    let error = text(Lstm::new(2).call_with_mask(&x, &short));
    assert!(error.contains("mask [batch, timesteps = 4]"), "{error}");
    let error = text(Dense::new(2).call_with_mask(&x, &Input::new([4])));
    assert!(error.contains("takes no mask"), "{error}");
    Ok(())
}

// Parts, copies, other layers

fn autoencoder() -> Result<Model> {
    let input = Input::new([4, 3]).name("series");
    let code = Lstm::new(2).name("encoder").call(&input)?;
    let unfolded = RepeatVector::new(4).call(&code)?;
    let decoded = Lstm::new(3)
        .return_sequences(true)
        .name("decoder")
        .call(&unfolded)?;
    Model::new(&input, &decoded)
}

fn waves(shape: (usize, usize, usize)) -> Array3<f32> {
    Array3::from_shape_fn(shape, |(i, t, f)| ((7 * i + 3 * t + f) as f32).sin())
}

#[test]
fn a_submodel_shares_the_layers_between_its_ends() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut whole = autoencoder()?;
    let encoder = whole.submodel(["series"], ["encoder"])?;
    let decoder = whole.submodel(["encoder"], ["decoder"])?;
    let x = waves((8, 4, 3));
    whole.compile("sgd", "mse", ())?;
    whole.fit(&x, &x, Fit::new().verbose(0))?;
    assert_eq!(decoder.predict(&encoder.predict(&x)?)?, whole.predict(&x)?);
    assert_eq!(
        encoder.count_params()? + decoder.count_params()?,
        whole.count_params()?
    );
    let error = text(whole.submodel(["serie"], ["encoder"]));
    assert!(error.contains("\"series\""), "{error}");
    let error = text(whole.submodel(["encoder"], ["encoder", "series"]));
    assert!(error.contains("not among the model's inputs"), "{error}");
    // The same of a Sequential.
    let mut chain = Sequential::new();
    chain.add(Lstm::new(2).input_shape([4, 3]))?;
    chain.add(Dense::new(1))?;
    let features = chain.submodel(["input_layer"], ["lstm"])?;
    assert_eq!(features.output_shape()?.to_string(), "(None, 2)");
    Ok(())
}

#[test]
fn clone_model_has_the_structure_and_weights_of_its_own() -> TestResult {
    set_device(&Backend::Flex.open()?);
    for model in [autoencoder()?, Model::from(trained()?)] {
        model
            .get_layer(&model.layers()[0].name())?
            .set_trainable(false);
        let copy = model.clone_model()?;
        assert_eq!(copy.to_json()?, model.to_json()?);
        for (ours, theirs) in model.get_weights()?.iter().zip(&copy.get_weights()?) {
            assert_eq!(ours.shape(), theirs.shape());
        }
        assert_ne!(copy.get_weights()?, model.get_weights()?);
        let before = model.get_weights()?;
        copy.set_weights(&before.iter().map(|w| w + 1.0).collect::<Vec<_>>())?;
        assert_eq!(model.get_weights()?, before);
    }
    Ok(())
}

fn trained() -> Result<Sequential> {
    let mut model = Sequential::new();
    model.add(Lstm::new(4).input_shape([4, 3]))?;
    model.add(Dense::new(5).activation("softmax").name("head"))?;
    Ok(model)
}

/// Transfer learning: the layers in front are shared and frozen, the head is new and learns.
#[test]
fn a_layer_of_a_trained_model_is_replaced() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let functional = {
        let input = Input::new([4, 3]);
        let head = Dense::new(5)
            .name("head")
            .call(&Lstm::new(4).call(&input)?)?;
        Model::new(&input, &head)?
    };
    for base in [Model::from(trained()?), functional] {
        base.get_layer("lstm")?.set_trainable(false);
        let mut other = base.replace_layer("head", Dense::new(2).name("head"))?;
        assert_eq!(other.output_shape()?.to_string(), "(None, 2)");
        assert_eq!(base.output_shape()?.to_string(), "(None, 5)");
        let (x, before) = (waves((8, 4, 3)), base.get_weights()?);
        let head = other.get_layer("head")?.get_weights()?;
        other.compile("sgd", "mse", ())?;
        other.fit(&x, &Array2::<f32>::ones((8, 2)), Fit::new().verbose(0))?;
        assert_eq!(other.get_weights()?[..3], before[..3]);
        assert_ne!(other.get_layer("head")?.get_weights()?, head);
        assert_eq!(base.get_weights()?, before);
        // In front of the head too, as long as the shapes fit.
        let wider = base.replace_layer("lstm", Gru::new(4))?;
        assert_eq!(wider.get_layer("gru")?.class_name(), "GRU");
        assert_eq!(wider.get_layer("head")?.get_weights()?, before[3..]);
        let error = text(base.replace_layer("lstm", Gru::new(6)));
        assert!(error.contains("built for"), "{error}");
        assert!(text(base.replace_layer("had", Dense::new(1))).contains("\"head\""));
        assert!(base.replace_layer("head", Lstm::new(1)).is_err());
    }
    Ok(())
}

/// A replaced layer stands at all calls of the old one, and masks and states go where they went.
#[test]
fn a_shared_layer_is_replaced_at_all_its_calls() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let (a, b) = (Input::new([4, 3]), Input::new([4, 3]));
    let shared = Lstm::new(2).name("shared");
    let sum = Add::new().call([shared.call(&a)?, shared.call(&b)?])?;
    let model = Model::new([&a, &b], &sum)?;
    let other = model.replace_layer("shared", Gru::new(2).name("other"))?;
    assert_eq!(other.layers().len(), model.layers().len());
    let (x, zeros) = (waves((2, 4, 3)), Array3::<f32>::zeros((2, 4, 3)));
    let one = other.predict((&x, &zeros))?;
    assert_eq!(one, other.predict((&zeros, &x))?);
    Ok(())
}

// Layers of one's own

/// `y = x · scale`, a number for each feature.
#[derive(Module, Debug)]
struct Scale {
    scale: Option<Param<Tensor<1>>>,
    #[module(skip)]
    options: LayerOptions,
    #[module(skip)]
    start: f32,
}

impl Scale {
    fn new(start: f32) -> Self {
        let options = LayerOptions::default();
        Self {
            scale: None,
            options,
            start,
        }
    }
}

impl Layer for Scale {
    fn class_name(&self) -> &str {
        "Scale"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn build(&mut self, inputs: &[Dims], weights: &mut WeightBuilder<'_>) -> Result<()> {
        let features = inputs[0].last().unwrap_or(1);
        let start = Initializer::Constant { value: self.start };
        self.scale = Some(weights.weight([features], &start)?);
        Ok(())
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(inputs.to_vec())
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let Some(scale) = &self.scale else {
            return Err(Error::NotBuilt {
                needed_for: "Scale".to_string(),
            });
        };
        let rows = inputs[0].float_rows()? * scale.val().unsqueeze::<2>();
        Ok(vec![AnyTensor::from_flat(rows, &inputs[0].shape())?])
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([("start".to_string(), self.start.into())])
    }
}

/// Twice called, inside another model, and inside `TimeDistributed`; trained, saved and brought back.
#[test]
fn layers_of_ones_own_come_back_through_the_registry_in_functional_models() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let input = Input::new([4, 3]).name("x");
    let inner_input = Input::new([3]);
    let inner = Model::new(&inner_input, Scale::new(0.5).call(&inner_input)?)?;
    let shared = Scale::new(2.0).name("shared");
    let hidden = shared.call(&shared.call(&input)?)?;
    let hidden = TimeDistributed::new(Scale::new(3.0)).call(&hidden)?;
    let hidden = inner.call(&Lstm::new(3).call(&hidden)?)?;
    let mut model = Model::new(&input, Dense::new(1).call(&hidden)?)?;
    model.compile("adam", "mse", ())?;
    let x = waves((8, 4, 3));
    model.fit(&x, &Array1::<f32>::ones(8), Fit::new().verbose(0))?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("own.keras");
    model.save(&path)?;

    assert!(text(load_model(&path)).contains("\"Scale\""));
    let mut registry = Registry::new();
    registry.register("Scale", |config| {
        Ok(Scale::new(config.f32_or("start", 1.0)?))
    });
    let mut again = load_model_with(&path, &registry)?;
    assert_eq!(again.predict(&x)?, model.predict(&x)?);
    let own = again
        .get_layer("shared")?
        .get::<Scale>()
        .ok_or("another layer")?;
    assert_eq!(own.start, 2.0);
    let y = Array1::<f32>::ones(8);
    model.fit(&x, &y, Fit::new().shuffle(false).verbose(0))?;
    again.fit(&x, &y, Fit::new().shuffle(false).verbose(0))?;
    assert_eq!(again.get_weights()?, model.get_weights()?);
    let copy = model.clone_model_with(&registry)?;
    assert_eq!(copy.to_json()?, model.to_json()?);
    assert!(model.clone_model().is_err());
    Ok(())
}

/// As Keras, a `TimeDistributed` can hold a whole model; its weights are found in files.
#[test]
fn a_model_inside_time_distributed_is_saved_and_comes_back() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut chain = Sequential::new();
    chain.add(Gru::new(3).input_shape([4, 2]))?;
    chain.add(BatchNormalization::new())?;
    let inner = Input::new([4, 2]);
    let functional = Model::new(&inner, Dense::new(2).call(&Lstm::new(3).call(&inner)?)?)?;
    for inner in [Model::from(chain), functional] {
        let input = Input::new([5, 4, 2]);
        let read = TimeDistributed::new(inner).call(&input)?;
        let model = Model::new(&input, Lstm::new(2).call(&read)?)?;
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("held.keras");
        model.save(&path)?;
        let again = load_model(&path)?;
        let x = ArrayD::from_shape_fn(vec![2, 5, 4, 2], |i| (i[1] as f32 + i[2] as f32).sin());
        assert_eq!(again.predict(&x)?, model.predict(&x)?);
        assert_eq!(again.to_json()?, model.to_json()?);
    }
    Ok(())
}
