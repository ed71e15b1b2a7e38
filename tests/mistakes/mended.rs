//! The mistakes mended as their messages say. The heading is the mistake; below it stand the words of the message that
//! the program takes over: what is new in it holds one of them.

use burn_keras::prelude::*;
use burn_keras::preprocessing::{
    Pad, Windows, expand_dims, pad_sequences, pad_series, to_categorical,
};
use ndarray::{Array1, Array2, Array3, Axis, array};

/// # a_matrix_for_an_lstm
///
/// `expand_dims(&x, -1)?`, `.input_shape([31, 1])`
pub fn a_matrix_as_numbers() -> Result<()> {
    let x = Array2::<u8>::from_shape_fn((64, 31), |(i, j)| ((i + j) % 25) as u8);
    let x = expand_dims(&x, -1)?;
    let y = Array2::<f32>::zeros((64, 3));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([31, 1]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(3).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # a_matrix_for_an_lstm
///
/// `to_categorical(&x, 25)?`
pub fn a_matrix_as_categories() -> Result<()> {
    let x = Array2::<u8>::from_shape_fn((64, 31), |(i, j)| ((i + j) % 25) as u8);
    let x = to_categorical(&x, 25)?;
    let y = Array2::<f32>::zeros((64, 3));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([31, 25]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(3).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # a_matrix_for_an_lstm
///
/// `Embedding::new(25, 8).input_shape([31])`, without `.input_shape([31, 25])`
pub fn a_matrix_for_an_embedding() -> Result<()> {
    let x = Array2::<u8>::from_shape_fn((64, 31), |(i, j)| ((i + j) % 25) as u8);
    let y = Array2::<f32>::zeros((64, 3));

    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31]))?;
    model.add(Lstm::new(32).return_sequences(true))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(3).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # an_input_shape_without_features
///
/// `.input_shape([31, 1])`
pub fn an_input_shape_with_one_feature() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 1]))?;
    Ok(())
}

/// # an_input_shape_without_features
///
/// `.input_shape([1, 31])`
pub fn an_input_shape_of_one_step() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([1, 31]))?;
    Ok(())
}

/// # an_input_without_features
///
/// `Input::new([31, 1])`
pub fn an_input_with_one_feature() -> Result<()> {
    let input = Input::new([31, 1]);
    Lstm::new(32).call(&input)?;
    Ok(())
}

/// # each_sample_in_one_row
///
/// `let x = x.into_shape_with_order([1000, 31, 25]).unwrap()`
pub fn each_sample_in_two_axes() -> Result<()> {
    let x = Array2::<f32>::zeros((1000, 775));
    let x = x.into_shape_with_order([1000, 31, 25]).unwrap();

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # one_long_series
///
/// `Windows::new(24).of(&x)?`
pub fn one_long_series_in_windows() -> Result<()> {
    let x = Array1::<f32>::zeros(1_000);
    let x = Windows::new(24).of(&x)?;

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([24, 1]))?;
    model.predict(&x)?;
    Ok(())
}

/// # the_number_of_samples_in_input_shape
///
/// `.input_shape([31, 25])`
pub fn the_shape_of_one_sample() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    Ok(())
}

/// # the_shape_of_a_matrix_as_input_shape
///
/// `.input_shape([31, 1])`, `expand_dims(&x, -1)?`
pub fn the_shape_of_a_sample_of_a_matrix() -> Result<()> {
    let x = Array2::<f32>::zeros((1000, 31));
    let x = expand_dims(&x, -1)?;

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 1]))?;
    model.predict(&x)?;
    Ok(())
}

/// # a_single_sample
///
/// `x.insert_axis(Axis(0))`
pub fn a_batch_of_one_sample() -> Result<()> {
    let x = Array2::<f32>::zeros((31, 25));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x.insert_axis(Axis(0)))?;
    Ok(())
}

/// # timesteps_and_features_swapped
///
/// `x.permuted_axes([0, 2, 1])`
pub fn axes_put_in_order() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 25, 31));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x.permuted_axes([0, 2, 1]))?;
    Ok(())
}

/// # timesteps_and_features_swapped
///
/// `.input_shape([25, 31])`
pub fn a_model_for_the_data() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 25, 31));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([25, 31]))?;
    model.predict(&x)?;
    Ok(())
}

/// # another_number_of_features
///
/// `.input_shape([31, 24])`
pub fn the_number_of_features() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 31, 24));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 24]))?;
    model.predict(&x)?;
    Ok(())
}

/// # another_number_of_timesteps
///
/// `.input_shape((None, 25))`
pub fn any_number_of_timesteps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 40, 25));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape((None, 25)))?;
    model.predict(&x)?;
    Ok(())
}

/// # another_number_of_timesteps
///
/// `x.slice_axis(Axis(1), (9..).into())`
pub fn the_last_timesteps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 40, 25));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x.slice_axis(Axis(1), (9..).into()))?;
    Ok(())
}

/// # sequences_for_a_dense
///
/// `Lstm::new(32).input_shape([8, 16])`, without `.input_shape([16])`
pub fn sequences_for_an_lstm() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(32))?;
    model.predict(&x)?;
    Ok(())
}

/// # sequences_for_a_dense
///
/// `Flatten::new().input_shape([8, 16])`, without `.input_shape([16])`
pub fn sequences_as_vectors() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));

    let mut model = Sequential::new();
    model.add(Flatten::new().input_shape([8, 16]))?;
    model.add(Dense::new(32))?;
    model.predict(&x)?;
    Ok(())
}

/// # one_hot_data_for_an_embedding
///
/// `Lstm::new(32).input_shape([31, 25])`
pub fn one_hot_data_for_an_lstm() -> Result<()> {
    let x = to_categorical(&Array2::<i32>::zeros((1000, 31)), 25)?;

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # an_embedding_told_of_features
///
/// `.input_shape([31])`
pub fn an_embedding_of_steps() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31]))?;
    model.add(Lstm::new(32))?;
    Ok(())
}

/// # a_number_that_the_embedding_does_not_know
///
/// `Embedding::new(26, 8)`
pub fn an_embedding_that_knows_the_number() -> Result<()> {
    let x = array![[0, 1, 2], [24, 25, 3]];

    let mut model = Sequential::new();
    model.add(Embedding::new(26, 8).input_shape([3]))?;
    model.add(Lstm::new(32))?;
    model.predict(&x)?;
    Ok(())
}

/// # an_lstm_after_an_lstm
///
/// `Lstm::new(32).return_sequences(true)`
pub fn an_lstm_after_sequences() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(Lstm::new(16))?;
    Ok(())
}

/// # an_lstm_after_a_bidirectional_one
///
/// `Bidirectional::new(Gru::new(32).return_sequences(true))`
pub fn an_lstm_after_both_sequences() -> Result<()> {
    let input = Input::new([8, 16]);
    let both = Bidirectional::new(Gru::new(32).return_sequences(true)).call(&input)?;
    Lstm::new(16).call(&both)?;
    Ok(())
}

/// # an_lstm_after_a_dense
///
/// `RepeatVector::new(`
pub fn an_lstm_after_a_repeated_vector() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Dense::new(64).input_shape([100]))?;
    model.add(RepeatVector::new(5))?;
    model.add(Lstm::new(32))?;
    Ok(())
}

/// # a_time_distributed_over_one_vector
///
/// `Lstm::new(32).return_sequences(true)`
pub fn a_time_distributed_over_steps() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(TimeDistributed::new(Dense::new(4)))?;
    Ok(())
}

/// # attention_to_one_vector
///
/// `Lstm::new(32).return_sequences(true)`
pub fn attention_to_a_sequence() -> Result<()> {
    let input = Input::new([8, 16]);
    let query = Lstm::new(32).return_sequences(true).call(&input)?;
    let value = Lstm::new(32).return_sequences(true).call(&input)?;
    Attention::new().call((&query, &value))?;
    Ok(())
}

/// # all_outputs_of_a_layer_for_the_next
///
/// `let [output, h, c] = outputs.try_into()?`, `call(&output)`
pub fn one_output_for_the_next() -> Result<()> {
    let input = Input::new([8, 16]);
    let outputs = Lstm::new(32).return_state(true).call(&input)?;
    let [output, h, c] = outputs.try_into()?;
    Dense::new(10).call(&output)?;
    let _ = [h, c];
    Ok(())
}

/// # a_flatten_of_sequences_of_any_length
///
/// `GlobalAveragePooling1d::new()`
pub fn an_average_over_any_length() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape((None, 16)))?;
    model.add(GlobalAveragePooling1d::new())?;
    model.add(Dense::new(10))?;
    Ok(())
}

/// # a_mask_of_another_shape
///
/// `Input::new([8])`
pub fn a_mask_of_one_number_for_each_step() -> Result<()> {
    let (x, counts) = (Input::new([8, 16]), Input::new([8]));
    let last = Lstm::new(32).call_with_mask(&x, &counts)?;
    Model::new([&x, &counts], &last)?;
    Ok(())
}

/// # a_mask_for_another_number_of_steps
///
/// `Input::new([8])`
pub fn a_mask_for_the_number_of_steps() -> Result<()> {
    let (x, counts) = (Input::new([8, 16]), Input::new([8]));
    Lstm::new(32).call_with_mask(&x, &counts)?;
    Ok(())
}

/// # labels_without_timesteps
///
/// without `.return_sequences(true)`
pub fn an_output_without_timesteps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((1000, 10));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # class_numbers_of_steps_for_one_output
///
/// `Lstm::new(32).return_sequences(true)`
pub fn class_numbers_of_steps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<i32>::zeros((1000, 8));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # class_numbers_for_categorical_crossentropy
///
/// `"sparse_categorical_crossentropy"`
pub fn class_numbers_for_the_sparse_loss() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::zeros(1000);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # class_numbers_for_categorical_crossentropy
///
/// `to_categorical(&y, 10)?`
pub fn class_numbers_made_one_hot() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::zeros(1000);
    let y = to_categorical(&y, 10)?;

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # one_hot_labels_for_sparse_categorical_crossentropy
///
/// `"categorical_crossentropy"`
pub fn one_hot_labels_for_their_loss() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((1000, 10));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # another_number_of_classes
///
/// `Dense::new(12)`
pub fn the_number_of_classes() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((1000, 12));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(12).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # two_outputs_for_one_label
///
/// `Dense::new(1).activation("sigmoid")`
pub fn one_output_for_one_label() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::zeros(1000);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(1).activation("sigmoid"))?;
    model.compile("rmsprop", "binary_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # two_outputs_for_one_label
///
/// `Dense::new(2).activation("softmax")`, `"sparse_categorical_crossentropy"`
pub fn two_classes_of_labels() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::zeros(1000);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # quantities_for_categorical_crossentropy
///
/// `Dense::new(1)`, `"mse"`
pub fn quantities_for_their_loss() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<f32>::from_shape_fn(1000, |i| i as f32 / 10.0);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(1))?;
    model.compile("rmsprop", "mse", ["mae"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # a_class_too_many
///
/// `Dense::new(13)`
pub fn enough_classes() -> Result<()> {
    let x = Array3::<f32>::zeros((4, 8, 16));
    let y = array![0, 12, 3, 11];

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(13).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # labels_with_their_axes_swapped
///
/// `&y.t()`
pub fn labels_with_their_axes_in_order() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((10, 1000));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y.t(), Fit::new())?;
    Ok(())
}

/// # rows_of_different_lengths
///
/// `pad_sequences(&x, Pad::new())`
pub fn rows_of_one_length() -> Result<()> {
    let x = vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0]];
    let x = pad_sequences(&x, Pad::new());

    let mut model = Sequential::new();
    model.add(Dense::new(2).input_shape([3]))?;
    model.predict(&x)?;
    Ok(())
}

/// # samples_of_different_lengths
///
/// `pad_series(&x, Pad::new())?`, `Array2`
pub fn samples_of_one_length() -> Result<()> {
    let x = [Array2::<f32>::ones((3, 2)), Array2::ones((5, 2))];
    let x = pad_series(&x, Pad::new())?;

    let mut model = Sequential::new();
    model.add(Lstm::new(4).input_shape((None, 2)))?;
    model.predict(&x)?;
    Ok(())
}

/// # states_in_a_sequential
///
/// `let input = Input::new([8, 16])`, `let [output, h, c] = Lstm::new(32).return_state(true).call(&input)?.try_into()?`,
/// `let model = Model::new(&input, [output, h, c])?`
pub fn states_in_a_functional_model() -> Result<()> {
    let input = Input::new([8, 16]);
    let [output, h, c] = Lstm::new(32).return_state(true).call(&input)?.try_into()?;
    let model = Model::new(&input, [output, h, c])?;
    let _ = model;
    Ok(())
}

/// # states_between_the_layers_of_a_sequential
///
/// `let input = Input::new(`, `let x =`,
/// `let [output, forward_h, backward_h] = Bidirectional::new(Gru::new(32).return_state(true)).call(&x)?.try_into()?`,
/// `let model = Model::new(&input, [output, forward_h, backward_h])?`
pub fn states_after_an_embedding() -> Result<()> {
    let input = Input::new([31]);
    let x = Embedding::new(25, 8).call(&input)?;
    let [output, forward_h, backward_h] = Bidirectional::new(Gru::new(32).return_state(true))
        .call(&x)?
        .try_into()?;
    let model = Model::new(&input, [output, forward_h, backward_h])?;
    let _ = model;
    Ok(())
}

/// # the_wrong_number_of_outputs
///
/// `let [sequence, h, c] =`
pub fn the_number_of_outputs() -> Result<()> {
    let input = Input::new([8, 16]);
    let [sequence, h, c] = Lstm::new(32)
        .return_sequences(true)
        .return_state(true)
        .call(&input)?
        .try_into()?;
    let _ = [sequence, h, c];
    Ok(())
}

/// # states_that_do_not_come_out
///
/// `.return_state(true)`
pub fn states_that_come_out() -> Result<()> {
    let input = Input::new([8, 16]);
    let [_output, _h, _c] = Lstm::new(32).return_state(true).call(&input)?.try_into()?;
    Ok(())
}

/// # an_initial_state_of_another_size
///
/// `Lstm::new(64)`
pub fn an_initial_state_of_the_size() -> Result<()> {
    let source = Input::new([8, 16]);
    let [_, h, c] = Lstm::new(64).return_state(true).call(&source)?.try_into()?;
    let target = Input::new([5, 16]);
    Lstm::new(64).call((&target, &h, &c))?;
    Ok(())
}

/// # one_initial_state_of_two
///
/// `(&x, &h, &c)`, `Input::new([32])`
pub fn both_initial_states() -> Result<()> {
    let x = Input::new([8, 16]);
    let h = Input::new([32]);
    let c = Input::new([32]);
    Lstm::new(32).call((&x, &h, &c))?;
    Ok(())
}

/// # stateful_without_a_batch_size
///
/// `.batch_input_shape([`
pub fn stateful_with_a_batch_size() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).stateful(true).batch_input_shape([4, 8, 16]))?;
    Ok(())
}

/// # a_batch_size_that_does_not_divide_the_samples
///
/// `x.slice_axis(Axis(0), (..960).into())`
pub fn as_many_samples_as_batches_hold() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).stateful(true).batch_input_shape([64, 8, 16]))?;
    model.predict(&x.slice_axis(Axis(0), (..960).into()))?;
    Ok(())
}

/// # a_batch_size_that_does_not_divide_the_samples
///
/// `[50, 8, 16]`
pub fn a_batch_size_that_divides_the_samples() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).stateful(true).batch_input_shape([50, 8, 16]))?;
    model.predict(&x)?;
    Ok(())
}

/// # a_kernel_of_pytorch
///
/// `.t()`
pub fn a_kernel_as_keras_has_it() -> Result<()> {
    let layer = Gru::new(32);
    layer.call(&Input::new([8, 16]))?;
    let kernel = Array2::<f32>::zeros((96, 16)).t().to_owned().into_dyn();
    let recurrent_kernel = Array2::<f32>::zeros((96, 32)).t().to_owned().into_dyn();
    let bias = Array2::<f32>::zeros((2, 96)).into_dyn();
    layer
        .handle()
        .set_weights(&[kernel, recurrent_kernel, bias])?;
    Ok(())
}

/// # the_bias_of_an_older_gru
///
/// `Gru::new(32).reset_after(false)`
pub fn the_bias_of_a_gru_that_resets_before() -> Result<()> {
    let layer = Gru::new(32).reset_after(false);
    layer.call(&Input::new([8, 16]))?;
    let kernel = Array2::<f32>::zeros((16, 96)).into_dyn();
    let recurrent_kernel = Array2::<f32>::zeros((32, 96)).into_dyn();
    let bias = Array1::<f32>::zeros(96).into_dyn();
    layer
        .handle()
        .set_weights(&[kernel, recurrent_kernel, bias])?;
    Ok(())
}

/// # a_window_longer_than_the_sequence
///
/// `.padding("same")`
pub fn a_window_over_added_steps() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Conv1d::new(4, 9).padding("same").input_shape([8, 16]))?;
    Ok(())
}

/// # a_misspelt_name
///
/// `softmax`
pub fn a_name() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Dense::new(10).activation("softmax").input_shape([16]))?;
    Ok(())
}

/// # a_model_without_a_shape
///
/// `.input_shape([`
pub fn a_model_with_a_shape() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.count_params()?;
    Ok(())
}
