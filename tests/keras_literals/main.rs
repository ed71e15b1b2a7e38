//! The numbers that Keras' own tests of its recurrent layers state, for the same layers here.
//!
//! Each test names the file under `keras/src/layers` and the test there (keras 3.15.1). Their weights are constants, so
//! they can't tell gates apart; `layer_parity` does that with random ones.

use burn::module::{Module, Param};
use burn::tensor::{Bool, Device, Tensor, TensorData};
use burn_keras::backend::{Backend, set_device};
use burn_keras::config::Config;
use burn_keras::initializers::Initializer;
use burn_keras::layers::{
    Cell, Context, DropoutMasks, LayerOptions, Registry, StackedRnnCells, WeightBuilder,
};
use burn_keras::prelude::*;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::{TestResult, devices};
use ndarray::{Array2, ArrayD, IxDyn};
use serde_json::{Map, Value, json};

/// The numbers from 0 on under a shape, as numpy's `arange`.
fn arange(shape: &[usize]) -> ArrayD<f32> {
    let values = (0..shape.iter().product::<usize>()).map(|v| v as f32);
    ArrayD::from_shape_vec(IxDyn(shape), values.collect()).expect("as many values as the shape has")
}

fn ones(shape: &[usize]) -> ArrayD<f32> {
    ArrayD::ones(IxDyn(shape))
}

fn constant(value: f32) -> Initializer {
    Initializer::Constant { value }
}

/// The weights of most of these tests.
fn filled<L: CellExt>(layer: L) -> L {
    layer
        .kernel_initializer(constant(0.01))
        .recurrent_initializer(constant(0.02))
        .bias_initializer(constant(0.03))
}

/// A model of one layer for batches of this shape, with `states` initial states of a shape.
fn model(layer: impl LayerExt, x: &ArrayD<f32>, states: &[ArrayD<f32>]) -> TestResult<Model> {
    let mut inputs = Vec::new();
    for array in std::iter::once(x).chain(states) {
        let sample = &array.shape()[1..];
        inputs.push(Input::new(sample).batch_size(array.shape()[0]).node());
    }
    let outputs = layer.call(inputs.clone())?;
    Ok(Model::new(inputs, outputs)?)
}

/// The outputs for one batch, with a mask if there is one; a stateful layer keeps its states.
fn outputs(
    model: &Model,
    x: &ArrayD<f32>,
    states: &[ArrayD<f32>],
    mask: &[&[u8]],
) -> TestResult<Vec<ArrayD<f32>>> {
    let device = burn_keras::backend::default_device()?;
    let tensor = |array: &ArrayD<f32>| {
        AnyTensor::from_f32(array.iter().copied().collect(), array.shape(), &device)
    };
    let mut inputs = vec![tensor(x)?.with_mask(bools(mask, &device))];
    for state in states {
        inputs.push(tensor(state)?);
    }
    let mut context = Context::inference();
    let outputs = model.forward(&inputs, &mut context)?;
    model.keep(&mut context);
    let arrays = outputs
        .iter()
        .map(|y| Ok(ArrayD::from_shape_vec(IxDyn(&y.shape()), y.to_vec()?)?));
    arrays.collect()
}

fn bools(mask: &[&[u8]], device: &Device) -> Option<Tensor<2, Bool>> {
    let shape = [mask.len(), mask.first()?.len()];
    let values: Vec<bool> = mask
        .iter()
        .flat_map(|row| row.iter().map(|v| *v == 1))
        .collect();
    Some(Tensor::from_data(TensorData::new(values, shape), device))
}

/// The only output of a layer in one call.
fn output(layer: impl LayerExt, x: &ArrayD<f32>, mask: &[&[u8]]) -> TestResult<ArrayD<f32>> {
    Ok(outputs(&model(layer, x, &[])?, x, &[], mask)?.remove(0))
}

/// Compares with values that are the same for all units, within Keras' own tolerance.
fn assert_units(what: &str, got: &ArrayD<f32>, wanted: &[f32]) {
    let units = got.shape().last().copied().unwrap_or(1);
    let wanted: Vec<f32> = wanted.iter().flat_map(|v| vec![*v; units]).collect();
    assert_values(what, got, &wanted);
}

fn assert_values(what: &str, got: &ArrayD<f32>, wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len(), "{what}: {:?}", got.shape());
    for (got, wanted) in got.iter().zip(wanted) {
        let allowed = 1e-5 + 1e-5 * wanted.abs();
        assert!(
            (got - wanted).abs() <= allowed,
            "{what}: {got}, Keras' test says {wanted}"
        );
    }
}

/// Runs a test on every backend and in every implementation.
fn everywhere(test: impl Fn(Implementation) -> TestResult) -> TestResult {
    for (_, device) in devices()? {
        set_device(&device);
        for implementation in [Implementation::Fused, Implementation::Burn] {
            test(implementation)?;
        }
    }
    Ok(())
}

/// Two calls of a stateful layer; after a reset they give the same again.
fn second_call(layer: impl LayerExt, x: &ArrayD<f32>) -> TestResult<Vec<ArrayD<f32>>> {
    let model = model(layer, x, &[])?;
    outputs(&model, x, &[], &[])?;
    let second = outputs(&model, x, &[], &[])?;
    model.reset_states();
    outputs(&model, x, &[], &[])?;
    assert_eq!(outputs(&model, x, &[], &[])?, second, "after a reset");
    Ok(second)
}

// rnn/lstm_test.py

#[test]
fn lstm_test_basics() -> TestResult {
    let x = arange(&[3, 2, 4]);
    for (sequences, shape) in [(false, vec![3, 3]), (true, vec![3, 2, 3])] {
        let layer = Lstm::new(3)
            .return_sequences(sequences)
            .kernel_regularizer("l1")
            .recurrent_regularizer("l2")
            .bias_regularizer("l2");
        let model = model(layer, &x, &[])?;
        assert_eq!(outputs(&model, &x, &[], &[])?[0].shape(), shape);
        assert_eq!(model.get_weights()?.len(), 3);
        assert_eq!(model.losses(&mut Context::inference())?.len(), 3);
    }
    Ok(())
}

#[test]
fn lstm_test_correctness() -> TestResult {
    everywhere(|way| {
        let x = arange(&[3, 6, 4]);
        let layer = || filled(Lstm::new(3)).implementation(way);
        let forward = [0.628_868_7, 0.868_991_55, 0.946_077_3];
        let backward = [0.356_221_65, 0.747_895_24, 0.887_272_6];
        assert_units("default", &output(layer(), &x, &[])?, &forward);
        let y = output(layer().go_backwards(true), &x, &[])?;
        assert_units("go_backwards", &y, &backward);
        assert_units("unroll", &output(layer().unroll(true), &x, &[])?, &forward);
        let y = output(layer().unit_forget_bias(false), &x, &[])?;
        assert_units(
            "unit_forget_bias",
            &y,
            &[0.570_197_05, 0.866_191_4, 0.945_962_2],
        );
        let y = output(layer().use_bias(false), &x, &[])?;
        assert_units("use_bias", &y, &[0.549_869_24, 0.862_267_85, 0.944_393_6]);
        Ok(())
    })
}

#[test]
fn lstm_test_statefulness() -> TestResult {
    everywhere(|way| {
        let layer = filled(Lstm::new(4)).stateful(true).implementation(way);
        let y = second_call(layer, &arange(&[2, 3, 4]))?;
        assert_units("second call", &y[0], &[0.312_478_5, 0.686_367_2]);
        Ok(())
    })
}

#[test]
fn lstm_test_pass_initial_state() -> TestResult {
    everywhere(|way| {
        let (x, state) = (arange(&[2, 4, 3]), arange(&[2, 2]));
        let states = [state.clone(), state];
        for (backwards, wanted) in [
            (false, [0.205_744_39, 0.355_882_2, 0.649_308_26, 0.662_76]),
            (true, [0.132_816_18, 0.279_035_6, 0.583_933_7, 0.599_256_7]),
        ] {
            let layer = filled(Lstm::new(2))
                .go_backwards(backwards)
                .implementation(way);
            let y = outputs(&model(layer, &x, &states)?, &x, &states, &[])?;
            assert_values("initial state", &y[0], &wanted);
        }
        Ok(())
    })
}

#[test]
fn lstm_test_masking() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 4, 3]);
        let mask: &[&[u8]] = &[&[1, 1, 1, 0], &[1, 1, 0, 0]];
        let layer = || filled(Lstm::new(2)).implementation(way);
        let y = output(layer().unroll(true), &x, mask)?;
        assert_units("unroll", &y, &[0.117_559_39, 0.285_562_06]);
        let y = output(layer().return_sequences(true), &x, mask)?;
        let (a, b, c) = (0.015_889_1, 0.055_520_48, 0.117_559_39);
        let (d, e) = (0.141_855_96, 0.285_562_06);
        assert_units("sequences", &y, &[a, b, c, c, d, e, e, e]);
        let y = output(
            layer().return_sequences(true).zero_output_for_mask(true),
            &x,
            mask,
        )?;
        assert_units("zero_output_for_mask", &y, &[a, b, c, 0.0, d, e, 0.0, 0.0]);
        let mask: &[&[u8]] = &[&[0, 1, 1, 1], &[0, 0, 1, 1]];
        let y = output(layer().go_backwards(true), &x, mask)?;
        assert_units("go_backwards", &y, &[0.153_412_01, 0.384_471_9]);
        Ok(())
    })
}

// rnn/gru_test.py

#[test]
fn gru_test_correctness() -> TestResult {
    everywhere(|way| {
        let x = arange(&[3, 6, 4]);
        let layer = || filled(Gru::new(3)).implementation(way);
        let forward = [0.521_728_9, 0.637_165_9, 0.393_849_64];
        assert_units("default", &output(layer(), &x, &[])?, &forward);
        let y = output(layer().go_backwards(true), &x, &[])?;
        assert_units("go_backwards", &y, &[0.244_062_59, 0.611_516, 0.392_880_8]);
        assert_units("unroll", &output(layer().unroll(true), &x, &[])?, &forward);
        let y = output(layer().reset_after(false), &x, &[])?;
        assert_units(
            "reset_after",
            &y,
            &[0.514_477_55, 0.642_687_9, 0.402_082_98],
        );
        let y = output(layer().use_bias(false), &x, &[])?;
        assert_units("use_bias", &y, &[0.499_884_55, 0.647_011_94, 0.410_335_9]);
        Ok(())
    })
}

#[test]
fn gru_test_statefulness() -> TestResult {
    everywhere(|way| {
        let layer = filled(Gru::new(4)).stateful(true).implementation(way);
        let y = second_call(layer, &arange(&[2, 3, 4]))?;
        assert_units("second call", &y[0], &[0.295_423_92, 0.588_501_8]);
        Ok(())
    })
}

#[test]
fn gru_test_pass_initial_state_and_test_pass_return_state() -> TestResult {
    everywhere(|way| {
        let (x, states) = (arange(&[2, 4, 3]), [arange(&[2, 2])]);
        for (backwards, wanted) in [
            (
                false,
                [0.237_740_96, 0.335_084_56, 0.836_599_05, 1.022_770_8],
            ),
            (
                true,
                [0.134_860_53, 0.232_612_18, 0.782_573_04, 0.969_135_3],
            ),
        ] {
            let layer = filled(Gru::new(2))
                .go_backwards(backwards)
                .implementation(way);
            let layer = layer.return_state(true);
            let y = outputs(&model(layer, &x, &states)?, &x, &states, &[])?;
            assert_values("output", &y[0], &wanted);
            assert_values("state", &y[1], &wanted);
        }
        Ok(())
    })
}

#[test]
fn gru_test_masking() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 4, 3]);
        let mask: &[&[u8]] = &[&[1, 1, 0, 1], &[1, 0, 0, 1]];
        let layer = || filled(Gru::new(2)).implementation(way);
        let y = output(layer().unroll(true), &x, mask)?;
        assert_units("unroll", &y, &[0.193_937_63, 0.308_185_58]);
        let y = output(layer().return_sequences(true), &x, mask)?;
        let (a, b, c) = (0.036_066_92, 0.094_975_81, 0.193_937_63);
        let (d, e) = (0.160_514_09, 0.308_185_58);
        assert_units("sequences", &y, &[a, b, b, c, d, d, d, e]);
        let y = output(
            layer().return_sequences(true).zero_output_for_mask(true),
            &x,
            mask,
        )?;
        assert_units("zero_output_for_mask", &y, &[a, b, 0.0, c, d, 0.0, 0.0, e]);
        let y = output(layer().go_backwards(true), &x, mask)?;
        assert_units("go_backwards", &y, &[0.116_691_92, 0.283_809_75]);
        Ok(())
    })
}

#[test]
fn gru_test_legacy_implementation_argument() -> TestResult {
    let Value::Object(config) = json!({"units": 2, "implementation": 0}) else {
        return Err("no object".into());
    };
    assert_eq!(Gru::from_config(&Config::new("GRU", config))?.units(), 2);
    Ok(())
}

// rnn/simple_rnn_test.py

#[test]
fn simple_rnn_test_correctness() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 3, 4]);
        for unroll in [false, true] {
            let layer = || filled(SimpleRnn::new(4)).unroll(unroll).implementation(way);
            assert_units(
                "default",
                &output(layer(), &x, &[])?,
                &[0.405_432, 0.736_053_47],
            );
            let y = output(layer().go_backwards(true), &x, &[])?;
            assert_units("go_backwards", &y, &[0.111_447_29, 0.552_888_9]);
        }
        Ok(())
    })
}

#[test]
fn simple_rnn_test_statefulness() -> TestResult {
    everywhere(|way| {
        let layer = filled(SimpleRnn::new(4)).stateful(true).implementation(way);
        let y = second_call(layer, &arange(&[2, 3, 4]))?;
        assert_units("second call", &y[0], &[0.405_592_56, 0.736_124_7]);
        Ok(())
    })
}

#[test]
fn simple_rnn_test_pass_initial_state() -> TestResult {
    everywhere(|way| {
        let (x, states) = (arange(&[2, 4, 3]), [arange(&[2, 4])]);
        for (backwards, wanted) in [
            (false, [0.336_216_45, 0.626_263_7]),
            (true, [0.073_444_37, 0.430_436_02]),
        ] {
            let layer = filled(SimpleRnn::new(4))
                .go_backwards(backwards)
                .implementation(way);
            let y = outputs(&model(layer, &x, &states)?, &x, &states, &[])?;
            assert_units("initial state", &y[0], &wanted);
        }
        Ok(())
    })
}

#[test]
fn simple_rnn_test_masking() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 4, 3]);
        let mask: &[&[u8]] = &[&[1, 1, 0, 1], &[1, 0, 0, 1]];
        let layer = |units| filled(SimpleRnn::new(units)).implementation(way);
        let y = output(layer(4).unroll(true), &x, mask)?;
        assert_units("unroll", &y, &[0.329_516_32, 0.617_994_84]);
        let y = output(layer(2).return_sequences(true), &x, mask)?;
        let (a, b, c) = (0.059_928_1, 0.151_228_14, 0.323_945_67);
        let (d, e) = (0.396_930_4, 0.608_085);
        assert_units("sequences", &y, &[a, b, b, c, d, d, d, e]);
        let y = output(
            layer(2).return_sequences(true).zero_output_for_mask(true),
            &x,
            mask,
        )?;
        assert_units("zero_output_for_mask", &y, &[a, b, 0.0, c, d, 0.0, 0.0, e]);
        let y = output(layer(4).go_backwards(true), &x, mask)?;
        assert_units("go_backwards", &y, &[0.073_761_96, 0.436_451_23]);
        Ok(())
    })
}

// rnn/rnn_test.py and rnn/stacked_rnn_cells_test.py: cells of one's own, all weights 1

/// `OneStateRNNCell` and `TwoStatesRNNCell` of those files: each state is `x W + s0 R`, the output their sum.
#[derive(Module, Debug)]
struct Linear {
    kernel: Option<Param<Tensor<2>>>,
    recurrent_kernel: Option<Param<Tensor<2>>>,
    #[module(skip)]
    units: usize,
    #[module(skip)]
    states: usize,
    #[module(skip)]
    options: LayerOptions,
}

impl Linear {
    fn new(units: usize, states: usize) -> Self {
        Self {
            kernel: None,
            recurrent_kernel: None,
            units,
            states,
            options: LayerOptions::default(),
        }
    }
}

impl Cell for Linear {
    fn class_name(&self) -> &str {
        "Linear"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn state_sizes(&self) -> Vec<usize> {
        vec![self.units; self.states]
    }

    fn features(&self) -> Option<usize> {
        self.kernel.as_ref().map(|kernel| kernel.lazy_shape()[0])
    }

    fn build(&mut self, features: usize, weights: &mut WeightBuilder<'_>) -> Result<()> {
        self.kernel = Some(weights.weight([features, self.units], &Initializer::Ones)?);
        self.recurrent_kernel = Some(weights.weight([self.units; 2], &Initializer::Ones)?);
        Ok(())
    }

    fn step(
        &self,
        x: Tensor<2>,
        states: &[Tensor<2>],
        _masks: &DropoutMasks,
    ) -> Result<(Tensor<2>, Vec<Tensor<2>>)> {
        let (Some(kernel), Some(recurrent)) = (&self.kernel, &self.recurrent_kernel) else {
            return Err(Error::NotBuilt {
                needed_for: "step".to_string(),
            });
        };
        let h = x.matmul(kernel.val()) + states[0].clone().matmul(recurrent.val());
        Ok((h.clone() * self.states as f32, vec![h; self.states]))
    }

    fn config(&self) -> Map<String, Value> {
        Map::from_iter([
            ("units".to_string(), json!(self.units)),
            ("states".to_string(), json!(self.states)),
        ])
    }
}

#[test]
fn rnn_test_forward_pass_single_state_and_two_states() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = ones(&[1, 2, 3]);
    for (states, last, sequence) in [(1, 9.0, [3.0, 9.0]), (2, 18.0, [6.0, 18.0])] {
        let rnn = || Rnn::new(Linear::new(2, states));
        assert_units("last", &output(rnn(), &x, &[])?, &[last]);
        let y = output(rnn().return_sequences(true), &x, &[])?;
        assert_units("sequence", &y, &sequence);
        let y = outputs(&model(rnn().return_state(true), &x, &[])?, &x, &[], &[])?;
        assert_eq!(y.len(), 1 + states);
        y[1..]
            .iter()
            .for_each(|state| assert_units("state", state, &[9.0]));
    }
    Ok(())
}

#[test]
fn rnn_test_passing_initial_state_single_state_and_two_states() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = ones(&[2, 3, 2]);
    for (count, last) in [(1, 22.0), (2, 44.0)] {
        let states = vec![ones(&[2, 2]); count];
        let layer = Rnn::new(Linear::new(2, count)).return_state(true);
        let y = outputs(&model(layer, &x, &states)?, &x, &states, &[])?;
        assert_units("last", &y[0], &[last, last]);
        y[1..]
            .iter()
            .for_each(|state| assert_units("state", state, &[22.0, 22.0]));
    }
    Ok(())
}

#[test]
fn rnn_test_statefulness_single_state_and_two_states() -> TestResult {
    set_device(&Backend::Flex.open()?);
    for (states, last) in [(1, 45.0), (2, 90.0)] {
        let layer = Rnn::new(Linear::new(2, states))
            .stateful(true)
            .return_state(true);
        let y = second_call(layer, &ones(&[1, 2, 3]))?;
        assert_units("last", &y[0], &[last]);
        y[1..]
            .iter()
            .for_each(|state| assert_units("state", state, &[45.0]));
    }
    Ok(())
}

#[test]
fn rnn_test_go_backwards() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = arange(&[2, 3, 4]);
    let rnn = || Rnn::new(Linear::new(2, 1));
    assert_units(
        "backwards",
        &output(rnn().go_backwards(true), &x, &[])?,
        &[202.0, 538.0],
    );
    let y = second_call(rnn().stateful(true), &x)?;
    assert_units("stateful, second call", &y[0], &[954.0, 3978.0]);
    Ok(())
}

#[test]
fn rnn_test_masking() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = arange(&[2, 4, 3]);
    let mask: &[&[u8]] = &[&[1, 1, 1, 0], &[1, 1, 0, 0]];
    for unroll in [false, true] {
        let rnn = || Rnn::new(Linear::new(2, 1)).unroll(unroll);
        assert_units("last", &output(rnn(), &x, mask)?, &[57.0, 126.0]);
        let y = output(rnn().return_sequences(true), &x, mask)?;
        let wanted = [3.0, 18.0, 57.0, 57.0, 39.0, 126.0, 126.0, 126.0];
        assert_units("sequences", &y, &wanted);
    }
    Ok(())
}

#[test]
fn rnn_test_compute_output_shape_single_state_and_two_states() -> TestResult {
    set_device(&Backend::Flex.open()?);
    for states in [1, 2] {
        for (sequences, wanted) in [(false, "(None, 8)"), (true, "(None, None, 8)")] {
            let layer = Rnn::new(Linear::new(8, states))
                .return_sequences(sequences)
                .return_state(true);
            let outputs = layer.call(&Input::new((None, 5)))?;
            let shapes: Vec<String> = outputs
                .nodes()
                .iter()
                .map(|n| n.dims().to_string())
                .collect();
            assert_eq!(shapes[0], wanted);
            assert_eq!(shapes[1..], vec!["(None, 8)"; states]);
        }
    }
    Ok(())
}

#[test]
fn rnn_test_serialization() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut registry = Registry::new();
    registry.register("Linear", |config| {
        Ok(Linear::new(config.usize("units")?, config.usize("states")?))
    });
    let x = ones(&[1, 2, 3]);
    let layer = Rnn::new([Linear::new(3, 2), Linear::new(2, 1)]).return_sequences(true);
    let original = model(layer, &x, &[])?;
    let object = original.layers()[0].to_json();
    let copy = LayerHandle::from(registry.layer_from_json(&object)?);
    let input = Input::new([2, 3]);
    let copy = Model::new(&input, &copy.call(&input)?)?;
    assert_eq!(
        outputs(&copy, &x, &[], &[])?,
        outputs(&original, &x, &[], &[])?
    );
    Ok(())
}

#[test]
fn rnn_test_stateful_batch_size_mismatch_raises() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let rnn = Rnn::new(Linear::new(2, 1)).stateful(true);
    let error = rnn
        .call(&Input::new([4, 3]))
        .expect_err("no fixed batch size");
    assert!(error.to_string().contains("batch size"), "{error}");
    let model = model(rnn, &ones(&[2, 4, 3]), &[])?;
    let error = model.predict(&Array2::<f32>::ones((3, 12)).into_shape_with_order((3, 4, 3))?);
    let error = error.expect_err("3 samples for batches of 2");
    assert!(error.to_string().contains("batch size"), "{error}");
    Ok(())
}

#[test]
fn stacked_rnn_cells_test_correctness_single_state_and_two_states_stack() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = arange(&[2, 3, 4]);
    for (states, last, sequence, first, second) in [
        (
            1,
            [786.0, 4386.0],
            [18.0, 156.0, 786.0, 162.0, 1020.0, 4386.0],
            [158.0, 782.0],
            [786.0, 4386.0],
        ),
        (
            2,
            [3144.0, 17544.0],
            [72.0, 624.0, 3144.0, 648.0, 4080.0, 17544.0],
            [158.0, 782.0],
            [1572.0, 8772.0],
        ),
    ] {
        let rnn = || Rnn::new([Linear::new(3, states), Linear::new(2, states)]);
        assert_units("last", &output(rnn(), &x, &[])?, &last);
        let y = output(rnn().return_sequences(true), &x, &[])?;
        assert_units("sequence", &y, &sequence);
        let y = outputs(&model(rnn().return_state(true), &x, &[])?, &x, &[], &[])?;
        let (lower, upper) = y[1..].split_at(states);
        lower
            .iter()
            .for_each(|state| assert_units("first cell", state, &first));
        upper
            .iter()
            .for_each(|state| assert_units("second cell", state, &second));
    }
    Ok(())
}

#[test]
fn stacked_rnn_cells_test_statefullness_single_state_and_two_states() -> TestResult {
    set_device(&Backend::Flex.open()?);
    for (states, last) in [(1, [34_092.0, 173_196.0]), (2, [136_368.0, 692_784.0])] {
        let cells = StackedRnnCells::new([Linear::new(3, states), Linear::new(2, states)]);
        let y = second_call(Rnn::new(cells).stateful(true), &arange(&[2, 3, 4]))?;
        assert_units("second call", &y[0], &last);
    }
    Ok(())
}

#[test]
fn stacked_rnn_cells_test_return_state_stacked_lstm_cell() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let layer = Rnn::new([LstmCell::new(10), LstmCell::new(10)]).return_state(true);
    let [output, h1, c1, h2, c2] = layer.call(&Input::new([5, 3]))?.try_into()?;
    for node in [output, h1, c1, h2, c2] {
        assert_eq!(node.dims().to_string(), "(None, 10)");
    }
    Ok(())
}

#[test]
fn stacked_rnn_cells_test_stacked_lstm_cell_mask() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let cell = || {
        LstmCell::new(1)
            .kernel_initializer("ones")
            .recurrent_initializer("ones")
    };
    let y = output(
        Rnn::new([cell(), cell()]),
        &ones(&[2, 3, 4]),
        &[&[1, 1, 1], &[1, 1, 0]],
    )?;
    // Keras' test compares to four digits.
    for (got, wanted) in y.iter().zip([0.7793, 0.5998]) {
        assert!(
            (got - wanted).abs() < 1e-4,
            "{got}, Keras' test says {wanted}"
        );
    }
    Ok(())
}

// rnn/bidirectional_test.py

#[test]
fn bidirectional_test_correctness() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 3, 4]);
        let simple = || filled(SimpleRnn::new(2)).implementation(way);
        let (a, b, c, d) = (0.396_872_76, 0.100_042_95, 0.723_723_8, 0.533_915_94);
        let y = output(Bidirectional::new(simple()), &x, &[])?;
        assert_values("concat", &y, &[a, a, b, b, c, c, d, d]);
        let y = output(Bidirectional::new(simple()).merge_mode("ave"), &x, &[])?;
        assert_units("ave", &y, &[0.248_457_85, 0.628_819_9]);
        let apart = Bidirectional::new(simple()).merge_mode(None);
        let y = outputs(&model(apart, &x, &[])?, &x, &[], &[])?;
        assert_units("forward", &y[0], &[a, c]);
        assert_units("backward", &y[1], &[b, d]);
        let backward = SimpleRnn::new(2)
            .kernel_initializer(constant(0.03))
            .recurrent_initializer(constant(0.02))
            .bias_initializer(constant(0.01))
            .go_backwards(true)
            .implementation(way);
        let layer = Bidirectional::new(simple())
            .backward_layer(backward)
            .merge_mode("mul");
        assert_units(
            "mul",
            &output(layer, &x, &[])?,
            &[0.083_749_89, 0.674_083_4],
        );
        let gru = filled(Gru::new(2))
            .return_sequences(true)
            .implementation(way);
        let y = output(Bidirectional::new(gru).merge_mode("sum"), &x, &[])?;
        let wanted = [
            0.209_378_67,
            0.344_629_88,
            0.402_905_34,
            0.598_296_46,
            0.673_464_1,
            0.647_967_1,
        ];
        assert_units("sum", &y, &wanted);
        Ok(())
    })
}

#[test]
fn bidirectional_test_statefulness() -> TestResult {
    everywhere(|way| {
        let lstm = filled(Lstm::new(2)).stateful(true).implementation(way);
        let y = second_call(Bidirectional::new(lstm), &arange(&[2, 4, 3]))?;
        let (a, b, c, d) = (0.262_346_63, 0.169_591_46, 0.613_707_3, 0.538_164_6);
        assert_values("second call", &y[0], &[a, a, b, b, c, c, d, d]);
        Ok(())
    })
}

#[test]
fn bidirectional_test_pass_initial_state() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 4, 3]);
        let states = [1.0, 2.0, 3.0, 4.0].map(|factor| arange(&[2, 2]) * factor);
        let layer = Bidirectional::new(filled(Lstm::new(2)).implementation(way));
        let y = outputs(&model(layer, &x, &states)?, &x, &states, &[])?;
        let wanted = [
            0.207_946_02,
            0.457_712_4,
            0.140_463_75,
            0.481_916_73,
            0.668_263_6,
            0.671_190_9,
            0.609_436_45,
            0.609_504_46,
        ];
        assert_values("initial states", &y[0], &wanted);
        Ok(())
    })
}

#[test]
fn bidirectional_test_masking() -> TestResult {
    everywhere(|way| {
        let layer = Bidirectional::new(filled(Gru::new(2)).implementation(way));
        let mask: &[&[u8]] = &[&[1, 1, 0, 1], &[1, 0, 0, 1]];
        let y = output(layer, &arange(&[2, 4, 3]), mask)?;
        let (a, b, c, d) = (0.193_937_63, 0.116_691_92, 0.308_185_58, 0.283_809_75);
        assert_values("masked", &y, &[a, a, b, b, c, c, d, d]);
        Ok(())
    })
}

#[test]
fn bidirectional_test_return_state() -> TestResult {
    everywhere(|way| {
        let x = arange(&[2, 4, 3]);
        let lstm = filled(Lstm::new(2)).return_state(true).implementation(way);
        let y = outputs(&model(Bidirectional::new(lstm), &x, &[])?, &x, &[], &[])?;
        let (a, b, c, d) = (0.199_000_8, 0.126_597_55, 0.523_354_35, 0.447_179_82);
        assert_values("output", &y[0], &[a, a, b, b, c, c, d, d]);
        assert_units("forward h", &y[1], &[a, c]);
        assert_units("forward c", &y[2], &[0.355_671_85, 1.049_268_7]);
        assert_units("backward h", &y[3], &[b, d]);
        assert_units("backward c", &y[4], &[0.250_185_8, 0.941_473]);
        Ok(())
    })
}

#[test]
fn bidirectional_test_output_shape() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = arange(&[2, 2, 3]);
    let lstm = || Lstm::new(6).return_state(true);
    let shapes = |layer: Bidirectional| -> TestResult<Vec<Vec<usize>>> {
        let y = outputs(&model(layer, &x, &[])?, &x, &[], &[])?;
        Ok(y.iter().map(|y| y.shape().to_vec()).collect())
    };
    let states = vec![vec![2, 6]; 4];
    let found = shapes(Bidirectional::new(lstm()))?;
    assert_eq!(found, [vec![vec![2, 12]], states.clone()].concat());
    let found = shapes(Bidirectional::new(lstm()).merge_mode(None))?;
    assert_eq!(found, [vec![vec![2, 6]; 2], states].concat());
    Ok(())
}

// rnn/time_distributed_test.py

#[test]
fn time_distributed_test_correctness() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let dense = Dense::new(1)
        .kernel_initializer(constant(0.01))
        .use_bias(false);
    let y = output(TimeDistributed::new(dense), &arange(&[3, 2, 4]), &[])?;
    assert_values("each step", &y, &[0.06, 0.22, 0.38, 0.54, 0.70, 0.86]);
    Ok(())
}
