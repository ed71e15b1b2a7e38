//! Windows that slide over timesteps: what convolutions and poolings share.

use super::check_three_axes;
use crate::config::Config;
use crate::dims::Dims;
use crate::{Error, Result};

/// What happens at the ends of a sequence.
///
/// ```
/// use burn_keras::layers::Padding;
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Conv1d::new(4, 3).padding(Padding::Causal).input_shape([8, 16]))?;
/// assert_eq!(model.output_shape()?.to_string(), "(None, 8, 4)");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: only windows that lie inside.
    #[default]
    Valid,
    /// Steps are added at both ends, so that with strides of 1 as many come out as went in.
    Same,
    /// Steps are added in front only, so that no output sees a later step.
    Causal,
}

impl Padding {
    const NAMES: [(Self, &'static str); 3] = [
        (Self::Valid, "valid"),
        (Self::Same, "same"),
        (Self::Causal, "causal"),
    ];

    /// The name in Keras.
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(padding, _)| *padding == self)
            .map_or("valid", |(_, name)| name)
    }
}

/// What `.padding(..)` accepts: a name, or a [`Padding`].
pub trait IntoPadding {
    /// The padding.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] with the nearest names.
    fn into_padding(self) -> Result<Padding>;
}

impl IntoPadding for Padding {
    fn into_padding(self) -> Result<Padding> {
        Ok(self)
    }
}

impl IntoPadding for &str {
    fn into_padding(self) -> Result<Padding> {
        let name = self.to_lowercase();
        Padding::NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(padding, _)| *padding)
            .ok_or_else(|| Error::unknown("padding", self, Padding::NAMES.map(|(_, known)| known)))
    }
}

/// The windows of a convolution or a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub size: usize,
    pub strides: usize,
    pub dilation: usize,
    pub padding: Padding,
}

impl Windows {
    /// The padding that a configuration names, `valid` where it names none.
    pub fn read_padding(config: &Config) -> Result<Padding> {
        match config.opt_str("padding")? {
            Some(name) => name
                .as_str()
                .into_padding()
                .map_err(|e| e.at(format!("{}, `padding`", config.place()))),
            None => Ok(Padding::Valid),
        }
    }

    /// How many steps a window reaches over.
    fn span(&self) -> usize {
        (self.size - 1)
            .saturating_mul(self.dilation)
            .saturating_add(1)
    }

    /// How many windows there are over `steps`.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when the sequence is shorter than one window and nothing is padded.
    pub fn count(&self, layer: &str, steps: usize) -> Result<usize> {
        match self.padding {
            Padding::Same | Padding::Causal => Ok(steps.div_ceil(self.strides)),
            Padding::Valid => match steps.checked_sub(self.span()) {
                Some(room) => Ok(room / self.strides + 1),
                None => Err(Error::shape(
                    layer,
                    format!(
                        "at least {} timesteps, the reach of one window",
                        self.span()
                    ),
                    format!("[batch, timesteps = {steps}, features]"),
                    format!(
                        "Use a window of {steps} steps at most, or `.padding(\"same\")`, which adds steps at both ends."
                    ),
                )),
            },
        }
    }

    /// How many steps are added in front and behind; with `same` the odd one goes behind, as in TensorFlow.
    pub fn ends(&self, steps: usize) -> (usize, usize) {
        match self.padding {
            Padding::Valid => (0, 0),
            Padding::Causal => (self.span() - 1, 0),
            Padding::Same => {
                let reach = (steps.div_ceil(self.strides).max(1) - 1) * self.strides + self.span();
                let missing = reach.saturating_sub(steps);
                (missing / 2, missing - missing / 2)
            }
        }
    }

    /// The shape that comes out of `[batch, timesteps, features]`, with other features.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for another rank, and as [`Windows::count`].
    pub fn output_dims(&self, layer: &str, input: &Dims, features: Option<usize>) -> Result<Dims> {
        check_three_axes(layer, input)?;
        let steps = input.axis(1).map(|n| self.count(layer, n)).transpose()?;
        Ok(Dims::new([input.axis(0), steps, features]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_windows_come_out_as_keras_has() -> Result<()> {
        let windows = |size, strides, dilation, padding| Windows {
            size,
            strides,
            dilation,
            padding,
        };
        assert_eq!(windows(3, 2, 1, Padding::Valid).count("", 8)?, 3);
        assert_eq!(windows(3, 2, 1, Padding::Same).count("", 8)?, 4);
        assert_eq!(windows(3, 2, 1, Padding::Same).ends(8), (0, 1));
        assert_eq!(windows(3, 1, 2, Padding::Causal).ends(8), (4, 0));
        assert!(windows(9, 1, 1, Padding::Valid).count("", 8).is_err());
        Ok(())
    }
}
