//! What a call must fulfil.

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

const COMPILED: &str = match (cfg!(feature = "flex"), cfg!(feature = "ndarray")) {
    (true, true) => "Flex and NdArray",
    (true, false) => "Flex",
    (false, true) => "NdArray",
    (false, false) => "no backend",
};

/// Whether there are kernels for a tensor's backend and type.
pub(crate) fn supported<const D: usize>(tensor: &Tensor<D>) -> Result<()> {
    fn has_kernels(kind: &DispatchTensorKind) -> bool {
        match kind {
            #[cfg(feature = "flex")]
            DispatchTensorKind::Flex(_) => true,
            #[cfg(feature = "ndarray")]
            DispatchTensorKind::NdArray(_) => true,
            DispatchTensorKind::Autodiff(inner) => has_kernels(inner),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }
    if !has_kernels(&tensor.clone().into_dispatch().kind) {
        let device = format!("{:?}", tensor.device());
        return Err(Error::UnsupportedBackend {
            device,
            compiled: COMPILED,
        });
    }
    match tensor.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        other => Err(Error::UnsupportedDType(other)),
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
