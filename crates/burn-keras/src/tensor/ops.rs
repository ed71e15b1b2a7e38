//! What layers do with tensors of any rank: elementwise operations with stretched axes, reordering and joining of axes.

use burn::backend::DispatchTensor;
use burn::tensor::kind::Basic;
use burn::tensor::{Bool, Float, Int, Tensor};

use super::{AnyTensor, Kind, Mask, reshape};
use crate::{Error, Result};

/// The most axes a tensor between layers may have.
pub(crate) const MOST_AXES: usize = 6;

/// Some places along the first axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Picked<'n> {
    /// Those from the first number up to the second.
    Range(usize, usize),
    /// Those with these numbers.
    Listed(&'n Tensor<1, Int>),
}

impl Picked<'_> {
    /// What is at these places of a tensor of this shape.
    fn of<K: Basic>(self, source: DispatchTensor, shape: &[usize]) -> Result<DispatchTensor> {
        let (count, rest) = shape.split_first().unwrap_or((&1, &[]));
        let flat = [*count, rest.iter().product()];
        let rows: Tensor<2, K> =
            Tensor::from_dispatch(reshape(Tensor::<1, K>::from_dispatch(source), &flat)?);
        let picked = match self {
            Self::Range(start, end) => rows.narrow(0, start, end - start),
            Self::Listed(numbers) => rows.select(0, numbers.clone()),
        };
        let mut shape = shape.to_vec();
        shape[0] = picked.dims()[0];
        reshape(picked, &shape)
    }
}

impl AnyTensor {
    /// What is at some places along the first axis, without the mask; the tensor must have an axis.
    pub(crate) fn pick(&self, places: Picked<'_>) -> Result<Self> {
        let (source, shape) = (self.inner.clone(), self.shape());
        let inner = match self.kind {
            Kind::Float => places.of::<Float>(source, &shape)?,
            Kind::Int => places.of::<Int>(source, &shape)?,
            Kind::Bool => places.of::<Bool>(source, &shape)?,
        };
        Ok(Self {
            inner,
            kind: self.kind,
            mask: None,
        })
    }

    /// The tensor as floats with axes of size 1 in front, [`MOST_AXES`] in all.
    pub(crate) fn wide(&self) -> Result<Tensor<MOST_AXES>> {
        self.float_as(wide_shape(&self.shape())?)
    }

    /// The shape that a tensor of rank [`MOST_AXES`] has without the axes in front of the last `rank`.
    pub(crate) fn from_wide(values: Tensor<MOST_AXES>, rank: usize) -> Result<Self> {
        let shape = values.dims();
        Self::from_flat(values, &shape[MOST_AXES.saturating_sub(rank)..])
    }

    /// `op` of the values of both; an axis of size 1 is stretched, missing axes in front count as 1.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when an axis has two sizes and neither is 1.
    pub(crate) fn zip(
        &self,
        other: &Self,
        op: impl FnOnce(Tensor<MOST_AXES>, Tensor<MOST_AXES>) -> Tensor<MOST_AXES>,
    ) -> Result<Self> {
        let (a, b) = (self.wide()?, other.wide()?);
        let fits = |(a, b): (usize, usize)| a == b || a == 1 || b == 1;
        if !a.dims().into_iter().zip(b.dims()).all(fits) {
            return Err(Error::tensor(
                "a layer",
                format!(
                    "cannot combine the shapes {} and {}",
                    self.dims(),
                    other.dims()
                ),
            ));
        }
        Self::from_wide(op(a, b), self.rank().max(other.rank()))
    }

    /// `op` of every value.
    pub(crate) fn map(&self, op: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Result<Self> {
        Self::from_flat(op(self.float_flat()?), &self.shape())
    }

    /// The same values with the axes in another order.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when `axes` does not name every axis once.
    pub(crate) fn permute(&self, axes: &[usize]) -> Result<Self> {
        let rank = self.rank();
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if sorted != (0..rank).collect::<Vec<_>>() {
            return Err(Error::tensor(
                "a layer",
                format!(
                    "cannot put the axes of {} in the order {axes:?}",
                    self.dims()
                ),
            ));
        }
        let front = MOST_AXES - rank;
        let mut wide = [0; MOST_AXES];
        for (i, place) in wide.iter_mut().enumerate() {
            *place = if i < front {
                i
            } else {
                front + axes[i - front]
            };
        }
        Self::from_wide(self.wide()?.permute(wide), rank)
    }

    /// The tensors one behind the other along an axis.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when another axis differs.
    pub(crate) fn concat(parts: &[Self], axis: usize) -> Result<Self> {
        let rank = parts.first().map_or(0, Self::rank);
        let without = |part: &Self| {
            let mut shape = part.shape();
            if axis < shape.len() {
                shape.remove(axis);
            }
            (part.rank(), shape)
        };
        if axis >= rank || parts.iter().any(|p| without(p) != without(&parts[0])) {
            let shapes: Vec<String> = parts.iter().map(|p| p.dims().to_string()).collect();
            return Err(Error::tensor(
                "a layer",
                format!("cannot join {} along axis {axis}", shapes.join(", ")),
            ));
        }
        let wide = parts.iter().map(Self::wide).collect::<Result<_>>()?;
        Self::from_wide(Tensor::cat(wide, MOST_AXES - rank + axis), rank)
    }
}

/// A mask against a tensor of `rank` axes: axes of size 1 behind it and in front.
pub(crate) fn wide_mask(mask: &Mask, rank: usize) -> Tensor<MOST_AXES, Bool> {
    let mut shape = [1; MOST_AXES];
    let mut place = |axes: &[usize]| {
        let front = MOST_AXES.saturating_sub(rank).min(MOST_AXES - axes.len());
        shape[front..front + axes.len()].copy_from_slice(axes);
        shape
    };
    match mask {
        Mask::Steps(mask) => mask.clone().reshape(place(&mask.dims())),
        Mask::Nested(mask) => mask.clone().reshape(place(&mask.dims())),
    }
}

fn wide_shape(shape: &[usize]) -> Result<[usize; MOST_AXES]> {
    let front = MOST_AXES.checked_sub(shape.len()).ok_or_else(|| {
        Error::tensor(
            "a layer",
            format!(
                "got {} axes, more than the {MOST_AXES} supported",
                shape.len()
            ),
        )
    })?;
    let mut wide = [1; MOST_AXES];
    wide[front..].copy_from_slice(shape);
    Ok(wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;

    fn counted(shape: &[usize]) -> Result<AnyTensor> {
        let count = shape.iter().product::<usize>();
        let values = (0..count).map(|v| v as f32).collect();
        AnyTensor::from_f32(values, shape, &default_device()?)
    }

    #[test]
    fn an_axis_of_size_1_is_stretched() -> Result<()> {
        let sum = counted(&[2, 3])?.zip(&counted(&[2, 1])?, |a, b| a + b)?;
        assert_eq!(sum.to_vec()?, [0.0, 1.0, 2.0, 4.0, 5.0, 6.0]);
        assert!(
            counted(&[2, 3])?
                .zip(&counted(&[2])?, |a, b| a + b)
                .is_err()
        );
        Ok(())
    }

    #[test]
    fn places_along_the_first_axis_are_picked() -> Result<()> {
        let x = counted(&[3, 2])?;
        assert_eq!(x.pick(Picked::Range(1, 3))?.to_vec()?, [2.0, 3.0, 4.0, 5.0]);
        let numbers = AnyTensor::from_i32(vec![2, 0], &[2], &default_device()?)?.int_as([2])?;
        let picked = x.pick(Picked::Listed(&numbers))?;
        assert_eq!(picked.shape(), [2, 2]);
        assert_eq!(picked.to_vec()?, [4.0, 5.0, 0.0, 1.0]);
        Ok(())
    }

    #[test]
    fn axes_are_reordered_and_joined() -> Result<()> {
        let turned = counted(&[2, 3])?.permute(&[1, 0])?;
        assert_eq!(turned.to_vec()?, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(counted(&[2, 3])?.permute(&[1, 1]).is_err());
        let joined = AnyTensor::concat(&[counted(&[1, 2])?, counted(&[1, 1])?], 1)?;
        assert_eq!(joined.to_vec()?, [0.0, 1.0, 0.0]);
        assert!(AnyTensor::concat(&[counted(&[1, 2])?, counted(&[2, 1])?], 1).is_err());
        Ok(())
    }
}
