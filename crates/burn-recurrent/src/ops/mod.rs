//! The recurrent layers as one burn operation, a backend extension.
//!
//! [`RecurrentOps`] is what a call goes through; burn's macro routes it to the backend the tensors are
//! on, and for tracked tensors through `Autodiff`. A backend joins by implementing
//! [`RecurrentKernels`], which knows nothing of tracking: a forward pass that can keep what its
//! backward pass needs, and that backward pass. The CPU backends share one, over slices, in `host`.

mod autodiff;
#[cfg(feature = "cube")]
mod cube;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "cube")]
mod fusion;
#[cfg(any(feature = "flex", feature = "ndarray"))]
mod host;
#[cfg(feature = "ndarray")]
mod ndarray;
mod rows;

use crate::kernel::Kind;
// burn marks its NdArray backend as deprecated; the macro names it.
#[allow(deprecated)]
mod extension {
    use super::{Call, RecurrentKernels};
    use burn::backend::{Backend, backend_extension, tensor::FloatTensor};

    /// The operation. Tensors that a call lacks have no elements.
    #[backend_extension(
        Cube: cfg(feature = "cube"),
        Flex: cfg(feature = "flex"),
        NdArray: cfg(feature = "ndarray"),
        Autodiff,
    )]
    pub trait RecurrentOps: Backend {
        /// Runs a whole sequence; the result's layout is [`Call::returns`].
        ///
        /// * `x` `[batch, timesteps, features]`
        /// * `kernel` `[features, gates * units]`, `recurrent_kernel` `[units, gates * units]`
        /// * `bias` `[gates * units]`, for `Kind::Gru` `[2, gates * units]`
        /// * `h`, `c` `[batch, units]`
        /// * `mask` `[batch, timesteps]`, zero where a step is skipped; not differentiable
        /// * `input_dropout` `[1 or gates, batch, features]`, `state_dropout` `[gates, batch, units]`;
        ///   not differentiable
        #[allow(clippy::too_many_arguments)]
        fn recurrent(
            x: FloatTensor<Self>,
            kernel: FloatTensor<Self>,
            recurrent_kernel: FloatTensor<Self>,
            bias: FloatTensor<Self>,
            h: FloatTensor<Self>,
            c: FloatTensor<Self>,
            mask: FloatTensor<Self>,
            input_dropout: FloatTensor<Self>,
            state_dropout: FloatTensor<Self>,
            call: Call,
        ) -> FloatTensor<Self>;
    }

    /// The arguments of a call, for a backend.
    #[derive(Clone, Debug)]
    pub struct Arguments<B: Backend> {
        /// `x`, `kernel`, `recurrent_kernel`, `bias`, `h`, `c`: those with a gradient.
        pub differentiable: [FloatTensor<B>; 6],
        /// `mask`, `input_dropout`, `state_dropout`.
        pub constant: [FloatTensor<B>; 3],
    }

    #[cfg(feature = "cube")]
    impl<B: Backend> Arguments<B> {
        /// All of them, in the operation's order.
        pub(crate) fn all(&self) -> Vec<FloatTensor<B>> {
            let all = self.differentiable.iter().chain(&self.constant);
            all.cloned().collect()
        }
    }

    macro_rules! on_kernels {
        ($backend:ty, $feature:literal $(, $($bounded:tt)*)?) => {
            #[cfg(feature = $feature)]
            impl$(<$($bounded)*>)? RecurrentOps for $backend {
                fn recurrent(
                    x: FloatTensor<Self>,
                    kernel: FloatTensor<Self>,
                    recurrent_kernel: FloatTensor<Self>,
                    bias: FloatTensor<Self>,
                    h: FloatTensor<Self>,
                    c: FloatTensor<Self>,
                    mask: FloatTensor<Self>,
                    input_dropout: FloatTensor<Self>,
                    state_dropout: FloatTensor<Self>,
                    call: Call,
                ) -> FloatTensor<Self> {
                    let arguments = Arguments::<Self> {
                        differentiable: [x, kernel, recurrent_kernel, bias, h, c],
                        constant: [mask, input_dropout, state_dropout],
                    };
                    Self::run(&arguments, call, false).0
                }
            }
        };
    }
    on_kernels!(burn::backend::Flex, "flex");
    on_kernels!(burn::backend::NdArray, "ndarray");
    // burn's `Cube` is one or the other, as its feature `fusion` says, which any crate in a build can set.
    on_kernels!(burn_cubecl::CubeBackend, "cube");
    on_kernels!(burn_fusion::Fusion<B>, "cube", B: burn_fusion::FusionBackend + super::fusion::Wrapped);
}
pub(crate) use extension::{Arguments, RecurrentOps};
pub(crate) use rows::RowOps;

use burn::backend::{Backend, tensor::FloatTensor};

/// What the operation's one result holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// The output of every step, `[batch, timesteps, units]`.
    Sequence,
    /// The output of the last step, `[batch, units]`.
    Last,
    /// The sequence followed by the final states, each `[batch, units]`, in one row.
    SequenceAndStates,
    /// The last output and the final states, `[2 or 3, batch, units]`.
    LastAndStates,
}

impl Returns {
    /// The result's shape, for `[batch, timesteps, units]`.
    pub(crate) fn shape(self, kind: Kind, [batch, steps, units]: [usize; 3]) -> Vec<usize> {
        let states = 1 + usize::from(kind.has_cell_state());
        match self {
            Self::Sequence => vec![batch, steps, units],
            Self::Last => vec![batch, units],
            Self::SequenceAndStates => vec![(steps + states) * batch * units],
            Self::LastAndStates => vec![1 + states, batch, units],
        }
    }
}

/// What is not a tensor in a call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The cell.
    pub kind: Kind,
    /// Steps are processed from the last to the first.
    pub reverse: bool,
    /// The outputs of a reversed sequence go back to the input's time order.
    pub restore_order: bool,
    /// A skipped step's output is zero, not the state.
    pub zero_output: bool,
    /// The result's layout.
    pub returns: Returns,
}

/// What a backend implements to take part.
pub(crate) trait RecurrentKernels: Backend {
    /// What the backward pass needs besides the arguments.
    type Saved: Clone + Send + std::fmt::Debug + 'static;

    /// Runs the sequence; keeps what a backward pass needs if `save`.
    fn run(
        arguments: &Arguments<Self>,
        call: Call,
        save: bool,
    ) -> (FloatTensor<Self>, Option<Self::Saved>);

    /// The gradients of those arguments that are `wanted`, from the result's.
    fn gradients(
        arguments: &Arguments<Self>,
        call: Call,
        saved: Self::Saved,
        gradient: FloatTensor<Self>,
        wanted: [bool; 6],
    ) -> [Option<FloatTensor<Self>>; 6];
}
