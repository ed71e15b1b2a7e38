//! Softmax and cross-entropy against burn's own operations, and against what they are by definition, on both CPU backends
//! and every SIMD level.

use std::sync::Mutex;

use burn::tensor::{Device, Distribution, Tensor, activation};
use burn_recurrent::{Error, Labels, SimdLevel, cross_entropy, force_simd_level, softmax};

const EPSILON: f64 = 1e-7;

/// The SIMD level is the process'.
static LEVEL: Mutex<()> = Mutex::new(());

/// Runs a test on each device at each level that this machine has, and on a GPU, or a software driver, where that is
/// compiled in.
#[allow(deprecated)]
fn everywhere(test: impl Fn(Device)) {
    let _guard = LEVEL.lock().unwrap_or_else(|e| e.into_inner());
    for level in SimdLevel::ALL.into_iter().filter(|l| l.is_supported()) {
        force_simd_level(Some(level));
        for device in [Device::flex(), Device::ndarray()] {
            test(device);
        }
    }
    force_simd_level(None);
    #[cfg(feature = "wgpu")]
    test(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice));
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().expect("floats")
}

fn close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!(
            (a - b).abs() <= 1e-5 + 1e-5 * b.abs(),
            "{what}: {a} and {b} at {i}"
        );
    }
}

fn random(shape: [usize; 2], low: f64, high: f64, device: &Device) -> Tensor<2> {
    Tensor::random(shape, Distribution::Uniform(low, high), device)
}

#[test]
fn softmax_and_its_gradient_are_those_of_burn() {
    everywhere(|device| {
        for shape in [
            [1, 1],
            [1, 2],
            [3, 7],
            [64, 10],
            [5, 129],
            [2, 1000],
            [66_000, 2],
        ] {
            let tracked = device.clone().autodiff();
            let x = random(shape, -8.0, 8.0, &tracked).require_grad();
            let weights = random(shape, -1.0, 1.0, &tracked);
            let ours = softmax(x.clone()).expect("a CPU");
            let theirs = activation::softmax(x.clone(), 1);
            close(&values(ours.clone()), &values(theirs.clone()), "softmax");
            let gradient = |y: Tensor<2>| {
                let gradients = (y * weights.clone()).sum().backward();
                values(x.grad(&gradients).expect("tracked"))
            };
            close(&gradient(ours), &gradient(theirs), "its gradient");
        }
    });
}

/// By burn's operations: divided by the sum, clamped, logarithm, weighed.
fn composed(p: Tensor<2>, t: Tensor<2>) -> Tensor<1> {
    let rows = p.dims()[0];
    let q = (p.clone() / p.sum_dim(1)).clamp(EPSILON as f32, 1.0 - EPSILON as f32);
    -(q.log() * t).sum_dim(1).reshape([rows])
}

#[test]
fn cross_entropy_and_its_gradient_are_those_of_burns_operations() {
    everywhere(|device| {
        for shape in [[1, 2], [3, 7], [64, 10], [3, 257], [2, 1000]] {
            let tracked = device.clone().autodiff();
            let p = random(shape, 0.01, 3.0, &tracked).require_grad();
            let shares = random(shape, 0.0, 1.0, &device);
            let weights = Tensor::<1>::random([shape[0]], Distribution::Default, &tracked);
            let gradient = |rows: Tensor<1>| {
                let gradients = (rows * weights.clone()).sum().backward();
                values(p.grad(&gradients).expect("tracked"))
            };
            let ours = cross_entropy(p.clone(), Labels::Shares(shares.clone()), EPSILON);
            let ours = ours.expect("a CPU");
            let theirs = composed(p.clone(), shares);
            close(&values(ours.clone()), &values(theirs.clone()), "shares");
            close(&gradient(ours), &gradient(theirs), "gradient with shares");

            let classes: Vec<f32> = (0..shape[0]).map(|i| (i * 5 % shape[1]) as f32).collect();
            let mut one_hot = vec![0.0; shape[0] * shape[1]];
            for (row, class) in classes.iter().enumerate() {
                one_hot[row * shape[1] + *class as usize] = 1.0;
            }
            let one_hot = Tensor::<1>::from_data(&*one_hot, &device).reshape(shape);
            let numbers = Labels::Numbers(Tensor::from_data(&*classes, &device));
            let ours = cross_entropy(p.clone(), numbers, EPSILON).expect("a CPU");
            let theirs = composed(p.clone(), one_hot);
            close(&values(ours.clone()), &values(theirs.clone()), "numbers");
            close(&gradient(ours), &gradient(theirs), "gradient with numbers");
        }
    });
}

#[test]
fn certainty_is_held_within_epsilon_and_has_no_gradient_there() {
    everywhere(|device| {
        let p = Tensor::<2>::from_data([[0.0, 1.0], [1.0, 0.0]], &device.autodiff()).require_grad();
        let labels = Tensor::from_data([0.0, 0.0], &p.device().inner());
        let loss = cross_entropy(p.clone(), Labels::Numbers(labels), EPSILON).expect("a CPU");
        let gradients = loss.clone().sum().backward();
        // Keras on JAX gives 16.118 for the certain and wrong, and as good as nothing for the right one.
        close(&values(loss), &[16.118_095, 1.192_092_9e-7], "loss");
        close(
            &values(p.grad(&gradients).expect("tracked")),
            &[0.0; 4],
            "gradient",
        );
    });
}

#[test]
fn a_nan_in_a_row_makes_that_row_nan_and_no_other() {
    everywhere(|device| {
        // As many classes as leave some over in every width of vector, and as many as leave none.
        for classes in [3, 16, 21] {
            for place in [0, 1, classes - 1] {
                let mut values_of_rows = vec![0.0; 2 * classes];
                values_of_rows[place] = f32::NAN;
                values_of_rows[2 * classes - 1] = f32::NEG_INFINITY;
                let x = Tensor::<1>::from_data(&*values_of_rows, &device).reshape([2, classes]);
                let p = softmax(x).expect("a CPU");
                let shown = values(p.clone());
                assert!(shown[..classes].iter().all(|p| p.is_nan()), "{shown:?}");
                let even = 1.0 / (classes - 1) as f32;
                close(
                    &shown[classes..2 * classes - 1],
                    &vec![even; classes - 1],
                    "the rest",
                );
                assert_eq!(shown[2 * classes - 1], 0.0);
                let numbers = Labels::Numbers(Tensor::from_data([1.0, 1.0], &device));
                let loss = values(cross_entropy(p, numbers, EPSILON).expect("a CPU"));
                assert!(
                    loss[0].is_nan() && (loss[1] + even.ln()).abs() < 1e-6,
                    "{loss:?}"
                );
            }
        }
    });
}

#[test]
fn a_class_that_does_not_exist_counts_nothing() {
    everywhere(|device| {
        let p = Tensor::<2>::from_data([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], &device);
        let numbers = Labels::Numbers(Tensor::from_data([-1.0, 2.0, 1.0], &device));
        let loss = values(cross_entropy(p, numbers, EPSILON).expect("a CPU"));
        close(&loss, &[0.0, 0.0, 2f32.ln()], "loss");
    });
}

#[test]
fn the_fraction_of_a_class_is_cut_off() {
    everywhere(|device| {
        let p = Tensor::<2>::from_data([[0.25, 0.75], [0.25, 0.75], [0.25, 0.75]], &device);
        let numbers = Labels::Numbers(Tensor::from_data([-0.5, 0.9, 1.5], &device));
        let loss = values(cross_entropy(p, numbers, EPSILON).expect("a CPU"));
        let [first, second] = [-0.25f32.ln(), -0.75f32.ln()];
        close(&loss, &[first, first, second], "loss");
    });
}

#[test]
fn rows_without_classes_stay_as_they_are() {
    everywhere(|device| {
        let empty = Tensor::<2>::empty([3, 0], &device);
        assert_eq!(softmax(empty).expect("nothing to do").dims(), [3, 0]);
    });
}

#[test]
fn labels_of_another_shape_are_an_error() {
    everywhere(|device| {
        let p = Tensor::<2>::zeros([3, 4], &device);
        for labels in [
            Labels::Shares(Tensor::zeros([3, 5], &device)),
            Labels::Numbers(Tensor::zeros([4], &device)),
        ] {
            let error = cross_entropy(p.clone(), labels, EPSILON).expect_err("does not fit");
            assert!(
                matches!(
                    error,
                    Error::Shape {
                        tensor: "labels",
                        ..
                    }
                ),
                "{error}"
            );
        }
    });
}
