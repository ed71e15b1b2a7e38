//! Callbacks in a row, called one after the other.

use serde_json::Value;

use super::{Callback, Inference, RunningLogs, Training};
use crate::models::Model;
use crate::tensor::AnyTensor;
use crate::training::Logs;
use crate::{Error, Result};

/// What `callbacks` accepts: one callback, owned or as `&mut callback`, or a tuple, an array or a `Vec` of them.
pub trait IntoCallbacks<'a> {
    /// Puts the callbacks at the end of `list`.
    fn add_to(self, list: &mut Vec<Box<dyn Callback + 'a>>);
}

impl<'a, C: Callback + 'a> IntoCallbacks<'a> for C {
    fn add_to(self, list: &mut Vec<Box<dyn Callback + 'a>>) {
        list.push(Box::new(self));
    }
}

impl<'a, T: IntoCallbacks<'a>> IntoCallbacks<'a> for Vec<T> {
    fn add_to(self, list: &mut Vec<Box<dyn Callback + 'a>>) {
        self.into_iter().for_each(|callback| callback.add_to(list));
    }
}

impl<'a, T: IntoCallbacks<'a>, const N: usize> IntoCallbacks<'a> for [T; N] {
    fn add_to(self, list: &mut Vec<Box<dyn Callback + 'a>>) {
        self.into_iter().for_each(|callback| callback.add_to(list));
    }
}

macro_rules! tuple_callbacks {
    ($($name:ident),+) => {
        impl<'a, $($name: IntoCallbacks<'a>),+> IntoCallbacks<'a> for ($($name,)+) {
            fn add_to(self, list: &mut Vec<Box<dyn Callback + 'a>>) {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                $($name.add_to(list);)+
            }
        }
    };
}

tuple_callbacks!(A);
tuple_callbacks!(A, B);
tuple_callbacks!(A, B, C);
tuple_callbacks!(A, B, C, D);
tuple_callbacks!(A, B, C, D, E);
tuple_callbacks!(A, B, C, D, E, F);

/// The hooks of [`Callback`] by their arguments, for what passes each of them on.
macro_rules! for_all_hooks {
    ($with:ident) => {
        $with! {
            on_train_begin(training: &mut Training<'_>);
            on_train_end(training: &mut Training<'_>, logs: &Logs);
            on_epoch_begin(training: &mut Training<'_>, epoch: usize);
            on_epoch_end(training: &mut Training<'_>, epoch: usize, logs: &mut Logs);
            on_train_batch_begin(training: &mut Training<'_>, batch: usize);
            on_train_batch_end(training: &mut Training<'_>, batch: usize, logs: &RunningLogs<'_>);
            on_test_begin(inference: &mut Inference<'_>);
            on_test_end(inference: &mut Inference<'_>, logs: &Logs);
            on_test_batch_begin(inference: &mut Inference<'_>, batch: usize);
            on_test_batch_end(inference: &mut Inference<'_>, batch: usize, logs: &RunningLogs<'_>);
            on_predict_begin(inference: &mut Inference<'_>);
            on_predict_end(inference: &mut Inference<'_>);
            on_predict_batch_begin(inference: &mut Inference<'_>, batch: usize);
            on_predict_batch_end(inference: &mut Inference<'_>, batch: usize, outputs: &[AnyTensor]);
        }
    };
}

macro_rules! pass_to_one {
    ($($hook:ident($($argument:ident: $type:ty),*);)+) => {
        $(fn $hook(&mut self, $($argument: $type),*) -> Result<()> {
            (**self).$hook($($argument),*)
        })+
    };
}

macro_rules! pass_to_all {
    ($($hook:ident($($argument:ident: $type:ty),*);)+) => {
        $(pub fn $hook(&mut self, $($argument: $type),*) -> Result<()> {
            self.all().try_for_each(|callback| callback.$hook($($argument),*))
        })+
    };
}

macro_rules! forwarding_callback {
    ($([$($generics:tt)*] $type:ty;)+) => {
        $(impl<$($generics)*> Callback for $type {
            for_all_hooks!(pass_to_one);

            fn on_failure(&mut self, model: &Model) {
                (**self).on_failure(model);
            }

            fn kind(&self) -> String {
                (**self).kind()
            }

            fn state(&self) -> Option<Value> {
                (**self).state()
            }

            fn restore(&mut self, training: &mut Training<'_>, state: &Value) -> Result<()> {
                (**self).restore(training, state)
            }
        })+
    };
}

forwarding_callback! {
    [C: Callback + ?Sized] &mut C;
    [C: Callback + ?Sized] Box<C>;
}

/// A type's name without its path and its generic arguments.
pub(super) fn short_name(full: &str) -> String {
    let bare = full.split('<').next().unwrap_or(full);
    bare.rsplit("::").next().unwrap_or(bare).to_string()
}

/// What a callback remembers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallbackState {
    pub kind: String,
    pub state: Option<Value>,
}

impl CallbackState {
    /// From `[kind, state]`.
    pub fn from_json(json: &Value) -> Option<Self> {
        let kind = json[0].as_str()?.to_string();
        let state = Some(json[1].clone()).filter(|state| !state.is_null());
        Some(Self { kind, state })
    }
}

/// The callbacks of a run.
#[derive(Default)]
pub(crate) struct CallbackList<'a> {
    own: Vec<Box<dyn Callback + 'a>>,
    /// What `verbose` shows; no part of what a resumed training must have.
    progress: Option<super::ProgressBar>,
}

impl<'a> CallbackList<'a> {
    /// The user's callbacks, then the progress bar.
    pub fn new(callbacks: Vec<Box<dyn Callback + 'a>>, verbose: u8) -> Self {
        Self {
            own: callbacks,
            progress: (verbose > 0).then(|| super::ProgressBar::new(verbose)),
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut (dyn Callback + 'a)> {
        let progress = self.progress.iter_mut().map(|bar| bar as &mut dyn Callback);
        self.own.iter_mut().map(|c| &mut **c).chain(progress)
    }

    for_all_hooks!(pass_to_all);

    /// Tells all of an error that ended the run.
    pub fn on_failure(&mut self, model: &Model) {
        self.all().for_each(|callback| callback.on_failure(model));
    }

    /// What each has to remember.
    pub fn states(&self) -> Vec<CallbackState> {
        let own = self.own.iter();
        own.map(|callback| CallbackState {
            kind: callback.kind(),
            state: callback.state(),
        })
        .collect()
    }

    /// Gives each what it had to remember.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when there were other callbacks then.
    pub fn restore(&mut self, training: &mut Training<'_>, states: &[CallbackState]) -> Result<()> {
        let then: Vec<&str> = states.iter().map(|s| s.kind.as_str()).collect();
        let now: Vec<String> = self.own.iter().map(|c| c.kind()).collect();
        if then != now {
            return Err(Error::config(
                "BackupAndRestore",
                format!(
                    "the backup was made with the callbacks {}, this training has {}; give the same ones in the same \
                     order, or delete the backup to start anew",
                    then.join(", "),
                    now.join(", ")
                ),
            ));
        }
        for (callback, saved) in self.own.iter_mut().zip(states) {
            if let Some(state) = &saved.state {
                callback.restore(training, state)?;
            }
        }
        Ok(())
    }
}
