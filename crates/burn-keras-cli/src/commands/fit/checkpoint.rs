//! The state of a training in a folder, from which another process goes on.

use std::path::Path;

use burn_keras::callbacks::BackupAndRestore;

use crate::error::{Error, Result};
use crate::{messages, output};

/// The folder of a training's backup.
pub struct Checkpoint<'a> {
    folder: &'a Path,
    backup: BackupAndRestore,
}

impl<'a> Checkpoint<'a> {
    /// Makes sure that a backup can be kept there, and that none is overwritten that nobody asked to go on from.
    pub fn open(folder: &'a Path, resume: bool) -> Result<Self> {
        output::check_folder(folder)?;
        // It is deleted when the trained model has been saved, not before.
        let backup = BackupAndRestore::new(folder).delete_checkpoint(false);
        match (backup.file().exists(), resume) {
            (true, false) => Err(Error::file(
                folder,
                "has the state of a training that has not ended: go on with it with --resume, or delete the folder",
            )),
            (false, true) => {
                messages::say("note: nothing was kept of an earlier training: it begins anew");
                Ok(Self { folder, backup })
            }
            _ => Ok(Self { folder, backup }),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder
    }

    /// What keeps the state while the model trains.
    pub fn callback(&self) -> BackupAndRestore {
        self.backup.clone()
    }

    /// Deletes the backup of a training that has ended.
    pub fn delete(&self) -> Result<()> {
        Ok(self.backup.delete()?)
    }
}
