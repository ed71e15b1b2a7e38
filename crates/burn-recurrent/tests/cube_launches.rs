//! How many kernels a pass over a sequence launches on a GPU. Needs a GPU or a software Vulkan driver.
#![cfg(feature = "wgpu")]

mod support;

use burn::nn::LstmConfig;
use burn::tensor::{DType, Device, DeviceKind, Tensor};
use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};
use std::sync::{Arc, Mutex};
use support::{Case, Kind, case};

/// The observer is the process'.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[derive(Default)]
struct Launches(Mutex<Vec<&'static str>>);

impl LaunchObserver for Launches {
    fn launched(&self, kernel: &'static str) {
        if let Ok(mut seen) = self.0.lock() {
            seen.push(kernel);
        }
    }
}

/// The kernels that the work launches once products have been tuned: when it launched as many twice.
fn launches(work: impl Fn()) -> Vec<&'static str> {
    let mut before = usize::MAX;
    for _ in 0..20 {
        let launches = Arc::new(Launches::default());
        let observation = LaunchObservation::new(launches.clone());
        work();
        drop(observation);
        let seen = launches.0.lock().unwrap().clone();
        // SwiftShader crashes where a process ends and its work has not.
        gpu().sync().unwrap();
        if seen.len() == before {
            return seen;
        }
        before = seen.len();
    }
    panic!("the number of launches does not settle: {before} at last");
}

fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice).autodiff()
}

/// Forward and backward, all gradients.
fn training(case: Case) -> Vec<&'static str> {
    let device = gpu();
    let place = (&device, DType::F32);
    let values = Case::tensors(&case.values(), place);
    launches(|| {
        let tracked = values.clone().map(|tensor| tensor.detach().require_grad());
        let results = case.results(&tracked, place);
        let sum = results.into_iter().next().unwrap().sum();
        let gradients = sum.backward();
        for i in (0..6).filter(|i| case.has(*i)) {
            tracked[i].grad(&gradients).unwrap().into_data();
        }
    })
}

/// Those of this crate's kernels.
fn of_ours(launches: &[&str]) -> usize {
    let ours = launches
        .iter()
        .filter(|name| name.starts_with("burn_recurrent"));
    ours.count()
}

/// At most so many products has a pass over a sequence in one launch, forward and backward. burn tunes each
/// for its sizes, and the winner may copy an operand first: a launch more or less each.
const PRODUCTS: usize = 5;

/// A layer as a classifier uses it.
fn plain(kind: Kind, steps: usize, units: usize) -> Case {
    Case {
        steps,
        units,
        features: 3,
        batch: 2,
        initial: false,
        sequences: false,
        states: false,
        ..case(kind)
    }
}

#[test]
fn launches_do_not_grow_with_the_steps() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    for kind in Kind::ALL {
        let few = training(plain(kind, 3, 8));
        let many = training(plain(kind, 25, 8));
        println!("{kind:?}: {} launches", many.len());
        assert_eq!(of_ours(&few), 2, "{kind:?}: {few:#?}");
        assert_eq!(of_ours(&many), 2, "{kind:?}: {many:#?}");
        let apart = many.len().abs_diff(few.len());
        assert!(apart <= PRODUCTS, "{kind:?}: {few:#?}, {many:#?}");
        let device = gpu();
        let lstm = LstmConfig::new(3, 8, true).init(&device);
        if kind == Kind::Lstm {
            let x = Tensor::<3>::ones([2, 25, 3], &device);
            let burns = launches(|| {
                let (sequence, _) = lstm.forward(x.clone(), None);
                let gradients = sequence.sum().backward();
                let weight = &lstm.input_gate.input_transform.weight;
                weight.grad(&gradients).unwrap().into_data();
            });
            println!("burn's own Lstm: {} launches", burns.len());
            assert!(many.len() * 20 < burns.len());
        }
    }
}

#[test]
fn units_beyond_the_persistent_kernels_take_two_launches_a_step() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    for (kind, each) in [(Kind::Lstm, 2), (Kind::GruResetBefore, 4)] {
        let few = training(plain(kind, 2, 260));
        let many = training(plain(kind, 5, 260));
        assert_eq!(of_ours(&many) - of_ours(&few), 3 * each, "{kind:?}");
        // As many products, each of which may copy its operands.
        assert!(many.len() - few.len() <= 3 * each * 4, "{kind:?}");
    }
}
