//! Which axes of a query and a value are compared, and the layouts that come of it.

use burn::tensor::{Bool, Tensor};

use super::MultiHeadAttention;
use crate::dims::Dims;
use crate::layers::attention::{same_steps, three_axes};
use crate::layers::{axis_from_front, describe};
use crate::tensor::{AnyTensor, MOST_AXES, Mask};
use crate::{Error, Result};

/// The axes along which the places of a query look at those of a value.
///
/// All other axes between batch and features stand apart: each of their places is compared by itself, like a sample.
/// Folded, a tensor is `[rows, steps, features]`, where the rows are samples and places apart, the steps the places
/// compared.
pub(super) struct AttendedAxes {
    rank: usize,
    attended: Vec<usize>,
}

impl AttendedAxes {
    /// Keras' `attention_axes` of tensors of `rank` axes, from the front or, if negative, from the back; without them
    /// all between batch and features. `None` if they name another axis, or one twice, or none.
    pub fn new(axes: Option<&[i64]>, rank: usize) -> Option<Self> {
        let between = 1..rank.checked_sub(1)?;
        let attended: Vec<usize> = match axes {
            None => between.collect(),
            Some(axes) => axes
                .iter()
                .map(|axis| axis_from_front(*axis, rank).filter(|a| between.contains(a)))
                .collect::<Option<_>>()?,
        };
        let twice = |(i, axis): (usize, &usize)| attended[..i].contains(axis);
        if attended.is_empty() || attended.iter().enumerate().any(twice) {
            return None;
        }
        Some(Self { rank, attended })
    }

    /// The axes that are compared, from the front.
    pub fn attended(&self) -> &[usize] {
        &self.attended
    }

    /// The axes between batch and features that are not.
    pub fn apart(&self) -> impl Iterator<Item = usize> + '_ {
        (1..self.rank - 1).filter(|axis| !self.attended.contains(axis))
    }

    /// How many axes the scores have.
    pub fn rank_of_scores(&self) -> usize {
        self.rank + self.attended.len()
    }

    /// The scores' shape: `[batch, apart.., heads, query's places.., value's places..]`.
    pub fn scores(&self, query: &Dims, heads: usize, value: &Dims) -> Dims {
        let front = std::iter::once(0)
            .chain(self.apart())
            .map(|a| query.axis(a));
        let places = |of: &Dims| -> Vec<_> { self.attended.iter().map(|a| of.axis(*a)).collect() };
        let all = front
            .chain([Some(heads)])
            .chain(places(query))
            .chain(places(value));
        Dims::new(all.collect::<Vec<_>>())
    }

    /// Where each axis of the folded order comes from: batch, those apart, those compared, features.
    fn order(&self) -> Vec<usize> {
        let attended = self.attended.iter().copied();
        let between = self.apart().chain(attended);
        std::iter::once(0)
            .chain(between)
            .chain([self.rank - 1])
            .collect()
    }

    /// `[rows, steps, features]` of `[batch, .., features]`.
    pub fn fold(&self, x: &AnyTensor) -> Result<Tensor<3>> {
        if self.rank == 3 {
            return x.float();
        }
        let x = x.permute(&self.order())?;
        let shape = x.shape();
        let (front, attended) =
            shape[..self.rank - 1].split_at(self.rank - 1 - self.attended.len());
        x.float_as([
            front.iter().product(),
            attended.iter().product(),
            shape[self.rank - 1],
        ])
    }

    /// `[batch, .., features]` of `[rows, steps, features]`, with the places of the query `[batch, ..]`.
    pub fn unfold(&self, y: Tensor<3>, query: &[usize]) -> Result<AnyTensor> {
        if self.rank == 3 {
            return Ok(y.into());
        }
        let order = self.order();
        let mut shape: Vec<usize> = order.iter().map(|axis| query[*axis]).collect();
        shape[self.rank - 1] = y.dims()[2];
        let mut back = vec![0; self.rank];
        for (at, axis) in order.into_iter().enumerate() {
            back[axis] = at;
        }
        AnyTensor::from_flat(y, &shape)?.permute(&back)
    }

    /// An input's mask as `[rows, steps]`; `None` where it hides no places of the axes that are compared.
    pub fn fold_mask(&self, mask: &Mask, rows: usize) -> Option<Tensor<2, Bool>> {
        match (mask, self.attended.as_slice()) {
            (Mask::Steps(mask), [1]) => {
                let [batch, steps] = mask.dims();
                let each = rows / batch.max(1);
                let mask = mask.clone().reshape([batch, 1, steps]);
                Some(mask.expand([batch, each, steps]).reshape([rows, steps]))
            }
            (Mask::Nested(mask), [2]) if self.rank == 4 => {
                let [batch, timesteps, inner] = mask.dims();
                Some(mask.clone().reshape([batch * timesteps, inner]))
            }
            _ => None,
        }
    }

    /// A mask for scores of the shape `scores`, as `[rows, heads, query's steps, value's steps]`, true where it is not 0.
    ///
    /// Missing axes stand in front of the places and count as 1; an axis of 1 is stretched. `None` if it does not fit.
    pub fn fold_score_mask(
        &self,
        mask: &AnyTensor,
        scores: &[usize],
    ) -> Result<Option<Tensor<4, Bool>>> {
        let places = 2 * self.attended.len();
        let given = mask.shape();
        let Some(missing) = scores.len().checked_sub(given.len()) else {
            return Ok(None);
        };
        let Some(lead) = given.len().checked_sub(places) else {
            return Ok(None);
        };
        let mut shape = given;
        shape.splice(lead..lead, std::iter::repeat_n(1, missing));
        let fits = |(have, want): (&usize, &usize)| have == want || *have == 1;
        if !shape.iter().zip(scores).all(fits) {
            return Ok(None);
        }
        let front = MOST_AXES - scores.len();
        let mut wide = [1; MOST_AXES];
        wide[front..].copy_from_slice(scores);
        let mask = mask.reshaped(&shape)?.wide()?.not_equal_elem(0.0);
        let (lead, places) = scores.split_at(scores.len() - places);
        let (values, heads) = (self.attended.len(), lead[lead.len() - 1]);
        Ok(Some(mask.expand(wide).reshape([
            lead[..lead.len() - 1].iter().product(),
            heads,
            places[..values].iter().product(),
            places[values..].iter().product(),
        ])))
    }
}

impl MultiHeadAttention {
    /// The axes to compare along, for inputs of these shapes, which are checked.
    pub(super) fn axes(&self, [query, value, key]: [&Dims; 3]) -> Result<AttendedAxes> {
        let rank = query.rank();
        for dims in [query, value, key] {
            if dims.rank() < 3 {
                return Err(three_axes(self, dims));
            }
            if dims.rank() != rank {
                return Err(Error::shape(
                    describe(self),
                    "query, value and key with as many axes each",
                    format!("{query}, {value} and {key}"),
                    "Bring them to one number of axes with a `Reshape`.",
                ));
            }
        }
        same_steps(self, value, key)?;
        let axes = AttendedAxes::new(self.settings.attention_axes.as_deref(), rank);
        let axes = axes.ok_or_else(|| {
            Error::argument(
                describe(self),
                "attention_axes",
                format!(
                    "is {:?}; it must name axes between batch and features, 1 to {}, each once",
                    self.settings.attention_axes.as_deref().unwrap_or_default(),
                    rank - 2
                ),
            )
        })?;
        if axes.rank_of_scores() > MOST_AXES {
            return Err(Error::tensor(
                describe(self),
                format!(
                    "would compare along {} axes of {query}, which makes scores of {} axes; at most {MOST_AXES} are \
                     supported",
                    axes.attended().len(),
                    axes.rank_of_scores()
                ),
            ));
        }
        for axis in axes.apart() {
            if let (Some(a), Some(b)) = (query.axis(axis), value.axis(axis))
                && a != b
            {
                return Err(Error::shape(
                    describe(self),
                    format!(
                        "the same size of axis {axis}, which is not among `attention_axes`, of query and value"
                    ),
                    format!("{query} and {value}"),
                    format!("Give both the same size, or name axis {axis} in `attention_axes`."),
                ));
            }
        }
        Ok(axes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;

    #[test]
    fn axes_count_from_either_end_and_only_those_between_batch_and_features() {
        let axes = |axes, rank| AttendedAxes::new(axes, rank).map(|a| a.attended().to_vec());
        assert_eq!(axes(None, 4), Some(vec![1, 2]));
        assert_eq!(axes(Some(&[-2][..]), 4), Some(vec![2]));
        assert_eq!(axes(Some(&[2, 1][..]), 4), Some(vec![2, 1]));
        for wrong in [&[0][..], &[-1], &[3], &[1, 1], &[1, -3], &[]] {
            assert_eq!(axes(Some(wrong), 4), None, "{wrong:?}");
        }
        assert_eq!(axes(None, 2), None);
    }

    #[test]
    fn what_is_folded_comes_back() -> Result<()> {
        let values: Vec<f32> = (0..120).map(|v| v as f32).collect();
        let shape = [2, 3, 4, 5];
        let x = AnyTensor::from_f32(values.clone(), &shape, &default_device()?)?;
        for (axes, folded) in [
            (&[1][..], [8, 3, 5]),
            (&[2], [6, 4, 5]),
            (&[1, 2], [2, 12, 5]),
            (&[2, 1], [2, 12, 5]),
        ] {
            let axes = AttendedAxes::new(Some(axes), 4).expect("axes in between");
            let rows = axes.fold(&x)?;
            assert_eq!(rows.dims(), folded);
            assert_eq!(axes.unfold(rows, &shape)?.to_vec()?, values);
        }
        Ok(())
    }
}
