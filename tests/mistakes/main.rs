//! What people get wrong, and the whole text of what they are told. The texts are in `snapshots/`, and the book's chapter
//! "Errors explained" is made of the programs and them.
//!
//! After a change of a text: `INSTA_UPDATE=always cargo test --workspace --release --test mistakes`, then read the diff.

mod accepted;
mod cases;
mod chapter;
mod mended;
mod mending;

use std::collections::BTreeSet;

use burn_keras::prelude::*;
use burn_keras_tests::{TestResult, devices};

/// A program that is refused, or one that was.
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
    (@ mended $name:ident) => {
        Mistake { name: stringify!($name), run: mended::$name }
    };
    (@ accepted $name:ident) => {
        Accepted { name: stringify!($name), run: accepted::$name }
    };
}

/// The mistakes in the order of the book.
const MISTAKES: &[Mistake] = table![cases:
    a_matrix_for_an_lstm,
    an_input_shape_without_features,
    an_input_without_features,
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
    a_time_distributed_over_one_vector,
    attention_to_one_vector,
    all_outputs_of_a_layer_for_the_next,
    a_flatten_of_sequences_of_any_length,
    a_shared_layer_fed_something_else,
    an_input_shape_in_the_middle,
    tensors_that_cannot_be_added,
    one_tensor_to_be_added,
    a_mask_of_another_shape,
    a_mask_for_another_number_of_steps,
    a_mask_for_a_layer_that_takes_none,
    labels_without_timesteps,
    one_class_number_for_many_steps,
    class_numbers_of_steps_for_one_output,
    class_numbers_for_categorical_crossentropy,
    one_hot_labels_for_sparse_categorical_crossentropy,
    another_number_of_classes,
    two_outputs_for_one_label,
    quantities_for_categorical_crossentropy,
    classes_numbered_from_1,
    a_class_too_many,
    more_labels_than_samples,
    labels_with_their_axes_swapped,
    labels_of_one_output_of_two,
    a_value_that_is_no_number,
    rows_of_different_lengths,
    samples_of_different_lengths,
    no_samples,
    states_in_a_sequential,
    states_between_the_layers_of_a_sequential,
    the_wrong_number_of_outputs,
    states_that_do_not_come_out,
    one_output_unpacked_as_two,
    an_initial_state_of_another_size,
    one_initial_state_of_two,
    stateful_without_a_batch_size,
    a_batch_size_that_does_not_divide_the_samples,
    inputs_in_another_order,
    one_input_of_two,
    weights_of_another_model,
    a_kernel_of_pytorch,
    the_bias_of_an_older_gru,
    too_few_weights,
    a_file_with_the_weights_of_another_model,
    a_window_longer_than_the_sequence,
    a_misspelt_name,
    a_layer_that_is_not_there,
    two_layers_of_one_name,
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
    a_softmax_over_one_value,
];

/// The mistakes mended as their messages say.
const MENDED: &[Mistake] = table![mended:
    a_matrix_as_numbers,
    a_matrix_as_categories,
    a_matrix_for_an_embedding,
    an_input_shape_with_one_feature,
    an_input_shape_of_one_step,
    an_input_with_one_feature,
    each_sample_in_two_axes,
    one_long_series_in_windows,
    the_shape_of_one_sample,
    the_shape_of_a_sample_of_a_matrix,
    a_batch_of_one_sample,
    axes_put_in_order,
    a_model_for_the_data,
    the_number_of_features,
    any_number_of_timesteps,
    the_last_timesteps,
    sequences_for_an_lstm,
    sequences_as_vectors,
    one_hot_data_for_an_lstm,
    an_embedding_of_steps,
    an_embedding_that_knows_the_number,
    an_lstm_after_sequences,
    an_lstm_after_both_sequences,
    an_lstm_after_a_repeated_vector,
    a_time_distributed_over_steps,
    attention_to_a_sequence,
    one_output_for_the_next,
    an_average_over_any_length,
    a_mask_of_one_number_for_each_step,
    a_mask_for_the_number_of_steps,
    an_output_without_timesteps,
    class_numbers_of_steps,
    class_numbers_for_the_sparse_loss,
    class_numbers_made_one_hot,
    one_hot_labels_for_their_loss,
    the_number_of_classes,
    one_output_for_one_label,
    two_classes_of_labels,
    quantities_for_their_loss,
    enough_classes,
    labels_with_their_axes_in_order,
    rows_of_one_length,
    samples_of_one_length,
    states_in_a_functional_model,
    states_after_an_embedding,
    the_number_of_outputs,
    states_that_come_out,
    an_initial_state_of_the_size,
    both_initial_states,
    stateful_with_a_batch_size,
    as_many_samples_as_batches_hold,
    a_batch_size_that_divides_the_samples,
    a_kernel_as_keras_has_it,
    the_bias_of_a_gru_that_resets_before,
    a_window_over_added_steps,
    a_name,
    a_model_with_a_shape,
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

/// A person who has nothing but the message comes to a program that runs.
#[test]
fn what_the_message_says_mends_the_program() -> TestResult {
    let mistakes = chapter::programs(chapter::CASES)?;
    let mended = chapter::programs(mending::MENDED)?;
    for program in MENDED {
        let told = mended.get(program.name).ok_or(program.name)?;
        let mistake = mistakes.get(&told.title).ok_or(told.title.clone())?;
        mending::check(program.name, told, mistake)?;
        if let Err(error) = (program.run)() {
            panic!("{}: {error}", program.name);
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
    let listed: Vec<&str> = MENDED.iter().map(|m| m.name).collect();
    assert_eq!(listed, chapter::names(mending::MENDED));
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

#[test]
fn what_is_quoted_is_what_is_said() -> TestResult {
    chapter::check_quotes()
}
