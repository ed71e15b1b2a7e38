//! Every gradient against finite differences in `f64`, on both CPU backends and every SIMD level.
#![allow(deprecated)]

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use burn_recurrent::{
    GruWeights, LstmState, LstmWeights, Options, SimdLevel, SimpleRnnWeights, force_simd_level,
    gru, lstm, simple_rnn,
};
use std::sync::Mutex;

/// The SIMD level is the process'.
static LEVEL: Mutex<()> = Mutex::new(());

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Lstm,
    Gru,
    GruResetBefore,
    SimpleRnn,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Lstm, Self::Gru, Self::GruResetBefore, Self::SimpleRnn];

    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru | Self::GruResetBefore => 3,
            Self::SimpleRnn => 1,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Case {
    kind: Kind,
    batch: usize,
    steps: usize,
    features: usize,
    units: usize,
    reverse: bool,
    restore_order: bool,
    mask: bool,
    zero_output: bool,
    /// 0, 1 or `usize::MAX` for one a gate.
    input_dropout: usize,
    recurrent_dropout: bool,
    sequences: bool,
    states: bool,
}

/// Numbers in (-1, 1) that look random; the same for the same seed.
fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        (device, DType::F64),
    )
}

impl Case {
    /// The lengths of x, kernel, recurrent_kernel, bias, h, c.
    fn shapes(&self) -> [Vec<usize>; 6] {
        let wide = self.kind.gates() * self.units;
        let rows = if self.kind == Kind::Gru { 2 } else { 1 };
        [
            vec![self.batch, self.steps, self.features],
            vec![self.features, wide],
            vec![self.units, wide],
            vec![rows, wide],
            vec![self.batch, self.units],
            vec![self.batch, self.units],
        ]
    }

    fn options(&self, device: &Device) -> Options {
        let mask = self.mask.then(|| {
            let bits: Vec<bool> = noise(self.batch * self.steps, 77)
                .iter()
                .map(|v| *v > -0.3)
                .collect();
            Tensor::<2, Bool>::from_data(TensorData::new(bits, [self.batch, self.steps]), device)
        });
        let factors = |copies: usize, width: usize, seed| {
            let values: Vec<f64> = noise(copies * self.batch * width, seed)
                .iter()
                .map(|v| if *v > -0.4 { 1.4 } else { 0.0 })
                .collect();
            tensor(&values, [copies, self.batch, width], device)
        };
        let copies = self.input_dropout.min(self.kind.gates());
        Options {
            return_sequences: self.sequences,
            return_state: self.states,
            reverse: self.reverse,
            restore_order: self.restore_order,
            mask,
            zero_output_for_mask: self.zero_output,
            input_dropout: (copies > 0).then(|| factors(copies, self.features, 5)),
            recurrent_dropout: self
                .recurrent_dropout
                .then(|| factors(self.kind.gates(), self.units, 6)),
        }
    }

    /// A loss that weighs every result differently.
    fn loss(&self, t: &[Tensor<1>; 6], device: &Device) -> Tensor<1> {
        let shapes = self.shapes();
        let two = |i: usize| t[i].clone().reshape([shapes[i][0], shapes[i][1]]);
        let x = t[0]
            .clone()
            .reshape([self.batch, self.steps, self.features]);
        let (h, c) = (two(4), two(5));
        let options = self.options(device);
        let (sequence, last, h, c) = match self.kind {
            Kind::Lstm => {
                let weights = LstmWeights {
                    kernel: two(1),
                    recurrent_kernel: two(2),
                    bias: Some(t[3].clone()),
                };
                let out = lstm(x, weights, Some(LstmState { h, c }), &options).unwrap();
                let (h, c) = out.state.map_or((None, None), |s| (Some(s.h), Some(s.c)));
                (out.sequence, out.last, h, c)
            }
            Kind::Gru | Kind::GruResetBefore => {
                let weights = GruWeights {
                    kernel: two(1),
                    recurrent_kernel: two(2),
                    bias: Some(two(3)),
                    reset_after: self.kind == Kind::Gru,
                };
                let out = gru(x, weights, Some(h), &options).unwrap();
                (out.sequence, out.last, out.state, None)
            }
            Kind::SimpleRnn => {
                let weights = SimpleRnnWeights {
                    kernel: two(1),
                    recurrent_kernel: two(2),
                    bias: Some(t[3].clone()),
                };
                let out = simple_rnn(x, weights, Some(h), &options).unwrap();
                (out.sequence, out.last, out.state, None)
            }
        };
        assert_eq!(sequence.is_some(), self.sequences);
        assert_eq!(last.is_some(), !self.sequences);
        assert_eq!(h.is_some(), self.states);
        let weigh = |values: Tensor<1>, seed| {
            let n = values.dims()[0];
            (values * tensor(&noise(n, seed), [n], device)).sum()
        };
        let mut loss = Tensor::<1>::zeros([1], (device, DType::F64));
        if let Some(sequence) = sequence {
            loss = loss + weigh(sequence.reshape([-1]), 11);
        }
        for (state, seed) in [(last, 12), (h, 13), (c, 14)] {
            if let Some(state) = state {
                loss = loss + weigh(state.reshape([-1]), seed);
            }
        }
        loss
    }

    fn check(&self, device: &Device) {
        let shapes = self.shapes();
        let values: Vec<Vec<f64>> = (0..6)
            .map(|i| {
                noise(shapes[i].iter().product(), i as u64 + 40)
                    .iter()
                    .map(|v| v * 0.8)
                    .collect()
            })
            .collect();
        let make = |values: &[Vec<f64>], device: &Device| -> [Tensor<1>; 6] {
            std::array::from_fn(|i| tensor(&values[i], [values[i].len()], device))
        };
        let tracked_device = device.clone().autodiff();
        let tracked = make(&values, &tracked_device).map(Tensor::require_grad);
        let grads = self.loss(&tracked, &tracked_device).backward();
        for i in 0..6 {
            if i == 5 && self.kind != Kind::Lstm {
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
                    let loss = self.loss(&make(&moved, device), device);
                    loss.into_data().try_to_vec::<f64>().unwrap()[0]
                };
                // Central differences: the error is of the order of delta² and rounding / delta.
                let delta = 1e-5;
                let expected = (loss(delta) - loss(-delta)) / (2.0 * delta);
                assert!(
                    (given[at] - expected).abs() < 1e-8 * (1.0 + expected.abs()),
                    "{self:?}: gradient {at} of input {i} is {}, finite differences say {expected}",
                    given[at]
                );
            }
        }
    }
}

fn case(kind: Kind) -> Case {
    Case {
        kind,
        batch: 3,
        steps: 4,
        features: 2,
        units: 5,
        reverse: false,
        restore_order: false,
        mask: false,
        zero_output: false,
        input_dropout: 0,
        recurrent_dropout: false,
        sequences: true,
        states: true,
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
                case(kind).check(&device);
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
            Case {
                sequences,
                states,
                ..case(kind)
            }
            .check(&Device::flex());
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
            case.check(&Device::flex());
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
                case.check(&Device::flex());
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
                case.check(&Device::flex());
                Case {
                    mask: true,
                    reverse: true,
                    ..case
                }
                .check(&Device::flex());
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
            Case {
                batch,
                steps,
                features,
                units,
                ..case(kind)
            }
            .check(&Device::flex());
        }
    }
}
