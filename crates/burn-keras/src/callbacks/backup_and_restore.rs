//! A training that goes on after it was killed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::save_freq::{IntoSaveFreq, SaveFreq};
use super::{Callback, RunningLogs, Training};
use crate::training::{Backup, BackupRequest, Logs, Unreadable};
use crate::{Error, Result};

/// Saves the state of the training after each epoch or every so many batches, and goes on from it when the same training
/// is started again: killed at any moment, it ends with the weights of a training that was not, bit for bit.
///
/// Unlike Keras' `BackupAndRestore` it goes on inside an epoch, and keeps all that decides what comes next: weights, the
/// optimizer's state, the random generators, the order of the samples, the figures so far, the history, what the other
/// callbacks remember, and whether one has stopped the training. Start it again with the same data, options and callbacks
/// (more epochs are allowed); the backup decides with which epoch it goes on.
///
/// A backup of another version of the library, which may hold something else, is refused with an error.
///
/// The backup is one file, `latest.safetensors`, written aside and then put in place. It is deleted when the training has
/// ended, and written once more when [`Fit::stop_when`](crate::training::Fit::stop_when) interrupts it: started again, it
/// goes on with the very next batch.
///
/// ```
/// use burn_keras::callbacks::BackupAndRestore;
///
/// let backup = BackupAndRestore::new("backup").save_freq(100);
/// ```
#[derive(Clone, Debug)]
pub struct BackupAndRestore {
    folder: PathBuf,
    save_freq: SaveFreq,
    delete_checkpoint: bool,
    double_checkpoint: bool,
    seen: usize,
    problem: Option<Error>,
}

impl BackupAndRestore {
    /// Keeps the backup in this folder, which is made if it is not there.
    pub fn new(backup_dir: impl AsRef<Path>) -> Self {
        Self {
            folder: backup_dir.as_ref().to_path_buf(),
            save_freq: SaveFreq::Epoch,
            delete_checkpoint: true,
            double_checkpoint: false,
            seen: 0,
            problem: None,
        }
    }

    /// `"epoch"` (the default), or a number of batches.
    pub fn save_freq(mut self, freq: impl IntoSaveFreq) -> Self {
        match freq.into_save_freq() {
            Ok(freq) => self.save_freq = freq,
            Err(error) => {
                self.problem
                    .get_or_insert(error.at("BackupAndRestore, save_freq"));
            }
        }
        self
    }

    /// Whether the backup before the last one is kept too, as `previous.safetensors`, to go on from where the last one
    /// cannot be read (it is not).
    ///
    /// A backup is put in place whole or not at all, so this is for disks that lose what they said was written.
    pub fn double_checkpoint(mut self, double: bool) -> Self {
        self.double_checkpoint = double;
        self
    }

    /// Whether the backup is deleted when the training has ended (it is).
    pub fn delete_checkpoint(mut self, delete: bool) -> Self {
        self.delete_checkpoint = delete;
        self
    }

    /// The file of the backup, which is there while a training has not ended.
    pub fn file(&self) -> PathBuf {
        self.folder.join("latest.safetensors")
    }

    /// Deletes the backup, and its folder if nothing else is in it: what happens at the end of a training, for one that
    /// was told to keep it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] for what the system refuses; that there is none is no error.
    pub fn delete(&self) -> Result<()> {
        // The older one first: whoever is killed between the two goes on from the last one.
        for file in [self.previous(), self.file()] {
            if file.exists() {
                std::fs::remove_file(&file).map_err(|e| self.failed("delete the backup", &e))?;
            }
        }
        // A folder that holds something else stays.
        let _ = std::fs::remove_dir(&self.folder);
        Ok(())
    }

    fn previous(&self) -> PathBuf {
        self.folder.join("previous.safetensors")
    }

    fn request(&self) -> BackupRequest {
        BackupRequest {
            file: self.file(),
            previous: self.double_checkpoint.then(|| self.previous()),
        }
    }

    /// The last backup, or the one before it where the last one cannot be read.
    fn read(&self) -> Result<Option<Backup>> {
        let last = match Backup::read(&self.file()) {
            Ok(Some(last)) => return Ok(Some(last)),
            // The training is there, and would be lost by going on from an older one.
            Err(Unreadable::OtherFormat(error)) => return Err(error),
            Ok(None) => Ok(None),
            Err(Unreadable::Damaged(error)) => Err(error),
        };
        match Backup::read(&self.previous()) {
            Ok(Some(previous)) => {
                log::warn!(
                    "the last backup in {} cannot be read; the training goes on from the one before it",
                    self.folder.display()
                );
                // The next backup must not take the bad one for the one to keep.
                std::fs::rename(self.previous(), self.file())
                    .map_err(|e| self.failed("put the older backup in place", &e))?;
                Ok(Some(previous))
            }
            _ => last,
        }
    }

    /// Deletes what processes that were killed while they wrote a backup left beside it.
    fn clear_unfinished(&self) {
        let unfinished = |name: &str| {
            let of_backup = [".latest.safetensors.", ".previous.safetensors."];
            of_backup.iter().any(|start| name.starts_with(start)) && name.ends_with(".part")
        };
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            if entry.file_name().to_str().is_some_and(unfinished) {
                // Nothing depends on it.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn failed(&self, what: &str, error: &std::io::Error) -> Error {
        Error::File {
            path: self.folder.display().to_string(),
            problem: format!("cannot {what}: {error}"),
        }
    }
}

impl Callback for BackupAndRestore {
    fn on_train_begin(&mut self, training: &mut Training<'_>) -> Result<()> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        self.save_freq.check("BackupAndRestore")?;
        self.seen = 0;
        std::fs::create_dir_all(&self.folder).map_err(|e| self.failed("make the folder", &e))?;
        self.clear_unfinished();
        training.resume = self.read()?.map(Box::new);
        training.backup_at_interrupt = Some(self.request());
        Ok(())
    }

    fn on_train_batch_end(
        &mut self,
        training: &mut Training<'_>,
        _: usize,
        _: &RunningLogs<'_>,
    ) -> Result<()> {
        if self.save_freq.is_due(&mut self.seen) {
            training.backup = Some(self.request());
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, training: &mut Training<'_>, _: usize, _: &mut Logs) -> Result<()> {
        if self.save_freq == SaveFreq::Epoch {
            training.backup = Some(self.request());
        }
        Ok(())
    }

    fn on_train_end(&mut self, training: &mut Training<'_>, _: &Logs) -> Result<()> {
        // What was interrupted has not ended.
        if self.delete_checkpoint && !training.was_interrupted() {
            self.delete()?;
        }
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        Some(json!({"seen": self.seen}))
    }

    fn restore(&mut self, _: &mut Training<'_>, state: &Value) -> Result<()> {
        self.seen = state["seen"].as_u64().unwrap_or(0) as usize;
        Ok(())
    }
}
