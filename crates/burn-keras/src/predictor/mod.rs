//! Predictions for programs in production: a model's weights packed once, and sessions that compute without
//! allocating.

use std::sync::Arc;

use crate::dims::Dims;
use crate::models::Model;
use crate::{Error, Result};

mod plan;
mod session;

use plan::Plan;
pub use session::Session;

/// A model made ready for predictions: immutable, and shared by as many threads as you like.
///
/// Stacks of recurrent layers, `Dense`, `Activation` and `Dropout` run on packed weights, on the CPU, without any
/// tensor in between; other models run as [`Model::predict`] runs them. The weights are those of the moment: training
/// the model further does not change its predictors. Sequences start from states of zeros, also in `stateful` layers;
/// to carry states on, feed a session [step by step](Session::step).
///
/// ```
/// use burn_keras::ndarray::{Array2, Array3};
/// use burn_keras::prelude::*;
///
/// let mut model = Sequential::new();
/// model.add(Lstm::new(32).return_sequences(true).input_shape([8, 16]))?;
/// model.add(Lstm::new(32))?;
/// model.add(Dense::new(10).activation("softmax"))?;
///
/// let predictor = model.predictor()?;
/// let mut session = predictor.session();
/// let x = Array3::<f32>::ones((1, 8, 16));
/// let mut y = Array2::<f32>::zeros((1, 10));
/// session.predict_into(&x, &mut y)?;
/// assert!((y.sum() - 1.0).abs() < 1e-5);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Predictor(Arc<Shared>);

/// What the sessions of a predictor share.
#[derive(Debug)]
struct Shared {
    name: String,
    /// The shape of the input and of the output, batch axis included.
    input: Dims,
    output: Dims,
    /// The same for one timestep.
    step: [Dims; 2],
    plan: Plan,
}

impl Predictor {
    /// A session with buffers and states of its own, for one thread.
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.0))
    }

    /// Whether the model runs on packed weights: then a call allocates nothing once buffers have grown to its size,
    /// unless its batch is large enough to be shared among threads.
    pub fn is_packed(&self) -> bool {
        matches!(self.0.plan, Plan::Packed(_))
    }

    /// The shape of the input, batch axis included.
    pub fn input_shape(&self) -> &Dims {
        &self.0.input
    }

    /// The shape of the output, batch axis included.
    pub fn output_shape(&self) -> &Dims {
        &self.0.output
    }
}

impl Model {
    /// The model made ready for predictions with the weights it has now.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`]; [`Error::Model`] for several inputs or outputs; [`Error::Device`] when the weights cannot be
    /// read.
    pub fn predictor(&self) -> Result<Predictor> {
        let graph = self.graph()?;
        let (inputs, outputs) = (&graph.inputs, graph.output_dims());
        let ([input], [output]) = (inputs.as_slice(), outputs.as_slice()) else {
            return Err(Error::Model(format!(
                "a predictor takes one input and gives one output, but {} has {} and {}: use `predict_all`, or a \
                 `submodel` with one of each",
                crate::layers::describe(self),
                inputs.len(),
                outputs.len()
            )));
        };
        let [input, output] = [&input.dims, output].map(|dims| dims.tail(1).with_batch(None));
        let step = [&input, &output].map(|dims| match dims.rank() {
            3 => dims.tail(2).with_batch(None),
            _ => dims.clone(),
        });
        Ok(Predictor(Arc::new(Shared {
            name: crate::layers::describe(self),
            input,
            output,
            step,
            plan: Plan::of(self)?,
        })))
    }
}
