//! What people get wrong, and the whole text of what they are told. The texts are in `snapshots/`, and the book's chapter
//! "Errors explained" is made of the programs and them.
//!
//! After a change of a text: `INSTA_UPDATE=always cargo test --workspace --release --test mistakes`, then read the diff.

mod accepted;
mod cases;
mod chapter;

use std::collections::BTreeSet;

use burn_keras::prelude::*;
use burn_keras_tests::{TestResult, devices};

/// A program that is refused.
struct Mistake {
    name: &'static str,
    run: fn() -> Result<()>,
}

/// A program whose data are read in another shape, with what is said about it.
struct Accepted {
    name: &'static str,
    run: fn() -> Result<Vec<String>>,
}

macro_rules! table {
    ($module:ident: $($name:ident),+ $(,)?) => {
        &[$(table!(@ $module $name)),+]
    };
    (@ cases $name:ident) => {
        Mistake { name: stringify!($name), run: cases::$name }
    };
    (@ accepted $name:ident) => {
        Accepted { name: stringify!($name), run: accepted::$name }
    };
}

/// The mistakes in the order of the book.
const MISTAKES: &[Mistake] = table![cases:
    a_matrix_for_an_lstm,
    an_input_shape_without_features,
    each_sample_in_one_row,
    one_long_series,
    the_number_of_samples_in_input_shape,
    the_shape_of_a_matrix_as_input_shape,
    a_single_sample,
    timesteps_and_features_swapped,
    another_number_of_features,
    another_number_of_timesteps,
    sequences_for_a_dense,
    one_hot_data_for_an_embedding,
    an_embedding_told_of_features,
    a_number_that_the_embedding_does_not_know,
    an_lstm_after_an_lstm,
    an_lstm_after_a_bidirectional_one,
    a_convolution_after_a_flatten,
    an_lstm_after_a_dense,
    a_flatten_of_sequences_of_any_length,
    a_shared_layer_fed_something_else,
    an_input_shape_in_the_middle,
    tensors_that_cannot_be_added,
    labels_without_timesteps,
    class_numbers_for_categorical_crossentropy,
    one_hot_labels_for_sparse_categorical_crossentropy,
    another_number_of_classes,
    classes_numbered_from_1,
    a_class_too_many,
    more_labels_than_samples,
    a_value_that_is_no_number,
    rows_of_different_lengths,
    states_in_a_sequential,
    the_wrong_number_of_outputs,
    states_that_do_not_come_out,
    an_initial_state_of_another_size,
    one_initial_state_of_two,
    stateful_without_a_batch_size,
    a_batch_size_that_does_not_divide_the_samples,
    inputs_in_another_order,
    one_input_of_two,
    weights_of_another_model,
    too_few_weights,
    a_file_with_the_weights_of_another_model,
    a_window_longer_than_the_sequence,
    a_misspelt_name,
    a_size_of_zero,
    a_model_without_a_shape,
    a_model_that_was_not_compiled,
    a_model_in_which_nothing_trains,
    a_backend_that_was_not_compiled_in,
    a_file_that_is_not_there,
    a_configuration_that_cannot_be_read,
];

const ACCEPTED: &[Accepted] = table![accepted:
    whole_numbers_without_a_features_axis,
    numbers_without_a_features_axis,
    categories_with_a_features_axis,
];

/// The variant of an error.
fn variant(error: &Error) -> &'static str {
    match error {
        Error::Shape(_) => "Shape",
        Error::Argument { .. } => "Argument",
        Error::UnknownName { .. } => "UnknownName",
        Error::NotBuilt { .. } => "NotBuilt",
        Error::NotCompiled { .. } => "NotCompiled",
        Error::Model(_) => "Model",
        Error::OutputCount { .. } => "OutputCount",
        Error::Data { .. } => "Data",
        Error::Weights { .. } => "Weights",
        Error::Device(_) => "Device",
        Error::Config { .. } => "Config",
        Error::Tensor { .. } => "Tensor",
        Error::Training(_) => "Training",
        Error::File { .. } => "File",
        _ => "a new one",
    }
}

fn told(name: &str, text: &str, program: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(program);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// One test for all, since programs write files into the working directory, of which a process has one.
#[test]
fn every_mistake_is_told_in_its_whole_text() -> TestResult {
    let folder = tempfile::tempdir()?;
    std::env::set_current_dir(folder.path())?;
    let programs = chapter::programs(chapter::CASES)?;
    let accepted = chapter::programs(chapter::ACCEPTED)?;
    for (backend, device) in devices()? {
        set_device(&device);
        for mistake in MISTAKES {
            let program = programs.get(mistake.name).ok_or(mistake.name)?;
            match (mistake.run)() {
                Ok(()) => panic!("{}: accepted on {backend}", mistake.name),
                Err(error) => told(mistake.name, &error.to_string(), &program.title),
            }
        }
        for case in ACCEPTED {
            let program = accepted.get(case.name).ok_or(case.name)?;
            told(case.name, &(case.run)()?.join("\n"), &program.title);
        }
    }
    Ok(())
}

#[test]
fn the_table_holds_every_program_in_the_order_of_the_file() -> TestResult {
    let listed: Vec<&str> = MISTAKES.iter().map(|m| m.name).collect();
    assert_eq!(listed, chapter::names(chapter::CASES));
    let listed: Vec<&str> = ACCEPTED.iter().map(|m| m.name).collect();
    assert_eq!(listed, chapter::names(chapter::ACCEPTED));
    Ok(())
}

/// `Tensor` is for what a check should have caught.
#[test]
fn every_variant_of_the_error_has_a_mistake() -> TestResult {
    const NOT_BY_A_PROGRAM: [&str; 1] = ["Tensor"];
    let source = include_str!("../../crates/burn-keras/src/error.rs");
    let (_, body) = source.split_once("pub enum Error {").ok_or("no enum")?;
    let (body, _) = body.split_once("\n}").ok_or("no end of the enum")?;
    let declared: BTreeSet<&str> = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .filter_map(|line| line.split(['(', ' ', ',']).next())
        .filter(|name| !NOT_BY_A_PROGRAM.contains(name))
        .collect();
    let seen: BTreeSet<&str> = MISTAKES
        .iter()
        .filter(|m| !m.name.contains("file_with"))
        .filter_map(|m| (m.run)().err())
        .map(|error| variant(&error))
        .collect();
    assert_eq!(seen, declared);
    Ok(())
}

#[test]
fn the_chapter_of_the_book_is_made_of_the_programs_and_the_texts() -> TestResult {
    chapter::check()
}
