//! One file a command.

pub mod bench;
pub mod completions;
pub mod convert;
pub mod devices;
pub mod evaluate;
pub mod fit;
pub mod plot;
pub mod predict;
pub mod shapes;
pub mod summary;

use burn_keras::backend::{Backend, set_device};

use crate::error::Result;

/// Which device computes.
#[derive(clap::Args)]
pub struct DeviceArg {
    /// Where to compute: flex, ndarray, wgpu, … (see `burn-keras devices`).
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
}

impl DeviceArg {
    /// Makes it the device of every model built from here on.
    pub fn choose(&self) -> Result<()> {
        if let Some(name) = &self.device {
            set_device(&name.parse::<Backend>()?.open()?);
        }
        Ok(())
    }
}

/// A number of at least 1.
pub fn at_least_1(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".to_string()),
        Ok(number) => Ok(number),
        Err(_) => Err("it must be a whole number of at least 1".to_string()),
    }
}
