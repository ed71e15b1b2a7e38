//! `burn-keras devices`.

use burn_keras::backend::{Backend, default_device, device_name};
use serde_json::{Value, json};

use crate::error::Result;
use crate::output;

/// List the devices of this build, and which one is used.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras devices
  burn-keras devices --json

The device is chosen by --device, else by the environment variable BURN_KERAS_DEVICE, else it is the first in the list.")]
pub struct Args {
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let chosen = default_device().map(|d| device_name(&d));
    let found: Vec<(Backend, Result<String, String>)> = Backend::compiled()
        .into_iter()
        .map(|backend| {
            let opened = backend
                .open()
                .map(|d| device_name(&d))
                .map_err(|e| e.to_string());
            (backend, opened)
        })
        .collect();
    if args.json {
        let list: Vec<Value> = found
            .iter()
            .map(|(backend, opened)| {
                json!({
                    "name": backend.name(),
                    "usable": opened.is_ok(),
                    "device": opened.as_ref().ok(),
                    "problem": opened.as_ref().err(),
                })
            })
            .collect();
        return output::print_json(&json!({"devices": list, "default": chosen.as_ref().ok()}));
    }
    let mut lines: Vec<String> = found
        .iter()
        .map(|(backend, opened)| match opened {
            Ok(device) => format!("{:<8} {device}", backend.name()),
            Err(problem) => format!("{:<8} not usable: {problem}", backend.name()),
        })
        .collect();
    lines.push(match chosen {
        Ok(device) => format!("used unless told otherwise: {device}"),
        Err(problem) => format!("none is used: {problem}"),
    });
    output::print(&lines.join("\n"))
}
