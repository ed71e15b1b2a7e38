//! The GPU kernels against those of the CPU, results and gradients. Needs a GPU or a software Vulkan driver.
#![cfg(feature = "wgpu")]

mod support;

use burn::tensor::{DType, Device, DeviceKind, Tensor};
use burn_recurrent::{Error, check_support};
use support::{Case, Kind, case};

fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

/// Results, and the gradients of the arguments that there are.
fn compute(case: &Case, device: &Device) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let device = device.clone().autodiff();
    let place = (&device, DType::F32);
    let tracked = Case::tensors(&case.values(), place).map(Tensor::require_grad);
    let results = case.results(&tracked, place);
    let numbers = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().unwrap();
    let values = results.iter().cloned().map(numbers).collect();
    let gradients = Case::loss(results, place).backward();
    let gradients = (0..6)
        .filter(|i| case.has(*i))
        .map(|i| numbers(tracked[i].grad(&gradients).unwrap()));
    (values, gradients.collect())
}

/// Both compute in `f32`. Exponential and tanh of a GPU are precise to some units in the last place (Vulkan
/// allows `3 + 2|x|` for the exponential), sums are in another order, and both add up over the steps.
const TOLERANCE: f32 = 2e-5;

fn compare(what: &str, case: &Case, given: &[Vec<f32>], expected: &[Vec<f32>]) {
    assert_eq!(given.len(), expected.len(), "{case:?}");
    for (which, (given, expected)) in given.iter().zip(expected).enumerate() {
        assert_eq!(given.len(), expected.len(), "{case:?}: {what} {which}");
        let largest = expected.iter().fold(1.0f32, |max, v| max.max(v.abs()));
        for (i, (given, expected)) in given.iter().zip(expected).enumerate() {
            // Written so that NaN fails.
            let close = (given - expected).abs() < TOLERANCE * largest;
            assert!(
                close,
                "{case:?}: {what} {which}[{i}] is {given} on the GPU, {expected} on the CPU"
            );
        }
    }
}

fn check(case: Case) {
    let (results, gradients) = compute(&case, &gpu());
    let (expected, expected_gradients) = compute(&case, &Device::flex());
    compare("result", &case, &results, &expected);
    compare("gradient", &case, &gradients, &expected_gradients);
}

/// Cases that between them have every option.
fn options(case: Case) -> Vec<Case> {
    let mut all = vec![case];
    for (sequences, states) in [(false, false), (false, true), (true, false)] {
        all.push(Case {
            sequences,
            states,
            ..case
        });
    }
    all.push(Case {
        bias: false,
        ..case
    });
    all.push(Case {
        initial: false,
        ..case
    });
    for restore_order in [false, true] {
        all.push(Case {
            reverse: true,
            restore_order,
            ..case
        });
    }
    for (zero_output, sequences) in [(false, true), (true, true), (true, false)] {
        all.push(Case {
            mask: true,
            zero_output,
            sequences,
            ..case
        });
    }
    for (input_dropout, recurrent_dropout) in [
        (1, false),
        (usize::MAX, false),
        (0, true),
        (1, true),
        (usize::MAX, true),
    ] {
        all.push(Case {
            input_dropout,
            recurrent_dropout,
            ..case
        });
    }
    all.push(Case {
        mask: true,
        reverse: true,
        restore_order: true,
        input_dropout: usize::MAX,
        recurrent_dropout: true,
        ..case
    });
    all.push(Case {
        mask: true,
        bias: false,
        initial: false,
        recurrent_dropout: true,
        ..case
    });
    all
}

#[test]
fn every_option_of_lstm() {
    options(case(Kind::Lstm)).into_iter().for_each(check);
}

#[test]
fn every_option_of_gru() {
    options(case(Kind::Gru)).into_iter().for_each(check);
}

#[test]
fn every_option_of_gru_with_reset_before() {
    options(case(Kind::GruResetBefore))
        .into_iter()
        .for_each(check);
}

#[test]
fn every_option_of_simple_rnn() {
    options(case(Kind::SimpleRnn)).into_iter().for_each(check);
}

#[test]
fn odd_sizes() {
    for kind in Kind::ALL {
        for (batch, steps, features, units) in [
            (1, 1, 1, 1),
            (1, 5, 3, 2),
            (7, 2, 1, 31),
            (2, 3, 11, 37),
            (13, 1, 2, 64),
            (2, 2, 3, 100),
            (1, 2, 2, 255),
        ] {
            check(Case {
                batch,
                steps,
                features,
                units,
                ..case(kind)
            });
        }
    }
}

/// More rows than one dimension of a launch can count on any device.
#[test]
fn many_rows() {
    check(Case {
        batch: 65_537,
        steps: 1,
        features: 1,
        units: 1,
        initial: false,
        ..case(Kind::Lstm)
    });
}

/// The largest layer whose sequence is one launch.
#[test]
fn as_many_units_as_the_persistent_kernels_have() {
    for kind in Kind::ALL {
        check(Case {
            batch: 2,
            steps: 2,
            units: 256,
            ..case(kind)
        });
    }
}

/// Above 256 units the sequence goes a step at a time.
#[test]
fn more_units_than_the_persistent_kernels_have() {
    for kind in Kind::ALL {
        check(Case {
            batch: 2,
            steps: 2,
            units: 257,
            ..case(kind)
        });
    }
}

#[test]
fn more_units_with_dropout_and_mask() {
    check(Case {
        batch: 3,
        steps: 3,
        units: 257,
        mask: true,
        reverse: true,
        zero_output: true,
        recurrent_dropout: true,
        ..case(Kind::Lstm)
    });
}

#[test]
fn double_precision_is_refused_by_name() {
    let refusal = check_support(&gpu(), DType::F64).unwrap_err();
    assert!(
        matches!(
            refusal,
            Error::UnsupportedDType {
                given: DType::F64,
                fused: "F32"
            }
        ),
        "{refusal}"
    );
    assert!(check_support(&gpu().autodiff(), DType::F32).is_ok());
}
