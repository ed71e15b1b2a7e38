//! Keras model files in Rust: `.keras`, `.weights.h5` and legacy `.h5`.
//!
//! A model file is a config (JSON) and named arrays. This crate turns both into plain values and
//! back, for files of Keras 3.3 to 3.15 and, reading, of Keras 2 and `tf.keras` 2.x, recurrent
//! layers included. It computes nothing and knows no tensor library.
//!
//! ```
//! use keras_format::{Array, Variables, Weights, WeightTree};
//! # let dir = std::env::temp_dir().join(format!("keras-format-lib-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! # let path = dir.join("m.keras");
//! let config = serde_json::json!({
//!     "module": "keras", "class_name": "Sequential", "registered_name": null,
//!     "config": { "name": "sequential", "trainable": true, "layers": [] },
//! });
//! let mut tree = WeightTree::new();
//! tree.insert("", Variables::new("sequential", []));
//! keras_format::write_model(&path, &config, &tree)?;
//!
//! let model = keras_format::read_model(&path)?;
//! assert_eq!(model.keras_version.as_deref(), Some("3.15.1"));
//! assert_eq!(model.weights, Weights::Tree(tree));
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`read_model`], [`write_model`], [`read_weights`], [`write_weights`]: the files.
//! - [`normalise`]: the one form in which configs of all generations arrive.
//! - [`naming`] and [`places`]: where Keras puts the weights of which object.
//! - [`atomic_write`]: files that are whole or not there.
//!
//! # Files from strangers
//!
//! A file can be refused; it can't make these functions panic, run code, take memory that is out
//! of proportion to its length, or touch another file. [`Limits`] has the bounds.

#![deny(missing_docs)]

mod archive;
mod array;
mod atomic;
mod clock;
mod config;
mod error;
mod hdf5;
mod json;
mod layout;
mod legacy_h5;
mod limits;
mod model_file;
pub mod naming;
mod order;
mod weights;
mod weights_h5;

pub use array::{Array, DType, Data};
pub use atomic::atomic_write;
pub use config::{TensorRef, model_inputs, model_outputs, normalise, tensor_refs};
pub use error::{Error, Result};
pub use layout::{Place, is_operation, optimizer_name, places};
pub use limits::Limits;
pub use model_file::{
    Format, KERAS_VERSION, ModelFile, read_model, read_model_bytes, read_model_with, read_weights,
    read_weights_bytes, read_weights_with, write_model, write_model_to,
};
pub use order::sort_layers;
pub use weights::{LegacyGroup, LegacyWeights, NamedArray, Variables, WeightTree, Weights};
pub use weights_h5::write_weights;
