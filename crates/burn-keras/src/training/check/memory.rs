//! Batches against the buffers that a GPU allows, before anything is computed.

use crate::backend::{device_name, largest_buffer};
use crate::dims::Dims;
use crate::models::{Model, bytes};
use crate::{Error, Result};

/// Refuses a batch for which some layer would need a larger buffer than the model's device allows; `x` is what goes in,
/// for the axes that the model leaves open.
///
/// # Errors
///
/// [`Error::Argument`] naming the layer and the batch size that fits; [`Error::Device`] where not even one sample does.
pub(crate) fn batch_fits(model: &Model, place: &str, batch_size: usize, x: &[Dims]) -> Result<()> {
    let device = model.placement()?;
    let Some(largest) = largest_buffer(&device) else {
        return Ok(());
    };
    let Some(need) = largest_need(model, x)? else {
        return Ok(());
    };
    need.check(place, batch_size, largest, &device_name(&device))
}

/// The largest buffer of a layer.
#[derive(Debug, PartialEq)]
struct Need {
    layer: String,
    /// For each sample.
    bytes: u64,
}

impl Need {
    fn check(&self, place: &str, batch_size: usize, largest: u64, device: &str) -> Result<()> {
        let all = self.bytes.saturating_mul(batch_size as u64);
        if all <= largest {
            return Ok(());
        }
        let (layer, all, limit) = (&self.layer, bytes(all), bytes(largest));
        let fits = largest / self.bytes.max(1);
        if fits == 0 {
            let one = bytes(self.bytes);
            return Err(Error::Device(format!(
                "{place}: {layer} needs a buffer of {one} for a single sample, and the device {device} allows {limit} at \
                 most: shorten the sequences, or compute on the CPU (`BURN_KERAS_DEVICE=flex`)"
            )));
        }
        Err(Error::argument(
            place,
            "batch_size",
            format!(
                "is {batch_size}, for which {layer} needs a buffer of {all}, and the device {device} allows {limit} at \
                 most: a batch_size of {fits} fits"
            ),
        ))
    }
}

/// What the layer with the largest buffer needs: its output, or what its largest matrix makes of all timesteps (an LSTM
/// keeps all gates of all steps for the way back).
fn largest_need(model: &Model, x: &[Dims]) -> Result<Option<Need>> {
    let graph = model.graph()?;
    let open = graph.inputs.iter().zip(x).flat_map(|(input, given)| {
        let axes = input.dims.axes().iter().zip(given.axes()).skip(1);
        axes.filter_map(|(own, given)| own.is_none().then_some((*given)?))
    });
    // Axes that the model leaves open are its timesteps.
    let timesteps = open.max().unwrap_or(1);
    let sizes = |dims: &Dims| -> Vec<u64> {
        let axes = dims.axes().iter().skip(1);
        axes.map(|axis| axis.unwrap_or(timesteps) as u64).collect()
    };
    let product = |sizes: &[u64]| sizes.iter().fold(4u64, |n, size| n.saturating_mul(*size));
    let mut largest: Option<Need> = None;
    let mut note = |layer: String, bytes: u64| {
        if largest.as_ref().is_none_or(|need| bytes > need.bytes) {
            largest = Some(Need { layer, bytes });
        }
    };
    for input in &graph.inputs {
        note(
            format!("Input \"{}\"", input.name),
            product(&sizes(&input.dims)),
        );
    }
    for step in &graph.steps {
        let Some(layer) = model.layers().get(step.layer) else {
            continue;
        };
        for value in &step.outputs {
            note(layer.describe(), product(&sizes(&graph.dims[*value])));
        }
        let widths = layer.weights().into_iter().filter(|w| w.shape.len() > 1);
        let width = widths.filter_map(|w| w.shape.last().copied()).max();
        if let (Some(width), Some(input)) = (width, step.inputs.first()) {
            let sizes = sizes(&graph.dims[*input]);
            let positions = &sizes[..sizes.len().saturating_sub(1)];
            note(
                layer.describe(),
                product(positions).saturating_mul(width as u64),
            );
        }
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    #[test]
    fn the_gates_of_an_lstm_over_all_steps_are_its_largest_buffer() -> Result<()> {
        let mut model = Sequential::new();
        model.add(Lstm::new(8).input_shape((None, 3)))?;
        model.add(Dense::new(2))?;
        let need = largest_need(&model, &[Dims::known(&[100, 50, 3])])?;
        let wanted = Need {
            layer: "Lstm \"lstm\"".to_string(),
            bytes: 4 * 50 * (4 * 8),
        };
        assert_eq!(need, Some(wanted));
        Ok(())
    }

    #[test]
    fn a_batch_that_is_too_large_is_told_the_size_that_fits() {
        let need = Need {
            layer: "Lstm \"lstm\"".to_string(),
            bytes: 1 << 20,
        };
        let text = |limit| {
            let checked = need.check("fit", 256, limit, "wgpu (a card)");
            checked.map_err(|e| e.to_string())
        };
        assert_eq!(text(256 << 20), Ok(()));
        assert_eq!(
            text(128 << 20).unwrap_err(),
            "fit: batch_size is 256, for which Lstm \"lstm\" needs a buffer of 256.00 MB, and the device wgpu (a card) \
             allows 128.00 MB at most: a batch_size of 128 fits"
        );
        assert!(
            text(1 << 19)
                .unwrap_err()
                .contains("needs a buffer of 1.00 MB for a single sample")
        );
    }
}
