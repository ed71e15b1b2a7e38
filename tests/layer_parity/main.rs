//! Every layer with its options computes what Keras computes: outputs, masks, penalties, and the gradients of every
//! input, state and weight.
//!
//! The fixtures are made by `tests/keras/make_layers.py` with keras==3.15.1 on JAX.

mod case;
mod files;
mod run;

use std::collections::HashSet;

use burn_keras::backend::Backend;
use burn_keras::layers::{Implementation, Registry};
use burn_keras_tests::{TestResult, registry};
use case::Case;

/// Classes that run in several ways, themselves or by a layer inside them.
const RECURRENT: &[&str] = &[
    "LSTM",
    "GRU",
    "SimpleRNN",
    "RNN",
    "Bidirectional",
    "TimeDistributed",
];

/// Where we compute something else on purpose: the case and why.
const DIFFERENT: &[(&str, &str)] = &[(
    "lstm_rates_of_one",
    "a dropout of 1 does nothing in Keras' LSTM and GRU; here it drops everything, as in Dropout and SimpleRNN",
)];

/// Runs all cases of the chosen classes and names every one that differs.
fn check(
    backend: Backend,
    implementation: Implementation,
    chosen: impl Fn(&Case) -> bool,
) -> TestResult {
    let device = backend.open()?;
    let registry = registry(implementation);
    let mut failed = Vec::new();
    let mut count = 0;
    for case in case::all()?.iter().filter(|c| chosen(c)) {
        if DIFFERENT.iter().any(|(name, _)| *name == case.name) {
            continue;
        }
        count += 1;
        match run::run(case, &registry, &device) {
            Ok(differences) => {
                failed.extend(differences.worst().map(|w| format!("{}: {w}", case.name)))
            }
            Err(error) => failed.push(format!("{}: {error}", case.name)),
        }
    }
    assert!(count > 0, "no case was run");
    assert!(
        failed.is_empty(),
        "{} of {count} cases differ on {backend}, {implementation:?}:\n{}",
        failed.len(),
        failed.join("\n")
    );
    Ok(())
}

fn is_recurrent(case: &Case) -> bool {
    RECURRENT.contains(&case.class_name.as_str())
}

#[test]
fn recurrent_layers_on_flex_by_the_fastest_way() -> TestResult {
    check(Backend::Flex, Implementation::Auto, is_recurrent)
}

#[test]
fn recurrent_layers_on_flex_by_burn() -> TestResult {
    check(Backend::Flex, Implementation::Burn, is_recurrent)
}

#[test]
fn recurrent_layers_on_ndarray_by_the_fastest_way() -> TestResult {
    check(Backend::NdArray, Implementation::Auto, is_recurrent)
}

#[test]
fn recurrent_layers_on_ndarray_by_burn() -> TestResult {
    check(Backend::NdArray, Implementation::Burn, is_recurrent)
}

#[test]
fn other_layers_on_flex() -> TestResult {
    check(Backend::Flex, Implementation::Auto, |c| !is_recurrent(c))
}

#[test]
fn other_layers_on_ndarray() -> TestResult {
    check(Backend::NdArray, Implementation::Auto, |c| !is_recurrent(c))
}

/// On a GPU the cases are many and each kernel is compiled anew, so every third is run, and all of classes with few.
#[cfg(feature = "wgpu")]
mod on_wgpu {
    use super::*;

    fn chosen(case: &Case) -> bool {
        let few = ["LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"];
        let name = case.name.bytes().fold(0u32, |sum, b| {
            sum.wrapping_mul(31).wrapping_add(u32::from(b))
        });
        !few.contains(&case.class_name.as_str()) || name % 3 == 0
    }

    #[test]
    fn recurrent_layers_on_wgpu_by_the_fastest_way() -> TestResult {
        let chosen = |c: &Case| is_recurrent(c) && chosen(c);
        check(Backend::Wgpu, Implementation::Auto, chosen)
    }

    #[test]
    fn recurrent_layers_on_wgpu_by_burn() -> TestResult {
        let chosen = |c: &Case| is_recurrent(c) && chosen(c);
        check(Backend::Wgpu, Implementation::Burn, chosen)
    }

    #[test]
    fn other_layers_on_wgpu() -> TestResult {
        check(Backend::Wgpu, Implementation::Auto, |c| {
            !is_recurrent(c) && chosen(c)
        })
    }
}

#[test]
fn every_registered_class_has_a_case_and_every_case_a_class() -> TestResult {
    let cases = case::all()?;
    let with_case: HashSet<&str> = cases.iter().map(|c| c.class_name.as_str()).collect();
    let registry = Registry::new();
    let registered: HashSet<&str> = registry.class_names().into_iter().collect();
    let untested: Vec<_> = registered.difference(&with_case).collect();
    assert!(
        untested.is_empty(),
        "registered, but without a case: {untested:?}"
    );
    for class_name in with_case {
        assert!(
            registered.contains(class_name),
            "{class_name} is missing from the registry"
        );
    }
    for (name, _) in DIFFERENT {
        assert!(
            cases.iter().any(|c| c.name == *name),
            "there is no case {name}"
        );
    }
    Ok(())
}
