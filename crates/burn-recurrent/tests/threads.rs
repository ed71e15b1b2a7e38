//! The same bits for any number of threads.

use burn::tensor::{Device, Distribution, Tensor};
use burn_recurrent::{GruWeights, LstmWeights, Options, SimpleRnnWeights, gru, lstm, simple_rnn};

/// Output and gradients of a layer, as bits.
fn bits(kind: usize, shape: [usize; 4], threads: usize) -> Vec<Vec<u32>> {
    let [batch, steps, features, units] = shape;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let device = Device::flex().autodiff();
        let fixed = |shape: [usize; 2], scale: f32| {
            let n = shape[0] * shape[1];
            let values: Vec<f32> = (0..n)
                .map(|i| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5)
                .collect();
            let tensor = Tensor::<1>::from_floats(values.as_slice(), &device).reshape(shape);
            (tensor * scale).detach().require_grad()
        };
        let gates = [4, 3, 3, 1][kind];
        let kernel = fixed([features, gates * units], 0.2);
        let recurrent_kernel = fixed([units, gates * units], 0.2);
        let x = fixed([batch * steps, features], 2.0);
        let input = x.clone().reshape([batch, steps, features]);
        let options = Options {
            return_sequences: true,
            ..Default::default()
        };
        let (k, r) = (kernel.clone(), recurrent_kernel.clone());
        let y = match kind {
            0 => {
                let weights = LstmWeights {
                    kernel: k,
                    recurrent_kernel: r,
                    bias: None,
                };
                lstm(input, weights, None, &options).unwrap().sequence
            }
            1 | 2 => {
                let reset_after = kind == 1;
                let weights = GruWeights {
                    kernel: k,
                    recurrent_kernel: r,
                    bias: None,
                    reset_after,
                };
                gru(input, weights, None, &options).unwrap().sequence
            }
            _ => {
                let weights = SimpleRnnWeights {
                    kernel: k,
                    recurrent_kernel: r,
                    bias: None,
                };
                simple_rnn(input, weights, None, &options).unwrap().sequence
            }
        }
        .unwrap();
        let grads = (y.clone() * y.clone()).sum().backward();
        let data = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let mut all = vec![data(y.into_data().try_to_vec().unwrap())];
        for tensor in [x, kernel, recurrent_kernel] {
            all.push(data(
                tensor
                    .grad(&grads)
                    .unwrap()
                    .into_data()
                    .try_to_vec()
                    .unwrap(),
            ));
        }
        all
    })
}

#[test]
fn outputs_and_gradients_are_bit_identical_for_1_2_3_and_4_threads() {
    // By batch; by columns with few rows; by columns with weights too large for one core's cache.
    for shape in [
        [64, 8, 16, 32],
        [37, 9, 40, 70],
        [5, 4, 300, 300],
        [40, 3, 16, 330],
        [300, 5, 3, 30],
    ] {
        for kind in 0..4 {
            let alone = bits(kind, shape, 1);
            for threads in [2, 3, 4] {
                assert!(
                    alone == bits(kind, shape, threads),
                    "kind {kind} {shape:?} {threads} threads"
                );
            }
        }
    }
}

#[test]
fn random_numbers_are_not_involved() {
    let device = Device::flex();
    let x = Tensor::<3>::random([2, 3, 4], Distribution::Default, &device);
    let kernel = Tensor::ones([4, 8], &device);
    let weights = || LstmWeights {
        kernel: kernel.clone(),
        recurrent_kernel: Tensor::ones([2, 8], &device),
        bias: None,
    };
    let run = || {
        lstm(x.clone(), weights(), None, &Options::default())
            .unwrap()
            .last
            .unwrap()
    };
    run().into_data().assert_eq(&run().into_data(), true);
}
