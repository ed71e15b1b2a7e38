//! Batches against the buffers that a GPU allows, before anything is computed.

use burn::tensor::Device;

use crate::backend::{device_name, largest_buffer};
use crate::dims::Dims;
use crate::models::{Model, bytes};
use crate::{Error, Result};

/// Who decides how many samples are in a batch, for the error when they are too many.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BatchSize<'a> {
    /// The argument `batch_size` of this function.
    By(&'a str),
    /// The caller, who gives a whole batch in arrays of this name.
    Given(&'a str),
}

impl BatchSize<'_> {
    fn name(&self) -> &str {
        match self {
            Self::By(name) | Self::Given(name) => name,
        }
    }
}

/// Refuses a batch of inputs of the shapes `x`, each with its own batch axis, for which some layer would need a larger
/// buffer than `device`, the model's, allows. Only shapes are looked at; nothing is asked of the device but its limit.
///
/// # Errors
///
/// [`Error::Argument`] or [`Error::Data`] naming the layer and the batch size that fits; [`Error::Device`] where not even
/// one sample does, or a weight alone is too large.
pub(crate) fn batch_fits(
    model: &Model,
    device: &Device,
    sized: BatchSize<'_>,
    batch_size: usize,
    x: impl FnOnce() -> Vec<Dims>,
    training: bool,
) -> Result<()> {
    match largest_buffer(device) {
        Some(largest) => check(model, sized, batch_size, &x(), training, largest, || {
            device_name(device)
        }),
        None => Ok(()),
    }
}

fn check(
    model: &Model,
    sized: BatchSize<'_>,
    batch_size: usize,
    x: &[Dims],
    training: bool,
    largest: u64,
    device: impl Fn() -> String,
) -> Result<()> {
    let too_large = |batch: usize| -> Result<Option<Need>> {
        let x: Vec<Dims> = x.iter().map(|x| x.with_first(Some(batch))).collect();
        Ok(largest_need(model, &x, training)?.filter(|need| need.bytes > largest))
    };
    let Some(need) = too_large(batch_size)? else {
        return Ok(());
    };
    let (place, limit, device) = (sized.name(), bytes(largest), device());
    if let Some(weight) = largest_weight(model).filter(|weight| weight.bytes > largest) {
        let (layer, all) = (weight.layer, bytes(weight.bytes));
        return Err(Error::Device(format!(
            "{place}: a weight of {layer} needs a buffer of {all}, and the device {device} allows {limit} at most: no batch \
             size helps; make the layer smaller, or compute on the CPU (`BURN_KERAS_DEVICE=flex`)"
        )));
    }
    // The most samples that fit are found by halving: what a batch needs grows with it, but not quite in proportion.
    let (mut fits, mut fails) = (0, batch_size);
    while fails - fits > 1 {
        let middle = fits + (fails - fits) / 2;
        match too_large(middle)? {
            Some(_) => fails = middle,
            None => fits = middle,
        }
    }
    if fits == 0 {
        let one = too_large(1)?.unwrap_or(need);
        let (layer, one) = (one.layer, bytes(one.bytes));
        return Err(Error::Device(format!(
            "{place}: {layer} needs a buffer of {one} for a single sample, and the device {device} allows {limit} at most: \
             shorten the sequences, or compute on the CPU (`BURN_KERAS_DEVICE=flex`)"
        )));
    }
    let (layer, all) = (need.layer, bytes(need.bytes));
    let needs = format!(
        "for which {layer} needs a buffer of {all}, and the device {device} allows {limit} at most"
    );
    Err(match sized {
        BatchSize::By(place) => Error::argument(
            place,
            "batch_size",
            format!("is {batch_size}, {needs}: a batch_size of {fits} fits"),
        ),
        BatchSize::Given(array) => Error::data(
            array,
            format!("has {batch_size} samples, {needs}: {fits} at a time fit"),
        ),
    })
}

/// The largest buffer of a layer.
#[derive(Debug, PartialEq)]
struct Need {
    layer: String,
    bytes: u64,
}

/// The bytes of a tensor of this shape.
fn bytes_of(axes: impl Iterator<Item = usize>) -> u64 {
    axes.fold(4, |n, size| n.saturating_mul(size as u64))
}

fn larger(largest: Option<Need>, bytes: u64, layer: impl FnOnce() -> String) -> Option<Need> {
    match largest {
        Some(need) if need.bytes >= bytes => Some(need),
        _ => Some(Need {
            layer: layer(),
            bytes,
        }),
    }
}

/// The largest weight, of layers inside others too.
fn largest_weight(model: &Model) -> Option<Need> {
    let mut largest = None;
    for layer in model.leaves() {
        for weight in layer.weights() {
            let bytes = bytes_of(weight.shape.into_iter());
            largest = larger(largest, bytes, || layer.describe());
        }
    }
    largest
}

/// What the layer with the largest buffer needs for a batch of these inputs: a weight, its output, or what it says of
/// itself (`Layer::largest_inside`).
fn largest_need(model: &Model, x: &[Dims], training: bool) -> Result<Option<Need>> {
    let mut largest = largest_weight(model);
    let graph = model.graph()?;
    let all = |dims: &Dims| bytes_of(dims.axes().iter().map(|axis| axis.unwrap_or(1)));
    for (input, given) in graph.inputs.iter().zip(x) {
        largest = larger(largest, all(given), || format!("Input \"{}\"", input.name));
    }
    let mut dims = x.to_vec();
    dims.resize(graph.dims.len(), Dims::default());
    for step in &graph.steps {
        let layer = &model.layers()[step.layer];
        let inputs: Vec<Dims> = step.inputs.iter().map(|v| dims[*v].clone()).collect();
        // What does not go together is said where it is computed, and what comes after it is not counted.
        let Ok(outputs) = layer.output_dims(&inputs) else {
            return Ok(largest);
        };
        let held = layer.read();
        if let Some(inner) = held.as_any().downcast_ref::<Model>() {
            if let Some(need) = largest_need(inner, &inputs, training)? {
                largest = larger(largest, need.bytes, || need.layer);
            }
        } else {
            let inside = 4u64.saturating_mul(held.largest_inside(&inputs, training));
            largest = larger(largest, inside, || layer.describe());
        }
        for (value, output) in step.outputs.iter().zip(outputs) {
            largest = larger(largest, all(&output), || layer.describe());
            dims[*value] = output;
        }
    }
    Ok(largest)
}

/// [`largest_need`] as values, for a model inside a layer.
pub(crate) fn largest_values(model: &Model, x: &[Dims], training: bool) -> u64 {
    let need = largest_need(model, x, training).ok().flatten();
    need.map_or(0, |need| need.bytes / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn need(model: &Model, x: &[&[usize]], training: bool) -> Result<(String, u64)> {
        let x: Vec<Dims> = x.iter().map(|x| Dims::known(x)).collect();
        let need = largest_need(model, &x, training)?;
        let need = need.ok_or_else(|| Error::Model("needs nothing".to_string()))?;
        Ok((need.layer, need.bytes / 4))
    }

    #[test]
    fn training_an_lstm_keeps_its_states_beside_the_gates() -> Result<()> {
        let mut model = Sequential::new();
        model.add(Lstm::new(8).input_shape((None, 3)))?;
        model.add(Dense::new(2))?;
        // Parts begin at multiples of 256 values, which 32 * 50 * 8 is.
        let at = |training| need(&model, &[&[32, 50, 3]], training);
        assert_eq!(at(false)?, ("Lstm \"lstm\"".to_string(), 32 * 50 * 4 * 8));
        assert_eq!(at(true)?, ("Lstm \"lstm\"".to_string(), 32 * 50 * 6 * 8));
        Ok(())
    }

    #[test]
    fn layers_inside_wrappers_and_models_count() -> Result<()> {
        let mut inner = Sequential::new();
        inner.add(Bidirectional::new(Gru::new(8)).input_shape((None, 3)))?;
        let mut model = Sequential::new();
        model.add(TimeDistributed::new(Model::from(inner)).input_shape([5, 50, 3]))?;
        // All steps but the first are computed at once.
        let (_, values) = need(&model, &[&[32, 5, 50, 3]], true)?;
        assert_eq!(values, 4 * 32 * 50 * 6 * 8 + 4 * 32 * 8);
        Ok(())
    }

    #[test]
    fn steps_that_are_computed_one_by_one_count_as_one() -> Result<()> {
        // Drawn anew for each of the 5 steps, else the first step and then the other 4.
        let at = |inner: Lstm, training| -> Result<u64> {
            let mut model = Sequential::new();
            model.add(TimeDistributed::new(inner).input_shape([5, 50, 3]))?;
            Ok(need(&model, &[&[32, 5, 50, 3]], training)?.1)
        };
        let input = 32 * 5 * 50 * 3;
        assert_eq!(at(Lstm::new(8), true)?, 4 * 32 * 50 * 6 * 8);
        assert_eq!(at(Lstm::new(8).dropout(0.5), true)?, 32 * 50 * 6 * 8);
        assert_eq!(at(Lstm::new(8).dropout(0.5), false)?, 4 * 32 * 50 * 4 * 8);
        assert_eq!(at(Lstm::new(1).dropout(0.5), true)?, input);
        Ok(())
    }

    #[test]
    fn the_scores_of_attention_count_for_each_head() -> Result<()> {
        let input = Input::new((None, 4));
        let seen = MultiHeadAttention::new(3, 2).call((&input, &input))?;
        let model = Model::new(&input, &seen)?;
        assert_eq!(need(&model, &[&[7, 100, 4]], false)?.1, 7 * 3 * 100 * 100);
        Ok(())
    }

    #[test]
    fn each_input_has_its_own_length() -> Result<()> {
        let encoder = Input::new((None, 2));
        let decoder = Input::new((None, 2));
        let [_, h] = Gru::new(3).return_state(true).call(&encoder)?.try_into()?;
        let y = Gru::new(3).return_sequences(true).call((&decoder, &h))?;
        let y = Dense::new(3000).name("words").call(&y)?;
        let model = Model::new([&encoder, &decoder], &y)?;
        let wanted = ("Dense \"words\"".to_string(), 4 * 20 * 3000);
        assert_eq!(need(&model, &[&[4, 1000, 2], &[4, 20, 2]], true)?, wanted);
        Ok(())
    }

    #[test]
    fn a_batch_that_is_too_large_is_told_the_size_that_fits() -> Result<()> {
        let mut model = Sequential::new();
        model.add(RepeatVector::new(1 << 16).input_shape([4]))?;
        let text = |batch, limit| {
            let x = [Dims::known(&[1000, 4])];
            let checked = check(&model, BatchSize::By("fit"), batch, &x, true, limit, || {
                "a card".into()
            });
            checked.map_err(|e| e.to_string())
        };
        // 1 MB for each sample.
        assert_eq!(text(256, 256 << 20), Ok(()));
        let told = text(256, 128 << 20).err().unwrap_or_default();
        assert!(told.contains("needs a buffer of 256.00 MB"), "{told}");
        assert!(told.contains("a batch_size of 128 fits"), "{told}");
        let told = text(256, 1 << 19).err().unwrap_or_default();
        assert!(told.contains("1.00 MB for a single sample"), "{told}");
        Ok(())
    }

    #[test]
    fn no_batch_size_helps_where_a_weight_is_too_large() -> Result<()> {
        let mut model = Sequential::new();
        model.add(Embedding::new(1000, 16).input_shape([3]))?;
        let x = [Dims::known(&[1, 3])];
        let told = check(&model, BatchSize::By("fit"), 1, &x, true, 1000, || {
            "a card".into()
        });
        let told = told.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(told.contains("no batch size helps"), "{told}");
        Ok(())
    }
}
