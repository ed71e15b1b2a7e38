//! Which device runs: a Cargo feature compiles a backend in, and this module picks one of those compiled.
//!
//! In order: the device given explicitly ([`set_device`] or `Sequential::device`), the environment variable
//! `BURN_KERAS_DEVICE`, then the first compiled of `cuda`, `metal`, `vulkan`, `webgpu`, `wgpu`, `ndarray`, `flex`.
//! burn's own default is never asked, since other crates in the build can change it.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use burn::backend::DispatchDevice;
pub use burn::tensor::Device;

pub use crate::tensor::host::read_backs;
use crate::{Error, Result};

#[cfg(feature = "cube")]
pub(crate) mod gpu;

/// The environment variable that names the device to use.
pub const DEVICE_VARIABLE: &str = "BURN_KERAS_DEVICE";

/// The kinds of device this crate knows, whether compiled in or not.
///
/// ```
/// use burn_keras::prelude::*;
///
/// // The names of what is compiled in and there.
/// for backend in [Backend::Flex, Backend::NdArray, Backend::Wgpu] {
///     match backend.open() {
///         Ok(_) => println!("{backend:?} can be used"),
///         Err(problem) => println!("{problem}"),
///     }
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// NVIDIA GPUs through CUDA (feature `cuda`).
    Cuda,
    /// Apple GPUs through Metal (feature `metal`).
    Metal,
    /// GPUs through Vulkan, with SPIR-V shaders (feature `vulkan`).
    Vulkan,
    /// WebGPU with WGSL shaders (feature `webgpu`).
    WebGpu,
    /// Whatever graphics API wgpu finds (feature `wgpu`).
    Wgpu,
    /// The CPU through the `ndarray` crate (feature `ndarray`; burn 0.22 is the last to have it).
    NdArray,
    /// The CPU through burn's own `flex` backend (feature `flex`, the default).
    Flex,
}

impl Backend {
    /// Every kind, in the order in which one is picked.
    pub const ALL: [Self; 7] = [
        Self::Cuda,
        Self::Metal,
        Self::Vulkan,
        Self::WebGpu,
        Self::Wgpu,
        Self::NdArray,
        Self::Flex,
    ];

    /// The name, which is that of the Cargo feature and of the value of `BURN_KERAS_DEVICE`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::Vulkan => "vulkan",
            Self::WebGpu => "webgpu",
            Self::Wgpu => "wgpu",
            Self::NdArray => "ndarray",
            Self::Flex => "flex",
        }
    }

    /// Whether this build has it.
    pub fn is_compiled(self) -> bool {
        match self {
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::WebGpu => cfg!(feature = "webgpu"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Flex => cfg!(feature = "flex"),
        }
    }

    /// The kinds this build has, in the order in which one is picked.
    pub fn compiled() -> Vec<Self> {
        Self::ALL.into_iter().filter(|b| b.is_compiled()).collect()
    }

    /// Opens the device: the first of its kind.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] when the backend is not compiled in, or the machine has no such device or driver.
    pub fn open(self) -> Result<Device> {
        match self {
            #[cfg(feature = "flex")]
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            Self::NdArray => Ok(ndarray_device()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu | Self::Vulkan | Self::Metal | Self::WebGpu if self.is_compiled() => {
                gpu::open_wgpu(self)
            }
            #[cfg(feature = "cuda")]
            Self::Cuda => gpu::open_cuda(),
            _ => Err(self.not_compiled()),
        }
    }

    fn not_compiled(self) -> Error {
        let name = self.name();
        let have = Self::compiled();
        let have = if have.is_empty() {
            "no backend at all".to_string()
        } else {
            let names: Vec<_> = have.iter().map(|b| b.name()).collect();
            names.join(", ")
        };
        Error::Device(format!(
            "the device `{name}` is not in this build, which has {have}: build with `--features {name}`, or in \
             Cargo.toml `burn-keras = {{ version = \"0.1\", features = [\"{name}\"] }}`"
        ))
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|b| b.name() == name)
            .ok_or_else(|| Error::unknown("device", name, Self::ALL.map(Self::name)))
    }
}

/// burn marks the constructor deprecated because the backend leaves burn after 0.22; the feature is ours to keep
/// until then.
#[cfg(feature = "ndarray")]
#[allow(deprecated)]
fn ndarray_device() -> Device {
    Device::ndarray()
}

thread_local! {
    static CHOSEN: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// Makes `device` the one on which models built later by this thread are placed.
///
/// ```
/// use burn_keras::backend::default_device;
/// use burn_keras::prelude::*;
///
/// // What is built from here on is placed there.
/// set_device(&default_device()?);
/// # Ok::<(), Error>(())
/// ```
pub fn set_device(device: &Device) {
    CHOSEN.with(|chosen| *chosen.borrow_mut() = Some(device.clone()));
}

/// The device on which a model built now by this thread is placed.
///
/// # Errors
///
/// [`Error::Device`] when no backend is compiled in, when `BURN_KERAS_DEVICE` names none, or when the machine lacks
/// the device.
pub fn default_device() -> Result<Device> {
    if let Some(device) = CHOSEN.with(|chosen| chosen.borrow().clone()) {
        return Ok(device);
    }
    if let Some(name) = std::env::var(DEVICE_VARIABLE)
        .ok()
        .filter(|name| !name.is_empty())
    {
        let backend: Backend = name.parse().map_err(|e: Error| e.at(DEVICE_VARIABLE))?;
        return backend.open();
    }
    match Backend::compiled().first() {
        Some(backend) => backend.open(),
        None => Err(Error::Device(
            "burn-keras was built without a backend, so there is no device to run on: enable one of the Cargo \
             features flex, ndarray (CPU), wgpu, vulkan, metal, webgpu, cuda (GPU), as in \
             `burn-keras = { version = \"0.1\", features = [\"flex\"] }`"
                .to_string(),
        )),
    }
}

/// A device in words, as `flex (CPU)` or `wgpu (NVIDIA GeForce RTX 4070)`.
pub fn device_name(device: &Device) -> String {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => "flex (CPU)".to_string(),
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => "ndarray (CPU)".to_string(),
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(device) => gpu::name(device),
        #[allow(unreachable_patterns)]
        other => format!("{other:?}"),
    }
}

/// Whether a device's tensors lie in the host's memory.
pub(crate) fn is_cpu(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        #[allow(unreachable_patterns)]
        _ => false,
    }
}

/// The most bytes that one buffer on this device can have, where there is a limit.
pub(crate) fn largest_buffer(device: &Device) -> Option<u64> {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(device) => Some(gpu::largest_buffer(device)),
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_compiled_in_says_how_to_get_it() {
        let missing = Backend::ALL.into_iter().find(|b| !b.is_compiled());
        if let Some(backend) = missing {
            let text = backend.open().map(|_| ()).unwrap_err().to_string();
            assert!(text.contains(&format!("--features {backend}")), "{text}");
        }
    }

    #[test]
    fn a_device_name_that_does_not_exist_lists_the_nearest() {
        let text = "flexx".parse::<Backend>().unwrap_err().to_string();
        assert!(text.contains("did you mean \"flex\""), "{text}");
    }
}
