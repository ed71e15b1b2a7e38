//! What callers can get wrong, and what they may rely on.
#![allow(deprecated)]

use burn::tensor::{Bool, DType, Device, Distribution, Tensor};
use burn_recurrent::{
    Error, GruWeights, LstmState, LstmWeights, Options, check_support, gru, lstm,
};

fn weights(features: usize, units: usize, device: &Device) -> LstmWeights {
    let random =
        |rows| Tensor::<2>::random([rows, 4 * units], Distribution::Uniform(-0.5, 0.5), device);
    LstmWeights {
        kernel: random(features),
        recurrent_kernel: random(units),
        bias: None,
    }
}

fn x(shape: [usize; 3], device: &Device) -> Tensor<3> {
    Tensor::random(shape, Distribution::Default, device)
}

#[test]
fn shapes_that_do_not_agree_are_named() {
    let device = Device::flex();
    let call = |x, weights, state, options: Options| lstm(x, weights, state, &options).unwrap_err();
    let none = Options::default;
    let state = |rows| LstmState {
        h: Tensor::zeros([rows, 4], &device),
        c: Tensor::zeros([rows, 4], &device),
    };
    for (error, needle) in [
        (
            call(x([2, 3, 6], &device), weights(5, 4, &device), None, none()),
            "kernel",
        ),
        (
            call(
                x([2, 3, 5], &device),
                weights(5, 4, &device),
                Some(state(3)),
                none(),
            ),
            "state h",
        ),
        (
            call(x([2, 0, 5], &device), weights(5, 4, &device), None, none()),
            "timesteps is 0",
        ),
        (
            call(x([0, 3, 5], &device), weights(5, 4, &device), None, none()),
            "batch is 0",
        ),
        (
            call(
                x([2, 3, 5], &device),
                LstmWeights {
                    bias: Some(Tensor::zeros([15], &device)),
                    ..weights(5, 4, &device)
                },
                None,
                none(),
            ),
            "bias",
        ),
        (
            call(
                x([2, 3, 5], &device),
                weights(5, 4, &device),
                None,
                Options {
                    mask: Some(Tensor::<2, Bool>::empty([2, 4], &device)),
                    ..Options::default()
                },
            ),
            "mask",
        ),
        (
            call(
                x([2, 3, 5], &device),
                weights(5, 4, &device),
                None,
                Options {
                    recurrent_dropout: Some(Tensor::ones([3, 2, 4], &device)),
                    ..Options::default()
                },
            ),
            "recurrent_dropout",
        ),
    ] {
        assert!(error.to_string().contains(needle), "{error}");
    }
    let bias = Some(Tensor::zeros([1, 12], &device));
    let kernel = Tensor::zeros([5, 12], &device);
    let recurrent_kernel = Tensor::zeros([4, 12], &device);
    let weights = GruWeights {
        kernel,
        recurrent_kernel,
        bias,
        reset_after: true,
    };
    let error = gru(x([2, 3, 5], &device), weights, None, &Options::default()).unwrap_err();
    assert!(
        matches!(error, Error::Shape { tensor: "bias", .. }),
        "{error}"
    );
}

#[test]
fn types_and_devices_are_checked_before_anything_runs() {
    let device = Device::flex();
    let double = weights(5, 4, &device);
    let double = LstmWeights {
        kernel: double.kernel.cast(DType::F64),
        ..double
    };
    let error = lstm(x([2, 3, 5], &device), double, None, &Options::default()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::DTypeMismatch {
                tensor: "kernel",
                ..
            }
        ),
        "{error}"
    );
    let elsewhere = weights(5, 4, &Device::ndarray());
    let error = lstm(x([2, 3, 5], &device), elsewhere, None, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::DeviceMismatch { .. }), "{error}");
    assert!(check_support(&device, DType::F32).is_ok());
    assert!(check_support(&device.clone().autodiff(), DType::F64).is_ok());
    let half = check_support(&device, DType::F16);
    let (given, fused) = (DType::F16, "F32 and F64");
    assert_eq!(half, Err(Error::UnsupportedDType { given, fused }));
}

#[test]
fn only_what_is_tracked_gets_a_gradient() {
    let device = Device::flex().autodiff();
    let plain = Device::flex();
    let weights = weights(5, 4, &device);
    let tracked = weights.recurrent_kernel.clone().require_grad();
    let used = LstmWeights {
        recurrent_kernel: tracked.clone(),
        ..weights.clone()
    };
    // The input of a first layer often comes from a plain device.
    let output = lstm(x([2, 3, 5], &plain), used, None, &Options::default()).unwrap();
    let gradients = output.last.unwrap().sum().backward();
    assert!(tracked.grad(&gradients).is_some());
    assert!(weights.kernel.grad(&gradients).is_none());
}

#[test]
fn gradients_are_the_same_with_checkpointing() {
    // Drawn once: burn's generator is one for the whole process, and other tests draw from it meanwhile.
    let drawn = weights(5, 4, &Device::flex());
    let drawn_input = x([2, 3, 5], &Device::flex());
    let gradient = |device: Device| {
        let on =
            |tensor: &Tensor<2>| Tensor::<2>::from_data(tensor.to_data(), &device).require_grad();
        let weights = LstmWeights {
            kernel: on(&drawn.kernel),
            recurrent_kernel: on(&drawn.recurrent_kernel),
            bias: None,
        };
        let input = Tensor::<3>::from_data(drawn_input.to_data(), &device);
        let options = Options {
            return_sequences: true,
            ..Options::default()
        };
        let first = lstm(input, weights.clone(), None, &options)
            .unwrap()
            .sequence
            .unwrap();
        let doubled = (first * 2.0).tanh();
        let again = LstmWeights {
            kernel: weights.recurrent_kernel.clone(),
            ..weights.clone()
        };
        let last = lstm(doubled, again, None, &Options::default())
            .unwrap()
            .last
            .unwrap();
        let gradients = last.sum().backward();
        weights
            .recurrent_kernel
            .grad(&gradients)
            .unwrap()
            .into_data()
    };
    let plain = gradient(Device::flex().autodiff());
    let checkpointed = gradient(Device::flex().autodiff().gradient_checkpointing());
    plain.assert_eq(&checkpointed, true);
}

#[test]
fn ten_thousand_steps_are_one_node() {
    let device = Device::flex().autodiff();
    let weights = weights(2, 2, &device);
    let kernel = weights.kernel.clone().require_grad();
    let weights = LstmWeights {
        kernel: kernel.clone(),
        ..weights
    };
    let options = Options {
        return_sequences: true,
        ..Options::default()
    };
    let output = lstm(x([1, 10_000, 2], &device), weights, None, &options).unwrap();
    let gradients = output.sequence.unwrap().sum().backward();
    assert_eq!(kernel.grad(&gradients).unwrap().dims(), [2, 8]);
}
