//! The layer around any cell.

use serde_json::{Map, Value};

use super::{AnyCell, IntoCell, LayerCell, Recurrent, RecurrentOptions};
use crate::config::Config;
use crate::layers::{Registry, layer_object};
use crate::{Error, Result};

/// Any cell, a stack of cells or a cell of your own ([`Cell`](super::Cell)) over sequences, as Keras' `RNN`.
///
/// The input is `[batch, timesteps, features]`; see [`Recurrent`] for the options and for what comes out.
///
/// ```
/// use burn_keras::prelude::*;
///
/// let input = Input::new([5, 3]);
/// let rnn = Rnn::new((LstmCell::new(8), GruCell::new(4))).return_state(true);
/// let [output, h, c, state] = rnn.call(&input)?.try_into()?;
/// assert_eq!(output.dims().to_string(), "(None, 4)");
/// assert_eq!(h.dims().to_string(), "(None, 8)");
/// # let _ = (c, state);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "RNN")]
pub type Rnn = Recurrent<AnyCell>;

impl Rnn {
    /// The layer that runs a cell, or several as an array, a `Vec` or a tuple: `Rnn::new([LstmCell::new(8), ..])`.
    pub fn new(cell: impl IntoCell) -> Self {
        Self::around(cell.into_cell())
    }

    /// Reads the layer from Keras' configuration, its cell by the classes of a registry.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] without a cell, those of [`Registry::layer_from_json`].
    pub fn from_config(config: &Config, registry: &Registry) -> Result<Self> {
        let cell = config
            .get("cell")
            .ok_or_else(|| Error::config(config.place(), "`cell` is missing"))?;
        let mut layer = Self::around(AnyCell::from_layer(registry.layer_from_json(cell)?)?);
        layer.recurrent = RecurrentOptions::read(config)?;
        Ok(layer)
    }
}

impl LayerCell for AnyCell {
    const LAYER_CLASS: &'static str = "RNN";
    const LAYER_TYPE: &'static str = "Rnn";

    fn write_into_layer(&self, config: &mut Map<String, Value>) {
        config.insert("cell".into(), layer_object(self.layer()));
    }
}
