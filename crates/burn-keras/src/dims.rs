//! Shapes whose axes may be unknown, as a model sees them before data arrive.
//!
//! A [`Dims`] always has the batch axis in front, except where a method says otherwise: `[None, 8, 16]` is any number
//! of sequences of 8 timesteps with 16 features each.

use std::fmt;

/// A shape in which an axis may be unknown (`None`), written as Keras writes it: `(None, 8, 16)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Dims(Vec<Option<usize>>);

impl Dims {
    /// A shape from its axes.
    pub fn new(axes: impl Into<Vec<Option<usize>>>) -> Self {
        Self(axes.into())
    }

    /// A shape with every axis known.
    pub fn known(axes: &[usize]) -> Self {
        Self(axes.iter().copied().map(Some).collect())
    }

    /// This shape with an unknown batch axis in front: `(8, 16)` becomes `(None, 8, 16)`.
    pub fn with_batch(&self, batch: Option<usize>) -> Self {
        let mut axes = Vec::with_capacity(self.0.len() + 1);
        axes.push(batch);
        axes.extend_from_slice(&self.0);
        Self(axes)
    }

    /// The axes.
    pub fn axes(&self) -> &[Option<usize>] {
        &self.0
    }

    /// How many axes there are, the batch axis included where there is one.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// One axis; `None` where it is unknown or not there.
    pub fn axis(&self, index: usize) -> Option<usize> {
        self.0.get(index).copied().flatten()
    }

    /// The last axis; `None` where it is unknown.
    pub fn last(&self) -> Option<usize> {
        self.0.last().copied().flatten()
    }

    /// All axes as numbers, if every one is known.
    pub fn to_known(&self) -> Option<Vec<usize>> {
        self.0.iter().copied().collect()
    }

    /// The same shape with its last axis replaced.
    pub fn with_last(&self, size: Option<usize>) -> Self {
        let mut axes = self.0.clone();
        if let Some(last) = axes.last_mut() {
            *last = size;
        }
        Self(axes)
    }

    /// The same shape with its first axis replaced.
    pub(crate) fn with_first(&self, size: Option<usize>) -> Self {
        self.tail(1).with_batch(size)
    }

    /// The axes from `from` on.
    pub fn tail(&self, from: usize) -> Self {
        Self(self.0.get(from..).unwrap_or_default().to_vec())
    }

    /// The number of values in the axes from `from` on; `None` if one of them is unknown, or there are more than can be
    /// counted.
    pub fn product(&self, from: usize) -> Option<usize> {
        self.0
            .get(from..)
            .unwrap_or_default()
            .iter()
            .try_fold(1usize, |product, axis| product.checked_mul((*axis)?))
    }

    /// Whether `shape` can be one of the shapes this stands for: same rank, and equal wherever an axis is known.
    pub fn admits(&self, shape: &[usize]) -> bool {
        self.0.len() == shape.len()
            && self
                .0
                .iter()
                .zip(shape)
                .all(|(mine, theirs)| mine.is_none_or(|m| m == *theirs))
    }

    /// The axes with the names that their number suggests: `[batch, features = 4]`, `[batch, timesteps = 8, features]`.
    pub fn in_words(&self) -> String {
        self.named(axis_names(self.rank(), false))
    }

    /// The axes with their names, as errors show them: `[batch, timesteps = 31, features = 25]`.
    ///
    /// Axes beyond `names` are numbered; an unknown axis shows its name alone.
    pub fn named(&self, names: &[&str]) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .enumerate()
            .map(|(i, axis)| {
                let name = names
                    .get(i)
                    .map_or_else(|| format!("axis {i}"), |n| (*n).to_string());
                match axis {
                    Some(size) => format!("{name} = {size}"),
                    None => name,
                }
            })
            .collect();
        format!("[{}]", parts.join(", "))
    }
}

/// The axes of a sequence.
pub(crate) const SEQUENCE: [&str; 3] = ["batch", "timesteps", "features"];

/// The names that the number of axes suggests; of a row of `categories`, which an `Embedding` looks up, the second axis
/// are the steps.
pub(crate) fn axis_names(rank: usize, categories: bool) -> &'static [&'static str] {
    match rank {
        2 if categories => &SEQUENCE[..2],
        2 => &["batch", "features"],
        3 => &SEQUENCE,
        _ => &SEQUENCE[..1],
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, axis) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match axis {
                Some(size) => write!(f, "{size}")?,
                None => f.write_str("None")?,
            }
        }
        // As Python writes a tuple of one.
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

/// What `.input_shape(..)` accepts: arrays of sizes, and tuples in which an axis may be `None`.
///
/// ```
/// use burn_keras::dims::IntoDims;
///
/// assert_eq!([8, 16].into_dims().to_string(), "(8, 16)");
/// assert_eq!((None, 16).into_dims().to_string(), "(None, 16)");
/// ```
pub trait IntoDims {
    /// The shape, without a batch axis unless the caller adds one.
    fn into_dims(self) -> Dims;
}

impl IntoDims for Dims {
    fn into_dims(self) -> Dims {
        self
    }
}

impl IntoDims for &Dims {
    fn into_dims(self) -> Dims {
        self.clone()
    }
}

impl<const N: usize> IntoDims for [usize; N] {
    fn into_dims(self) -> Dims {
        Dims::known(&self)
    }
}

impl<const N: usize> IntoDims for [Option<usize>; N] {
    fn into_dims(self) -> Dims {
        Dims::new(self)
    }
}

impl IntoDims for &[usize] {
    fn into_dims(self) -> Dims {
        Dims::known(self)
    }
}

impl IntoDims for Vec<usize> {
    fn into_dims(self) -> Dims {
        Dims::known(&self)
    }
}

impl IntoDims for Vec<Option<usize>> {
    fn into_dims(self) -> Dims {
        Dims::new(self)
    }
}

impl IntoDims for usize {
    fn into_dims(self) -> Dims {
        Dims::known(&[self])
    }
}

/// One axis in a tuple: a size, an optional size, or `None`.
pub trait IntoAxis {
    /// The axis.
    fn into_axis(self) -> Option<usize>;
}

impl IntoAxis for usize {
    fn into_axis(self) -> Option<usize> {
        Some(self)
    }
}

impl IntoAxis for Option<usize> {
    fn into_axis(self) -> Option<usize> {
        self
    }
}

macro_rules! tuple_dims {
    ($($name:ident),+) => {
        impl<$($name: IntoAxis),+> IntoDims for ($($name,)+) {
            fn into_dims(self) -> Dims {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                Dims::new([$($name.into_axis()),+])
            }
        }
    };
}

tuple_dims!(A);
tuple_dims!(A, B);
tuple_dims!(A, B, C);
tuple_dims!(A, B, C, D);
tuple_dims!(A, B, C, D, E);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_written_as_python_writes_tuples() {
        assert_eq!([3].into_dims().to_string(), "(3,)");
        assert_eq!(
            (None, 16).into_dims().with_batch(None).to_string(),
            "(None, None, 16)"
        );
    }

    #[test]
    fn an_unknown_axis_admits_any_size_and_a_known_one_only_its_own() {
        let dims = (None, 16).into_dims();
        assert!(dims.admits(&[7, 16]));
        assert!(!dims.admits(&[7, 15]));
        assert!(!dims.admits(&[16]));
    }

    #[test]
    fn names_stand_beside_the_axes() {
        let dims = [8, 16].into_dims().with_batch(None);
        assert_eq!(
            dims.named(&["batch", "timesteps", "features"]),
            "[batch, timesteps = 8, features = 16]"
        );
    }

    #[test]
    fn the_number_of_axes_suggests_their_names() {
        assert_eq!(Dims::known(&[2, 3]).in_words(), "[batch = 2, features = 3]");
        let four = [2, 3, 4].into_dims().with_batch(None);
        assert_eq!(
            four.in_words(),
            "[batch, axis 1 = 2, axis 2 = 3, axis 3 = 4]"
        );
    }

    #[test]
    fn a_product_with_an_unknown_axis_is_unknown() {
        assert_eq!((None, 4).into_dims().product(0), None);
        assert_eq!((None, 4, 5).into_dims().product(1), Some(20));
        assert_eq!([usize::MAX, 2].into_dims().product(0), None);
    }
}
