//! Three stacked LSTMs, fused and burn's own, forward and forward + backward, on both CPU backends.
//!
//! The shapes are batches of 64 of the models that `docs/performance.md` compares with other
//! libraries; the packed rows are what a single prediction and a single streamed step cost.
#![allow(deprecated, missing_docs)]

use burn::nn::{Lstm, LstmConfig};
use burn::tensor::{Device, Distribution, Tensor};
use burn_recurrent::packed::{Layer, PackedDense, PackedLayer};
use burn_recurrent::{FusedLstm, Kind, LstmWeights, Options, lstm};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

/// Batch, timesteps, features, units.
type Sizes = [usize; 4];

const SMALL: Sizes = [64, 8, 16, 32];
const MIDDLE: Sizes = [64, 50, 64, 256];
const LARGE: Sizes = [64, 100, 128, 512];
const ALONE: Sizes = [1, 8, 16, 32];

fn modules([_, _, features, units]: Sizes, device: &Device) -> [Lstm; 3] {
    [features, units, units].map(|width| LstmConfig::new(width, units, true).init(device))
}

fn fused(modules: &[Lstm; 3]) -> [FusedLstm; 3] {
    std::array::from_fn(|i| match FusedLstm::try_from(&modules[i]) {
        Ok(fused) => fused,
        Err(error) => panic!("{error}"),
    })
}

/// The last layer's last output, through the fused operation.
fn run_fused(layers: &[FusedLstm; 3], x: Tensor<3>) -> Tensor<2> {
    let mut x = x;
    for (i, layer) in layers.iter().enumerate() {
        let weights = LstmWeights {
            kernel: layer.kernel.val(),
            recurrent_kernel: layer.recurrent_kernel.val(),
            bias: layer.bias.as_ref().map(|bias| bias.val()),
        };
        let options = Options {
            return_sequences: i < 2,
            ..Default::default()
        };
        match lstm(x.clone(), weights, None, &options) {
            Ok(output) => match (output.sequence, output.last) {
                (Some(sequence), _) => x = sequence,
                (_, Some(last)) => return last,
                _ => {}
            },
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("the last layer returns its last output")
}

fn run_burn(layers: &[Lstm; 3], x: Tensor<3>) -> Tensor<2> {
    let [a, b, c] = layers;
    let (x, _) = a.forward(x, None);
    let (x, _) = b.forward(x, None);
    c.forward(x, None).1.hidden
}

fn stacked(criterion: &mut Criterion) {
    for sizes in [SMALL, MIDDLE, LARGE, ALONE] {
        let [batch, steps, features, units] = sizes;
        let mut group =
            criterion.benchmark_group(format!("{batch}x{steps}x{features}, units {units}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(if units > 32 { 4 } else { 2 }));
        for (name, device) in [("flex", Device::flex()), ("ndarray", Device::ndarray())] {
            let x = Tensor::<3>::random([batch, steps, features], Distribution::Default, &device);
            let theirs = modules(sizes, &device);
            let ours = fused(&theirs);
            group.bench_function(BenchmarkId::new("fused forward", name), |b| {
                b.iter(|| black_box(run_fused(&ours, x.clone())));
            });
            // burn's own takes seconds a pass at this size.
            if units < 512 {
                group.bench_function(BenchmarkId::new("burn forward", name), |b| {
                    b.iter(|| black_box(run_burn(&theirs, x.clone())));
                });
            }
            let theirs = modules(sizes, &device.clone().autodiff());
            let ours = fused(&theirs);
            group.bench_function(BenchmarkId::new("fused forward + backward", name), |b| {
                b.iter(|| black_box(run_fused(&ours, x.clone()).sum().backward()));
            });
            if units < 512 {
                group.bench_function(BenchmarkId::new("burn forward + backward", name), |b| {
                    b.iter(|| black_box(run_burn(&theirs, x.clone()).sum().backward()));
                });
            }
        }
    }
}

fn packed(criterion: &mut Criterion) {
    let values = |n: usize| (0..n).map(|i| (i % 17) as f32 * 0.01).collect::<Vec<f32>>();
    let layer = |features: usize, units: usize| {
        let packed = PackedLayer::new(&Layer {
            kind: Kind::Lstm,
            features,
            units,
            kernel: &values(features * 4 * units),
            recurrent_kernel: &values(units * 4 * units),
            bias: Some(&values(4 * units)),
        });
        packed.unwrap_or_else(|error| panic!("{error}"))
    };
    let mut group = criterion.benchmark_group("packed");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2));
    let one = layer(32, 32);
    let (mut state, x) = (one.state(1), values(32));
    group.bench_function("one step of LSTM(32) with 32 inputs", |b| {
        b.iter(|| one.step_into(black_box(&x), &mut state));
    });
    let layers = [layer(16, 32), layer(32, 32), layer(32, 32)];
    let dense =
        PackedDense::new(32, 10, &values(320), None).unwrap_or_else(|error| panic!("{error}"));
    let x = values(8 * 16);
    let mut states = [0; 3].map(|_| layers[0].state(1));
    let (mut a, mut b_, mut h, mut y) =
        (vec![0.0; 256], vec![0.0; 256], vec![0.0; 32], vec![0.0; 10]);
    group.bench_function("one sequence 8x16 through 3 LSTM(32) and Dense(10)", |b| {
        b.iter(|| {
            states.iter_mut().for_each(|state| state.reset());
            let [first, second, third] = &mut states;
            let _ = layers[0].sequence_into(black_box(&x), None, first, Some(&mut a), false);
            let _ = layers[1].sequence_into(&a, None, second, Some(&mut b_), false);
            let _ = layers[2].sequence_into(&b_, None, third, None, false);
            let _ = third.h_into(&mut h);
            dense.apply_into(&h, &mut y)
        });
    });
}

criterion_group!(benches, stacked, packed);
criterion_main!(benches);
