//! What can be wrong with a call.

use burn::tensor::DType;

/// Why a call was refused. Nothing has been computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor's shape doesn't go with the others'.
    #[error("{tensor} has shape {given:?}, but needs {needed:?} ({meaning}); check {hint}")]
    Shape {
        /// The tensor's name.
        tensor: &'static str,
        /// Its shape.
        given: Vec<usize>,
        /// The shape it needs.
        needed: Vec<usize>,
        /// The shape in words.
        meaning: &'static str,
        /// Where to look.
        hint: &'static str,
    },
    /// A dimension is zero.
    #[error(
        "{dimension} is 0: a recurrent layer needs at least one; give it a non-empty {dimension}"
    )]
    Empty {
        /// The dimension: `timesteps`, `batch`, `features` or `units`.
        dimension: &'static str,
    },
    /// The tensors' float types differ.
    #[error(
        "{tensor} is {given:?} but the input is {needed:?}; cast one of them with `Tensor::cast`"
    )]
    DTypeMismatch {
        /// The tensor's name.
        tensor: &'static str,
        /// Its type.
        given: DType,
        /// The input's type.
        needed: DType,
    },
    /// There is no kernel for this float type.
    #[error(
        "no fused kernel for {given:?} on this backend, only for {fused}; cast the tensors or use burn's own operations"
    )]
    UnsupportedDType {
        /// The tensors' type.
        given: DType,
        /// The types that there are kernels for.
        fused: &'static str,
    },
    /// The kernels for GPUs number elements in 32 bits.
    #[error(
        "the call keeps {numbers} numbers at once, and GPU kernels can number {most}; give it a smaller batch or \
         shorter sequences"
    )]
    TooLarge {
        /// How many numbers the largest buffer of the call has.
        numbers: usize,
        /// How many it can have.
        most: usize,
    },
    /// There is no kernel for the backend the input is on, or it wasn't compiled in.
    #[error(
        "no fused kernel for the device {device}: this build has kernels for {compiled}; move the tensors \
         there, enable the Cargo feature of that backend, or use burn's own operations"
    )]
    UnsupportedBackend {
        /// The input's device.
        device: String,
        /// The backends that were compiled in.
        compiled: &'static str,
    },
    /// A tensor is on another device than the input.
    #[error(
        "{tensor} is on {given}, the input on {needed}; move one of them with `Tensor::to_device`"
    )]
    DeviceMismatch {
        /// The tensor's name.
        tensor: &'static str,
        /// Its device.
        given: String,
        /// The input's device.
        needed: String,
    },
    /// An activation has no fused kernel.
    #[error(
        "no fused kernel for {role} = {name}, only for {fused}; use burn's own operations for it"
    )]
    UnsupportedActivation {
        /// Which of the layer's activations it is.
        role: &'static str,
        /// Its name.
        name: String,
        /// The one that is fused.
        fused: &'static str,
    },
    /// A module uses an option that the fused operation lacks.
    #[error("no fused kernel for {option} = {value}; use the module's own `forward`")]
    UnsupportedOption {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
}

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;
