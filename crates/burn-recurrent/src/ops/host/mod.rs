//! The kernels for backends whose tensors are memory of this process.

mod passes;
mod problem;
mod rows;

use super::{Arguments, Call, RecurrentKernels};
use crate::kernel::forward::Saved;
use crate::simd::Real;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, Element, TensorData};
use passes::{gradients, run};
use std::sync::{Arc, Mutex};

/// A float the kernels have, in the tensors of the CPU backends.
pub(super) trait Float:
    Real + Element + std::ops::Sub<Output = Self> + std::ops::Neg<Output = Self>
{
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// Whether it is not a number.
    fn is_nan(self) -> bool;
    /// `epsilon` and `1 - epsilon`.
    fn limits(epsilon: f64) -> (Self, Self);
    /// The class of this number, whose fraction is cut off, if it is one of the first `classes`.
    fn class_below(self, classes: usize) -> Option<usize>;
    /// Wraps what a forward pass has saved.
    fn wrap(saved: Saved<Self>) -> AnySaved;
    /// The reverse of [`wrap`](Self::wrap).
    fn unwrap(saved: AnySaved) -> Option<Saved<Self>>;
    /// A tensor's elements, if they are of this type and contiguous.
    #[cfg(feature = "flex")]
    fn flex(tensor: &FloatTensor<burn::backend::Flex>) -> Option<&[Self]>;
    /// A tensor's elements, if they are of this type and contiguous.
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)]
    fn ndarray(tensor: &FloatTensor<burn::backend::NdArray>) -> Option<&[Self]>;
    /// A contiguous copy.
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)]
    fn ndarray_contiguous(
        tensor: &FloatTensor<burn::backend::NdArray>,
    ) -> FloatTensor<burn::backend::NdArray>;
}

/// What a forward pass has saved, of either type.
#[derive(Debug)]
pub(crate) enum AnySaved {
    F32(Saved<f32>),
    F64(Saved<f64>),
}

macro_rules! float {
    ($float:ty, $variant:ident) => {
        impl Float for $float {
            fn ln(self) -> Self {
                self.ln()
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn limits(epsilon: f64) -> (Self, Self) {
                let epsilon = epsilon as $float;
                (epsilon, 1.0 - epsilon)
            }
            fn class_below(self, classes: usize) -> Option<usize> {
                let whole = self.trunc();
                (whole >= 0.0 && whole < classes as $float).then_some(whole as usize)
            }
            fn wrap(saved: Saved<Self>) -> AnySaved {
                AnySaved::$variant(saved)
            }
            fn unwrap(saved: AnySaved) -> Option<Saved<Self>> {
                match saved {
                    AnySaved::$variant(saved) => Some(saved),
                    _ => None,
                }
            }
            #[cfg(feature = "flex")]
            fn flex(tensor: &FloatTensor<burn::backend::Flex>) -> Option<&[Self]> {
                tensor.as_slice()
            }
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            fn ndarray(tensor: &FloatTensor<burn::backend::NdArray>) -> Option<&[Self]> {
                match tensor {
                    burn::backend::ndarray::NdArrayTensor::$variant(storage) => {
                        storage.view().to_slice()
                    }
                    _ => None,
                }
            }
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            fn ndarray_contiguous(
                tensor: &FloatTensor<burn::backend::NdArray>,
            ) -> FloatTensor<burn::backend::NdArray> {
                match tensor {
                    burn::backend::ndarray::NdArrayTensor::$variant(storage) => {
                        let elements: Vec<$float> = storage.view().iter().copied().collect();
                        let shape = storage.shape().to_vec();
                        FloatTensor::<burn::backend::NdArray>::from_data(TensorData::new(
                            elements, shape,
                        ))
                    }
                    other => other.clone(),
                }
            }
        }
    };
}
float!(f32, F32);
float!(f64, F64);

/// A backend whose tensors are memory of this process.
pub(super) trait Host: Backend {
    /// A tensor's elements, if they are of this type and contiguous.
    fn slice<E: Float>(tensor: &FloatTensor<Self>) -> Option<&[E]>;
    /// A contiguous copy.
    fn contiguous<E: Float>(tensor: &FloatTensor<Self>) -> FloatTensor<Self>;
    /// A tensor that takes the data over.
    fn from_data(data: TensorData) -> FloatTensor<Self>;
}

/// Handed to the backward pass, which uses it up; the tape wants to be able to clone it.
pub(crate) type SharedSaved = Arc<Mutex<Option<AnySaved>>>;

impl<B: Host> RecurrentKernels for B {
    type Saved = SharedSaved;

    fn run(
        arguments: &Arguments<Self>,
        call: Call,
        save: bool,
    ) -> (FloatTensor<Self>, Option<Self::Saved>) {
        let (result, saved) = match arguments.differentiable[0].dtype() {
            DType::F64 => run::<B, f64>(arguments, call, save),
            _ => run::<B, f32>(arguments, call, save),
        };
        (result, saved.map(|saved| Arc::new(Mutex::new(Some(saved)))))
    }

    fn gradients(
        arguments: &Arguments<Self>,
        call: Call,
        saved: Self::Saved,
        gradient: FloatTensor<Self>,
        wanted: [bool; 6],
    ) -> [Option<FloatTensor<Self>>; 6] {
        let saved = saved.lock().ok().and_then(|mut saved| saved.take());
        match arguments.differentiable[0].dtype() {
            DType::F64 => gradients::<B, f64>(arguments, call, saved, gradient, wanted),
            _ => gradients::<B, f32>(arguments, call, saved, gradient, wanted),
        }
    }
}

/// A call's arguments as slices, copied where they weren't contiguous.
struct Slices<B: Host> {
    copies: [Option<FloatTensor<B>>; 9],
}

impl<B: Host> Slices<B> {
    fn new<E: Float>(arguments: &Arguments<B>) -> Self {
        let copies = std::array::from_fn(|i| {
            let tensor = Self::argument(arguments, i);
            B::slice::<E>(tensor)
                .is_none()
                .then(|| B::contiguous::<E>(tensor))
        });
        Self { copies }
    }

    fn argument(arguments: &Arguments<B>, i: usize) -> &FloatTensor<B> {
        arguments
            .differentiable
            .get(i)
            .unwrap_or_else(|| &arguments.constant[i - 6])
    }

    /// An argument; `None` if the call lacks it.
    fn get<'a, E: Float>(&'a self, arguments: &'a Arguments<B>, i: usize) -> Option<&'a [E]> {
        let tensor = self.copies[i]
            .as_ref()
            .unwrap_or_else(|| Self::argument(arguments, i));
        B::slice::<E>(tensor).filter(|slice| !slice.is_empty())
    }
}
