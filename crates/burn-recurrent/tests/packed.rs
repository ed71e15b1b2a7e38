//! Inference on slices gives what the tensors give, and allocates nothing.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use burn_recurrent::packed::{Layer, PackedDense, PackedLayer};
use burn_recurrent::{
    Error, GruWeights, Kind, LstmWeights, Options, SimpleRnnWeights, gru, lstm, simple_rnn,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

struct Counting;
// SAFETY: hands everything to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's word.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's word.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KINDS: [Kind; 4] = [Kind::Lstm, Kind::Gru, Kind::GruResetBefore, Kind::SimpleRnn];

fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i * 7919 + seed * 104_729) % 1013) as f32 / 506.5 - 1.0)
        .collect()
}

struct Case {
    kind: Kind,
    batch: usize,
    steps: usize,
    features: usize,
    units: usize,
}

impl Case {
    fn weights(&self) -> [Vec<f32>; 3] {
        let wide = self.kind.gates() * self.units;
        let rows = if self.kind == Kind::Gru { 2 } else { 1 };
        let scale = |v: Vec<f32>| v.into_iter().map(|v| v * 0.4).collect();
        [
            scale(values(self.features * wide, 1)),
            scale(values(self.units * wide, 2)),
            scale(values(rows * wide, 3)),
        ]
    }

    fn packed(&self) -> PackedLayer<f32> {
        let [kernel, recurrent_kernel, bias] = self.weights();
        PackedLayer::new(&Layer {
            kind: self.kind,
            features: self.features,
            units: self.units,
            kernel: &kernel,
            recurrent_kernel: &recurrent_kernel,
            bias: Some(&bias),
        })
        .unwrap()
    }

    fn x(&self) -> Vec<f32> {
        values(self.batch * self.steps * self.features, 4)
    }

    /// The sequence of outputs by the tensor operation.
    fn expected(&self, reverse: bool, mask: Option<&[f32]>) -> Vec<f32> {
        let device = Device::flex();
        let [kernel, recurrent_kernel, bias] = self.weights();
        let wide = self.kind.gates() * self.units;
        let two = |v: &[f32], rows, columns| {
            Tensor::<2>::from_data(TensorData::new(v.to_vec(), [rows, columns]), &device)
        };
        let shape = [self.batch, self.steps, self.features];
        let x = Tensor::<3>::from_data(TensorData::new(self.x(), shape), &device);
        let mask = mask.map(|mask| {
            let bits: Vec<bool> = mask.iter().map(|v| *v != 0.0).collect();
            Tensor::<2, Bool>::from_data(TensorData::new(bits, [self.batch, self.steps]), &device)
        });
        let options = Options {
            return_sequences: true,
            reverse,
            mask,
            ..Default::default()
        };
        let kernel = two(&kernel, self.features, wide);
        let recurrent_kernel = two(&recurrent_kernel, self.units, wide);
        let bias = two(&bias, bias.len() / wide, wide);
        let sequence = match self.kind {
            Kind::Lstm => {
                let bias = Some(bias.reshape([wide]));
                lstm(
                    x,
                    LstmWeights {
                        kernel,
                        recurrent_kernel,
                        bias,
                    },
                    None,
                    &options,
                )
                .unwrap()
                .sequence
            }
            Kind::SimpleRnn => {
                let bias = Some(bias.reshape([wide]));
                let weights = SimpleRnnWeights {
                    kernel,
                    recurrent_kernel,
                    bias,
                };
                simple_rnn(x, weights, None, &options).unwrap().sequence
            }
            kind => {
                let reset_after = kind == Kind::Gru;
                let weights = GruWeights {
                    kernel,
                    recurrent_kernel,
                    bias: Some(bias),
                    reset_after,
                };
                gru(x, weights, None, &options).unwrap().sequence
            }
        };
        sequence.unwrap().into_data().try_to_vec().unwrap()
    }
}

fn close(name: &str, a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        // The same sums, in another order where steps and sequences differ.
        assert!((a - b).abs() < 2e-6, "{name}: {a} is not {b}");
    }
}

#[test]
fn sequences_and_single_steps_agree_with_the_tensor_operation() {
    for kind in KINDS {
        for (batch, steps, features, units) in [(1, 8, 16, 32), (3, 5, 2, 7), (70, 6, 33, 17)] {
            let case = Case {
                kind,
                batch,
                steps,
                features,
                units,
            };
            let layer = case.packed();
            let x = case.x();
            let expected = case.expected(false, None);
            let mut y = vec![0.0; expected.len()];
            let mut state = layer.state(batch);
            layer
                .sequence_into(&x, None, &mut state, Some(&mut y), false)
                .unwrap();
            close("sequence", &y, &expected);
            let mut stepped = layer.state(batch);
            let mut h = vec![0.0; batch * units];
            for step in 0..steps {
                let x: Vec<f32> = (0..batch)
                    .flat_map(|b| x[(b * steps + step) * features..][..features].to_vec())
                    .collect();
                layer.step_into(&x, &mut stepped).unwrap();
                stepped.h_into(&mut h).unwrap();
                for b in 0..batch {
                    let at = (b * steps + step) * units;
                    close("step", &h[b * units..][..units], &expected[at..][..units]);
                }
            }
            let (mut c, mut c_stepped) = (h.clone(), h.clone());
            state.c_into(&mut c).unwrap();
            stepped.c_into(&mut c_stepped).unwrap();
            close("cell state", &c, &c_stepped);
        }
    }
}

#[test]
fn reversed_and_masked_sequences_agree_with_the_tensor_operation() {
    for kind in KINDS {
        let case = Case {
            kind,
            batch: 3,
            steps: 5,
            features: 4,
            units: 6,
        };
        let mask: Vec<f32> = values(15, 9).iter().map(|v| f32::from(*v > -0.3)).collect();
        let layer = case.packed();
        let expected = case.expected(true, Some(&mask));
        let mut y = vec![0.0; expected.len()];
        let mut state = layer.state(3);
        layer
            .sequence_into(&case.x(), Some(&mask), &mut state, Some(&mut y), true)
            .unwrap();
        close("sequence", &y, &expected);
    }
}

#[test]
fn states_can_be_set_read_and_reset() {
    let layer = Case {
        kind: Kind::Lstm,
        batch: 2,
        steps: 1,
        features: 3,
        units: 5,
    }
    .packed();
    let mut state = layer.state(2);
    let (h, c) = (values(10, 1), values(10, 2));
    state.set(&h, Some(&c)).unwrap();
    let mut read = vec![0.0; 10];
    state.h_into(&mut read).unwrap();
    assert_eq!(read, h);
    state.c_into(&mut read).unwrap();
    assert_eq!(read, c);
    state.reset();
    state.h_into(&mut read).unwrap();
    assert_eq!(read, [0.0; 10]);
}

#[test]
fn no_call_allocates_once_warm() {
    for kind in KINDS {
        let case = Case {
            kind,
            batch: 1,
            steps: 8,
            features: 16,
            units: 32,
        };
        let layer = case.packed();
        let dense = PackedDense::new(32, 10, &values(320, 1), Some(&values(10, 2))).unwrap();
        let x = case.x();
        let (mut y, mut logits) = (vec![0.0; 8 * 32], vec![0.0; 80]);
        let mut state = layer.state(1);
        let mut call = || {
            layer.step_into(&x[..16], &mut state).unwrap();
            layer
                .sequence_into(&x, None, &mut state, Some(&mut y), false)
                .unwrap();
            dense.apply_into(&y, &mut logits).unwrap();
        };
        call();
        let before = ALLOCATIONS.with(Cell::get);
        for _ in 0..10 {
            call();
        }
        assert_eq!(ALLOCATIONS.with(Cell::get), before);
    }
}

#[test]
fn dense_is_a_matrix_product() {
    for (rows, features, units) in [(1, 1, 1), (3, 5, 10), (64, 32, 100), (7, 16, 64)] {
        let (x, kernel, bias) = (
            values(rows * features, 1),
            values(features * units, 2),
            values(units, 3),
        );
        let dense = PackedDense::new(features, units, &kernel, Some(&bias)).unwrap();
        let mut y = vec![0.0; rows * units];
        dense.apply_into(&x, &mut y).unwrap();
        for row in 0..rows {
            for unit in 0..units {
                let mut sum = f64::from(bias[unit]);
                for k in 0..features {
                    sum += f64::from(x[row * features + k]) * f64::from(kernel[k * units + unit]);
                }
                assert!((f64::from(y[row * units + unit]) - sum).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn slices_of_the_wrong_size_are_errors() {
    let layer = Case {
        kind: Kind::Lstm,
        batch: 1,
        steps: 1,
        features: 3,
        units: 5,
    }
    .packed();
    let mut state = layer.state(1);
    assert!(matches!(
        layer.step_into(&[0.0; 2], &mut state),
        Err(Error::Shape { tensor: "x", .. })
    ));
    assert!(
        layer
            .sequence_into(&[0.0; 4], None, &mut state, None, false)
            .is_err()
    );
    assert!(
        layer
            .sequence_into(&[], None, &mut state, None, false)
            .is_err()
    );
    assert!(
        layer
            .sequence_into(&[0.0; 6], None, &mut state, Some(&mut [0.0; 3]), false)
            .is_err()
    );
    assert!(PackedDense::new(2, 0, &[0.0f32; 0], None).is_err());
}
