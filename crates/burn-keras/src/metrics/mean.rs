//! The mean over all samples of something that each sample has one value of.

use burn::tensor::{Device, Tensor};

use super::Metric;
use super::kept::Kept;
use crate::losses::Labels;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// A running mean: the values' sum and their number, kept on the device until they are asked for.
///
/// ```
/// use burn::tensor::Tensor;
/// use burn_keras::backend::default_device;
/// use burn_keras::metrics::Mean;
///
/// let mut mean = Mean::default();
/// mean.update(Tensor::from_floats([1.0, 2.0, 6.0], &default_device()?), None);
/// assert_eq!(mean.result()?, 3.0);
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mean {
    sum: Option<Tensor<1>>,
    weight: Option<Tensor<1>>,
    count: f64,
}

impl Mean {
    /// Takes values in, each counting as much as its weight (1 without weights).
    pub fn update(&mut self, values: Tensor<1>, weights: Option<&Tensor<1>>) {
        let add = |total: Option<Tensor<1>>, part: Tensor<1>| match total {
            Some(total) => total + part,
            None => part,
        };
        match weights {
            None => {
                self.count += values.dims()[0] as f64;
                self.sum = Some(add(self.sum.take(), values.sum()));
            }
            Some(weights) => {
                self.weight = Some(add(self.weight.take(), weights.clone().sum()));
                self.sum = Some(add(self.sum.take(), (values * weights.clone()).sum()));
            }
        }
    }

    /// Takes in the mean of `count` values.
    pub fn update_with_mean(&mut self, mean: Tensor<1>, count: usize) {
        let part = mean * count as f32;
        self.count += count as f64;
        self.sum = Some(match self.sum.take() {
            Some(total) => total + part,
            None => part,
        });
    }

    /// Sum, sum of weights and number, to go on from later.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand them over.
    pub fn state(&self) -> Result<Vec<f64>> {
        Ok(vec![
            read_sum(&self.sum)?,
            read_sum(&self.weight)?,
            self.count,
        ])
    }

    /// Takes back what [`Mean::state`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when it is something else.
    pub fn restore(&mut self, state: &[f64], device: &Device) -> Result<()> {
        let [sum, weight, count] = state else {
            return Err(Error::config("a mean", "has no such state"));
        };
        let tensor = |value: f64| Tensor::from_data([value as f32], device);
        self.sum = Some(tensor(*sum));
        self.weight = (*weight != 0.0).then(|| tensor(*weight));
        self.count = *count;
        Ok(())
    }

    /// The mean; 0 before anything was taken in.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand it over.
    pub fn result(&self) -> Result<f64> {
        let total = self.count + read_sum(&self.weight)?;
        if total == 0.0 {
            return Ok(0.0);
        }
        Ok(read_sum(&self.sum)? / total)
    }
}

impl Kept for Mean {
    fn to_numbers(&self) -> Result<Vec<f64>> {
        self.state()
    }

    fn of_numbers(numbers: &[f64], device: &Device) -> Result<Self> {
        let mut mean = Self::default();
        mean.restore(numbers, device)?;
        Ok(mean)
    }
}

/// A sum read back from the device; 0 for none.
pub(super) fn read_sum(sum: &Option<Tensor<1>>) -> Result<f64> {
    let Some(sum) = sum else { return Ok(0.0) };
    let values = AnyTensor::from(sum.clone()).to_vec()?;
    values
        .first()
        .map(|v| f64::from(*v))
        .ok_or_else(|| Error::Device("a sum came back empty from the device".to_string()))
}

/// What each row of an output (each sample, or each step) has one value of.
pub trait RowValues: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// The form of the labels.
    fn labels(&self) -> Labels;

    /// One value for each row of `y_pred`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when labels and output do not fit each other.
    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>>;
}

/// The mean of a [`RowValues`] over an epoch.
#[derive(Clone, Debug)]
pub struct MeanOfRows<R> {
    name: String,
    rows: R,
    mean: Mean,
}

impl<R: RowValues> MeanOfRows<R> {
    /// The metric, reported under this name.
    pub fn new(name: impl Into<String>, rows: R) -> Self {
        Self {
            name: name.into(),
            rows,
            mean: Mean::default(),
        }
    }
}

impl<R: RowValues> Metric for MeanOfRows<R> {
    fn name(&self) -> &str {
        &self.name
    }

    fn labels(&self) -> Labels {
        self.rows.labels()
    }

    fn update(
        &mut self,
        y_true: &AnyTensor,
        y_pred: &AnyTensor,
        weights: Option<&Tensor<1>>,
    ) -> Result<()> {
        self.mean.update(self.rows.rows(y_true, y_pred)?, weights);
        Ok(())
    }

    fn result(&self) -> Result<f64> {
        self.mean.result()
    }

    fn state(&self) -> Result<Option<Vec<f64>>> {
        self.mean.state().map(Some)
    }

    fn restore(&mut self, state: &[f64], device: &Device) -> Result<()> {
        self.mean.restore(state, device)
    }

    fn reset(&mut self) {
        self.mean = Mean::default();
    }

    fn boxed_clone(&self) -> Box<dyn Metric> {
        Box::new(self.clone())
    }
}
