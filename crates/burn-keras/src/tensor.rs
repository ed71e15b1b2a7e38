//! A tensor whose rank is known at run time, as it travels between layers.
//!
//! burn's `Tensor<D>` carries its rank in its type. A stack of layers chosen at run time cannot, so between layers
//! travels an [`AnyTensor`]; a layer asks for the rank it works on with [`AnyTensor::float`] and wraps its result
//! with [`From`]. The mask that Keras attaches to a tensor travels with it.

use burn::backend::{DispatchTensor, TensorMetadata};
use burn::tensor::kind::Basic;
use burn::tensor::{Bool, DType, Device, Float, Int, Tensor, TensorData};

use crate::dims::Dims;
use crate::{Error, Result};

pub(crate) mod host;
mod ops;

pub(crate) use host::{host_ints, host_values};
pub(crate) use ops::{MOST_AXES, Picked, wide_mask};

/// What a tensor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers.
    Float,
    /// Whole numbers: categories for an `Embedding`, labels for a sparse loss.
    Int,
    /// True and false.
    Bool,
}

/// A mask as it travels with a tensor, true where a step counts.
#[derive(Clone, Debug)]
pub(crate) enum Mask {
    /// `[batch, timesteps]`
    Steps(Tensor<2, Bool>),
    /// `[batch, timesteps, inner steps]`, of sequences whose steps are sequences.
    Nested(Tensor<3, Bool>),
}

impl Mask {
    /// The mask for a tensor of `rank` axes: where steps are sequences no more, one counts if any step in it did.
    fn of_rank(self, rank: usize) -> Self {
        match self {
            Self::Nested(mask) if rank < 4 => {
                let [batch, timesteps, _] = mask.dims();
                Self::Steps(mask.any_dim(2).reshape([batch, timesteps]))
            }
            mask => mask,
        }
    }

    /// True where either is; `None` for masks of different kinds.
    pub fn or(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Steps(a), Self::Steps(b)) => Some(Self::Steps(a.bool_or(b))),
            (Self::Nested(a), Self::Nested(b)) => Some(Self::Nested(a.bool_or(b))),
            _ => None,
        }
    }
}

/// A tensor of any rank and kind, with the mask attached to it, if any.
#[derive(Clone, Debug)]
pub struct AnyTensor {
    inner: DispatchTensor,
    kind: Kind,
    mask: Option<Mask>,
}

impl AnyTensor {
    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its shape.
    pub fn shape(&self) -> Vec<usize> {
        self.inner.shape().to_vec()
    }

    /// The number of its axes.
    pub fn rank(&self) -> usize {
        self.inner.shape().num_dims()
    }

    /// Its shape as [`Dims`], every axis known.
    pub fn dims(&self) -> Dims {
        Dims::known(&self.shape())
    }

    /// The device it is on.
    pub fn device(&self) -> Device {
        // The rank does not matter for the question.
        match self.kind {
            Kind::Float => Tensor::<1, Float>::from_dispatch(self.inner.clone()).device(),
            Kind::Int => Tensor::<1, Int>::from_dispatch(self.inner.clone()).device(),
            Kind::Bool => Tensor::<1, Bool>::from_dispatch(self.inner.clone()).device(),
        }
    }

    /// The mask attached to it: `[batch, timesteps]`, true where a step counts.
    pub fn mask(&self) -> Option<&Tensor<2, Bool>> {
        match &self.mask {
            Some(Mask::Steps(mask)) => Some(mask),
            Some(Mask::Nested(_)) | None => None,
        }
    }

    /// The same tensor with `mask` attached in place of its own.
    pub fn with_mask(mut self, mask: Option<Tensor<2, Bool>>) -> Self {
        self.mask = mask.map(Mask::Steps);
        self
    }

    /// The mask attached to it, that of steps that are sequences included.
    pub(crate) fn any_mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// The same tensor with `mask` attached in place of its own, reduced to the tensor's steps.
    pub(crate) fn with_any_mask(mut self, mask: Option<Mask>) -> Self {
        let rank = self.rank();
        self.mask = mask.map(|mask| mask.of_rank(rank));
        self
    }

    /// The same tensor cut off from the computation it came from.
    pub fn without_autodiff(self) -> Self {
        if self.kind != Kind::Float {
            return self;
        }
        Self {
            inner: Tensor::<1>::from_dispatch(self.inner)
                .without_autodiff()
                .into_dispatch(),
            ..self
        }
    }

    /// The tensor as floats of rank `D`; whole numbers are converted, as Keras does.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when its rank is not `D`.
    pub fn float<const D: usize>(&self) -> Result<Tensor<D>> {
        self.check_rank(D)?;
        Ok(match self.kind {
            Kind::Float => Tensor::from_dispatch(self.inner.clone()),
            Kind::Int => Tensor::<D, Int>::from_dispatch(self.inner.clone()).float(),
            Kind::Bool => Tensor::<D, Bool>::from_dispatch(self.inner.clone()).float(),
        })
    }

    /// The tensor as whole numbers of rank `D`; floats are truncated, as Keras does in `Embedding`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when its rank is not `D`.
    pub fn int<const D: usize>(&self) -> Result<Tensor<D, Int>> {
        self.check_rank(D)?;
        Ok(match self.kind {
            Kind::Float => Tensor::<D>::from_dispatch(self.inner.clone()).int(),
            Kind::Int => Tensor::from_dispatch(self.inner.clone()),
            Kind::Bool => Tensor::<D, Bool>::from_dispatch(self.inner.clone()).int(),
        })
    }

    /// The tensor as floats in two axes, all but the last folded into the first: `[rows, last]`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for a tensor without axes.
    pub fn float_rows(&self) -> Result<Tensor<2>> {
        let shape = self.shape();
        let last = *shape
            .last()
            .ok_or_else(|| Error::tensor("a layer", "got a tensor without axes"))?;
        let rows = shape[..shape.len() - 1].iter().product();
        self.float_as([rows, last])
    }

    /// The same values under another shape, without the mask.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the number of values differs or there are more than 6 axes.
    pub fn reshaped(&self, shape: &[usize]) -> Result<Self> {
        let source = self.inner.clone();
        let inner = match self.kind {
            Kind::Float => reshape(Tensor::<1, Float>::from_dispatch(source), shape)?,
            Kind::Int => reshape(Tensor::<1, Int>::from_dispatch(source), shape)?,
            Kind::Bool => reshape(Tensor::<1, Bool>::from_dispatch(source), shape)?,
        };
        Ok(Self {
            inner,
            kind: self.kind,
            mask: None,
        })
    }

    /// The tensor as floats in one axis.
    pub fn float_flat(&self) -> Result<Tensor<1>> {
        self.float_as([self.shape().iter().product()])
    }

    /// The same values as floats under another shape.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the number of values differs.
    pub fn float_as<const D: usize>(&self, shape: [usize; D]) -> Result<Tensor<D>> {
        // Reshaping starts from a handle of rank 1; burn looks at the data's own shape.
        let source: Tensor<1> = match self.kind {
            Kind::Float => Tensor::from_dispatch(self.inner.clone()),
            Kind::Int => Tensor::<1, Int>::from_dispatch(self.inner.clone()).float(),
            Kind::Bool => Tensor::<1, Bool>::from_dispatch(self.inner.clone()).float(),
        };
        Ok(Tensor::from_dispatch(reshape(source, &shape)?))
    }

    /// The same values as whole numbers under another shape.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the number of values differs.
    pub fn int_as<const D: usize>(&self, shape: [usize; D]) -> Result<Tensor<D, Int>> {
        let source: Tensor<1, Int> = match self.kind {
            Kind::Float => Tensor::<1>::from_dispatch(self.inner.clone()).int(),
            Kind::Int => Tensor::from_dispatch(self.inner.clone()),
            Kind::Bool => Tensor::<1, Bool>::from_dispatch(self.inner.clone()).int(),
        };
        Ok(Tensor::from_dispatch(reshape(source, &shape)?))
    }

    /// Wraps `values` under a shape whose rank is known only now; the number of values must be the same.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the number of values differs or there are more than 6 axes.
    pub fn from_flat<const D: usize>(values: Tensor<D>, shape: &[usize]) -> Result<Self> {
        Ok(Self {
            inner: reshape(values, shape)?,
            kind: Kind::Float,
            mask: None,
        })
    }

    /// Floats from host values, row after row, on `device`.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] when the number of values is not that of `shape`, or there are more than 6 axes.
    pub fn from_f32(values: Vec<f32>, shape: &[usize], device: &Device) -> Result<Self> {
        let count = values.len();
        let data = TensorData::new(values, [count]);
        Self::from_flat(Tensor::<1>::from_data(data, (device, DType::F32)), shape)
    }

    /// Whole numbers from host values, row after row, on `device`.
    ///
    /// # Errors
    ///
    /// As for [`AnyTensor::from_f32`].
    pub fn from_i32(values: Vec<i32>, shape: &[usize], device: &Device) -> Result<Self> {
        let count = values.len();
        let data = TensorData::new(values, [count]);
        let flat = Tensor::<1, Int>::from_data(data, (device, DType::I32));
        Ok(Self {
            inner: reshape(flat, shape)?,
            kind: Kind::Int,
            mask: None,
        })
    }

    /// The values, row after row, on the host as `f32`; the tensor is read back from the device.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the device fails to hand them over.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        host_values(self.float_flat()?)
    }

    fn check_rank(&self, wanted: usize) -> Result<()> {
        let rank = self.rank();
        if rank == wanted {
            Ok(())
        } else {
            Err(Error::tensor(
                "a layer",
                format!("works on {wanted} axes, but got the shape {}", self.dims()),
            ))
        }
    }
}

impl<const D: usize> From<Tensor<D>> for AnyTensor {
    fn from(tensor: Tensor<D>) -> Self {
        Self {
            inner: tensor.into_dispatch(),
            kind: Kind::Float,
            mask: None,
        }
    }
}

impl<const D: usize> From<Tensor<D, Int>> for AnyTensor {
    fn from(tensor: Tensor<D, Int>) -> Self {
        Self {
            inner: tensor.into_dispatch(),
            kind: Kind::Int,
            mask: None,
        }
    }
}

impl<const D: usize> From<Tensor<D, Bool>> for AnyTensor {
    fn from(tensor: Tensor<D, Bool>) -> Self {
        Self {
            inner: tensor.into_dispatch(),
            kind: Kind::Bool,
            mask: None,
        }
    }
}

/// `values` under `shape`, whose rank is known only at run time.
fn reshape<const D: usize, K: Basic>(
    values: Tensor<D, K>,
    shape: &[usize],
) -> Result<DispatchTensor> {
    if values.shape().num_elements() != shape.iter().product::<usize>() {
        return Err(Error::tensor(
            "a reshape",
            format!(
                "{:?} values cannot become {shape:?}",
                values.shape().to_vec()
            ),
        ));
    }
    if values.shape().to_vec() == shape {
        return Ok(values.into_dispatch());
    }
    macro_rules! by_rank {
        ($($rank:literal),+) => {
            match *shape {
                $(ref s if s.len() == $rank => {
                    let mut axes = [0; $rank];
                    axes.copy_from_slice(s);
                    Ok(values.reshape(axes).into_dispatch())
                })+
                _ => Err(Error::tensor(
                    "a reshape",
                    format!("{} axes are over the 6 supported", shape.len()),
                )),
            }
        };
    }
    by_rank!(1, 2, 3, 4, 5, 6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::default_device;

    #[test]
    fn a_tensor_keeps_its_values_through_a_change_of_rank() -> Result<()> {
        let device = default_device()?;
        let x = AnyTensor::from_f32((0..24).map(|v| v as f32).collect(), &[2, 3, 4], &device)?;
        assert_eq!(x.float_rows()?.dims(), [6, 4]);
        let back = AnyTensor::from_flat(x.float_rows()?, &[2, 3, 4])?;
        assert_eq!(back.shape(), vec![2, 3, 4]);
        assert_eq!(back.to_vec()?, x.to_vec()?);
        Ok(())
    }

    #[test]
    fn asking_for_the_wrong_rank_is_an_error_and_not_a_panic() -> Result<()> {
        let device = default_device()?;
        let x = AnyTensor::from_f32(vec![0.0; 6], &[2, 3], &device)?;
        assert!(x.float::<3>().is_err());
        assert!(AnyTensor::from_flat(x.float::<2>()?, &[7]).is_err());
        Ok(())
    }

    #[test]
    fn whole_numbers_become_floats_when_a_layer_asks_for_floats() -> Result<()> {
        let device = default_device()?;
        let x = AnyTensor::from_i32(vec![1, 2, 3], &[3, 1], &device)?;
        assert_eq!(x.kind(), Kind::Int);
        assert_eq!(x.to_vec()?, vec![1.0, 2.0, 3.0]);
        Ok(())
    }
}
