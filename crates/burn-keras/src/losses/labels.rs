//! The forms of labels.

use crate::dims::Dims;

/// How the labels of a loss or a metric look beside the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// The same shape as the output.
    SameShape,
    /// A 1 for the class and 0 elsewhere along the last axis: the same shape as the output.
    OneHot,
    /// The number of the class: the output's shape without its last axis, or with 1 there.
    ClassNumber,
    /// A form of its own, which the loss or metric checks itself.
    Any,
}

impl Labels {
    /// What Keras takes labels of a classifier for (`keras/src/trainers/compile_utils.py`): binary where the output has
    /// one value, class numbers where the labels lack the last axis, else one-hot.
    pub(crate) fn of_classifier(y_true: &Dims, y_pred: &Dims) -> Self {
        let lacking = y_true.rank() < y_pred.rank();
        if y_pred.last() == Some(1) {
            Self::SameShape
        } else if lacking || (y_true.rank() > 1 && y_true.last() == Some(1)) {
            Self::ClassNumber
        } else {
            Self::OneHot
        }
    }

    /// The shape of the labels of an output of this shape, batch axis included.
    pub(crate) fn dims(self, output: &Dims) -> Dims {
        match self {
            Self::ClassNumber => Dims::new(&output.axes()[..output.rank().saturating_sub(1)]),
            Self::SameShape | Self::OneHot | Self::Any => output.clone(),
        }
    }

    /// A shape of labels with names: `[batch = 6, timesteps = 8, classes = 3]`. A second and last axis are the steps if
    /// it is as long as those of the output.
    pub(crate) fn named(self, dims: &Dims, output: &Dims) -> String {
        let steps = output.rank() == 3 && dims.axis(1) == output.axis(1);
        let last = match self {
            Self::OneHot | Self::ClassNumber => "classes",
            Self::SameShape | Self::Any => "outputs",
        };
        match dims.rank() {
            2 if steps => dims.named(&["batch", "timesteps"]),
            2 => dims.named(&["batch", last]),
            3 => dims.named(&["batch", "timesteps", last]),
            _ => dims.named(&["batch"]),
        }
    }
}
