//! What every layer must keep: shapes come out as inferred, gradients are those of the formula, weights and
//! configuration survive a round trip.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_keras::backend::{Backend, set_device};
use burn_keras::layers::{Context, LayerHandle, Registry};
use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras::tensor::{AnyTensor, Kind};
use burn_keras_tests::{TestResult, assert_close, devices};

/// A layer with an input it takes, batch axis left out.
#[derive(Clone)]
struct Case {
    name: &'static str,
    layer: LayerHandle,
    input: Vec<usize>,
    kind: Kind,
    /// How many inputs the layer takes: the first, and scaled and shifted copies of it.
    inputs: usize,
}

fn case(name: &'static str, layer: impl LayerExt, input: &[usize]) -> Case {
    Case {
        name,
        layer: layer.handle(),
        input: input.to_vec(),
        kind: Kind::Float,
        inputs: 1,
    }
}

/// A layer that takes several inputs of the same shape.
fn merging(name: &'static str, layer: impl LayerExt, inputs: usize, input: &[usize]) -> Case {
    Case {
        inputs,
        ..case(name, layer, input)
    }
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("dense", Dense::new(3).activation("tanh"), &[4]),
        case(
            "dense on a sequence",
            Dense::new(3).use_bias(false),
            &[5, 4],
        ),
        case("dropout", Dropout::new(0.3), &[4]),
        case("activation", Activation::new("softmax"), &[3, 4]),
        case("flatten", Flatten::new(), &[3, 4]),
        case("lstm", Lstm::new(3), &[4, 2]),
        case(
            "lstm with sequences",
            Lstm::new(3).return_sequences(true),
            &[4, 2],
        ),
        case(
            "lstm backwards",
            Lstm::new(2).go_backwards(true).return_sequences(true),
            &[3, 2],
        ),
        case("lstm without bias", Lstm::new(2).use_bias(false), &[3, 2]),
        case(
            "lstm with other activations",
            Lstm::new(2)
                .activation("softsign")
                .recurrent_activation("hard_sigmoid"),
            &[3, 2],
        ),
        case(
            "lstm by burn",
            Lstm::new(3).implementation(Implementation::Burn),
            &[4, 2],
        ),
        case(
            "lstm fused",
            Lstm::new(3).implementation(Implementation::Fused),
            &[4, 2],
        ),
        case("lstm of one step, unit and feature", Lstm::new(1), &[1, 1]),
        case("gru", Gru::new(3), &[4, 2]),
        case(
            "gru by burn",
            Gru::new(3)
                .return_sequences(true)
                .implementation(Implementation::Burn),
            &[4, 2],
        ),
        case(
            "gru, reset before, by burn",
            Gru::new(3)
                .reset_after(false)
                .return_state(true)
                .implementation(Implementation::Burn),
            &[4, 2],
        ),
        case(
            "gru, reset before, fused",
            Gru::new(2)
                .reset_after(false)
                .go_backwards(true)
                .implementation(Implementation::Fused),
            &[4, 2],
        ),
        case("simple rnn", SimpleRnn::new(3), &[4, 2]),
        case(
            "simple rnn by burn",
            SimpleRnn::new(3).implementation(Implementation::Burn),
            &[4, 2],
        ),
        case(
            "rnn over a cell",
            Rnn::new(GruCell::new(3)).return_sequences(true),
            &[4, 2],
        ),
        case(
            "rnn over a stack of cells",
            Rnn::new((LstmCell::new(3), SimpleRnnCell::new(2))).return_state(true),
            &[3, 2],
        ),
        case("lstm cell", LstmCell::new(3), &[4]),
        case("gru cell", GruCell::new(3), &[4]),
        case("simple rnn cell", SimpleRnnCell::new(3), &[4]),
        case(
            "stack of cells",
            StackedRnnCells::new([LstmCell::new(3), LstmCell::new(2)]),
            &[4],
        ),
        case(
            "both directions",
            Bidirectional::new(Lstm::new(2).return_sequences(true).return_state(true)),
            &[3, 2],
        ),
        case(
            "both directions, another layer backwards",
            Bidirectional::new(Gru::new(2))
                .backward_layer(SimpleRnn::new(2).go_backwards(true))
                .merge_mode("mul"),
            &[3, 2],
        ),
        case(
            "both directions apart",
            Bidirectional::new(SimpleRnn::new(2)).merge_mode(None),
            &[3, 2],
        ),
        case(
            "each step by itself",
            TimeDistributed::new(Lstm::new(2)),
            &[2, 3, 2],
        ),
    ];
    cases.extend(layers_of_one_input());
    cases.extend(layers_of_several_inputs());
    let mut embedding = case("embedding", Embedding::new(7, 3), &[5]);
    embedding.kind = Kind::Int;
    cases.push(embedding);
    cases
}

fn layers_of_one_input() -> Vec<Case> {
    let given = Normalization::new().mean_and_variance([0.5, -1.0], [2.0, 0.3]);
    vec![
        case("masking", Masking::new(), &[3, 2]),
        case("spatial dropout", SpatialDropout1d::new(0.3), &[3, 2]),
        case("noise", GaussianNoise::new(0.3), &[3]),
        case("batch normalization", BatchNormalization::new(), &[3, 2]),
        case(
            "batch normalization over timesteps",
            BatchNormalization::new().axis(1).scale(false),
            &[3, 2],
        ),
        case("layer normalization", LayerNormalization::new(), &[3, 2]),
        case(
            "layer normalization over timesteps",
            LayerNormalization::new().axis([1]),
            &[3, 2],
        ),
        case(
            "rescaling",
            Rescaling::new(0.25).offset([1.0, 2.0]),
            &[3, 2],
        ),
        case("normalization", Normalization::new(), &[3, 2]),
        case("normalization by given numbers", given, &[3, 2]),
        case(
            "convolution",
            Conv1d::new(3, 2)
                .strides(2)
                .padding("same")
                .activation("tanh"),
            &[5, 2],
        ),
        case(
            "convolution in groups",
            Conv1d::new(4, 2)
                .groups(2)
                .dilation_rate(2)
                .padding("causal"),
            &[5, 2],
        ),
        case("largest", MaxPooling1d::new(2), &[5, 2]),
        case(
            "mean",
            AveragePooling1d::new(3).strides(2).padding("same"),
            &[4, 2],
        ),
        case("largest of all", GlobalMaxPooling1d::new(), &[3, 2]),
        case(
            "mean of all",
            GlobalAveragePooling1d::new().keepdims(true),
            &[3, 2],
        ),
        case("reshape", Reshape::new((None, 3)), &[3, 2]),
        case("permute", Permute::new([2, 3, 1]), &[3, 2, 2]),
        case("repeat", RepeatVector::new(3), &[2]),
        case("padding", ZeroPadding1d::new((1, 2)), &[3, 2]),
        case("cropping", Cropping1d::new((1, 0)), &[3, 2]),
        case("stretching", UpSampling1d::new(2), &[3, 2]),
        case(
            "relu",
            Relu::new().negative_slope(0.1).max_value(0.5),
            &[3, 2],
        ),
        case("leaky relu", LeakyRelu::new(), &[3, 2]),
        case("elu", Elu::new().alpha(0.5), &[3, 2]),
        case("learned relu", PRelu::new().shared_axes([1]), &[3, 2]),
        case("softmax", Softmax::new().axis(1), &[3, 2]),
        case("identity", Identity::new(), &[3]),
        case("penalty", ActivityRegularization::new(0.1, 0.2), &[3]),
    ]
}

fn layers_of_several_inputs() -> Vec<Case> {
    vec![
        merging("sum", Add::new(), 3, &[3, 2]),
        merging("difference", Subtract::new(), 2, &[3, 2]),
        merging("product", Multiply::new(), 3, &[3, 2]),
        merging("average", Average::new(), 2, &[3, 2]),
        merging("maximum", Maximum::new(), 2, &[3, 2]),
        merging("minimum", Minimum::new(), 2, &[3, 2]),
        merging("concatenate", Concatenate::new().axis(1), 3, &[3, 2]),
        merging("dot", Dot::new((2, -1)).normalize(true), 2, &[3, 2]),
        merging(
            "attention",
            Attention::new().use_scale(true).score_mode("concat"),
            3,
            &[3, 2],
        ),
        merging("attention of products", Attention::new(), 2, &[3, 2]),
        merging("additive attention", AdditiveAttention::new(), 2, &[3, 2]),
        merging(
            "attention in heads",
            MultiHeadAttention::new(2, 3).output_shape(5),
            2,
            &[3, 2],
        ),
    ]
}

const BATCH: usize = 2;

/// Input values for a case: reals within ±1, or categories.
fn input(case: &Case, generator: &mut Generator) -> Vec<f64> {
    let count = BATCH * case.input.iter().product::<usize>();
    (0..count)
        .map(|_| match case.kind {
            Kind::Int => f64::from((generator.uniform() * 6.99).floor()),
            _ => f64::from(generator.between(-1.0, 1.0)),
        })
        .collect()
}

fn shape(case: &Case) -> Vec<usize> {
    let mut shape = vec![BATCH];
    shape.extend(&case.input);
    shape
}

fn model(case: &Case) -> TestResult<Model> {
    let input = Input::new(case.input.clone()).dtype(case.kind);
    let mut nodes = vec![input.node()];
    for i in 1..case.inputs {
        let copy = Rescaling::new(0.5 - i as f32).offset(0.3).call(&input)?;
        nodes.extend(copy.nodes().iter().cloned());
    }
    Ok(Model::new(&input, &case.layer.call(nodes)?)?)
}

#[test]
fn what_comes_out_has_the_inferred_shape() -> TestResult {
    for (backend, device) in devices()? {
        set_device(&device);
        for case in cases() {
            let model = model(&case)?;
            let values: Vec<f32> = input(&case, &mut Generator::new(1))
                .iter()
                .map(|v| *v as f32)
                .collect();
            let x = AnyTensor::from_f32(values, &shape(&case), &device)?;
            for training in [false, true] {
                let mut context = if training {
                    Context::training(Generator::new(2))
                } else {
                    Context::inference()
                };
                let outputs = model.forward(std::slice::from_ref(&x), &mut context)?;
                let inferred = model.output_shapes()?;
                assert_eq!(outputs.len(), inferred.len(), "{} on {backend}", case.name);
                for (output, inferred) in outputs.iter().zip(inferred) {
                    assert!(
                        inferred.admits(&output.shape()),
                        "{} on {backend}: {:?} came out, {inferred} was inferred",
                        case.name,
                        output.shape()
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn weights_can_be_taken_out_and_put_back() -> TestResult {
    for (backend, device) in devices()? {
        set_device(&device);
        for case in cases() {
            let model = model(&case)?;
            let mut changed = model.get_weights()?;
            for (i, weight) in changed.iter_mut().enumerate() {
                weight
                    .iter_mut()
                    .enumerate()
                    .for_each(|(j, v)| *v = (i * 100 + j) as f32);
            }
            model.set_weights(&changed)?;
            assert_eq!(model.get_weights()?, changed, "{} on {backend}", case.name);

            let mut wrong = changed.clone();
            wrong.push(ndarray::ArrayD::zeros(vec![1]));
            assert!(
                model.set_weights(&wrong).is_err(),
                "{}: a weight too many",
                case.name
            );
            if let Some(first) = wrong.first_mut().filter(|_| !changed.is_empty()) {
                *first = ndarray::ArrayD::zeros(vec![1, 1, 1]);
                wrong.pop();
                assert!(
                    model.set_weights(&wrong).is_err(),
                    "{}: a weight of another shape",
                    case.name
                );
                assert_eq!(
                    model.get_weights()?,
                    changed,
                    "{}: refused weights changed nothing",
                    case.name
                );
            }
        }
    }
    Ok(())
}

#[test]
fn the_configuration_makes_the_same_layer_again() -> TestResult {
    let registry = Registry::new();
    let mut met = std::collections::HashSet::new();
    set_device(&Backend::Flex.open()?);
    for case in cases() {
        let original = model(&case)?;
        let json = case.layer.to_json();
        met.insert(case.layer.class_name());
        let copied = Case {
            layer: LayerHandle::from(registry.layer_from_json(&json)?),
            ..case.clone()
        };
        let copy = model(&copied)?;
        copy.set_weights(&original.get_weights()?)?;
        assert_eq!(copied.layer.config(), case.layer.config(), "{}", case.name);

        let values: Vec<f32> = input(&case, &mut Generator::new(3))
            .iter()
            .map(|v| *v as f32)
            .collect();
        let x = (values, [BATCH, case.input.iter().product::<usize>()]);
        let x = ndarray::Array::from_shape_vec(x.1, x.0)?.into_shape_with_order(shape(&case))?;
        // Which implementation runs is not part of Keras' configuration, and they round differently.
        let outputs = |model: &Model| model.predict_all(&x).map(|all| all.into_arrays());
        for (got, wanted) in outputs(&copy)?.iter().zip(&outputs(&original)?) {
            assert_close(case.name, got, wanted, 1e-6, 0.0);
        }
    }
    for class_name in registry.class_names() {
        assert!(
            met.contains(class_name),
            "no case of this test has a {class_name}"
        );
    }
    Ok(())
}

/// Turns every parameter into double precision.
struct ToF64;

impl ModuleMapper for ToF64 {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|t| t.cast(DType::F64))
    }
}

/// Adds `by` to one value of one parameter.
struct Nudge {
    id: ParamId,
    index: usize,
    by: f64,
}

impl ModuleMapper for Nudge {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.id {
            return param;
        }
        param.map(|t| {
            let device = t.device();
            let shape = t.dims();
            let mut values: Vec<f64> = t.try_into_vec_as().expect("values on a CPU");
            values[self.index] += self.by;
            Tensor::from_data(TensorData::new(values, shape), (&device, DType::F64))
        })
    }
}

fn f64_input(values: &[f64], shape: &[usize], device: &Device) -> TestResult<Tensor<1>> {
    assert_eq!(values.len(), shape.iter().product::<usize>());
    Ok(Tensor::from_data(
        TensorData::new(values.to_vec(), [values.len()]),
        (device, DType::F64),
    ))
}

/// `Σ output · r` with fixed random `r`.
fn objective(model: &Model, x: Tensor<1>, shape: &[usize]) -> TestResult<Tensor<1>> {
    let x = AnyTensor::from_flat(x, shape)?;
    let outputs = model.forward(&[x], &mut Context::inference())?;
    let mut generator = Generator::new(9);
    let mut total: Option<Tensor<1>> = None;
    for output in outputs {
        let flat = output.float_flat()?;
        assert_eq!(flat.dtype(), DType::F64, "the output left double precision");
        let r: Vec<f64> = (0..flat.dims()[0])
            .map(|_| f64::from(generator.between(-1.0, 1.0)))
            .collect();
        let r = Tensor::from_data(
            TensorData::new(r, [flat.dims()[0]]),
            (&flat.device(), DType::F64),
        );
        let part = (flat * r).sum();
        total = Some(total.map_or(part.clone(), |t| t + part));
    }
    total.ok_or_else(|| "no output".into())
}

fn scalar(tensor: Tensor<1>) -> TestResult<f64> {
    let values: Vec<f64> = tensor.try_into_vec_as().map_err(|e| format!("{e}"))?;
    values.first().copied().ok_or_else(|| "no value".into())
}

#[test]
fn gradients_are_those_of_finite_differences_in_double_precision() -> TestResult {
    struct Ids(Vec<(ParamId, usize)>);
    impl ModuleVisitor for Ids {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            if value.is_require_grad() {
                self.0.push((param.id, value.shape().num_elements()));
            }
        }
    }
    struct Gradient<'a> {
        gradients: &'a burn::tensor::Gradients,
        id: ParamId,
        found: Option<Vec<f64>>,
    }
    impl ModuleVisitor for Gradient<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.id == self.id {
                self.found = param
                    .val()
                    .grad(self.gradients)
                    .map(|g| g.try_into_vec_as().expect("values on a CPU"));
            }
        }
    }

    // NdArray computes the sigmoid of doubles in single precision, so only flex can be checked this closely.
    let device = Backend::Flex.open()?;
    set_device(&device);
    const STEP: f64 = 1e-5;
    for case in cases() {
        let model = model(&case)?.map(&mut ToF64);
        let values = input(&case, &mut Generator::new(4));
        let shape = shape(&case);
        let value = |model: &Model, values: &[f64]| -> TestResult<f64> {
            scalar(objective(
                model,
                f64_input(values, &shape, &device)?,
                &shape,
            )?)
        };

        let tracked = model.clone().train();
        let x = f64_input(&values, &shape, &device)?;
        let x = if case.kind == Kind::Float {
            x.autodiff().require_grad()
        } else {
            x
        };
        let total = objective(&tracked, x.clone(), &shape)?;
        assert!(total.is_tracked(), "{}: nothing is tracked", case.name);
        let gradients = total.backward();

        let mut ids = Ids(Vec::new());
        tracked.visit(&mut ids);
        for (id, count) in ids.0 {
            let mut wanted = Gradient {
                gradients: &gradients,
                id,
                found: None,
            };
            tracked.visit(&mut wanted);
            let got = wanted
                .found
                .ok_or_else(|| format!("{}: a weight without gradient", case.name))?;
            for index in 0..count {
                let at = |by: f64| value(&model.clone().map(&mut Nudge { id, index, by }), &values);
                let difference = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
                assert!(
                    (got[index] - difference).abs() < 1e-7,
                    "{}: gradient {} of a weight at {index}, {difference} by finite differences",
                    case.name,
                    got[index]
                );
            }
        }
        if case.kind == Kind::Float {
            let got = x
                .grad(&gradients)
                .ok_or_else(|| format!("{}: no gradient of the input", case.name))?;
            let got: Vec<f64> = got.try_into_vec_as().map_err(|e| format!("{e}"))?;
            for index in 0..values.len() {
                let at = |by: f64| {
                    let mut values = values.clone();
                    values[index] += by;
                    value(&model, &values)
                };
                let difference = (at(STEP)? - at(-STEP)?) / (2.0 * STEP);
                assert!(
                    (got[index] - difference).abs() < 1e-7,
                    "{}: gradient {} of the input at {index}, {difference} by finite differences",
                    case.name,
                    got[index]
                );
            }
        }
    }
    Ok(())
}
