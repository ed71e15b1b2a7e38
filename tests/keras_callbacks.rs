//! Callbacks by the names and arguments that the fixtures have of them.

use std::path::Path;

use burn_keras::callbacks::{
    Callback, CsvLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau,
    SaveFreq, SwapEmaWeights, TerminateOnNaN,
};
use serde_json::{Map, Value};

use crate::TestResult;

fn number(arguments: &Map<String, Value>, name: &str) -> Option<f64> {
    arguments.get(name)?.as_f64()
}

fn flag(arguments: &Map<String, Value>, name: &str) -> bool {
    arguments
        .get(name)
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

fn text<'v>(arguments: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    arguments.get(name)?.as_str()
}

/// The callback of a Keras class with these arguments, its files in `folder`.
///
/// Its schedule, which JSON has no form of, is `rate * 0.7 + 0.01 * epoch`.
pub fn callback(
    class: &str,
    arguments: &Map<String, Value>,
    folder: &Path,
) -> TestResult<Box<dyn Callback>> {
    let count = |name: &str| number(arguments, name).map(|n| n as usize);
    let known = [
        "monitor",
        "mode",
        "patience",
        "min_delta",
        "baseline",
        "start_from_epoch",
        "restore_best_weights",
        "factor",
        "cooldown",
        "min_lr",
        "filepath",
        "save_best_only",
        "save_weights_only",
        "save_freq",
        "initial_value_threshold",
        "filename",
        "separator",
        "append",
        "swap_on_epoch",
    ];
    if let Some(unknown) = arguments.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(format!("the test does not know the argument {unknown}").into());
    }
    /// The arguments that callbacks with a monitor share.
    macro_rules! monitored {
        ($callback:expr) => {{
            let mut callback = $callback;
            if let Some(monitor) = text(arguments, "monitor") {
                callback = callback.monitor(monitor);
            }
            if let Some(mode) = text(arguments, "mode") {
                callback = callback.mode(mode);
            }
            callback
        }};
    }
    Ok(match class {
        "EarlyStopping" => {
            let mut c = monitored!(EarlyStopping::new())
                .patience(count("patience").unwrap_or(0))
                .min_delta(number(arguments, "min_delta").unwrap_or(0.0))
                .start_from_epoch(count("start_from_epoch").unwrap_or(0))
                .restore_best_weights(flag(arguments, "restore_best_weights"));
            if let Some(baseline) = number(arguments, "baseline") {
                c = c.baseline(baseline);
            }
            Box::new(c)
        }
        "ReduceLROnPlateau" => Box::new(
            monitored!(ReduceLROnPlateau::new())
                .patience(count("patience").unwrap_or(10))
                .factor(number(arguments, "factor").unwrap_or(0.1))
                .cooldown(count("cooldown").unwrap_or(0))
                .min_lr(number(arguments, "min_lr").unwrap_or(0.0))
                .min_delta(number(arguments, "min_delta").unwrap_or(1e-4)),
        ),
        "LearningRateScheduler" => Box::new(LearningRateScheduler::new(|epoch, rate| {
            (f64::from(rate) * 0.7 + 0.01 * epoch as f64) as f32
        })),
        "ModelCheckpoint" => {
            let path = folder.join(text(arguments, "filepath").ok_or("no path")?);
            let mut c = monitored!(ModelCheckpoint::new(path))
                .save_best_only(flag(arguments, "save_best_only"))
                .save_weights_only(flag(arguments, "save_weights_only"))
                .save_freq(count("save_freq").map_or(SaveFreq::Epoch, SaveFreq::Batches));
            if let Some(threshold) = number(arguments, "initial_value_threshold") {
                c = c.initial_value_threshold(threshold);
            }
            Box::new(c)
        }
        "CSVLogger" => {
            let path = folder.join(text(arguments, "filename").ok_or("no path")?);
            let separator = text(arguments, "separator").unwrap_or(",").as_bytes()[0];
            Box::new(
                CsvLogger::new(path)
                    .separator(separator)
                    .append(flag(arguments, "append")),
            )
        }
        "SwapEMAWeights" => {
            Box::new(SwapEmaWeights::new().swap_on_epoch(flag(arguments, "swap_on_epoch")))
        }
        "TerminateOnNaN" => Box::new(TerminateOnNaN::new()),
        other => return Err(format!("the test does not know the callback {other}").into()),
    })
}
