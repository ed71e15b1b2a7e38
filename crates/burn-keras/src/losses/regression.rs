//! Losses on the distance between output and label.

use burn::tensor::Tensor;

use super::{Loss, paired_rows, row_means};
use crate::Result;
use crate::tensor::AnyTensor;

/// The mean of `(t - p)²` along the last axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanSquaredError;

impl Loss for MeanSquaredError {
    fn name(&self) -> &str {
        "mean_squared_error"
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        let distance = t - p;
        Ok(row_means(distance.clone() * distance))
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(*self)
    }
}

/// The mean of `|t - p|` along the last axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeanAbsoluteError;

impl Loss for MeanAbsoluteError {
    fn name(&self) -> &str {
        "mean_absolute_error"
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (t, p) = paired_rows(self.name(), y_true, y_pred)?;
        Ok(row_means((t - p).abs()))
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;

    // keras/src/losses/losses_test.py: MeanSquaredErrorTest and MeanAbsoluteErrorTest, test_unweighted.
    #[test]
    fn squared_and_absolute_error_test_unweighted() -> Result<()> {
        let device = default_device()?;
        let t = AnyTensor::from_f32(vec![1.0, 9.0, 2.0, -5.0, -2.0, 6.0], &[2, 3], &device)?;
        let p = AnyTensor::from_f32(vec![4.0, 8.0, 12.0, 8.0, 1.0, 3.0], &[2, 3], &device)?;
        let squared: f32 = MeanSquaredError.rows(&t, &p)?.mean().into_scalar();
        let absolute: f32 = MeanAbsoluteError.rows(&t, &p)?.mean().into_scalar();
        assert!((squared - 49.5).abs() < 1e-3, "{squared}");
        assert!((absolute - 5.5).abs() < 1e-3, "{absolute}");
        Ok(())
    }
}
