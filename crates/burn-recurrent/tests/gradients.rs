//! Every gradient against finite differences in `f64`, on both CPU backends and every SIMD level.
#![allow(deprecated)]

mod support;

use burn::tensor::{DType, Device, Tensor};
use burn_recurrent::{SimdLevel, force_simd_level};
use std::sync::Mutex;
use support::{Case, Kind, case};

/// The SIMD level is the process'.
static LEVEL: Mutex<()> = Mutex::new(());

fn check(case: &Case, device: &Device) {
    let place = (device, DType::F64);
    let values = case.values();
    let tracked_device = device.clone().autodiff();
    let tracked_place = (&tracked_device, DType::F64);
    let tracked = Case::tensors(&values, tracked_place).map(Tensor::require_grad);
    let grads = Case::loss(case.results(&tracked, tracked_place), tracked_place).backward();
    for i in 0..6 {
        if !case.has(i) {
            continue;
        }
        let given: Vec<f64> = tracked[i]
            .grad(&grads)
            .unwrap()
            .into_data()
            .to_vec()
            .unwrap();
        for at in 0..values[i].len() {
            let loss = |delta: f64| -> f64 {
                let mut moved = values.clone();
                moved[i][at] += delta;
                let results = case.results(&Case::tensors(&moved, place), place);
                let loss = Case::loss(results, place);
                loss.into_data().try_to_vec::<f64>().unwrap()[0]
            };
            // Central differences: the error is of the order of delta² and rounding / delta.
            let delta = 1e-5;
            let expected = (loss(delta) - loss(-delta)) / (2.0 * delta);
            assert!(
                (given[at] - expected).abs() < 1e-8 * (1.0 + expected.abs()),
                "{case:?}: gradient {at} of input {i} is {}, finite differences say {expected}",
                given[at]
            );
        }
    }
}

fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

#[test]
fn gradients_of_plain_layers_at_every_simd_level() {
    let _guard = LEVEL.lock().unwrap();
    for level in SimdLevel::ALL
        .into_iter()
        .filter(|level| level.is_supported())
    {
        force_simd_level(Some(level));
        for kind in Kind::ALL {
            for device in devices() {
                check(&case(kind), &device);
            }
        }
    }
    force_simd_level(None);
}

#[test]
fn gradients_for_every_combination_of_results() {
    let _guard = LEVEL.lock().unwrap();
    for kind in Kind::ALL {
        for (sequences, states) in [(false, false), (false, true), (true, false)] {
            let changed = Case {
                sequences,
                states,
                ..case(kind)
            };
            check(&changed, &Device::flex());
        }
    }
}

#[test]
fn gradients_with_reversed_time() {
    let _guard = LEVEL.lock().unwrap();
    for kind in Kind::ALL {
        for restore_order in [false, true] {
            let case = Case {
                reverse: true,
                restore_order,
                mask: true,
                ..case(kind)
            };
            check(&case, &Device::flex());
        }
    }
}

#[test]
fn gradients_with_masked_steps() {
    let _guard = LEVEL.lock().unwrap();
    for kind in Kind::ALL {
        for zero_output in [false, true] {
            for (sequences, states) in [(false, true), (true, true)] {
                let case = Case {
                    mask: true,
                    zero_output,
                    sequences,
                    states,
                    ..case(kind)
                };
                check(&case, &Device::flex());
            }
        }
    }
}

#[test]
fn gradients_with_dropout() {
    let _guard = LEVEL.lock().unwrap();
    for kind in Kind::ALL {
        for input_dropout in [0, 1, usize::MAX] {
            for recurrent_dropout in [false, true] {
                let case = Case {
                    input_dropout,
                    recurrent_dropout,
                    ..case(kind)
                };
                check(&case, &Device::flex());
                let changed = Case {
                    mask: true,
                    reverse: true,
                    ..case
                };
                check(&changed, &Device::flex());
            }
        }
    }
}

#[test]
fn gradients_at_odd_sizes() {
    let _guard = LEVEL.lock().unwrap();
    for kind in Kind::ALL {
        for (batch, steps, features, units) in [
            (1, 1, 1, 1),
            (1, 5, 3, 2),
            (7, 2, 1, 9),
            (2, 3, 11, 17),
            (13, 1, 2, 3),
        ] {
            let changed = Case {
                batch,
                steps,
                features,
                units,
                ..case(kind)
            };
            check(&changed, &Device::flex());
        }
    }
}
