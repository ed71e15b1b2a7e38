//! How the outputs of two directions become one.

use burn::tensor::Tensor;

use crate::dims::Dims;
use crate::tensor::AnyTensor;
use crate::{Error, Result};

/// How [`Bidirectional`](super::Bidirectional) puts the outputs of its directions together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergeMode {
    /// Side by side along the last axis, the forward one first.
    #[default]
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Ave,
    /// Not at all: both come out (Keras' `None`).
    Separate,
}

impl MergeMode {
    /// Keras' name; `None` for [`MergeMode::Separate`].
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Concat => Some("concat"),
            Self::Sum => Some("sum"),
            Self::Mul => Some("mul"),
            Self::Ave => Some("ave"),
            Self::Separate => None,
        }
    }

    /// The shapes of the merged outputs.
    pub(super) fn merge_dims(self, place: &str, y: Dims, yb: Dims) -> Result<Vec<Dims>> {
        match self {
            Self::Separate => Ok(vec![y, yb]),
            Self::Concat => {
                let mut axes = y.axes().to_vec();
                if let (Some(last), Some(other)) = (axes.last_mut(), yb.last()) {
                    *last = last.map(|size| size.saturating_add(other));
                }
                Ok(vec![Dims::new(axes)])
            }
            Self::Sum | Self::Mul | Self::Ave if y.last() != yb.last() => Err(Error::shape(
                place,
                format!(
                    "directions of the same size for merge_mode \"{}\"",
                    self.name().unwrap_or_default()
                ),
                format!("{y} from the forward layer and {yb} from the backward one"),
                "Give both layers the same number of units, or use `.merge_mode(\"concat\")`.",
            )),
            Self::Sum | Self::Mul | Self::Ave => Ok(vec![y]),
        }
    }

    /// The merged outputs.
    pub(super) fn merge(self, y: &AnyTensor, yb: &AnyTensor) -> Result<Vec<AnyTensor>> {
        let (a, b) = (y.float_rows()?, yb.float_rows()?);
        let merged = match self {
            Self::Separate => return Ok(vec![y.clone(), yb.clone()]),
            Self::Concat => Tensor::cat(vec![a, b], 1),
            Self::Sum => a + b,
            Self::Mul => a * b,
            Self::Ave => (a + b) / 2.0,
        };
        let mut shape = y.shape();
        if let Some(last) = shape.last_mut() {
            *last = merged.dims()[1];
        }
        Ok(vec![AnyTensor::from_flat(merged, &shape)?])
    }
}

/// What [`Bidirectional::merge_mode`](super::Bidirectional::merge_mode) takes: Keras' name of a mode, or `None`.
pub trait IntoMergeMode {
    /// The mode.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest right name.
    fn into_merge_mode(self) -> Result<MergeMode>;
}

impl IntoMergeMode for MergeMode {
    fn into_merge_mode(self) -> Result<MergeMode> {
        Ok(self)
    }
}

impl IntoMergeMode for &str {
    fn into_merge_mode(self) -> Result<MergeMode> {
        use MergeMode::{Ave, Concat, Mul, Sum};
        let named = [Concat, Sum, Mul, Ave];
        let found = named.into_iter().find(|mode| mode.name() == Some(self));
        found.ok_or_else(|| {
            Error::unknown(
                "merge mode",
                self,
                named.iter().filter_map(|mode| mode.name()),
            )
        })
    }
}

impl IntoMergeMode for Option<&str> {
    fn into_merge_mode(self) -> Result<MergeMode> {
        self.map_or(Ok(MergeMode::Separate), IntoMergeMode::into_merge_mode)
    }
}
