//! What a call must fulfil.

use crate::buffers::largest_buffer;
use crate::error::{Error, Result};
use crate::kernel::Kind;
use crate::sequence::{Options, Tensors};
use burn::Tensor;
use burn::backend::DispatchTensorKind;
use burn::tensor::{DType, Device};

/// Whether there are kernels for tensors on `device` with this `dtype`, so that a caller can choose
/// burn's own operations from the start.
pub fn check_support(device: &Device, dtype: DType) -> Result<()> {
    supported(&Tensor::<1>::empty([0], (device, dtype)))
}

const COMPILED: &str = match (
    cfg!(feature = "flex"),
    cfg!(feature = "ndarray"),
    cfg!(feature = "cube"),
) {
    (true, true, true) => "Flex, NdArray and GPUs",
    (true, false, true) => "Flex and GPUs",
    (false, true, true) => "NdArray and GPUs",
    (false, false, true) => "GPUs",
    (true, true, false) => "Flex and NdArray",
    (true, false, false) => "Flex",
    (false, true, false) => "NdArray",
    (false, false, false) => "no backend",
};

/// Whether there are kernels for a tensor's backend and type.
pub(crate) fn supported<const D: usize>(tensor: &Tensor<D>) -> Result<()> {
    let Some(fused) = fused_types(&tensor.clone().into_dispatch().kind) else {
        let device = format!("{:?}", tensor.device());
        return Err(Error::UnsupportedBackend {
            device,
            compiled: COMPILED,
        });
    };
    match (tensor.dtype(), fused) {
        (DType::F32, _) | (DType::F64, Types::Both) => Ok(()),
        (given, _) => Err(Error::UnsupportedDType {
            given,
            fused: fused.words(),
        }),
    }
}

/// The float types that a backend's kernels compute in.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(all(feature = "cube", any(feature = "flex", feature = "ndarray"))),
    allow(dead_code)
)]
enum Types {
    Single,
    Both,
}

impl Types {
    fn words(self) -> &'static str {
        match self {
            Self::Single => "F32",
            Self::Both => "F32 and F64",
        }
    }
}

/// `None` if there are no kernels for the backend.
fn fused_types(kind: &DispatchTensorKind) -> Option<Types> {
    match kind {
        #[cfg(feature = "flex")]
        DispatchTensorKind::Flex(_) => Some(Types::Both),
        #[cfg(feature = "ndarray")]
        DispatchTensorKind::NdArray(_) => Some(Types::Both),
        // WGSL has no other type that all devices know.
        #[cfg(feature = "cube")]
        DispatchTensorKind::Cube(_) => Some(Types::Single),
        DispatchTensorKind::Autodiff(inner) => fused_types(inner),
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

/// Whether kernels can number so many elements of a buffer: those of GPUs count in 32 bits.
pub(crate) fn numbered<const D: usize>(x: &Tensor<D>, numbers: usize) -> Result<()> {
    match fused_types(&x.clone().into_dispatch().kind) {
        Some(Types::Single) => countable(numbers),
        _ => Ok(()),
    }
}

fn countable(numbers: usize) -> Result<()> {
    let most = u32::MAX as usize;
    match numbers <= most {
        true => Ok(()),
        false => Err(Error::TooLarge { numbers, most }),
    }
}

/// The sizes everything is checked against.
pub(crate) struct Checks {
    pub(crate) kind: Kind,
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) features: usize,
    pub(crate) units: usize,
    pub(crate) dtype: DType,
}

impl Checks {
    pub(crate) fn check(&self, tensors: &Tensors, options: &Options) -> Result<()> {
        supported(&tensors.x)?;
        for (dimension, size) in [
            ("timesteps", self.steps),
            ("batch", self.batch),
            ("features", self.features),
            ("units", self.units),
        ] {
            if size == 0 {
                return Err(Error::Empty { dimension });
            }
        }
        self.numbered(&tensors.x, options)?;
        let (batch, steps, features, units) = (self.batch, self.steps, self.features, self.units);
        let gates = self.kind.gates();
        let device = tensors.x.device();
        let tensor = |name, tensor: &Tensor<2>, needed: [usize; 2], meaning, hint| {
            shape(name, &tensor.dims(), &needed, meaning, hint)?;
            self.dtype(name, tensor.dtype())?;
            same_device(name, &tensor.device(), &device)
        };
        let hint = "the layer's units and the input's last dimension";
        let kernel = [features, gates * units];
        tensor(
            "kernel",
            &tensors.kernel,
            kernel,
            "features, gates * units",
            hint,
        )?;
        let recurrent = [units, gates * units];
        let recurrent_kernel = &tensors.recurrent_kernel;
        tensor(
            "recurrent_kernel",
            recurrent_kernel,
            recurrent,
            "units, gates * units",
            hint,
        )?;
        if let Some(bias) = &tensors.bias {
            let rows = if self.kind == Kind::Gru { 2 } else { 1 };
            let meaning = "rows, gates * units; two rows for reset_after, else one";
            tensor(
                "bias",
                bias,
                [rows, gates * units],
                meaning,
                "the bias' length",
            )?;
        }
        for (name, state) in [
            ("initial state h", &tensors.h),
            ("initial state c", &tensors.c),
        ] {
            if let Some(state) = state {
                let hint = "that the state is of the same batch";
                tensor(name, state, [batch, units], "batch, units", hint)?;
            }
        }
        if let Some(mask) = &options.mask {
            let hint = "that the mask has one entry a step";
            shape(
                "mask",
                &mask.dims(),
                &[batch, steps],
                "batch, timesteps",
                hint,
            )?;
            same_device("mask", &mask.device(), &device)?;
        }
        for (name, factors, width, meaning) in [
            (
                "input_dropout",
                &options.input_dropout,
                features,
                "1 or gates, batch, features",
            ),
            (
                "recurrent_dropout",
                &options.recurrent_dropout,
                units,
                "1 or gates, batch, units",
            ),
        ] {
            let Some(factors) = factors else { continue };
            let copies = if factors.dims()[0] == 1 { 1 } else { gates };
            let hint = "the number of masks";
            shape(
                name,
                &factors.dims(),
                &[copies, batch, width],
                meaning,
                hint,
            )?;
            self.dtype(name, factors.dtype())?;
            same_device(name, &factors.device(), &device)?;
        }
        Ok(())
    }

    /// Whether GPU kernels can number all elements of the largest buffer, if the call is on a GPU.
    fn numbered(&self, x: &Tensor<3>, options: &Options) -> Result<()> {
        let kind = x.clone().into_dispatch().kind;
        if !matches!(fused_types(&kind), Some(Types::Single)) {
            return Ok(());
        }
        let training = matches!(kind, DispatchTensorKind::Autodiff(_));
        let each_gate = |masks: &Tensor<3>| masks.dims()[0] > 1;
        let gate_masks = options.input_dropout.as_ref().is_some_and(each_gate)
            || options.recurrent_dropout.is_some();
        let sizes = [self.batch, self.steps, self.features];
        let numbers = largest_buffer(self.kind, sizes, self.units, training, gate_masks);
        countable(numbers)
    }

    fn dtype(&self, tensor: &'static str, given: DType) -> Result<()> {
        match given == self.dtype {
            true => Ok(()),
            false => Err(Error::DTypeMismatch {
                tensor,
                given,
                needed: self.dtype,
            }),
        }
    }
}

fn shape(
    tensor: &'static str,
    given: &[usize],
    needed: &[usize],
    meaning: &'static str,
    hint: &'static str,
) -> Result<()> {
    match given == needed {
        true => Ok(()),
        false => Err(Error::Shape {
            tensor,
            given: given.to_vec(),
            needed: needed.to_vec(),
            meaning,
            hint,
        }),
    }
}

pub(crate) fn same_device(tensor: &'static str, given: &Device, needed: &Device) -> Result<()> {
    match given == needed {
        true => Ok(()),
        false => Err(Error::DeviceMismatch {
            tensor,
            given: format!("{given:?}"),
            needed: format!("{needed:?}"),
        }),
    }
}
