//! The activations the kernels have built in.

use crate::error::{Error, Result};

/// An activation that is fused into the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fused {
    /// The hyperbolic tangent, for candidates, cell states and [`simple_rnn`](crate::simple_rnn).
    Tanh,
    /// The logistic function `1 / (1 + exp(-x))`, for gates.
    Sigmoid,
}

/// Whether a layer with these activations can use the fused operations; the error names the one that
/// can't. `activation` is the candidate's and cell state's, `recurrent_activation` the gates'.
///
/// ```
/// use burn_recurrent::{Error, activations};
///
/// assert!(activations::check("tanh", Some("sigmoid")).is_ok());
/// let refused = activations::check("tanh", Some("hard_sigmoid"));
/// assert!(matches!(refused, Err(Error::UnsupportedActivation { .. })));
/// ```
pub fn check(activation: &str, recurrent_activation: Option<&str>) -> Result<()> {
    let refuse = |role, name: &str, fused| {
        Err(Error::UnsupportedActivation {
            role,
            name: name.to_owned(),
            fused,
        })
    };
    if activation != "tanh" {
        return refuse("activation", activation, "tanh");
    }
    match recurrent_activation {
        None | Some("sigmoid") => Ok(()),
        Some(other) => refuse("recurrent_activation", other, "sigmoid"),
    }
}
