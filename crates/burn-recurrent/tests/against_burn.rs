//! The same numbers as burn's own modules.
#![allow(deprecated)]

use burn::module::Module;
use burn::nn::activation::ActivationConfig;
use burn::nn::{LstmConfig, LstmState};
use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use burn_recurrent::{Error, FusedLstm};
use proptest::prelude::*;

/// f32 sums of up to some hundred terms in another order.
const TOLERANCE: f64 = 2e-5;

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(1),
        2usize..9,
        Just(13),
        Just(16),
        Just(17),
        Just(31),
        Just(37)
    ]
}

fn close<const D: usize>(
    name: &str,
    ours: &Tensor<D>,
    theirs: &Tensor<D>,
) -> Result<(), TestCaseError> {
    let ours: Vec<f32> = ours.to_data().try_to_vec().unwrap();
    let theirs: Vec<f32> = theirs.to_data().try_to_vec().unwrap();
    prop_assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(1.0f64, |m, v| m.max(f64::from(v.abs())));
    for (a, b) in ours.iter().zip(&theirs) {
        let off = (f64::from(*a) - f64::from(*b)).abs();
        prop_assert!(off <= TOLERANCE * scale, "{}: {} is not {}", name, a, b);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn outputs_states_and_gradients_are_those_of_burns_lstm(
        batch in size(),
        steps in size(),
        features in size(),
        units in size(),
        bias: bool,
        reverse: bool,
        batch_first: bool,
        with_state: bool,
        on_ndarray: bool,
    ) {
        let device = if on_ndarray { Device::ndarray() } else { Device::flex() }.autodiff();
        let module = LstmConfig::new(features, units, bias)
            .with_reverse(reverse)
            .with_batch_first(batch_first)
            .init(&device);
        let fused = FusedLstm::try_from(&module).unwrap();
        let random = |shape| Tensor::<2>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
        let shape = if batch_first { [batch, steps, features] } else { [steps, batch, features] };
        let x = Tensor::<3>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
        let state = with_state.then(|| (random([batch, units]), random([batch, units])));
        let state = || state.clone().map(|(c, h)| LstmState::new(c.require_grad(), h.require_grad()));
        let run = |f: &dyn Fn(Tensor<3>, Option<LstmState<2>>) -> (Tensor<3>, LstmState<2>)| {
            let (x, state) = (x.clone().require_grad(), state());
            let (y, end) = f(x.clone(), state.clone());
            let loss = (y.clone() * y.clone()).sum() + end.cell.clone().sum() * 0.5;
            let grads = loss.backward();
            (y, end, x.grad(&grads).unwrap(), state.map(|s| s.cell.grad(&grads).unwrap()), grads)
        };
        let ours = run(&|x, s| fused.try_forward(x, s).unwrap());
        let theirs = run(&|x, s| module.forward(x, s));
        close("output", &ours.0, &theirs.0)?;
        close("hidden state", &ours.1.hidden, &theirs.1.hidden)?;
        close("cell state", &ours.1.cell, &theirs.1.cell)?;
        close("gradient of x", &ours.2, &theirs.2)?;
        if let (Some(ours), Some(theirs)) = (&ours.3, &theirs.3) {
            close("gradient of the cell state", ours, theirs)?;
        }
        let gates = [
            &module.input_gate,
            module.forget_gate.as_ref().unwrap(),
            &module.cell_gate,
            &module.output_gate,
        ];
        let gradients = |recurrent: bool| {
            let of = gates.map(|gate| {
                let linear = if recurrent { &gate.hidden_transform } else { &gate.input_transform };
                linear.weight.val().grad(&theirs.4).unwrap()
            });
            Tensor::cat(of.to_vec(), 1)
        };
        close("gradient of kernel", &fused.kernel.val().grad(&ours.4).unwrap(), &gradients(false))?;
        let recurrent = fused.recurrent_kernel.val().grad(&ours.4).unwrap();
        close("gradient of recurrent_kernel", &recurrent, &gradients(true))?;
    }
}

#[test]
fn what_has_no_kernel_is_refused_by_name() {
    let device = Device::flex();
    let config = || LstmConfig::new(2, 3, true);
    for (config, needle) in [
        (config().with_clip(Some(1.0)), "clip"),
        (config().with_input_forget(true), "input_forget"),
        (
            config().with_gate_activation(ActivationConfig::Relu),
            "gate_activation = Relu",
        ),
        (
            config().with_cell_activation(ActivationConfig::Sigmoid),
            "cell_activation = Sigmoid",
        ),
        (
            config().with_hidden_activation(ActivationConfig::Identity),
            "hidden_activation = Identity",
        ),
    ] {
        let error = FusedLstm::try_from(&config.init(&device))
            .unwrap_err()
            .to_string();
        assert!(error.contains(needle), "{error}");
    }
}

#[test]
fn a_converted_module_goes_on_training_on_an_autodiff_device() {
    let device = Device::flex().autodiff();
    let module = LstmConfig::new(2, 3, true).init(&device);
    let fused = FusedLstm::try_from(&module).unwrap();
    assert_eq!(fused.num_params(), 4 * 3 * (2 + 3 + 1));
    let x = Tensor::<3>::random([2, 4, 2], Distribution::Default, &device);
    let (y, _) = fused.forward(x, None);
    let grads = y.sum().backward();
    assert!(fused.bias.as_ref().unwrap().val().grad(&grads).is_some());
}

#[test]
fn zero_time_steps_are_an_error() {
    let device = Device::flex();
    let fused = FusedLstm::try_from(&LstmConfig::new(2, 3, true).init(&device)).unwrap();
    let error = fused
        .try_forward(Tensor::zeros([2, 0, 2], &device), None)
        .unwrap_err();
    assert_eq!(
        error,
        Error::Empty {
            dimension: "timesteps"
        }
    );
}

#[test]
fn views_that_are_not_contiguous_give_the_same_numbers() {
    for device in [Device::flex(), Device::ndarray()] {
        let fused = FusedLstm::try_from(&LstmConfig::new(5, 7, true).init(&device)).unwrap();
        let wide = Tensor::<3>::random([6, 3, 9], Distribution::Default, &device);
        let view = wide.swap_dims(0, 1).slice([0..3, 1..5, 2..7]);
        let copy = Tensor::<3>::from_data(view.to_data(), &device);
        let (a, _) = fused.forward(view, None);
        let (b, _) = fused.forward(copy, None);
        a.into_data()
            .assert_approx_eq::<f32>(&b.into_data(), Tolerance::absolute(0.0));
    }
}
