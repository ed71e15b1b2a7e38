//! Layers of every kind with any options, and a loss over all their results.
// Each test is a crate of its own and uses part of this.
#![allow(dead_code)]

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use burn_recurrent::{
    GruWeights, LstmState, LstmWeights, Options, SimpleRnnWeights, gru, lstm, simple_rnn,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Lstm,
    Gru,
    GruResetBefore,
    SimpleRnn,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Lstm, Self::Gru, Self::GruResetBefore, Self::SimpleRnn];

    pub fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru | Self::GruResetBefore => 3,
            Self::SimpleRnn => 1,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub kind: Kind,
    pub batch: usize,
    pub steps: usize,
    pub features: usize,
    pub units: usize,
    pub bias: bool,
    /// Initial states are given.
    pub initial: bool,
    pub reverse: bool,
    pub restore_order: bool,
    pub mask: bool,
    pub zero_output: bool,
    /// 0, 1 or `usize::MAX` for one a gate.
    pub input_dropout: usize,
    pub recurrent_dropout: bool,
    pub sequences: bool,
    pub states: bool,
}

/// Numbers in (-1, 1) that look random; the same for the same seed.
pub fn noise(n: usize, seed: u64) -> Vec<f64> {
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

pub fn tensor<const D: usize>(
    values: &[f64],
    shape: [usize; D],
    (device, dtype): (&Device, DType),
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (device, dtype))
}

impl Case {
    /// The lengths of x, kernel, recurrent_kernel, bias, h, c.
    pub fn shapes(&self) -> [Vec<usize>; 6] {
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

    /// Values for x, kernel, recurrent_kernel, bias, h, c.
    pub fn values(&self) -> Vec<Vec<f64>> {
        let shapes = self.shapes();
        (0..6)
            .map(|i| {
                noise(shapes[i].iter().product(), i as u64 + 40)
                    .iter()
                    .map(|v| v * 0.8)
                    .collect()
            })
            .collect()
    }

    /// The values as flat tensors.
    pub fn tensors(values: &[Vec<f64>], place: (&Device, DType)) -> [Tensor<1>; 6] {
        std::array::from_fn(|i| tensor(&values[i], [values[i].len()], place))
    }

    fn options(&self, (device, dtype): (&Device, DType)) -> Options {
        let mask = self.mask.then(|| {
            // Holes, and in the last of several rows nothing but.
            let skipped = if self.batch > 2 {
                self.batch - 1
            } else {
                self.batch
            };
            let bits: Vec<bool> = noise(self.batch * self.steps, 77)
                .iter()
                .enumerate()
                .map(|(i, v)| *v > -0.3 && i / self.steps != skipped)
                .collect();
            Tensor::<2, Bool>::from_data(TensorData::new(bits, [self.batch, self.steps]), device)
        });
        let factors = |copies: usize, width: usize, seed| {
            let values: Vec<f64> = noise(copies * self.batch * width, seed)
                .iter()
                .map(|v| if *v > -0.4 { 1.4 } else { 0.0 })
                .collect();
            tensor(&values, [copies, self.batch, width], (device, dtype))
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

    /// All results, flat: outputs, `h`, `c`.
    pub fn results(&self, t: &[Tensor<1>; 6], place: (&Device, DType)) -> Vec<Tensor<1>> {
        let shapes = self.shapes();
        let two = |i: usize| t[i].clone().reshape([shapes[i][0], shapes[i][1]]);
        let x = t[0]
            .clone()
            .reshape([self.batch, self.steps, self.features]);
        let h = self.initial.then(|| two(4));
        let options = self.options(place);
        let (sequence, last, h, c) = match self.kind {
            Kind::Lstm => {
                let weights = LstmWeights {
                    kernel: two(1),
                    recurrent_kernel: two(2),
                    bias: self.bias.then(|| t[3].clone()),
                };
                let state = h.map(|h| LstmState { h, c: two(5) });
                let out = lstm(x, weights, state, &options).unwrap();
                let (h, c) = out.state.map_or((None, None), |s| (Some(s.h), Some(s.c)));
                (out.sequence, out.last, h, c)
            }
            Kind::Gru | Kind::GruResetBefore => {
                let weights = GruWeights {
                    kernel: two(1),
                    recurrent_kernel: two(2),
                    bias: self.bias.then(|| two(3)),
                    reset_after: self.kind == Kind::Gru,
                };
                let out = gru(x, weights, h, &options).unwrap();
                (out.sequence, out.last, out.state, None)
            }
            Kind::SimpleRnn => {
                let weights = SimpleRnnWeights {
                    kernel: two(1),
                    recurrent_kernel: two(2),
                    bias: self.bias.then(|| t[3].clone()),
                };
                let out = simple_rnn(x, weights, h, &options).unwrap();
                (out.sequence, out.last, out.state, None)
            }
        };
        assert_eq!(sequence.is_some(), self.sequences);
        assert_eq!(last.is_some(), !self.sequences);
        assert_eq!(h.is_some(), self.states);
        let outputs = sequence
            .map(|sequence| sequence.reshape([-1]))
            .or(last.map(|last| last.reshape([-1])));
        let states = [h, c].into_iter().flatten();
        outputs
            .into_iter()
            .chain(states.map(|state| state.reshape([-1])))
            .collect()
    }

    /// A loss that weighs every result differently.
    pub fn loss(results: Vec<Tensor<1>>, place: (&Device, DType)) -> Tensor<1> {
        let mut loss = Tensor::<1>::zeros([1], place);
        for (i, values) in results.into_iter().enumerate() {
            let n = values.dims()[0];
            loss = loss + (values * tensor(&noise(n, 11 + i as u64), [n], place)).sum();
        }
        loss
    }

    /// Whether the layer has this one of x, kernel, recurrent_kernel, bias, h, c.
    pub fn has(&self, argument: usize) -> bool {
        match argument {
            3 => self.bias,
            4 => self.initial,
            5 => self.initial && self.kind == Kind::Lstm,
            _ => true,
        }
    }
}

/// A small layer of a kind, with all results and nothing special.
pub fn case(kind: Kind) -> Case {
    Case {
        kind,
        batch: 3,
        steps: 4,
        features: 2,
        units: 5,
        bias: true,
        initial: true,
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
