//! Devices of CubeCL: wgpu with the graphics APIs under it, and CUDA.
//!
//! They open lazily in burn and panic at first use, so each is opened once here, fallibly, and the outcome kept.

use std::collections::HashMap;
use std::sync::Mutex;

use burn::tensor::Device;
use burn_cubecl::CubeDevice;
use burn_cubecl::cubecl::device::WgpuBackend;

use super::{Backend, DEVICE_VARIABLE};
use crate::{Error, Result};

static OPENED: Mutex<Option<HashMap<&'static str, Result<Device, String>>>> = Mutex::new(None);

/// What `open` gave for this backend the first time.
fn once(backend: Backend, open: impl FnOnce() -> Result<Device, String>) -> Result<Device, String> {
    let mut opened = OPENED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let opened = opened.get_or_insert_with(HashMap::new);
    opened.entry(backend.name()).or_insert_with(open).clone()
}

/// Opens a GPU through wgpu.
///
/// # Errors
///
/// [`Error::Device`] when there is no adapter, or it refuses.
#[cfg(feature = "wgpu")]
pub(super) fn open_wgpu(backend: Backend) -> Result<Device> {
    once(backend, || {
        let opened = std::panic::catch_unwind(|| try_open_wgpu(backend))
            .unwrap_or_else(|_| Err("its driver failed while it was being opened".to_string()));
        if let Some(warning) = opened.as_ref().ok().and_then(|device| software(backend, device)) {
            log::warn!("{warning}");
        }
        opened
    })
    .map_err(|reason| {
        Error::Device(format!(
            "the device `{backend}` cannot be used on this machine: {reason}. A GPU driver may be missing (on Debian: \
             `apt install mesa-vulkan-drivers`, or the maker's own); the CPU always works: set {DEVICE_VARIABLE}=flex"
        ))
    })
}

#[cfg(feature = "wgpu")]
fn try_open_wgpu(backend: Backend) -> Result<Device, String> {
    use burn::tensor::wgpu::WgpuInitError;

    let api = match backend {
        Backend::Vulkan => WgpuBackend::Vulkan,
        Backend::Metal => WgpuBackend::Metal,
        Backend::WebGpu => WgpuBackend::WebGpu,
        _ => WgpuBackend::Auto,
    };
    let options = Device::wgpu_options().graphics_api(api);
    match options.init() {
        Err(WgpuInitError::AdapterUnavailable { .. }) => {
            Err("there is no graphics adapter".to_string())
        }
        // The program has used it before, through burn.
        Err(WgpuInitError::Registration { .. }) => {
            let device = in_use(backend);
            // A device that did not come up panics here, and the caller says so.
            device.identity();
            Ok(device)
        }
        opened => opened.map_err(|e| e.to_string()),
    }
}

/// The device that burn has open already.
#[cfg(feature = "wgpu")]
fn in_use(backend: Backend) -> Device {
    let first = burn::tensor::DeviceKind::DefaultDevice;
    match backend {
        #[cfg(feature = "vulkan")]
        Backend::Vulkan => Device::vulkan(first),
        #[cfg(feature = "metal")]
        Backend::Metal => Device::metal(first),
        #[cfg(feature = "webgpu")]
        Backend::WebGpu => Device::webgpu(first),
        _ => Device::wgpu(first),
    }
}

/// What there is to say of an adapter that computes on the CPU.
#[cfg(feature = "wgpu")]
fn software(backend: Backend, device: &Device) -> Option<String> {
    let identity = device.identity()?;
    identity.physical.is_none().then(|| {
        format!(
            "the device `{backend}` is {}, a driver that computes on the CPU: right for tests, slower than the device \
             `flex`",
            identity.name
        )
    })
}

/// Opens the first GPU of CUDA.
///
/// # Errors
///
/// [`Error::Device`] when there is none, or no driver.
#[cfg(feature = "cuda")]
pub(super) fn open_cuda() -> Result<Device> {
    once(Backend::Cuda, || {
        // The device itself opens at its first use, so it is used once here.
        let opened = std::panic::catch_unwind(|| {
            let device = Device::cuda(0);
            let one = burn::tensor::Tensor::<1>::ones([1], &device);
            one.try_into_data().map(|_| device)
        });
        let opened = opened.map_err(|_| "its driver failed while it was being opened".to_string());
        opened.and_then(|device| device.map_err(|e| e.to_string()))
    })
    .map_err(|reason| {
        Error::Device(format!(
            "the device `cuda` could not be opened: {reason}. Is there an NVIDIA GPU and its driver? The CPU always \
             works: set {DEVICE_VARIABLE}=flex"
        ))
    })
}

/// A device in words, by the feature's name, as `wgpu (NVIDIA GeForce RTX 4070)`.
pub(super) fn name(device: &CubeDevice) -> String {
    let kind = match device {
        CubeDevice::Cuda(_) => "cuda",
        CubeDevice::Metal(_) => "metal",
        CubeDevice::Wgpu(device) => match device.backend {
            WgpuBackend::Vulkan => "vulkan",
            WgpuBackend::Metal => "metal",
            WgpuBackend::WebGpu => "webgpu",
            _ => "wgpu",
        },
        _ => "gpu",
    };
    let part = device.client().properties().identity.name.clone();
    format!("{kind} ({part})")
}

/// The most bytes that one buffer can have.
pub(super) fn largest_buffer(device: &CubeDevice) -> u64 {
    device.client().properties().memory.max_page_size
}
