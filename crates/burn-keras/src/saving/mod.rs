//! Model files: whole models as `.keras`, weights alone as `.weights.h5` or `.safetensors`.
//!
//! A model saved by Keras 3.3 to 3.15, or by Keras 2 and `tf.keras` as `.h5`, loads here, predicts the same and trains
//! on with its optimizer's state; a model saved here opens in Keras. The crate `keras-format` knows the files; this
//! module knows which layer has which of their arrays.
//!
//! ```
//! use burn_keras::prelude::*;
//!
//! # let dir = std::env::temp_dir().join(format!("burn-keras-saving-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir).unwrap();
//! # let path = dir.join("m.keras");
//! let mut model = Sequential::new();
//! model.add(Lstm::new(4).input_shape([5, 2]))?;
//! model.add(Dense::new(1))?;
//! model.compile("adam", "mse", ())?;
//! model.save(&path)?;
//!
//! let again = load_model(&path)?;
//! let x = ndarray::Array3::<f32>::ones((3, 5, 2));
//! assert_eq!(model.predict(&x)?, again.predict(&x)?);
//! # std::fs::remove_dir_all(&dir).unwrap();
//! # Ok::<(), Error>(())
//! ```

mod compilation;
mod holders;
mod keras2_optimizer;
mod legacy;
mod load;
mod model_file;
mod numbers;
mod optimizer_state;
mod safetensors;
mod tree;
mod weights;

pub use load::{LoadModel, load_model, load_model_with};
pub use weights::LoadWeights;

use crate::Error;

/// The crate's error for one of a file's.
pub(crate) fn file_error(error: keras_format::Error) -> Error {
    match error {
        keras_format::Error::File { path, source } => Error::File {
            path: path.display().to_string(),
            problem: source.to_string(),
        },
        other => Error::config("the model", other.to_string()),
    }
}
