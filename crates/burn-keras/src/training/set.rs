//! Arrays that were checked against the model, and the batches they are cut into.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::batches::Batches;
use super::check;
use super::data::{Rows, Values};
use super::weights::{ClassWeights, check_sample_weights};
use crate::backend::largest_buffer;
use crate::dims::Dims;
use crate::models::Model;
use crate::tensor::{AnyTensor, Picked};
use crate::{Error, Result};

/// Samples, their labels and how much they count: all there are, or a batch of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set<'a> {
    pub x: Vec<Values<'a>>,
    /// An array for each output; none where only outputs are wanted.
    pub y: Vec<Values<'a>>,
    /// None, one for all outputs, or one for each.
    pub weights: Vec<Values<'a>>,
}

/// The names under which errors speak of the arrays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    pub x: &'static str,
    pub y: &'static str,
    pub weights: &'static str,
}

impl Names {
    pub const TRAINING: Self = Self {
        x: "x",
        y: "y",
        weights: "sample_weight",
    };
    pub const VALIDATION: Self = Self {
        x: "x_val",
        y: "y_val",
        weights: "validation_sample_weight",
    };
    pub const BATCH: Self = Self {
        x: "x of a batch",
        y: "y of a batch",
        weights: "sample_weight of a batch",
    };
}

impl<'a> Set<'a> {
    /// Checks arrays against the model's inputs, outputs, losses and metrics.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] and [`Error::Data`] when they do not fit.
    pub fn check(self, model: &Model, names: Names) -> Result<Self> {
        let x = check::inputs(model, names.x, self.x)?;
        let samples = x.first().map_or(0, Values::samples);
        let y = check::labels(model, names.y, self.y, names.x, samples)?;
        let outputs = model.output_shapes()?;
        let weights =
            check_sample_weights(names.weights, self.weights, &outputs, names.x, samples)?;
        Ok(Self { x, y, weights })
    }

    /// Makes the weights of classes those of samples.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] for a model with several outputs; [`Error::Argument`] for a class that does not exist.
    pub fn weigh_classes(&mut self, model: &Model, weights: Option<&ClassWeights>) -> Result<()> {
        let Some(weights) = weights else {
            return Ok(());
        };
        let outputs = model.output_shapes()?;
        let ([labels], [output]) = (self.y.as_slice(), outputs.as_slice()) else {
            return Err(Error::Model(
                "class_weight works for models with one output; give sample_weight, one array for each output"
                    .to_string(),
            ));
        };
        weights.check(output)?;
        let form = model.compiled_for("fit")?.loss(0, 1)?.0.labels();
        self.weights = vec![weights.of_samples(labels, form)?];
        Ok(())
    }

    pub fn samples(&self) -> usize {
        self.x.first().map_or(0, Values::samples)
    }

    fn map<'b>(&'b self, change: impl Fn(&'b Values<'a>) -> Result<Values<'b>>) -> Result<Set<'b>> {
        let all = |arrays: &'b [Values<'a>]| arrays.iter().map(&change).collect::<Result<_>>();
        Ok(Set {
            x: all(&self.x)?,
            y: all(&self.y)?,
            weights: all(&self.weights)?,
        })
    }

    /// The samples from `start` to `end`, without copying.
    pub fn part(&self, start: usize, end: usize) -> Result<Set<'_>> {
        self.map(|array| Ok(array.slice(start, end)))
    }

    /// All samples as one batch on `device`: the inputs, and what outputs are held against.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for more axes than are supported.
    pub fn into_batch(self, device: &Device) -> Result<(Vec<AnyTensor>, Targets)> {
        let samples = self.samples();
        let all = |arrays: Vec<Values<'a>>| {
            arrays
                .into_iter()
                .map(|a| a.into_tensor(device))
                .collect::<Result<Vec<_>>>()
        };
        let x = all(self.x)?;
        let targets = Targets {
            y: all(self.y)?,
            weights: all(self.weights)?,
            samples,
        };
        Ok((x, targets))
    }
}

/// What the outputs of a batch are held against, on the device.
#[derive(Debug)]
pub(crate) struct Targets {
    /// The labels of each output.
    pub y: Vec<AnyTensor>,
    weights: Vec<AnyTensor>,
    pub samples: usize,
}

impl Targets {
    /// How much the samples, or their steps, count for output number `output`.
    pub fn weights(&self, output: usize) -> Option<&AnyTensor> {
        match self.weights.as_slice() {
            [for_all] => Some(for_all),
            each => each.get(output),
        }
    }
}

/// Samples that lie in a GPU's memory while a model runs over them: batches are cut there, and only the samples' numbers
/// travel.
#[derive(Debug)]
pub(crate) struct Resident {
    x: Vec<AnyTensor>,
    targets: Targets,
}

/// The bytes that are left for samples in a device's memory, those to train on and those to validate on together.
#[derive(Debug)]
pub(crate) struct Room(u64);

impl Room {
    /// The part of the largest buffer that all samples together may take, so that weights, states and what a step
    /// computes keep their room.
    const SHARE: u64 = 4;

    /// A quarter of the largest buffer; none on the CPU, where samples are already.
    pub fn on(device: &Device) -> Self {
        Self(largest_buffer(device).map_or(0, |largest| largest / Self::SHARE))
    }

    /// Takes the room that a set needs, if there is as much.
    pub fn take(&mut self, set: &dyn Samples) -> bool {
        let left = set.bytes().and_then(|bytes| self.0.checked_sub(bytes));
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

impl Resident {
    /// The batch of these samples.
    ///
    /// # Errors
    ///
    /// None for rows that exist.
    pub fn batch(&self, rows: &Rows<'_>, device: &Device) -> Result<(Vec<AnyTensor>, Targets)> {
        let listed;
        let places = match rows {
            Rows::Range(start, end) => Picked::Range(*start, *end),
            Rows::Listed(list) => {
                let numbers: Vec<i32> = list.iter().map(|n| *n as i32).collect();
                let data = TensorData::new(numbers, [list.len()]);
                listed = Tensor::<1, Int>::from_data(data, (device, DType::I32));
                Picked::Listed(&listed)
            }
        };
        let all = |arrays: &[AnyTensor]| {
            let picked = arrays.iter().map(|array| array.pick(places));
            picked.collect::<Result<Vec<_>>>()
        };
        let targets = Targets {
            y: all(&self.targets.y)?,
            weights: all(&self.targets.weights)?,
            samples: rows.len(),
        };
        Ok((all(&self.x)?, targets))
    }
}

/// A batch on its way to the device, or cut from what is there.
#[derive(Debug)]
pub(crate) enum Fed {
    Host(Set<'static>),
    Device(Vec<AnyTensor>, Targets),
}

impl Fed {
    /// The inputs, and what outputs are held against.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for more axes than are supported.
    pub fn into_batch(self, device: &Device) -> Result<(Vec<AnyTensor>, Targets)> {
        match self {
            Self::Host(set) => set.into_batch(device),
            Self::Device(inputs, targets) => Ok((inputs, targets)),
        }
    }
}

/// Samples that batches are taken from: a [`Set`], without the lifetime of what it borrows.
pub(crate) trait Samples: std::fmt::Debug + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// The shapes of what goes into the model.
    fn inputs(&self) -> Vec<Dims>;

    /// Whether some are read from a file: batches are made on another thread then, and checked one by one.
    fn are_in_files(&self) -> bool;

    /// These samples, in memory of their own.
    ///
    /// # Errors
    ///
    /// Those of reading a file.
    fn take(&self, rows: &Rows<'_>) -> Result<Set<'static>>;

    /// The bytes of all values on a device, where each takes four; `None` where some are in a file and stay there.
    fn bytes(&self) -> Option<u64>;

    /// All of them there.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for more axes than are supported.
    fn upload(&self, device: &Device) -> Result<Resident>;
}

impl Samples for Set<'_> {
    fn count(&self) -> usize {
        self.samples()
    }

    fn inputs(&self) -> Vec<Dims> {
        self.x.iter().map(Values::dims).collect()
    }

    fn are_in_files(&self) -> bool {
        let mut all = self.x.iter().chain(&self.y).chain(&self.weights);
        all.any(Values::is_in_file)
    }

    fn take(&self, rows: &Rows<'_>) -> Result<Set<'static>> {
        let all =
            |arrays: &[Values<'_>]| arrays.iter().map(|a| a.take(rows)).collect::<Result<_>>();
        Ok(Set {
            x: all(&self.x)?,
            y: all(&self.y)?,
            weights: all(&self.weights)?,
        })
    }

    fn bytes(&self) -> Option<u64> {
        let all = self.x.iter().chain(&self.y).chain(&self.weights);
        let bytes = all.map(|array| 4 * array.shape().iter().product::<usize>() as u64);
        (!self.are_in_files()).then(|| bytes.sum())
    }

    fn upload(&self, device: &Device) -> Result<Resident> {
        let (x, targets) = self.part(0, self.samples())?.into_batch(device)?;
        Ok(Resident { x, targets })
    }
}

/// The batches of a set in a given order.
pub(crate) struct SetBatches<'s> {
    set: &'s dyn Samples,
    batches: Batches,
    next: usize,
}

impl<'s> SetBatches<'s> {
    pub fn new(set: &'s dyn Samples, batches: Batches) -> Self {
        Self {
            set,
            batches,
            next: 0,
        }
    }

    /// The same without the first `skip` batches.
    pub fn after(mut self, skip: usize) -> Self {
        self.next = skip;
        self
    }
}

impl SetBatches<'_> {
    /// The samples of the next batch; `None` after the last.
    pub fn next_rows(&mut self) -> Option<Rows<'_>> {
        if self.next >= self.batches.count() {
            return None;
        }
        self.next += 1;
        Some(self.batches.rows(self.next - 1))
    }
}

impl Iterator for SetBatches<'_> {
    type Item = Result<Set<'static>>;

    fn next(&mut self) -> Option<Self::Item> {
        let set = self.set;
        self.next_rows().map(|rows| set.take(&rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;
    use crate::training::data::IntoData;
    use ndarray::Array2;

    fn set(samples: usize) -> Result<Set<'static>> {
        Ok(Set {
            x: Array2::<f32>::zeros((samples, 3)).into_data()?,
            y: Array2::<f32>::zeros((samples, 1)).into_data()?,
            weights: Vec::new(),
        })
    }

    #[test]
    fn sets_of_one_run_share_the_room_on_a_device() -> Result<()> {
        // 16 bytes a sample.
        let mut room = Room(160);
        assert!(room.take(&set(7)?));
        assert!(!room.take(&set(4)?), "4 samples in the room of 3");
        // What did not fit took nothing.
        assert!(room.take(&set(3)?));
        assert!(!room.take(&set(1)?));
        Ok(())
    }

    #[test]
    fn there_is_no_room_on_the_cpu() -> Result<()> {
        for backend in [Backend::Flex, Backend::NdArray] {
            if backend.is_compiled() {
                assert!(!Room::on(&backend.open()?).take(&set(1)?), "{backend}");
            }
        }
        Ok(())
    }
}
