//! A running sum.

use burn::tensor::Tensor;

use super::mean::read_sum;
use crate::Result;

/// A running sum, kept on the device until it is asked for: the part of a metric of one's own that adds up.
///
/// ```
/// use burn::tensor::Tensor;
/// use burn_keras::backend::default_device;
/// use burn_keras::metrics::Sum;
///
/// let mut sum = Sum::default();
/// sum.update(Tensor::from_floats([1.0, 2.0, 6.0], &default_device()?), None);
/// assert_eq!(sum.result()?, 9.0);
/// # Ok::<(), burn_keras::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sum {
    total: Option<Tensor<1>>,
}

impl Sum {
    /// Takes values in, each times its weight.
    pub fn update(&mut self, values: Tensor<1>, weights: Option<&Tensor<1>>) {
        let values = match weights {
            Some(weights) => values * weights.clone(),
            None => values,
        };
        self.total = Some(match self.total.take() {
            Some(total) => total + values.sum(),
            None => values.sum(),
        });
    }

    /// The sum; 0 before anything was taken in.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) when the device fails to hand it over.
    pub fn result(&self) -> Result<f64> {
        read_sum(&self.total)
    }
}
