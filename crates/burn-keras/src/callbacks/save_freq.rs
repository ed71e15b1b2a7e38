//! How often something is saved while a model trains.

use crate::{Error, Result};

/// After each epoch, or after every so many batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveFreq {
    /// After each epoch.
    Epoch,
    /// After every so many batches, counted across epochs.
    Batches(usize),
}

impl SaveFreq {
    pub(super) fn check(&self, callback: &str) -> Result<()> {
        match self {
            Self::Batches(0) => Err(Error::argument(
                callback,
                "save_freq",
                "is 0; it must be at least 1 batch, or \"epoch\"",
            )),
            _ => Ok(()),
        }
    }

    /// Counts a batch; whether it is time to save.
    pub(super) fn is_due(&self, seen: &mut usize) -> bool {
        let Self::Batches(batches) = self else {
            return false;
        };
        *seen += 1;
        let due = *seen >= *batches;
        if due {
            *seen = 0;
        }
        due
    }
}

/// What `save_freq` takes: `"epoch"`, a number of batches, or a [`SaveFreq`].
pub trait IntoSaveFreq {
    /// How often.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for a word other than `epoch`.
    fn into_save_freq(self) -> Result<SaveFreq>;
}

impl IntoSaveFreq for usize {
    fn into_save_freq(self) -> Result<SaveFreq> {
        Ok(SaveFreq::Batches(self))
    }
}

impl IntoSaveFreq for SaveFreq {
    fn into_save_freq(self) -> Result<SaveFreq> {
        Ok(self)
    }
}

impl IntoSaveFreq for &str {
    fn into_save_freq(self) -> Result<SaveFreq> {
        match self {
            "epoch" => Ok(SaveFreq::Epoch),
            _ => Err(Error::unknown("save_freq", self, ["epoch"])),
        }
    }
}
