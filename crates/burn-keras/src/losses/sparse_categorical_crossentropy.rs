//! How unlikely the model finds the class with this number.

use burn::tensor::{Int, Tensor};

use super::categorical_crossentropy::log_probabilities;
use super::{EPSILON, Labels, Loss, class_numbers, last_axis, loss_basics, loss_struct};
use crate::Result;
use crate::tensor::AnyTensor;

loss_struct! {
    /// `-log(p[class])`, for labels that are the number of the class; probabilities as for
    /// [`CategoricalCrossentropy`](super::CategoricalCrossentropy).
    ///
    /// ```
    /// use burn_keras::losses::SparseCategoricalCrossentropy;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3]))?;
    /// model.compile("sgd", SparseCategoricalCrossentropy::new(), ())?;
    /// let (y_pred, y_true) = (array![[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], array![0, 1]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.4581).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    pub struct SparseCategoricalCrossentropy {
        /// A class whose rows do not count, neither in the sum nor in the number: -1 for what has no label, say.
        ignore_class: Option<i64> = None,
        /// Whether the model puts out logits, to which softmax is still to be applied.
        from_logits: bool = false,
        /// The axis of the classes; only the last one, -1, is supported.
        axis: i64 = -1,
    }
}

impl Loss for SparseCategoricalCrossentropy {
    loss_basics!(
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy"
    );

    fn labels(&self) -> Labels {
        Labels::ClassNumber
    }

    fn ignored_class(&self) -> Option<i64> {
        self.ignore_class
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        last_axis(self.name(), self.axis, y_pred)?;
        let p = y_pred.float_rows()?;
        let [rows, classes] = p.dims();
        let Some(counted) = self.counted(y_true, y_pred)? else {
            let numbers = class_numbers(self.name(), y_true, y_pred, classes)?;
            return Ok(self.cross_entropy(p, numbers));
        };
        // Rows that do not count get a class that exists, and then 0.
        let labels = y_true.float_as([rows])? * counted.clone();
        let numbers = class_numbers(self.name(), &AnyTensor::from(labels), y_pred, classes)?;
        Ok(self.cross_entropy(p, numbers) * counted)
    }

    fn counted(&self, y_true: &AnyTensor, _y_pred: &AnyTensor) -> Result<Option<Tensor<1>>> {
        let Some(ignored) = self.ignore_class else {
            return Ok(None);
        };
        let labels = y_true.float_flat()?;
        Ok(Some(labels.not_equal_elem(ignored as f32).float()))
    }
}

impl SparseCategoricalCrossentropy {
    /// `-log(p[class])` of each row, of `p` `[rows, classes]` and class numbers `[rows, 1]`.
    fn cross_entropy(&self, p: Tensor<2>, numbers: Tensor<2, Int>) -> Tensor<1> {
        let rows = p.dims()[0];
        if !self.from_logits {
            // One operation where there is one.
            let labels = burn_recurrent::Labels::Numbers(numbers.clone().float().reshape([rows]));
            if let Ok(rows) = burn_recurrent::cross_entropy(p.clone(), labels, EPSILON.into()) {
                return rows;
            }
        }
        let logs = log_probabilities(p, self.from_logits);
        -logs.gather(1, numbers).reshape([rows])
    }
}
