//! Keras' `Sequential` and functional API around LSTM, on burn: the same words and the same numbers.
//!
//! ```
//! use burn_keras::prelude::*;
//!
//! # fn main() -> Result<()> {
//! let (timesteps, data_dim, num_classes) = (8, 16, 10);
//!
//! let mut model = Sequential::new();
//! model.add(Lstm::new(32).return_sequences(true).input_shape([timesteps, data_dim]))?;
//! model.add(Lstm::new(32).return_sequences(true))?;
//! model.add(Lstm::new(32))?;
//! model.add(Dense::new(num_classes).activation("softmax"))?;
//! model.compile("rmsprop", "categorical_crossentropy", ["accuracy"])?;
//! println!("{}", model.summary());
//!
//! # let x_train = ndarray::Array3::<f32>::zeros((8, timesteps, data_dim));
//! # let y_train = ndarray::Array2::<f32>::ones((8, num_classes));
//! let history = model.fit(&x_train, &y_train, Fit::new().batch_size(64).epochs(2).verbose(0))?;
//! assert_eq!(history.get("loss").len(), 2);
//! let classes = model.predict(&x_train)?;
//! assert_eq!(classes.shape(), [8, num_classes]);
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | module | what it holds |
//! |---|---|
//! | [`layers`] | the [`Layer`](layers::Layer) trait and a file for each layer |
//! | [`models`] | [`Sequential`](models::Sequential), the functional [`Model`](models::Model), the summary |
//! | [`training`] | `compile`, `fit`, `evaluate`, `predict`, and the data they take |
//! | [`preprocessing`] | padding, one-hot, windows: data into shape |
//! | [`predictor`] | predictions without allocating, and step by step |
//! | [`plot`] | pictures of models and histories |
//! | [`callbacks`] | what is called while a model trains |
//! | [`losses`], [`metrics`], [`optimizers`] | with Keras' formulas |
//! | [`initializers`], [`regularizers`], [`constraints`], [`activations`] | by Keras' names |
//! | [`saving`] | model files of Keras, in and out |
//! | [`backend`] | which device runs |
//! | [`dims`], [`tensor`] | shapes with unknown axes; tensors whose rank is known at run time |

#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

/// The book's programs are tested, too.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../docs/src/backends.md")]
    mod backends {}

    #[doc = include_str!("../../../docs/src/errors.md")]
    mod errors {}

    #[doc = include_str!("../../../docs/src/files.md")]
    mod files {}

    #[doc = include_str!("../../../docs/es/src/formas.md")]
    mod formas {}

    #[doc = include_str!("../../../docs/src/from-keras.md")]
    mod from_keras {}

    #[doc = include_str!("../../../docs/src/masks.md")]
    mod masks {}

    #[doc = include_str!("../../../docs/src/own.md")]
    mod own {}

    #[doc = include_str!("../../../docs/src/performance.md")]
    mod performance {}

    #[doc = include_str!("../../../docs/src/production.md")]
    mod production {}

    #[doc = include_str!("../../../docs/src/shapes.md")]
    mod shapes {}

    #[doc = include_str!("../../../docs/src/states.md")]
    mod states {}

    #[doc = include_str!("../../../docs/src/stricter.md")]
    mod stricter {}

    #[doc = include_str!("../../../docs/src/training.md")]
    mod training {}
}

pub mod activations;
pub mod backend;
pub mod callbacks;
pub mod config;
pub mod constraints;
pub mod dims;
mod error;
pub mod initializers;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod models;
pub mod optimizers;
pub mod plot;
pub mod predictor;
pub mod preprocessing;
pub mod random;
pub mod regularizers;
pub mod saving;
mod settings;
pub mod tensor;
pub mod training;

pub use error::{Error, Result, ShapeMismatch};
pub use ndarray;

/// What a program needs: `use burn_keras::prelude::*;`.
///
/// Nothing here clashes with `burn::prelude`.
pub mod prelude {
    pub use crate::backend::{Backend, set_device};
    pub use crate::callbacks::{
        BackupAndRestore, CsvLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint,
        ReduceLROnPlateau, TensorBoard, TerminateOnNaN,
    };
    pub use crate::constraints::Constraint;
    pub use crate::layers::{
        Activation, ActivityRegularization, Add, AdditiveAttention, Attention, Average,
        AveragePooling1d, BatchNormalization, Bidirectional, CellExt, Concatenate, Conv1d,
        Cropping1d, Dense, Dot, Dropout, Elu, Embedding, Flatten, GaussianNoise,
        GlobalAveragePooling1d, GlobalMaxPooling1d, Gru, GruCell, Identity, Implementation,
        LayerExt, LayerHandle, LayerNormalization, LeakyRelu, Lstm, LstmCell, Masking,
        MaxPooling1d, Maximum, Minimum, MultiHeadAttention, Multiply, Normalization, PRelu,
        Permute, Relu, RepeatVector, Rescaling, Reshape, Rnn, SimpleRnn, SimpleRnnCell, Softmax,
        SpatialDropout1d, StackedRnnCells, Subtract, TimeDistributed, UpSampling1d, ZeroPadding1d,
    };
    pub use crate::models::{Input, Model, Node, Outputs, Sequential, StepMask};
    pub use crate::optimizers::{
        Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, Muon, Nadam, RmsProp,
        RuleExt, Sgd,
    };
    pub use crate::plot::Plot;
    pub use crate::predictor::{Predictor, Session};
    pub use crate::random::set_random_seed;
    pub use crate::regularizers::Regularizer;
    pub use crate::saving::{LoadModel, LoadWeights, load_model, load_model_with};
    pub use crate::training::{Compile, Evaluate, Fit, History, Predict};
    pub use crate::{Error, Result};
}
