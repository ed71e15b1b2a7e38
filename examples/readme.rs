//! The program in the README.

use burn_keras::ndarray::{Array2, Array3};
use burn_keras::prelude::*;

fn main() -> Result<()> {
    set_random_seed(1);
    let x = Array3::<f32>::ones((1000, 8, 16)); //  [samples, timesteps, features]
    let y = Array2::<f32>::ones((1000, 10)); //     [samples, classes]

    let mut model = Sequential::new();
    model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
    model.add(Lstm::new(32).return_sequences(true))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(10).activation("softmax"))?;
    model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
    println!("{}", model.summary());

    let history = model.fit(&x, &y, Fit::new().batch_size(64).epochs(3).verbose(0))?;
    println!("{history}");
    println!("{:?}", model.predict(&x)?.shape());
    Ok(())
}
