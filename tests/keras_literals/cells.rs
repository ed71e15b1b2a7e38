//! `rnn/rnn_test.py` and `rnn/stacked_rnn_cells_test.py`: cells of one's own, all weights 1.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn_keras::backend::{Backend, set_device};
use burn_keras::initializers::Initializer;
use burn_keras::layers::{
    Cell, DropoutMasks, LayerOptions, Registry, StackedRnnCells, WeightBuilder,
};
use burn_keras::prelude::*;
use burn_keras_tests::TestResult;
use ndarray::Array2;
use serde_json::{Map, Value, json};

use crate::{arange, assert_units, model, ones, output, outputs, second_call};

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
    let y = second_call(rnn().stateful(true).return_state(true), &x)?;
    assert_units("stateful, second call", &y[0], &[954.0, 3978.0]);
    assert_units("its state", &y[1], &[954.0, 3978.0]);
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
fn rnn_test_compute_output_shape_single_state_and_two_states_and_dynamic_shapes() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let shapes = |layer: Rnn, batch: [Option<usize>; 3]| -> TestResult<Vec<String>> {
        let input = layer.batch_input_shape(batch);
        let mut model = Sequential::new();
        model.add(input)?;
        Ok(vec![model.output_shape()?.to_string()])
    };
    for states in [1, 2] {
        let rnn = |sequences| Rnn::new(Linear::new(8, states)).return_sequences(sequences);
        for (batch, last, sequence) in [
            ([Some(3), Some(4), Some(5)], "(3, 8)", "(3, 4, 8)"),
            ([None, None, Some(3)], "(None, 8)", "(None, None, 8)"),
        ] {
            assert_eq!(shapes(rnn(false), batch)?, [last]);
            assert_eq!(shapes(rnn(true), batch)?, [sequence]);
            for (sequences, first) in [(false, last), (true, sequence)] {
                let input = match batch[0] {
                    Some(size) => Input::new([4, 5]).batch_size(size),
                    None => Input::new((None, 3)),
                };
                let outputs = rnn(sequences).return_state(true).call(&input)?;
                let found: Vec<String> = outputs
                    .nodes()
                    .iter()
                    .map(|n| n.dims().to_string())
                    .collect();
                assert_eq!(found[0], first);
                assert_eq!(found[1..], vec![last; states]);
            }
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
