//! What a user's first program does, from outside the workspace.

use burn_keras::prelude::*;

fn main() -> Result<()> {
    let mut model = Sequential::new();
    model.add(Lstm::new(4).input_shape([3, 2]))?;
    model.add(Dense::new(2).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    let x = burn_keras::ndarray::Array3::<f32>::zeros((8, 3, 2));
    let mut y = burn_keras::ndarray::Array2::<f32>::zeros((8, 2));
    y.column_mut(0).fill(1.0);
    let history = model.fit(&x, &y, Fit::new().epochs(2).verbose(0))?;
    println!("{history}");
    println!("{:?}", model.predict(&x)?.shape());
    Ok(())
}
