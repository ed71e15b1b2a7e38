//! With which masks a layer is called: those that its inputs carry, or others.

use super::node::{Input, IntoNodes, Node, Outputs};
use super::reader::code;
use crate::dims::{Dims, SEQUENCE};
use crate::tensor::{AnyTensor, Mask};
use crate::{Error, Result};

/// With which masks a layer computes.
#[derive(Clone)]
pub(crate) enum CallMask {
    /// Those that its inputs carry.
    Implicit,
    /// These, one for each input; none where there is nothing.
    Explicit(Vec<Option<GivenMask<Node>>>),
    /// None, though its first input's mask goes on with a sequence that comes out: what Keras 3 makes of a recurrent
    /// layer that is given initial states and no mask.
    Unused,
}

impl CallMask {
    /// The nodes that masks are taken from instead of the inputs.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        match self {
            Self::Implicit | Self::Unused => [].iter(),
            Self::Explicit(masks) => masks.iter(),
        }
        .flatten()
        .map(GivenMask::tensor)
    }
}

/// A mask that a call is given, made of a tensor: a [`Node`], or the number of a graph's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GivenMask<T> {
    /// The mask that the tensor carries.
    Of(T),
    /// The tensor itself, `[batch, timesteps]`: not 0 where a step counts.
    Values(T),
    /// Where the tensor is not this number; with `any`, where any of a step's features is not.
    NotEqual { tensor: T, value: f64, any: bool },
}

impl<T> GivenMask<T> {
    /// What it is made of.
    pub fn tensor(&self) -> &T {
        match self {
            Self::Of(tensor) | Self::Values(tensor) | Self::NotEqual { tensor, .. } => tensor,
        }
    }

    /// The same mask of another tensor.
    pub fn map<U>(&self, to: impl FnOnce(&T) -> U) -> GivenMask<U> {
        match self {
            Self::Of(tensor) => GivenMask::Of(to(tensor)),
            Self::Values(tensor) => GivenMask::Values(to(tensor)),
            Self::NotEqual { tensor, value, any } => GivenMask::NotEqual {
                tensor: to(tensor),
                value: *value,
                any: *any,
            },
        }
    }

    /// The mask, once the tensor is computed.
    ///
    /// # Errors
    ///
    /// [`Error::Tensor`] for a tensor that is no mask.
    pub fn compute(&self, tensor: &AnyTensor) -> Result<Option<Mask>> {
        let (value, any) = match self {
            Self::Of(_) => return Ok(tensor.any_mask().cloned()),
            Self::Values(_) => (0.0, false),
            Self::NotEqual { value, any, .. } => (*value as f32, *any),
        };
        let mut shape = tensor.shape();
        let mut rows = tensor.float_rows()?.not_equal_elem(value);
        if any {
            rows = rows.any_dim(1);
            shape.pop();
        }
        match *shape.as_slice() {
            [batch, timesteps] => Ok(Some(Mask::Steps(rows.reshape([batch, timesteps])))),
            [batch, timesteps, inner] => {
                Ok(Some(Mask::Nested(rows.reshape([batch, timesteps, inner]))))
            }
            _ => Err(Error::tensor(
                "a mask",
                format!("is made of the shape {}", tensor.dims()),
            )),
        }
    }
}

/// Which steps of an input count, told to a single call by [`LayerExt::call_with_mask`]: Keras' `mask=`.
///
/// An [`Input`], a [`Node`] or [`Outputs`] `[batch, timesteps]` says it by numbers that are not 0 where a step counts;
/// [`StepMask::of`] takes the mask that another tensor carries, and [`StepMask::none`] is for inputs that are given none.
///
/// [`LayerExt::call_with_mask`]: crate::layers::LayerExt::call_with_mask
///
/// ```
/// use burn_keras::prelude::*;
///
/// let ids = Input::new([8]);
/// let vectors = Embedding::new(25, 8).mask_zero(true).call(&ids)?;
/// // `Conv1d` loses the mask; the layer behind it is given it again.
/// let read = Conv1d::new(4, 3).padding("same").call(&vectors)?;
/// let last = Lstm::new(32).call_with_mask(&read, StepMask::of(&vectors)?)?;
/// assert_eq!(last.dims().to_string(), "(None, 32)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StepMask(Option<GivenMask<Node>>);

impl StepMask {
    /// No mask for this input.
    pub fn none() -> Self {
        Self(None)
    }

    /// The mask that `tensor` (the first, of several) carries, as an embedding's output does.
    ///
    /// # Errors
    ///
    /// [`Error::Model`] without a tensor.
    pub fn of(tensor: impl IntoNodes) -> Result<Self> {
        match tensor.into_nodes()?.into_iter().next() {
            Some(node) => Ok(Self(Some(GivenMask::Of(node)))),
            None => Err(Error::Model("a mask is taken from no tensor".to_string())),
        }
    }

    /// Checks the mask against the input that it is for.
    pub(crate) fn checked(self, place: &str, input: &Dims) -> Result<Option<GivenMask<Node>>> {
        let Some(GivenMask::Values(node)) = &self.0 else {
            return Ok(self.0);
        };
        let mask = node.dims();
        let same = |axis| match (mask.axis(axis), input.axis(axis)) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        if mask.rank() == 2 && input.rank() > 1 && same(0) && same(1) {
            return Ok(self.0);
        }
        let steps = Dims::new([input.axis(0), input.axis(1)]);
        let code = code(&steps.tail(1));
        Err(Error::shape(
            place,
            format!(
                "a mask {}, one number for each step of its input {}",
                steps.named(&SEQUENCE),
                input.in_words()
            ),
            match mask.rank() {
                2 => mask.named(&SEQUENCE),
                _ => mask.in_words(),
            },
            format!(
                "Make the mask of `Input::new({code})`; for the mask that another tensor carries there is \
                 `StepMask::of(&tensor)?`."
            ),
        ))
    }
}

impl From<&Input> for StepMask {
    fn from(mask: &Input) -> Self {
        Self(Some(GivenMask::Values(mask.node())))
    }
}

impl From<&Node> for StepMask {
    fn from(mask: &Node) -> Self {
        Self(Some(GivenMask::Values(mask.clone())))
    }
}

impl From<&Outputs> for StepMask {
    fn from(mask: &Outputs) -> Self {
        Self(mask.nodes().first().cloned().map(GivenMask::Values))
    }
}
