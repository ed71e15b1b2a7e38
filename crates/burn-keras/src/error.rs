//! Every way this crate can refuse, in words that say what was given, what is needed and the smallest change that
//! mends it.

use std::fmt;

/// This crate's result. The error type can be replaced, as in `Result<(), Box<dyn std::error::Error>>`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in this crate.
#[derive(Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shape does not fit the layer it was given to.
    #[error(transparent)]
    Shape(#[from] Box<ShapeMismatch>),

    /// An argument of a layer or a function has a value that cannot work.
    #[error("{place}: {argument} {problem}")]
    Argument {
        /// The layer or function, as `Lstm "lstm_1"` or `Fit`.
        place: String,
        /// The argument's name.
        argument: String,
        /// What is wrong with it and what to write instead, as in `is 0; it must be at least 1`.
        problem: String,
    },

    /// A name (of an activation, a loss, a layer, …) that does not exist.
    #[error("{}", unknown_name(.what, .name, .nearest, .place.as_deref()))]
    UnknownName {
        /// What kind of name it was meant to be, as `activation`.
        what: &'static str,
        /// The name as it was given.
        name: String,
        /// The nearest names that exist, best first.
        nearest: Vec<String>,
        /// The layer and argument it was given to, where there is one.
        place: Option<String>,
    },

    /// The model has no weights yet because its input shape is unknown.
    #[error(
        "{needed_for} needs a built model, and this one does not know its input shape yet. Give the first layer \
         `.input_shape([timesteps, features])`, add an `Input` in front of it, or call `fit` or `build` first."
    )]
    NotBuilt {
        /// What was asked of the model.
        needed_for: String,
    },

    /// `fit` or `evaluate` on a model that was not compiled.
    #[error(
        "{needed_for} needs a compiled model: call `model.compile(\"rmsprop\", \"categorical_crossentropy\", \
         [\"accuracy\"])?` first, with your optimizer, loss and metrics"
    )]
    NotCompiled {
        /// What was asked of the model.
        needed_for: String,
    },

    /// The model's structure does not allow what was asked.
    #[error("{0}")]
    Model(String),

    /// The number of tensors a call returns is not the number it was unpacked into.
    #[error("{layer} returns {returned}; it was unpacked into {wanted} {}.\n{fix}", plural(*.wanted, "tensor"))]
    OutputCount {
        /// The layer that was called.
        layer: String,
        /// What it returns and in what order.
        returned: String,
        /// How many were asked for.
        wanted: usize,
        /// What to write instead.
        fix: String,
    },

    /// Data handed to `fit`, `evaluate` or `predict` cannot be used.
    #[error("{array}: {problem}")]
    Data {
        /// The array's name, as `x`, `y` or `x_val`.
        array: String,
        /// What is wrong, where, and what to do.
        problem: String,
    },

    /// Weights whose number or shapes differ from the layer's.
    #[error("{place}: {problem}")]
    Weights {
        /// The layer or model.
        place: String,
        /// What was needed and what came.
        problem: String,
    },

    /// No device can be used, or the one asked for cannot be.
    #[error("{0}")]
    Device(String),

    /// A layer's or model's configuration (Keras' JSON) cannot be read.
    #[error("{place}: {problem}")]
    Config {
        /// The layer or object the configuration belongs to.
        place: String,
        /// The key and what is wrong with it.
        problem: String,
    },

    /// The tensors of a computation disagree inside a layer, which a check should have caught earlier.
    #[error("{place}: {problem}")]
    Tensor {
        /// Where it happened.
        place: String,
        /// What disagreed.
        problem: String,
    },

    /// Training ended because the loss or a weight update failed.
    #[error("training stopped: {0}")]
    Training(String),

    /// A file cannot be read or written.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What happened to it.
        problem: String,
    },
}

/// A shape that does not fit, told in four steps: who, what is needed, what came, what to type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShapeMismatch {
    /// The layer, as `Lstm "lstm"`.
    pub layer: String,
    /// What it needs, axis by axis.
    pub needs: String,
    /// What it got, with the same axis names as far as they can be told.
    pub got: String,
    /// The smallest change that mends it; may hold several lines.
    pub fix: String,
    /// What is wrong, for those who know where the input comes from and can say more.
    pub(crate) cause: Cause,
}

/// What is wrong with a shape, as far as a layer can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// `[batch, something]` where `[batch, timesteps, features]` is needed.
    MissingAxis,
    /// An axis too many where `[batch, timesteps, features]` is needed.
    ExtraAxis,
    /// The size of an axis is needed and not known.
    UnknownSize,
    /// `[batch, features]` where something is done at every step.
    NoTimesteps,
    /// Another number of tensors than the layer takes.
    InputCount,
    /// Anything else.
    Other,
}

impl fmt::Display for ShapeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} needs {}, but got {}.\n{}",
            self.layer, self.needs, self.got, self.fix
        )
    }
}

impl std::error::Error for ShapeMismatch {}

/// The same text as `Display`: what `fn main() -> Result<()>` prints is for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    pub(crate) fn argument(
        place: impl Into<String>,
        argument: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::Argument {
            place: place.into(),
            argument: argument.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn shape(
        layer: impl Into<String>,
        needs: impl Into<String>,
        got: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::Shape(Box::new(ShapeMismatch {
            layer: layer.into(),
            needs: needs.into(),
            got: got.into(),
            fix: fix.into(),
            cause: Cause::Other,
        }))
    }

    /// The same error, with what is wrong for those who can say more about it.
    pub(crate) fn because(mut self, cause: Cause) -> Self {
        if let Self::Shape(mismatch) = &mut self {
            mismatch.cause = cause;
        }
        self
    }

    pub(crate) fn data(array: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Data {
            array: array.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn config(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn weights(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Weights {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn tensor(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Tensor {
            place: place.into(),
            problem: problem.into(),
        }
    }

    /// An unknown name together with the nearest of the names that exist.
    pub(crate) fn unknown<'a>(
        what: &'static str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::UnknownName {
            what,
            name: name.to_string(),
            nearest: nearest_names(name, known),
            place: None,
        }
    }

    /// The same error, saying which layer and argument the name was given to.
    pub(crate) fn at(self, place: impl Into<String>) -> Self {
        match self {
            Self::UnknownName {
                what,
                name,
                nearest,
                ..
            } => Self::UnknownName {
                what,
                name,
                nearest,
                place: Some(place.into()),
            },
            other => other,
        }
    }
}

/// The known names most like `name`, best first: those that share most of it, or else the first few.
fn nearest_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(&wanted, &k.to_lowercase()), k))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let close: Vec<String> = scored
        .iter()
        .take_while(|(score, _)| *score > 0.75)
        .take(3)
        .map(|(_, k)| k.to_string())
        .collect();
    if close.is_empty() {
        scored.iter().take(5).map(|(_, k)| k.to_string()).collect()
    } else {
        close
    }
}

fn unknown_name(what: &str, name: &str, nearest: &[String], place: Option<&str>) -> String {
    let at = place.map(|p| format!("{p}: ")).unwrap_or_default();
    let hint = match nearest {
        [] => String::new(),
        [one] => format!("; did you mean \"{one}\"?"),
        many => format!("; the nearest are \"{}\"", many.join("\", \"")),
    };
    format!("{at}there is no {what} named \"{name}\"{hint}")
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// `noun` with an `s` unless there is exactly one.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        noun.to_string()
    } else {
        format!("{noun}s")
    }
}

/// Names in a sentence: `h, c and state`.
pub(crate) fn together(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_string(),
        [front @ .., last] => {
            let front: Vec<&str> = front.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", front.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_nearest_ones() {
        let error = Error::unknown("activation", "sofmax", ["relu", "softmax", "tanh"])
            .at("Dense \"dense\", activation");
        assert_eq!(
            error.to_string(),
            "Dense \"dense\", activation: there is no activation named \"sofmax\"; did you mean \"softmax\"?"
        );
    }

    #[test]
    fn errors_can_cross_threads() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Error>();
    }
}
