//! How often the output is right.

use burn::tensor::Tensor;

use super::{MeanOfRows, Metric, RowValues};
use crate::losses::{Labels, paired_rows, row_means};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// The share of values on the right side of a threshold.
#[derive(Clone, Debug)]
pub struct BinaryAccuracy {
    threshold: f32,
}

impl Default for BinaryAccuracy {
    fn default() -> Self {
        Self::new()
    }
}

impl BinaryAccuracy {
    /// With the threshold 0.5.
    pub fn new() -> Self {
        Self { threshold: 0.5 }
    }

    /// An output counts as 1 when it is above the threshold.
    pub fn threshold(mut self, threshold: f32) -> Self {
        self.threshold = threshold;
        self
    }
}

impl RowValues for BinaryAccuracy {
    fn labels(&self) -> Labels {
        Labels::SameShape
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows("binary_accuracy", y_true, y_pred)?;
        let guess = p.greater_elem(self.threshold).float();
        Ok(row_means(t.equal(guess).float()))
    }
}

/// The share of rows whose largest value is where the labels' largest is.
#[derive(Clone, Copy, Debug, Default)]
pub struct CategoricalAccuracy;

impl RowValues for CategoricalAccuracy {
    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows("categorical_accuracy", y_true, y_pred)?;
        let rows = p.dims()[0];
        Ok(t.argmax(1).equal(p.argmax(1)).float().reshape([rows]))
    }
}

/// The share of rows whose largest value is at the label's number.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseCategoricalAccuracy;

impl RowValues for SparseCategoricalAccuracy {
    fn labels(&self) -> Labels {
        Labels::ClassNumber
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let p = y_pred.float_rows()?;
        let rows = p.dims()[0];
        if y_true.shape().iter().product::<usize>() != rows {
            return Err(Error::tensor(
                "sparse_categorical_accuracy",
                format!(
                    "got labels of shape {} for an output of shape {}",
                    y_true.dims(),
                    y_pred.dims()
                ),
            ));
        }
        let guess = AnyTensor::from(p.argmax(1)).int_as([rows])?;
        // Compared as floats, so that the two may have different integer types.
        Ok(y_true.float_as([rows])?.equal(guess.float()).float())
    }
}

/// The metric of this class or snake-case name.
pub(super) fn by_class_name(name: &str) -> Option<Box<dyn Metric>> {
    // Reported under the name it was asked for by, as in Keras.
    Some(match name {
        "binary_accuracy" | "BinaryAccuracy" => {
            Box::new(MeanOfRows::new(name, BinaryAccuracy::new()))
        }
        "categorical_accuracy" | "CategoricalAccuracy" => {
            Box::new(MeanOfRows::new(name, CategoricalAccuracy))
        }
        "sparse_categorical_accuracy" | "SparseCategoricalAccuracy" => {
            Box::new(MeanOfRows::new(name, SparseCategoricalAccuracy))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;

    #[test]
    fn each_accuracy_counts_its_own_kind_of_labels() -> Result<()> {
        let device = default_device()?;
        let tensor =
            |values: &[f32], shape: &[usize]| AnyTensor::from_f32(values.to_vec(), shape, &device);
        let p = tensor(&[0.1, 0.7, 0.2, 0.6, 0.3, 0.1], &[2, 3])?;
        let one_hot = tensor(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0], &[2, 3])?;
        let numbers = tensor(&[1.0, 2.0], &[2])?;
        let rows = |r: Result<Tensor<1>>| -> Result<Vec<f32>> { AnyTensor::from(r?).to_vec() };
        assert_eq!(
            rows(CategoricalAccuracy.rows(&one_hot, &p))?,
            vec![1.0, 0.0]
        );
        assert_eq!(
            rows(SparseCategoricalAccuracy.rows(&numbers, &p))?,
            vec![1.0, 0.0]
        );
        let binary = tensor(&[1.0, 0.0], &[2, 1])?;
        let q = tensor(&[0.5, 0.4], &[2, 1])?;
        // 0.5 is not above the threshold.
        assert_eq!(
            rows(BinaryAccuracy::new().rows(&binary, &q))?,
            vec![0.0, 1.0]
        );
        Ok(())
    }

    #[test]
    fn a_weighted_mean_divides_by_the_weights() -> Result<()> {
        let device = default_device()?;
        let mut mean = super::super::Mean::default();
        let weights = Tensor::from_floats([1.0, 3.0], &device);
        mean.update(Tensor::from_floats([2.0, 4.0], &device), Some(&weights));
        assert!((mean.result()? - 3.5).abs() < 1e-9);
        Ok(())
    }
}
