//! Softmax and cross-entropy over the rows of tensors that are memory of this process.

use super::super::rows::RowKernels;
use super::{Float, Host};
use crate::kernel::at_level;
use crate::simd::{SimdLevel, Vector, math};
use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, TensorData};

macro_rules! by_type {
    ($tensor:expr, $function:ident::<$B:ident>($($argument:expr),*)) => {
        match $tensor.dtype() {
            DType::F64 => $function::<$B, f64>($($argument),*),
            _ => $function::<$B, f32>($($argument),*),
        }
    };
}

impl<B: Host> RowKernels for B {
    fn softmax_forward(x: &FloatTensor<Self>) -> FloatTensor<Self> {
        by_type!(x, softmax::<B>(x))
    }

    fn softmax_gradient(y: &FloatTensor<Self>, gradient: &FloatTensor<Self>) -> FloatTensor<Self> {
        by_type!(y, softmax_gradient::<B>(y, gradient))
    }

    fn cross_entropy_forward(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        by_type!(p, cross_entropy::<B>(p, labels, epsilon))
    }

    fn cross_entropy_gradient(
        p: &FloatTensor<Self>,
        labels: &FloatTensor<Self>,
        gradient: &FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        by_type!(p, cross_entropy_gradient::<B>(p, labels, gradient, epsilon))
    }
}

/// Runs `f` on the elements of tensors, copied where they weren't contiguous.
fn with_slices<B: Host, E: Float, const N: usize, R>(
    tensors: [&FloatTensor<B>; N],
    f: impl FnOnce([&[E]; N]) -> R,
) -> R {
    let copies = tensors.map(|t| B::slice::<E>(t).is_none().then(|| B::contiguous::<E>(t)));
    f(std::array::from_fn(|i| {
        B::slice::<E>(copies[i].as_ref().unwrap_or(tensors[i])).unwrap_or_default()
    }))
}

/// The last dimension, at least 1 so that rows can be cut.
fn classes<B: Host>(tensor: &FloatTensor<B>) -> usize {
    tensor.shape().dims::<2>()[1].max(1)
}

fn softmax<B: Host, E: Float>(x: &FloatTensor<B>) -> FloatTensor<B> {
    let classes = classes::<B>(x);
    let mut y = with_slices::<B, E, 1, _>([x], |[x]| x.to_vec());
    for row in y.chunks_exact_mut(classes) {
        // A NaN is larger than nothing, and so would be lost.
        let mut largest = row[0];
        for &value in row.iter() {
            if value > largest || value.is_nan() {
                largest = value;
            }
        }
        for value in row.iter_mut() {
            *value = *value - largest;
        }
    }
    at_level!(SimdLevel::current(), E, exponentials(&mut y));
    for row in y.chunks_exact_mut(classes) {
        let sum = row.iter().fold(E::default(), |sum, &e| sum + e);
        for value in row.iter_mut() {
            *value = *value / sum;
        }
    }
    B::from_data(TensorData::new(y, x.shape()))
}

/// `exp` of values that are not above 0.
fn exponentials<V: Vector>(values: &mut [V::E])
where
    V::E: Float,
{
    let n = values.len();
    let at = values.as_mut_ptr();
    // SAFETY: the level is supported, and all of it lies within `values`.
    unsafe {
        V::vectorize(
            #[inline(always)]
            || {
                for first in (0..n).step_by(V::LANES) {
                    let p = at.add(first);
                    if n - first >= V::LANES {
                        let x = V::load(p);
                        math::exp_neg_abs(x).store(p);
                    } else {
                        let x = V::load_first(p, n - first);
                        math::exp_neg_abs(x).store_first(p, n - first);
                    }
                }
            },
        );
    }
}

fn softmax_gradient<B: Host, E: Float>(
    y: &FloatTensor<B>,
    gradient: &FloatTensor<B>,
) -> FloatTensor<B> {
    let classes = classes::<B>(y);
    let dx = with_slices::<B, E, 2, _>([y, gradient], |[y, gradient]| {
        let mut dx = Vec::with_capacity(y.len());
        for (y, g) in y.chunks_exact(classes).zip(gradient.chunks_exact(classes)) {
            let dot = (y.iter().zip(g)).fold(E::default(), |sum, (&y, &g)| sum + y * g);
            dx.extend(y.iter().zip(g).map(|(&y, &g)| y * (g - dot)));
        }
        dx
    });
    B::from_data(TensorData::new(dx, y.shape()))
}

/// The labels of a row.
#[derive(Clone, Copy)]
enum RowLabels<'a, E> {
    Shares(&'a [E]),
    Number(E),
}

impl<'a, E: Float> RowLabels<'a, E> {
    /// Those of each row; `shares` says that they are `[rows, classes]`, not `[rows]`.
    fn of(labels: &'a [E], shares: bool, classes: usize) -> impl Iterator<Item = Self> {
        let width = if shares { classes } else { 1 };
        labels.chunks_exact(width).map(move |row| match shares {
            true => Self::Shares(row),
            false => Self::Number(row[0]),
        })
    }

    /// The classes that a row is of, with their shares.
    fn each(self, classes: usize) -> impl Iterator<Item = (usize, E)> {
        let (shares, number) = match self {
            Self::Shares(shares) => (shares, None),
            Self::Number(number) => (&[][..], number.class_below(classes)),
        };
        let shares = shares.iter().copied().enumerate();
        shares
            .chain(number.map(|class| (class, E::ONE)))
            .filter(|(_, share)| *share != E::default())
    }
}

fn cross_entropy<B: Host, E: Float>(
    p: &FloatTensor<B>,
    labels: &FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    let [rows, _] = p.shape().dims();
    let classes = classes::<B>(p);
    let shares = labels.shape().num_dims() == 2;
    let (low, high) = E::limits(epsilon);
    let losses: Vec<E> = with_slices::<B, E, 2, _>([p, labels], |[p, labels]| {
        p.chunks_exact(classes)
            .zip(RowLabels::of(labels, shares, classes))
            .map(|(p, labels)| {
                let sum = p.iter().fold(E::default(), |sum, &p| sum + p);
                if sum.is_nan() {
                    return sum;
                }
                labels
                    .each(classes)
                    .fold(E::default(), |loss, (class, share)| {
                        let q = clamp(p[class] / sum, low, high);
                        loss - share * q.ln()
                    })
            })
            .collect()
    });
    B::from_data(TensorData::new(losses, [rows]))
}

/// With `g = -t / q` where `q = p / Σp` lies within the limits, and 0 elsewhere:
/// `dp = (g - Σ g q) / Σp` times the row's gradient.
fn cross_entropy_gradient<B: Host, E: Float>(
    p: &FloatTensor<B>,
    labels: &FloatTensor<B>,
    gradient: &FloatTensor<B>,
    epsilon: f64,
) -> FloatTensor<B> {
    let [rows, _] = p.shape().dims();
    let classes = classes::<B>(p);
    let shares = labels.shape().num_dims() == 2;
    let (low, high) = E::limits(epsilon);
    let mut dp = vec![E::default(); rows * classes];
    with_slices::<B, E, 3, _>([p, labels, gradient], |[p, labels, gradient]| {
        let given = p
            .chunks_exact(classes)
            .zip(RowLabels::of(labels, shares, classes))
            .zip(gradient);
        for (dp, ((p, labels), &gradient)) in dp.chunks_exact_mut(classes).zip(given) {
            let sum = p.iter().fold(E::default(), |sum, &p| sum + p);
            let scale = gradient / sum;
            let mut inside = E::default();
            for (class, share) in labels.each(classes) {
                let q = p[class] / sum;
                if q >= low && q <= high {
                    inside = inside + share;
                    dp[class] = dp[class] - share / q * scale;
                }
            }
            for dp in dp {
                *dp = *dp + inside * scale;
            }
        }
    });
    B::from_data(TensorData::new(dp, p.shape()))
}

/// Kept within limits; NaN stays NaN.
fn clamp<E: Float>(value: E, low: E, high: E) -> E {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}
