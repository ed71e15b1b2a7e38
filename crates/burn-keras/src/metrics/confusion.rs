//! True and false positives and negatives at many thresholds at once: what AUC, precision, recall and their kin are made
//! from.

use burn::tensor::{Tensor, TensorData};

use super::kept::kept_tensors;
use crate::losses::{paired_rows, share};
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// Counts so far, kept on the device: `[groups, thresholds]` of true and false positives, `[groups, 1]` of all
/// positives and negatives. There is one group, or one for each label.
#[derive(Clone, Debug, Default)]
pub(super) struct Confusion {
    sums: Option<[Tensor<2>; 4]>,
}

/// Which values count as positive.
#[derive(Clone, Debug)]
pub(super) struct Thresholds {
    /// A value is multiplied by this, after it is held within 0 and 1; 0 leaves it as it is.
    scale: f32,
    /// What it must then be above.
    limits: Vec<f32>,
}

impl Thresholds {
    /// Those given, as they are.
    ///
    /// Keras treats three and more that lie evenly from 0 to 1 as [`Thresholds::even`].
    pub fn of(limits: &[f32]) -> Self {
        let steps = limits.len().saturating_sub(1) as f32;
        let place = |i: usize| i as f32 / steps;
        let near = |(i, limit): (usize, &f32)| (limit - place(i)).abs() <= 1e-7 + 1e-5 * place(i);
        if limits.len() > 2 && limits.iter().enumerate().all(near) {
            return Self::even(limits.len(), 0.0);
        }
        Self {
            scale: 0.0,
            limits: limits.to_vec(),
        }
    }

    /// `count` thresholds from 0 to 1. A value lies in the bucket below the first threshold that it is not above
    /// (`keras/src/metrics/metrics_utils.py`), which is decided by the number of the bucket and not by its bounds.
    ///
    /// `first` is -1 where even a 0 is to be above the first one.
    pub fn even(count: usize, first: f32) -> Self {
        let mut limits: Vec<f32> = (0..count).map(|i| i as f32).collect();
        limits[0] = first;
        Self {
            scale: count.saturating_sub(1) as f32,
            limits,
        }
    }
}

/// How rows and columns of an output are counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns<'a> {
    /// Only the largest so many values of a row can be positive.
    pub top_k: Option<usize>,
    /// Only this column counts.
    pub class_id: Option<usize>,
    /// Whether each column has its own counts.
    pub apart: bool,
    /// How much each column counts.
    pub weights: Option<&'a [f32]>,
}

/// What is counted at each threshold, read back: for each group the values at all thresholds.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub true_positives: Vec<f64>,
    pub false_positives: Vec<f64>,
    pub true_negatives: Vec<f64>,
    pub false_negatives: Vec<f64>,
}

impl Counts {
    /// `a / (a + b)` at each threshold, 0 where both are 0.
    fn quotient(a: &[f64], b: &[f64]) -> Vec<f64> {
        let quotient = |(a, b): (&f64, &f64)| if a + b == 0.0 { 0.0 } else { a / (a + b) };
        a.iter().zip(b).map(quotient).collect()
    }

    pub fn precision(&self) -> Vec<f64> {
        Self::quotient(&self.true_positives, &self.false_positives)
    }

    pub fn recall(&self) -> Vec<f64> {
        Self::quotient(&self.true_positives, &self.false_negatives)
    }

    pub fn specificity(&self) -> Vec<f64> {
        Self::quotient(&self.true_negatives, &self.false_positives)
    }

    pub fn false_positive_rate(&self) -> Vec<f64> {
        Self::quotient(&self.false_positives, &self.true_negatives)
    }
}

kept_tensors!(Confusion { sums });

impl Confusion {
    /// Takes a batch in as precision and recall count it: what is above each threshold is positive; without any, what
    /// is above 0.5, or all that `top_k` leaves.
    pub fn update_above(
        &mut self,
        place: &str,
        ends: (&AnyTensor, &AnyTensor),
        weights: Option<&Tensor<1>>,
        thresholds: Option<&[f32]>,
        (top_k, class_id): (Option<usize>, Option<usize>),
    ) -> Result<()> {
        // Below what `top_k` leaves, and above what it takes out.
        let default = if top_k.is_some() { -1e10 } else { 0.5 };
        let thresholds = Thresholds::of(thresholds.unwrap_or(&[default]));
        let columns = Columns {
            top_k,
            class_id,
            ..Columns::default()
        };
        self.update(place, ends, weights, &thresholds, &columns)
    }

    /// Takes a batch in; `place` names the metric in errors.
    pub fn update(
        &mut self,
        place: &str,
        (y_true, y_pred): (&AnyTensor, &AnyTensor),
        weights: Option<&Tensor<1>>,
        thresholds: &Thresholds,
        columns: &Columns<'_>,
    ) -> Result<()> {
        let (t, mut p) = paired_rows(place, y_true, y_pred)?;
        // Whatever is not 0 is true.
        let mut t = t.not_equal_elem(0.0).float();
        let device = p.device();
        if let Some(k) = columns.top_k {
            p = top_values(p, k);
        }
        if let Some(class) = columns.class_id {
            let classes = p.dims()[1];
            if class >= classes {
                let problem = format!("is {class}, but the output has {classes} classes");
                return Err(Error::argument(place, "class_id", problem));
            }
            (t, p) = (t.narrow(1, class, 1), p.narrow(1, class, 1));
        }
        let [rows, width] = p.dims();
        let mut w: Tensor<2> = match weights {
            Some(weights) => weights.clone().reshape([rows, 1]).expand([rows, width]),
            None => Tensor::ones([rows, width], &device),
        };
        if let Some(of_columns) = columns.weights {
            if of_columns.len() != width {
                let given = of_columns.len();
                let problem = format!("has {given} values, but the output has {width} columns");
                return Err(Error::argument(place, "label_weights", problem));
            }
            let of_columns = Tensor::<1>::from_data(TensorData::from(of_columns), &device);
            w = w * of_columns.unsqueeze();
        }
        let (groups, size) = if columns.apart {
            (width, rows)
        } else {
            (1, rows * width)
        };
        let grouped = |x: Tensor<2>| -> Tensor<2> {
            if columns.apart {
                x.transpose()
            } else {
                x.reshape([groups, size])
            }
        };
        let (t, p, w) = (grouped(t), grouped(p), grouped(w));
        let p = if thresholds.scale > 0.0 {
            p.clamp(0.0, 1.0) * thresholds.scale
        } else {
            p
        };
        let count = thresholds.limits.len();
        let limits = TensorData::from(thresholds.limits.as_slice());
        let limits: Tensor<3> = Tensor::<1>::from_data(limits, &device).reshape([1, 1, count]);
        let above = p.unsqueeze_dim::<3>(2).expand([groups, size, count]);
        let above = above.greater(limits.expand([groups, size, count])).float();
        let at_thresholds = |x: &Tensor<2>| -> Tensor<2> {
            let x: Tensor<3> = x.clone().unsqueeze_dim(1);
            x.matmul(above.clone()).reshape([groups, count])
        };
        let (positive, negative) = (t.clone() * w.clone(), (-t + 1.0) * w);
        let new = [
            at_thresholds(&positive),
            at_thresholds(&negative),
            positive.sum_dim(1),
            negative.sum_dim(1),
        ];
        self.sums = Some(match self.sums.take() {
            None => new,
            Some(sums) => {
                if sums[0].dims() != new[0].dims() {
                    let problem = "got an output with another number of columns than before";
                    return Err(Error::tensor(place, problem));
                }
                let mut new = new.into_iter();
                sums.map(|sum| match new.next() {
                    Some(part) => sum + part,
                    None => sum,
                })
            }
        });
        Ok(())
    }

    /// The counts of each group; none before anything was taken in.
    pub fn read(&self) -> Result<Vec<Counts>> {
        let Some(sums) = &self.sums else {
            return Ok(Vec::new());
        };
        let [groups, thresholds] = sums[0].dims();
        let read = |tensor: &Tensor<2>| -> Result<Vec<f64>> {
            let values = AnyTensor::from(tensor.clone()).to_vec()?;
            Ok(values.into_iter().map(f64::from).collect())
        };
        let [tp, fp, positives, negatives] = [
            read(&sums[0])?,
            read(&sums[1])?,
            read(&sums[2])?,
            read(&sums[3])?,
        ];
        let counts = |group: usize| {
            let own = group * thresholds..(group + 1) * thresholds;
            let left =
                |all: &[f64], of: &[f64]| all[own.clone()].iter().map(|v| of[group] - v).collect();
            Counts {
                true_positives: tp[own.clone()].to_vec(),
                false_positives: fp[own.clone()].to_vec(),
                true_negatives: left(&fp, &negatives),
                false_negatives: left(&tp, &positives),
            }
        };
        Ok((0..groups).map(counts).collect())
    }

    /// The counts of the only group, all 0 at `thresholds` thresholds before anything was taken in.
    pub fn read_one(&self, thresholds: usize) -> Result<Counts> {
        let nothing = || Counts {
            true_positives: vec![0.0; thresholds],
            false_positives: vec![0.0; thresholds],
            true_negatives: vec![0.0; thresholds],
            false_negatives: vec![0.0; thresholds],
        };
        Ok(self.read()?.into_iter().next().unwrap_or_else(nothing))
    }
}

/// The largest `k` values of each row, the others far below any threshold.
fn top_values(p: Tensor<2>, k: usize) -> Tensor<2> {
    let [_, classes] = p.dims();
    if k >= classes {
        return p;
    }
    let (_, places) = p.clone().topk_with_indices(k, 1);
    let chosen = p.zeros_like().scatter(
        1,
        places.clone(),
        places.float().ones_like(),
        burn::tensor::IndexingUpdateOp::Add,
    );
    p.mask_fill(chosen.equal_elem(0.0), -1e10)
}

/// Refuses thresholds that are no probabilities.
pub(super) fn check_thresholds(place: &str, thresholds: Option<&[f32]>) -> Result<()> {
    let Some(thresholds) = thresholds else {
        return Ok(());
    };
    if thresholds.is_empty() {
        let problem = "is empty; give at least one number, or leave it out";
        return Err(Error::argument(place, "thresholds", problem));
    }
    thresholds
        .iter()
        .try_for_each(|t| share(place, "thresholds", *t))
}

/// The mean; 0 of nothing.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
