//! Data that are read in another shape than they come in, since their meaning is plain; each gives what the model says.

use burn_keras::prelude::*;
use ndarray::{Array2, Array3};

/// # Whole numbers without a features axis
pub fn whole_numbers_without_a_features_axis() -> Result<Vec<String>> {
    let x = Array2::<i32>::zeros((1000, 31));

    let mut model = Sequential::new();
    model.add(Lstm::new(8).input_shape([31, 1]))?;
    model.predict(&x)?;
    Ok(model.warnings())
}

/// # Numbers without a features axis
pub fn numbers_without_a_features_axis() -> Result<Vec<String>> {
    let x = Array2::<f32>::zeros((1000, 31));

    let mut model = Sequential::new();
    model.add(Lstm::new(8).input_shape([31, 1]))?;
    model.predict(&x)?;
    Ok(model.warnings())
}

/// # Categories with a features axis
pub fn categories_with_a_features_axis() -> Result<Vec<String>> {
    let x = Array3::<i32>::zeros((1000, 31, 1));

    let mut model = Sequential::new();
    model.add(Embedding::new(25, 8).input_shape([31]))?;
    model.add(Lstm::new(8))?;
    model.predict(&x)?;
    Ok(model.warnings())
}

/// # A softmax over one value
///
/// Keras warns of it, too.
pub fn a_softmax_over_one_value() -> Result<Vec<String>> {
    let x = Array2::<f32>::zeros((64, 16));
    let y = Array2::<i32>::ones((64, 1));

    let mut model = Sequential::new();
    model.add(Dense::new(1).activation("softmax").input_shape([16]))?;
    model.compile("rmsprop", "categorical_crossentropy", ())?;
    model.fit(&x, &y, Fit::new().verbose(0))?;
    Ok(model.warnings())
}
