//! The cross-entropy that fits the labels.

use burn::tensor::Tensor;
use serde_json::Value;

use super::{
    BinaryCrossentropy, CategoricalCrossentropy, Labels, Loss, SparseCategoricalCrossentropy,
};
use crate::Result;
use crate::dims::Dims;
use crate::tensor::AnyTensor;

/// `"crossentropy"` and `"ce"`: [`BinaryCrossentropy`] where the output has one value,
/// [`SparseCategoricalCrossentropy`] where labels are class numbers, else [`CategoricalCrossentropy`].
///
/// ```
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Dense::new(10).activation("softmax").input_shape([16]))?;
/// model.compile("adam", "crossentropy", ["accuracy"])?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Crossentropy;

impl Crossentropy {
    fn fitting(y_true: &Dims, y_pred: &Dims) -> Box<dyn Loss> {
        match Labels::of_classifier(y_true, y_pred) {
            Labels::SameShape => Box::new(BinaryCrossentropy::new()),
            Labels::ClassNumber => Box::new(SparseCategoricalCrossentropy::new()),
            _ => Box::new(CategoricalCrossentropy::new()),
        }
    }
}

impl Loss for Crossentropy {
    fn name(&self) -> &str {
        "crossentropy"
    }

    fn labels_for(&self, y_true: &Dims, y_pred: &Dims) -> Labels {
        Labels::of_classifier(y_true, y_pred)
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        Self::fitting(&y_true.dims(), &y_pred.dims()).rows(y_true, y_pred)
    }

    fn to_config(&self) -> Option<Value> {
        Some(Value::from(self.name()))
    }

    fn boxed_clone(&self) -> Box<dyn Loss> {
        Box::new(self.clone())
    }
}
