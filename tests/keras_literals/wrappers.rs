//! `rnn/bidirectional_test.py`, `rnn/time_distributed_test.py` and `core/masking_test.py`.

use burn::module::Module;
use burn::tensor::Tensor;
use burn_keras::backend::{Backend, set_device};
use burn_keras::dims::Dims;
use burn_keras::layers::{Context, Layer, LayerOptions, MaskPolicy};
use burn_keras::models::StepMask;
use burn_keras::prelude::*;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::TestResult;
use ndarray::{Array, ArrayD};
use serde_json::{Map, Value};

use crate::{
    arange, assert_units, assert_values, constant, everywhere, filled, model, output, outputs,
    second_call,
};

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
    let x = arange(&[1, 2, 2]);
    let shapes = |layer: Bidirectional| -> TestResult<Vec<Vec<usize>>> {
        let y = outputs(&model(layer, &x, &[])?, &x, &[], &[])?;
        Ok(y.iter().map(|y| y.shape().to_vec()).collect())
    };
    let one = vec![1, 2];
    for return_state in [false, true] {
        let layer = || Bidirectional::new(Lstm::new(2).return_state(return_state));
        let states = vec![one.clone(); if return_state { 4 } else { 0 }];
        for (mode, merged) in [("ave", 2), ("concat", 4), ("mul", 2), ("sum", 2)] {
            let wanted = [vec![vec![1, merged]], states.clone()].concat();
            assert_eq!(shapes(layer().merge_mode(mode))?, wanted, "{mode}");
        }
        let wanted = [vec![one.clone(); 2], states].concat();
        assert_eq!(shapes(layer().merge_mode(None))?, wanted);
    }
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

/// `MaskedDense` of that test: each row times 0.01, summed, and 0 where the row is masked.
#[derive(Module, Debug)]
struct MaskedSum {
    #[module(skip)]
    options: LayerOptions,
}

impl Layer for MaskedSum {
    fn class_name(&self) -> &str {
        "MaskedSum"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![inputs[0].with_last(Some(1))])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        let x: Tensor<2> = inputs[0].float()?;
        let sum = x.sum_dim(1) * 0.01;
        Ok(vec![match inputs[0].mask() {
            Some(mask) => (sum * mask.clone().float()).into(),
            None => sum.into(),
        }])
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }
}

#[test]
fn time_distributed_test_masking() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let inner = MaskedSum {
        options: LayerOptions::default(),
    };
    let mask: &[&[u8]] = &[&[0, 1], &[1, 0], &[1, 1]];
    let y = output(TimeDistributed::new(inner), &arange(&[3, 2, 4]), mask)?;
    assert_values("masked steps", &y, &[0.0, 0.22, 0.38, 0.0, 0.70, 0.86]);
    Ok(())
}

#[test]
fn time_distributed_test_mask_validation() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = Input::new([5, 3]).batch_size(4);
    let layer = || TimeDistributed::new(Dense::new(5).activation("softmax"));
    let masked = |batch, steps| {
        let mask = Input::new([steps]).batch_size(batch);
        layer().call_with_mask(&x, &mask)
    };
    assert_eq!(masked(4, 5)?.dims().to_string(), "(4, 5, 5)");
    let unmasked = layer().call_with_mask(&x, StepMask::none())?;
    assert_eq!(unmasked.dims().to_string(), "(4, 5, 5)");
    for (batch, steps) in [(4, 6), (5, 5), (5, 6)] {
        let error = masked(batch, steps).expect_err("a mask of another shape");
        let error = error.to_string();
        let needed = "TimeDistributed needs a mask [batch = 4, timesteps = 5]";
        let given = format!("but got [batch = {batch}, timesteps = {steps}]");
        assert!(error.contains(needed) && error.contains(&given), "{error}");
    }
    Ok(())
}

// core/masking_test.py

/// `TestLayer` of that test: the mask that arrives comes out.
#[derive(Module, Debug)]
struct ShowMask {
    #[module(skip)]
    options: LayerOptions,
}

impl Layer for ShowMask {
    fn class_name(&self) -> &str {
        "ShowMask"
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn options_mut(&mut self) -> &mut LayerOptions {
        &mut self.options
    }

    fn output_dims(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![Dims::new([inputs[0].axis(0), inputs[0].axis(1)])])
    }

    fn forward(&self, inputs: &[AnyTensor], _context: &mut Context) -> Result<Vec<AnyTensor>> {
        match inputs[0].mask() {
            Some(mask) => Ok(vec![mask.clone().float().into()]),
            None => Err(Error::Model("no mask arrives".to_string())),
        }
    }

    fn mask_policy(&self) -> MaskPolicy {
        MaskPolicy::Consume
    }

    fn config(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// The data of that file.
fn with_absent_steps() -> TestResult<ArrayD<f32>> {
    let values = [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 2.0, 1.0];
    Ok(Array::from_shape_vec([2, 3, 2], values.to_vec())?.into_dyn())
}

#[test]
fn masking_test_masking_correctness() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let mut model = Sequential::new();
    model.add(Masking::new().mask_value(0.0).input_shape([3, 2]))?;
    model.add(ShowMask {
        options: LayerOptions::default(),
    })?;
    let mask = model.predict(&with_absent_steps()?)?;
    assert_values("mask", &mask, &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    Ok(())
}

#[test]
fn masking_test_masking_with_tensor() -> TestResult {
    set_device(&Backend::Flex.open()?);
    let x = with_absent_steps()?;
    let mut model = Sequential::new();
    model.add(Masking::new().input_shape([3, 2]))?;
    model.add(Lstm::new(1))?;
    // Keras' test gives the mask value as a tensor, which it writes like this.
    let mut object: Value = serde_json::from_str(&model.to_json()?)?;
    let value = object.pointer_mut("/config/layers/1/config/mask_value");
    *value.ok_or("no mask value")? = serde_json::json!({
        "class_name": "__tensor__",
        "config": {"value": [0.0], "dtype": "float32"},
    });
    let again = Model::from_json(&object.to_string())?;
    again.set_weights(&model.get_weights()?)?;
    assert_eq!(again.predict(&x)?, model.predict(&x)?);
    Ok(())
}
