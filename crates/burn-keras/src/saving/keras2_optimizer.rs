//! The optimizer's state in files of Keras 2 and `tf.keras`, where names tell what a value is:
//! `Adam/m/lstm/lstm_cell/kernel:0` since 2.11, `Adam/lstm/lstm_cell/kernel/m:0` before.

use std::collections::HashMap;

use burn::module::ParamId;
use keras_format::{LegacyWeights, NamedArray};

use super::optimizer_state::named;
use crate::optimizers::{OptimizerState, OptimizerVariables, TrainedWeight};

/// What Keras 2 called the values that optimizers keep, beside Keras 3's names.
const OLD_NAMES: [(&str, &[&str]); 6] = [
    ("momentum", &["m"]),
    ("velocity", &["v", "rms"]),
    ("velocity_hat", &["vhat"]),
    ("average_gradient", &["mg"]),
    ("accumulated_grad", &["accum_grad"]),
    ("accumulated_delta_var", &["accum_var"]),
];

/// Whether Keras 2 or `tf.keras` wrote the file.
pub(super) fn is_keras2(weights: &LegacyWeights) -> bool {
    let version = weights.keras_version.as_deref().unwrap_or_default();
    version.starts_with("2.") || version.starts_with("1.")
}

/// What the optimizer has learned about `trained`, in the order of [`OptimizerState::variables`]; `None` when a value is
/// missing. `names` has the name of each weight in the file.
pub(super) fn read(
    optimizer: &OptimizerState,
    trained: &[TrainedWeight],
    names: &HashMap<ParamId, String>,
    file: &[NamedArray],
) -> Option<OptimizerVariables> {
    let bare = |name: &str| name.strip_suffix(":0").unwrap_or(name).to_string();
    let by_name: HashMap<String, &NamedArray> = file.iter().map(|n| (bare(&n.name), n)).collect();
    let steps = by_name.iter().find_map(|(name, value)| {
        let last = name.rsplit('/').next().unwrap_or_default();
        let counts = matches!(last, "iteration" | "iter" | "iterations");
        u64::try_from(value.array.as_int().filter(|_| counts)?).ok()
    })?;
    let arrays = optimizer
        .variable_names(trained)
        .into_iter()
        .map(|(weight, slot)| {
            let weight = bare(names.get(&trained[weight].id)?);
            let old = OLD_NAMES.iter().find(|(new, _)| *new == slot);
            let slots = old.map_or(&[] as &[&str], |(_, old)| old);
            let ends: Vec<String> = std::iter::once(&slot)
                .chain(slots)
                .flat_map(|slot| [format!("/{slot}/{weight}"), format!("/{weight}/{slot}")])
                .collect();
            let (_, found) = by_name
                .iter()
                .find(|(name, _)| ends.iter().any(|end| name.ends_with(end.as_str())))?;
            named(&found.array)
        })
        .collect::<Option<_>>()?;
    Some(OptimizerVariables {
        iterations: steps,
        learning_rate: None,
        arrays,
    })
}
