//! The same training by two devices, from outside the workspace: burn's default features switch its fusion on here.

use burn_keras::backend::{Backend, set_device};
use burn_keras::layers::Implementation;
use burn_keras::ndarray::{Array2, Array3, ArrayD};
use burn_keras::prelude::*;

/// Fused layers of every kind, with masks, dropout, states and both directions.
fn model() -> Result<Sequential> {
    set_random_seed(3);
    let fused = Implementation::Fused;
    let mut model = Sequential::new();
    model.add(Masking::new().input_shape([6, 3]))?;
    let lstm = || Lstm::new(5).return_sequences(true).implementation(fused);
    model.add(Bidirectional::new(lstm()))?;
    model.add(lstm().dropout(0.2).recurrent_dropout(0.1))?;
    model.add(Gru::new(4).return_sequences(true).implementation(fused))?;
    let before = Gru::new(4).reset_after(false).return_sequences(true);
    model.add(before.implementation(fused))?;
    model.add(SimpleRnn::new(4).implementation(fused))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile("adam", "categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

/// Its losses, its weights, and what it predicts afterwards.
fn train(backend: Backend) -> Result<(Vec<f64>, Vec<ArrayD<f32>>)> {
    set_device(&backend.open()?);
    let value = |i: usize, t: usize, f: usize| ((i * 31 + t * 7 + f * 3) % 17) as f32 / 17.0;
    let x = Array3::from_shape_fn((20, 6, 3), |(i, t, f)| {
        // Steps past the end of a sequence.
        if t > 2 + i % 4 { 0.0 } else { value(i, t, f) }
    });
    let y = Array2::from_shape_fn((20, 2), |(i, class)| f32::from(u8::from(i % 2 == class)));
    let mut model = model()?;
    let fit = Fit::new().seed(5).batch_size(8).epochs(2).verbose(0);
    let history = model.fit(&x, &y, fit)?;
    let mut arrays = model.get_weights()?;
    arrays.push(model.predict(&x)?);
    Ok((history.get("loss").to_vec(), arrays))
}

fn main() -> Result<()> {
    let (cpu_losses, cpu) = train(Backend::Flex)?;
    let (losses, gpu) = train(Backend::Wgpu)?;
    println!("losses on flex {cpu_losses:?}, on wgpu {losses:?}");
    assert_eq!(cpu.len(), gpu.len());
    let mut largest = 0f32;
    for (cpu, gpu) in cpu.iter().zip(&gpu) {
        assert_eq!(cpu.shape(), gpu.shape());
        for (cpu, gpu) in cpu.iter().zip(gpu) {
            largest = largest.max((cpu - gpu).abs());
            // Written so that NaN fails.
            assert!((cpu - gpu).abs() < 1e-4, "{cpu} on flex, {gpu} on wgpu");
        }
    }
    println!("weights and outputs differ by at most {largest:e}");
    Ok(())
}
