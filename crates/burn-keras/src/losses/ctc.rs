//! Sequences of labels without their times.

use burn::tensor::{Tensor, activation};

use super::{Labels, Loss, loss_basics, loss_struct};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

loss_struct! {
    /// Connectionist temporal classification (Graves et al., 2006): `-log` of the probability that the output spells the
    /// labels, over all ways to place them in time.
    ///
    /// `y_pred` are logits `[batch, timesteps, classes]`, class 0 the blank; `y_true` are class numbers
    /// `[batch, labels]`, filled up with 0 behind.
    ///
    /// ```
    /// use burn_keras::losses::Ctc;
    /// use burn_keras::ndarray::array;
    /// use burn_keras::prelude::*;
    ///
    /// // The output is the input here, so that the number can be followed.
    /// let mut model = Sequential::new();
    /// model.add(Identity::new().input_shape([3, 3]))?;
    /// model.compile("sgd", Ctc::new(), ())?;
    /// let (y_pred, y_true) = (array![[[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 2.0]]], array![[1, 2]]);
    /// let loss = model.evaluate(&y_pred, &y_true)?.loss();
    /// assert!((loss - 0.6105).abs() < 1e-3, "{loss}");
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "CTC")]
    pub struct Ctc {}
}

/// The logarithm of a probability of nothing.
const IMPOSSIBLE: f32 = -1e5;

/// `log(exp(a) + exp(b))`.
fn log_add(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    // The larger one is a constant here: the gradient is then right where both are the same, too.
    let larger = a.clone().max_pair(b.clone()).detach();
    let sum = (a - larger.clone()).exp() + (b - larger.clone()).exp();
    sum.log() + larger
}

impl Loss for Ctc {
    loss_basics!("CTC", "ctc");

    fn labels(&self) -> Labels {
        Labels::Any
    }

    fn rows(&self, y_true: &AnyTensor, y_pred: &AnyTensor) -> Result<Tensor<1>> {
        let (labels, shape) = (y_true.shape(), y_pred.shape());
        let (&[batch, count], &[rows, steps, classes]) = (&*labels, &*shape) else {
            return Err(misfit(y_true, y_pred));
        };
        if batch != rows || count == 0 || steps == 0 {
            return Err(misfit(y_true, y_pred));
        }
        let numbers = y_true.int_as([batch, count])?;
        super::check_classes_on_cpu("ctc", &numbers, classes)?;
        let device = numbers.device();
        let logs: Tensor<3> = activation::log_softmax(y_pred.float::<3>()?, 2);
        let emit = logs.clone().gather(
            2,
            numbers
                .clone()
                .reshape([batch, 1, count])
                .expand([batch, steps, count]),
        );
        // 1 where the next label is the same: between the two there must be a blank.
        let repeated: Tensor<2> = if count > 1 {
            let next = numbers.clone().narrow(1, 1, count - 1);
            let same = numbers.clone().narrow(1, 0, count - 1).equal(next).float();
            Tensor::cat(vec![same, Tensor::zeros([batch, 1], &device)], 1)
        } else {
            Tensor::zeros([batch, 1], &device)
        };
        // For each number of labels done: the last step a blank, or the last of these labels.
        let start = Tensor::zeros([batch, 1], &device);
        let mut blank = Tensor::cat(
            vec![start, Tensor::full([batch, count], IMPOSSIBLE, &device)],
            1,
        );
        let mut label: Tensor<2> = Tensor::full([batch, count], IMPOSSIBLE, &device);
        let reach = |blank: Tensor<2>, from: Tensor<2>| {
            let moved = log_add(blank.clone().narrow(1, 1, count), from);
            Tensor::cat(vec![blank.narrow(1, 0, 1), moved], 1)
        };
        let straight_on = repeated.clone() * IMPOSSIBLE;
        let by_blank = (-repeated + 1.0) * IMPOSSIBLE;
        for step in 0..steps {
            let of_label: Tensor<2> = emit.clone().narrow(1, step, 1).reshape([batch, count]);
            let of_blank: Tensor<2> = logs
                .clone()
                .narrow(1, step, 1)
                .narrow(2, 0, 1)
                .reshape([batch, 1]);
            let before = reach(blank, label.clone() + straight_on.clone());
            let next = log_add(
                before.clone().narrow(1, 0, count) + of_label.clone(),
                label.clone() + of_label,
            );
            blank = reach(
                before + of_blank.clone(),
                label + of_blank + by_blank.clone(),
            );
            label = next;
        }
        let last = reach(blank, label);
        let lengths = numbers.not_equal_elem(0).int().sum_dim(1);
        Ok(-last.gather(1, lengths).reshape([batch]))
    }
}

fn misfit(y_true: &AnyTensor, y_pred: &AnyTensor) -> Error {
    Error::tensor(
        "ctc",
        format!(
            "needs labels [batch, labels] and logits [batch, timesteps, classes], but got {} and {}",
            y_true.dims(),
            y_pred.dims()
        ),
    )
}
