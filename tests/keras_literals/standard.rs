//! `rnn/lstm_test.py`, `rnn/gru_test.py` and `rnn/simple_rnn_test.py`.

use burn_keras::backend::default_device;
use burn_keras::config::Config;
use burn_keras::layers::Context;
use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras::tensor::AnyTensor;
use burn_keras_tests::TestResult;
use serde_json::{Value, json};

use crate::{
    arange, assert_units, assert_values, everywhere, filled, model, output, outputs, second_call,
};

// rnn/lstm_test.py

#[test]
fn lstm_test_basics() -> TestResult {
    let x = arange(&[3, 2, 4]);
    for (sequences, shape) in [(false, vec![3, 3]), (true, vec![3, 2, 3])] {
        let layer = Lstm::new(3)
            .return_sequences(sequences)
            .kernel_regularizer("l2")
            .recurrent_regularizer("l2")
            .bias_regularizer("l1");
        let model = model(layer, &x, &[])?;
        assert_eq!(outputs(&model, &x, &[], &[])?[0].shape(), shape);
        assert_eq!(model.get_weights()?.len(), 3);
        assert_eq!(model.losses(&mut Context::inference())?.len(), 3);
    }
    for recurrent_dropout in [0.0, 0.5] {
        let layer = Lstm::new(3).dropout(0.5);
        let model = model(layer.recurrent_dropout(recurrent_dropout), &x, &[])?;
        let input =
            AnyTensor::from_f32(x.iter().copied().collect(), x.shape(), &default_device()?)?;
        let mut context = Context::training(Generator::new(1));
        assert_eq!(model.forward(&[input], &mut context)?[0].shape(), [3, 3]);
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
