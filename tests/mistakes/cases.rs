//! The mistakes, each a program as a person might write it. The documentation comment is what the book says of it; the
//! body is shown there as it stands.

use burn_keras::prelude::*;
use burn_keras::preprocessing::to_categorical;
use ndarray::{Array1, Array2, Array3, array};

/// # A matrix for an LSTM
///
/// The question this library was made for: 1,085,420 sequences of 31 characters coded as integers.
pub fn a_matrix_for_an_lstm() -> Result<()> {
    let x = Array2::<u8>::from_shape_fn((1_085_420, 31), |(i, j)| ((i + j) % 25) as u8);
    let y = Array2::<f32>::zeros((1_085_420, 3));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([31, 25]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(3).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # An input_shape without features
///
/// Before any data come: the shape of a sample of an LSTM has two axes.
pub fn an_input_shape_without_features() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31]))?;
    Ok(())
}

/// # An Input without features
///
/// The same in a functional model.
pub fn an_input_without_features() -> Result<()> {
    let input = Input::new([31]);
    Lstm::new(32).call(&input)?;
    Ok(())
}

/// # Each sample in one row
///
/// 31 steps of 25 features, saved as rows of 775 numbers.
pub fn each_sample_in_one_row() -> Result<()> {
    let x = Array2::<f32>::zeros((1000, 775));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # One long series
pub fn one_long_series() -> Result<()> {
    let x = Array1::<f32>::zeros(100_000);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([24, 1]))?;
    model.predict(&x)?;
    Ok(())
}

/// # The number of samples in input_shape
pub fn the_number_of_samples_in_input_shape() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([1_085_420, 31, 25]))?;
    Ok(())
}

/// # The shape of a matrix as input_shape
///
/// The same mistake with a matrix is not seen before the data come: an LSTM may well read 1000 steps of 31 features.
pub fn the_shape_of_a_matrix_as_input_shape() -> Result<()> {
    let x = Array2::<f32>::zeros((1000, 31));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([1000, 31]))?;
    model.predict(&x)?;
    Ok(())
}

/// # A single sample
pub fn a_single_sample() -> Result<()> {
    let x = Array2::<f32>::zeros((31, 25));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Timesteps and features swapped
pub fn timesteps_and_features_swapped() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 25, 31));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Another number of features
pub fn another_number_of_features() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 31, 24));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Another number of timesteps
///
/// Keras' layers would take them; a model declared for 31 steps says so here.
pub fn another_number_of_timesteps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 40, 25));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([31, 25]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Sequences for a Dense
pub fn sequences_for_a_dense() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));

    let mut model = Sequential::new();
    model.add(Dense::new(32).input_shape([16]))?;
    model.predict(&x)?;
    Ok(())
}

/// # One-hot data for an Embedding
pub fn one_hot_data_for_an_embedding() -> Result<()> {
    let x = to_categorical(&Array2::<i32>::zeros((1000, 31)), 25)?;

    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31]))?;
    model.add(Lstm::new(32))?;
    model.predict(&x)?;
    Ok(())
}

/// # An Embedding told of features
pub fn an_embedding_told_of_features() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31, 1]))?;
    model.add(Lstm::new(32))?;
    Ok(())
}

/// # A number that the Embedding does not know
///
/// What Keras does then depends on its backend.
pub fn a_number_that_the_embedding_does_not_know() -> Result<()> {
    let x = array![[0, 1, 2], [24, 25, 3]];

    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([3]))?;
    model.add(Lstm::new(32))?;
    model.predict(&x)?;
    Ok(())
}

/// # An LSTM after an LSTM
pub fn an_lstm_after_an_lstm() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Lstm::new(16))?;
    Ok(())
}

/// # An LSTM after a bidirectional one
pub fn an_lstm_after_a_bidirectional_one() -> Result<()> {
    let input = Input::new([8, 16]);
    let both = Bidirectional::new(Gru::new(32)).call(&input)?;
    Lstm::new(16).call(&both)?;
    Ok(())
}

/// # A convolution after a Flatten
///
/// Any layer that reads sequences, after any layer that takes the timesteps away.
pub fn a_convolution_after_a_flatten() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Flatten::new().input_shape([8, 16]))?;
    model.add(Conv1d::new(4, 3))?;
    Ok(())
}

/// # An LSTM after a Dense
pub fn an_lstm_after_a_dense() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Dense::new(64).input_shape([100]))?;
    model.add(Lstm::new(32))?;
    Ok(())
}

/// # A TimeDistributed over one vector
pub fn a_time_distributed_over_one_vector() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(TimeDistributed::new(Dense::new(4)))?;
    Ok(())
}

/// # Attention to one vector
pub fn attention_to_one_vector() -> Result<()> {
    let input = Input::new([8, 16]);
    let query = Lstm::new(32).call(&input)?;
    let value = Lstm::new(32).return_sequences(true).call(&input)?;
    Attention::new().call((&query, &value))?;
    Ok(())
}

/// # All outputs of a layer for the next
pub fn all_outputs_of_a_layer_for_the_next() -> Result<()> {
    let input = Input::new([8, 16]);
    let outputs = Lstm::new(32).return_state(true).call(&input)?;
    Dense::new(10).call(&outputs)?;
    Ok(())
}

/// # A Flatten of sequences of any length
pub fn a_flatten_of_sequences_of_any_length() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape((None, 16)))?;
    model.add(Flatten::new())?;
    model.add(Dense::new(10))?;
    Ok(())
}

/// # A shared layer fed something else
pub fn a_shared_layer_fed_something_else() -> Result<()> {
    let layer = Dense::new(32);
    layer.call(&Input::new([16]))?;
    layer.call(&Input::new([20]))?;
    Ok(())
}

/// # An input_shape in the middle
pub fn an_input_shape_in_the_middle() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    Ok(())
}

/// # Tensors that cannot be added
pub fn tensors_that_cannot_be_added() -> Result<()> {
    let input = Input::new([8, 16]);
    let all = Lstm::new(32).return_sequences(true).call(&input)?;
    let narrow = Dense::new(10).call(&all)?;
    Add::new().call((&all, &narrow))?;
    Ok(())
}

/// # One tensor to be added
pub fn one_tensor_to_be_added() -> Result<()> {
    let input = Input::new([8, 16]);
    let x = Lstm::new(16).return_sequences(true).call(&input)?;
    Add::new().call(&x)?;
    Ok(())
}

/// # A mask of another shape
///
/// Which steps count, told by an input of its own: one number for each step.
pub fn a_mask_of_another_shape() -> Result<()> {
    let (x, counts) = (Input::new([8, 16]), Input::new([8, 1]));
    let last = Lstm::new(32).call_with_mask(&x, &counts)?;
    Model::new([&x, &counts], &last)?;
    Ok(())
}

/// # A mask for another number of steps
pub fn a_mask_for_another_number_of_steps() -> Result<()> {
    let (x, counts) = (Input::new([8, 16]), Input::new([9]));
    Lstm::new(32).call_with_mask(&x, &counts)?;
    Ok(())
}

/// # A mask for a layer that takes none
pub fn a_mask_for_a_layer_that_takes_none() -> Result<()> {
    let (x, counts) = (Input::new([8, 16]), Input::new([8]));
    Dense::new(32).call_with_mask(&x, &counts)?;
    Ok(())
}

/// # Labels without timesteps
///
/// The last recurrent layer puts out every step, and the labels are one a sample.
pub fn labels_without_timesteps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((1000, 10));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # One class number for many steps
pub fn one_class_number_for_many_steps() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<i32>::zeros((1000, 1));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Class numbers of steps for an output of the last one
///
/// The other way round: a label for every step, and a model that puts out its last step only.
pub fn class_numbers_of_steps_for_one_output() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<i32>::zeros((1000, 8));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Class numbers for categorical_crossentropy
pub fn class_numbers_for_categorical_crossentropy() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::zeros(1000);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # One-hot labels for sparse_categorical_crossentropy
pub fn one_hot_labels_for_sparse_categorical_crossentropy() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((1000, 10));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Another number of classes
pub fn another_number_of_classes() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((1000, 12));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Two outputs for one label of 0 or 1
pub fn two_outputs_for_one_label() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::zeros(1000);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(2).activation("sigmoid"))?;
    model.compile("rmsprop", "binary_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Quantities for categorical_crossentropy
pub fn quantities_for_categorical_crossentropy() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<f32>::from_shape_fn(1000, |i| i as f32 / 10.0);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["mae"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Classes numbered from 1
///
/// Keras on JAX counts a class that the output does not have as loss 0, without a word.
pub fn classes_numbered_from_1() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array1::<i32>::from_shape_fn(1000, |i| (i % 10) as i32 + 1);

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # A class too many
pub fn a_class_too_many() -> Result<()> {
    let x = Array3::<f32>::zeros((4, 8, 16));
    let y = array![0, 12, 3, 11];

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # More labels than samples
pub fn more_labels_than_samples() -> Result<()> {
    let x = Array3::<f32>::zeros((999, 8, 16));
    let y = Array2::<f32>::zeros((1000, 10));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Labels with their axes swapped
pub fn labels_with_their_axes_swapped() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));
    let y = Array2::<f32>::zeros((10, 1000));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # Labels of one output of two
pub fn labels_of_one_output_of_two() -> Result<()> {
    let input = Input::new([8, 16]);
    let sequence = Lstm::new(32).return_sequences(true).call(&input)?;
    let every = Dense::new(1).name("every").call(&sequence)?;
    let last = Dense::new(3)
        .name("last")
        .call(&Lstm::new(8).call(&sequence)?)?;
    let mut model = Model::new(&input, (&every, &last))?;
    model.compile("adam", "mse", ())?;

    let x = Array3::<f32>::zeros((100, 8, 16));
    let y = Array2::<f32>::zeros((100, 3));
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # A value that is no number
///
/// One NaN makes every weight NaN in a single step.
pub fn a_value_that_is_no_number() -> Result<()> {
    let mut x = Array3::<f32>::zeros((1000, 8, 16));
    x[[17, 3, 5]] = f32::NAN;

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Rows of different lengths
pub fn rows_of_different_lengths() -> Result<()> {
    let x = vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0]];

    let mut model = Sequential::new();
    model.add(Dense::new(2).input_shape([3]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Samples of different lengths
pub fn samples_of_different_lengths() -> Result<()> {
    let x = vec![vec![vec![1.0, 2.0]; 3], vec![vec![1.0, 2.0]; 5]];

    let mut model = Sequential::new();
    model.add(Lstm::new(4).input_shape((None, 2)))?;
    model.predict(&x)?;
    Ok(())
}

/// # No samples
pub fn no_samples() -> Result<()> {
    let x = Array3::<f32>::zeros((0, 8, 16));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.predict(&x)?;
    Ok(())
}

/// # States in a Sequential
pub fn states_in_a_sequential() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_state(true).input_shape([8, 16]))?;
    Ok(())
}

/// # States between the layers of a Sequential
pub fn states_between_the_layers_of_a_sequential() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31]))?;
    model.add(Bidirectional::new(Gru::new(32).return_state(true)))?;
    model.add(Dense::new(10))?;
    Ok(())
}

/// # The wrong number of outputs
pub fn the_wrong_number_of_outputs() -> Result<()> {
    let input = Input::new([8, 16]);
    let [_sequence, _state] = Lstm::new(32)
        .return_sequences(true)
        .return_state(true)
        .call(&input)?
        .try_into()?;
    Ok(())
}

/// # States that do not come out
pub fn states_that_do_not_come_out() -> Result<()> {
    let input = Input::new([8, 16]);
    let [_output, _h, _c] = Lstm::new(32).call(&input)?.try_into()?;
    Ok(())
}

/// # One output unpacked as two
pub fn one_output_unpacked_as_two() -> Result<()> {
    let input = Input::new([16]);
    let [_output, _rest] = Dense::new(4).call(&input)?.try_into()?;
    Ok(())
}

/// # An initial state of another size
pub fn an_initial_state_of_another_size() -> Result<()> {
    let source = Input::new([8, 16]);
    let [_, h, c] = Lstm::new(64).return_state(true).call(&source)?.try_into()?;
    let target = Input::new([5, 16]);
    Lstm::new(32).call((&target, &h, &c))?;
    Ok(())
}

/// # One initial state of two
pub fn one_initial_state_of_two() -> Result<()> {
    let x = Input::new([8, 16]);
    let h = Input::new([32]);
    Lstm::new(32).call((&x, &h))?;
    Ok(())
}

/// # Stateful without a batch size
pub fn stateful_without_a_batch_size() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).stateful(true).input_shape([8, 16]))?;
    Ok(())
}

/// # A batch size that does not divide the samples
pub fn a_batch_size_that_does_not_divide_the_samples() -> Result<()> {
    let x = Array3::<f32>::zeros((1000, 8, 16));

    let mut model = Sequential::new();
    model.add(Lstm::new(32).stateful(true).batch_input_shape([64, 8, 16]))?;
    model.predict(&x)?;
    Ok(())
}

/// # Inputs in another order
pub fn inputs_in_another_order() -> Result<()> {
    let letters = Input::new([31]).name("letters");
    let weather = Input::new([24, 3]).name("weather");
    let read = Lstm::new(8).call(&Embedding::new(25, 8).call(&letters)?)?;
    let seen = Lstm::new(8).call(&weather)?;
    let output = Dense::new(1).call(&Concatenate::new().call((&read, &seen))?)?;
    let model = Model::new([&letters, &weather], &output)?;

    let letters = Array2::<i32>::zeros((100, 31));
    let weather = Array3::<f32>::zeros((100, 24, 3));
    model.predict((&weather, &letters))?;
    Ok(())
}

/// # One input of two
pub fn one_input_of_two() -> Result<()> {
    let a = Input::new([3]).name("left");
    let b = Input::new([3]).name("right");
    let model = Model::new([&a, &b], &Add::new().call((&a, &b))?)?;
    model.predict(&Array2::<f32>::zeros((10, 3)))?;
    Ok(())
}

/// # Weights of another model
pub fn weights_of_another_model() -> Result<()> {
    let mut trained = Sequential::new();
    trained.add(Lstm::new(64).input_shape([8, 10]))?;
    trained.add(Dense::new(10))?;

    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10))?;
    model.set_weights(&trained.get_weights()?)?;
    Ok(())
}

/// # A kernel of PyTorch
///
/// PyTorch keeps its kernels as `[gates * units, features]`.
pub fn a_kernel_of_pytorch() -> Result<()> {
    let layer = Gru::new(32);
    layer.call(&Input::new([8, 16]))?;
    let kernel = Array2::<f32>::zeros((96, 16)).into_dyn();
    let recurrent_kernel = Array2::<f32>::zeros((96, 32)).into_dyn();
    let bias = Array2::<f32>::zeros((2, 96)).into_dyn();
    layer
        .handle()
        .set_weights(&[kernel, recurrent_kernel, bias])?;
    Ok(())
}

/// # The bias of an older GRU
///
/// Keras 1's, or one with `reset_after=False`.
pub fn the_bias_of_an_older_gru() -> Result<()> {
    let layer = Gru::new(32);
    layer.call(&Input::new([8, 16]))?;
    let kernel = Array2::<f32>::zeros((16, 96)).into_dyn();
    let recurrent_kernel = Array2::<f32>::zeros((32, 96)).into_dyn();
    let bias = Array1::<f32>::zeros(96).into_dyn();
    layer
        .handle()
        .set_weights(&[kernel, recurrent_kernel, bias])?;
    Ok(())
}

/// # Too few weights
pub fn too_few_weights() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).input_shape([8, 16]))?;
    model.add(Dense::new(10))?;
    let weights = model.get_weights()?;
    model.set_weights(&weights[..3])?;
    Ok(())
}

/// # A file with the weights of another model
pub fn a_file_with_the_weights_of_another_model() -> Result<()> {
    let mut trained = Sequential::new();
    trained.add(Gru::new(64).input_shape([8, 16]))?;
    trained.save_weights("trained.weights.h5")?;

    let mut model = Sequential::new();
    model.add(Gru::new(32).input_shape([8, 16]))?;
    model.load_weights("trained.weights.h5")?;
    Ok(())
}

/// # A window longer than the sequence
pub fn a_window_longer_than_the_sequence() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Conv1d::new(4, 9).input_shape([8, 16]))?;
    Ok(())
}

/// # A misspelt name
pub fn a_misspelt_name() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Dense::new(10).activation("sofmax").input_shape([16]))?;
    Ok(())
}

/// # A layer that is not there
pub fn a_layer_that_is_not_there() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32).name("encoder").input_shape([8, 16]))?;
    model.get_layer("encode")?;
    Ok(())
}

/// # Two layers of one name
pub fn two_layers_of_one_name() -> Result<()> {
    let mut model = Sequential::new();
    model.add(
        Lstm::new(32)
            .return_sequences(true)
            .name("lstm")
            .input_shape([8, 16]),
    )?;
    model.add(Lstm::new(32).name("lstm"))?;
    Ok(())
}

/// # A size of zero
pub fn a_size_of_zero() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(0).input_shape([8, 16]))?;
    Ok(())
}

/// # A model without a shape
pub fn a_model_without_a_shape() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(32))?;
    model.count_params()?;
    Ok(())
}

/// # A model that was not compiled
pub fn a_model_that_was_not_compiled() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Dense::new(10).input_shape([16]))?;
    let (x, y) = (Array2::<f32>::zeros((8, 16)), Array2::<f32>::zeros((8, 10)));
    model.fit(&x, &y, Fit::new())?;
    Ok(())
}

/// # A model in which nothing trains
pub fn a_model_in_which_nothing_trains() -> Result<()> {
    let (x, y) = (Array2::<f32>::zeros((8, 16)), Array2::<f32>::zeros((8, 10)));

    let mut model = Sequential::new();
    model.add(Dense::new(10).input_shape([16]).trainable(false))?;
    model.compile("sgd", "mse", ())?;
    model.fit(&x, &y, Fit::new().verbose(0))?;
    Ok(())
}

/// # A backend that was not compiled in
pub fn a_backend_that_was_not_compiled_in() -> Result<()> {
    Backend::Cuda.open()?;
    Ok(())
}

/// # A file that is not there
pub fn a_file_that_is_not_there() -> Result<()> {
    load_model("model.keras")?;
    Ok(())
}

/// # A configuration that cannot be read
///
/// Here the JSON of a model in which someone has changed a number into a word.
pub fn a_configuration_that_cannot_be_read() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Dense::new(10).input_shape([16]))?;
    Model::from_json(
        &model
            .to_json()?
            .replace("\"units\":10", "\"units\":\"ten\""),
    )?;
    Ok(())
}
