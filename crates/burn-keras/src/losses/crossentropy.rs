//! Cross-entropies: how unlikely the model finds the labels.

use burn::tensor::{Int, Tensor, activation};

use super::{EPSILON, Labels, Loss, paired_rows, row_means, row_sums};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// `-Σ t log(p)` over the classes, for one-hot labels `t` (any real labels are accepted) and probabilities `p`.
///
/// Probabilities are first divided by their sum and kept within `1e-7` of 0 and 1 (`keras/src/backend/jax/nn.py`,
/// `categorical_crossentropy`).
#[derive(Clone, Debug, Default)]
pub struct CategoricalCrossentropy {
    from_logits: bool,
    label_smoothing: f32,
}

impl CategoricalCrossentropy {
    /// The loss on probabilities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the model puts out logits, to which softmax is still to be applied.
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }

    /// Takes this share of the labels and spreads it evenly over the classes.
    pub fn label_smoothing(mut self, label_smoothing: f32) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }
}

/// The logarithms of the probabilities in `y_pred`, `[rows, classes]`.
fn log_probabilities(y_pred: Tensor<2>, from_logits: bool) -> Tensor<2> {
    if from_logits {
        return activation::log_softmax(y_pred, 1);
    }
    let sums = y_pred.clone().sum_dim(1);
    (y_pred / sums).clamp(EPSILON, 1.0 - EPSILON).log()
}

impl Loss for CategoricalCrossentropy {
    fn name(&self) -> &str {
        "categorical_crossentropy"
    }

    fn labels(&self) -> Labels {
        Labels::OneHot
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (mut t, p) = paired_rows(self.name(), y_true, y_pred)?;
        if self.label_smoothing > 0.0 {
            let classes = p.dims()[1] as f32;
            t = t * (1.0 - self.label_smoothing) + self.label_smoothing / classes;
        }
        Ok(-row_sums(t * log_probabilities(p, self.from_logits)))
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(self.clone())
    }
}

/// `-log(p[class])`, for labels that are the number of the class.
#[derive(Clone, Debug, Default)]
pub struct SparseCategoricalCrossentropy {
    from_logits: bool,
}

impl SparseCategoricalCrossentropy {
    /// The loss on probabilities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the model puts out logits, to which softmax is still to be applied.
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }
}

/// Looking up a class that does not exist would be a panic in burn. On a GPU reading the labels back would stall it, so
/// there only data handed to `fit` are checked, before they are uploaded.
fn check_on_cpu(place: &str, classes: &Tensor<2, Int>, count: usize) -> Result<()> {
    if !crate::backend::is_cpu(&classes.device()) {
        return Ok(());
    }
    let numbers = classes
        .clone()
        .try_into_vec_as::<i64>()
        .map_err(|e| Error::Device(format!("reading labels failed: {e}")))?;
    match numbers.iter().find(|n| **n < 0 || **n >= count as i64) {
        None => Ok(()),
        Some(wrong) => Err(Error::tensor(
            place,
            format!("got the class {wrong}, but the output has {count} classes"),
        )),
    }
}

impl Loss for SparseCategoricalCrossentropy {
    fn name(&self) -> &str {
        "sparse_categorical_crossentropy"
    }

    fn labels(&self) -> Labels {
        Labels::ClassNumber
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let p = y_pred.float_rows()?;
        let rows = p.dims()[0];
        if y_true.shape().iter().product::<usize>() != rows {
            return Err(Error::tensor(
                self.name(),
                format!(
                    "got labels of shape {} for an output of shape {}",
                    y_true.dims(),
                    y_pred.dims()
                ),
            ));
        }
        let classes = y_true.int_as([rows, 1])?;
        check_on_cpu(self.name(), &classes, p.dims()[1])?;
        let logs = log_probabilities(p, self.from_logits);
        Ok(-logs.gather(1, classes).reshape([rows]))
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(self.clone())
    }
}

/// The mean of `-(t log(p) + (1 - t) log(1 - p))` along the last axis, for labels of 0 and 1.
#[derive(Clone, Debug, Default)]
pub struct BinaryCrossentropy {
    from_logits: bool,
    label_smoothing: f32,
}

impl BinaryCrossentropy {
    /// The loss on probabilities.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the model puts out logits, to which a sigmoid is still to be applied.
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }

    /// Moves labels this share of the way towards 0.5.
    pub fn label_smoothing(mut self, label_smoothing: f32) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }
}

impl Loss for BinaryCrossentropy {
    fn name(&self) -> &str {
        "binary_crossentropy"
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (mut t, p) = paired_rows(self.name(), y_true, y_pred)?;
        if self.label_smoothing > 0.0 {
            t = t * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing;
        }
        if self.from_logits {
            // max(z, 0) - t z + log(1 + exp(-|z|)): the same without overflow.
            let z = p;
            let soft = (-z.clone().abs()).exp().log1p();
            return Ok(row_means(activation::relu(z.clone()) - t * z + soft));
        }
        let p = p.clamp(EPSILON, 1.0 - EPSILON);
        let likely = t.clone() * p.clone().log();
        let unlikely = (-t + 1.0) * (-p + 1.0).log();
        Ok(-row_means(likely + unlikely))
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;

    fn tensor(values: &[f32], shape: &[usize]) -> AnyTensor {
        let device = default_device().expect("a device");
        AnyTensor::from_f32(values.to_vec(), shape, &device).expect("a shape that fits")
    }

    fn mean(loss: &dyn Loss, t: &AnyTensor, p: &AnyTensor) -> f32 {
        let rows = loss.rows(t, p).expect("labels that fit");
        rows.mean().into_scalar()
    }

    // The numbers of keras/src/losses/losses_test.py.
    #[test]
    fn categorical_crossentropy_test_scalar_weighted_without_its_weight() {
        let t = tensor(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], &[3, 3]);
        let p = tensor(
            &[0.9, 0.05, 0.05, 0.05, 0.89, 0.06, 0.05, 0.01, 0.94],
            &[3, 3],
        );
        assert!((mean(&CategoricalCrossentropy::new(), &t, &p) - 0.0945).abs() < 5e-4);
        let logits = tensor(&[8.0, 1.0, 1.0, 0.0, 9.0, 1.0, 2.0, 3.0, 5.0], &[3, 3]);
        let loss = CategoricalCrossentropy::new().from_logits(true);
        assert!((mean(&loss, &t, &logits) - 0.0573).abs() < 1e-4);
    }

    #[test]
    fn class_numbers_and_one_hot_labels_give_the_same_loss() {
        let p = tensor(&[0.2, 0.5, 0.3, 0.7, 0.1, 0.2], &[2, 3]);
        let one_hot = tensor(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0], &[2, 3]);
        let numbers = tensor(&[1.0, 2.0], &[2]);
        let a = mean(&CategoricalCrossentropy::new(), &one_hot, &p);
        let b = mean(&SparseCategoricalCrossentropy::new(), &numbers, &p);
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }

    // keras/src/losses/losses_test.py, BinaryCrossentropyTest.test_unweighted.
    #[test]
    fn binary_crossentropy_test_unweighted() {
        let t = tensor(&[1.0, 0.0, 1.0, 0.0], &[2, 2]);
        let p = tensor(&[1.0, 1.0, 1.0, 0.0], &[2, 2]);
        assert!((mean(&BinaryCrossentropy::new(), &t, &p) - 3.98559).abs() < 1e-4);
        let t = tensor(&[1.0, 0.0, 1.0, 0.0, 1.0, 1.0], &[2, 3]);
        let logits = tensor(&[100.0, -100.0, 100.0, 100.0, 100.0, -100.0], &[2, 3]);
        let loss = BinaryCrossentropy::new().from_logits(true);
        assert!((mean(&loss, &t, &logits) - 33.33333).abs() < 1e-3);
    }
}
