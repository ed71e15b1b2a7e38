//! A line of a CSV file for each epoch.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use csv::{Terminator, Writer, WriterBuilder};
use serde_json::{Value, json};

use super::{Callback, Training, python_text};
use crate::training::Logs;
use crate::{Error, Result};

/// Writes each epoch's figures as a line of a CSV file, as Keras' `CSVLogger` does: `epoch` counted from 0, then the
/// figures of the first epoch in alphabetical order, `NA` for one that an epoch lacks.
///
/// ```
/// use burn_keras::callbacks::CsvLogger;
///
/// let log = CsvLogger::new("training.csv").separator(b';').append(true);
/// ```
#[derive(Debug)]
#[doc(alias = "CSVLogger")]
pub struct CsvLogger {
    path: PathBuf,
    separator: u8,
    append: bool,
    columns: Option<Vec<String>>,
    writer: Option<Writer<File>>,
}

impl CsvLogger {
    /// Writes to this file; what it held is lost, unless [`CsvLogger::append`] is set.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_path_buf(),
            separator: b',',
            append: false,
            columns: None,
            writer: None,
        }
    }

    /// What stands between the values (a comma).
    pub fn separator(mut self, separator: u8) -> Self {
        self.separator = separator;
        self
    }

    /// Whether lines are added to a file that is there already; its header is kept then.
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> Error {
        Error::File {
            path: self.path.display().to_string(),
            problem: format!("cannot {what}: {error}"),
        }
    }

    fn writer_for(&self, file: File) -> Writer<File> {
        WriterBuilder::new()
            .delimiter(self.separator)
            .terminator(Terminator::CRLF)
            .from_writer(file)
    }

    /// Opens the file with the first epoch's figures as columns.
    fn open(&mut self, logs: &Logs) -> Result<()> {
        let mut columns: Vec<String> = logs.iter().map(|(name, _)| name.to_string()).collect();
        columns.sort();
        if !columns.iter().any(|c| c.starts_with("val_")) {
            // Later epochs may be validated.
            let later: Vec<String> = columns.iter().map(|c| format!("val_{c}")).collect();
            columns.extend(later);
        }
        let has_header = self.append
            && std::fs::metadata(&self.path).is_ok_and(|found| found.is_file() && found.len() > 0);
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(self.append)
            .truncate(!self.append)
            .open(&self.path)
            .map_err(|e| self.failed("open the file", e))?;
        let mut writer = self.writer_for(file);
        if !has_header {
            writer
                .write_record(std::iter::once("epoch").chain(columns.iter().map(String::as_str)))
                .map_err(|e| self.failed("write the header", e))?;
        }
        self.columns = Some(columns);
        self.writer = Some(writer);
        Ok(())
    }
}

impl Callback for CsvLogger {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<()> {
        self.columns = None;
        self.writer = None;
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        if self.writer.is_none() {
            self.open(logs)?;
        }
        let values = self
            .columns
            .iter()
            .flatten()
            .map(|name| logs.get(name).map_or("NA".to_string(), python_text::float));
        let line: Vec<String> = std::iter::once(epoch.to_string()).chain(values).collect();
        let written = match &mut self.writer {
            Some(writer) => writer
                .write_record(&line)
                .and_then(|()| Ok(writer.flush()?)),
            None => Ok(()),
        };
        written.map_err(|e| self.failed("write an epoch", e))
    }

    fn on_train_end(&mut self, _: &mut Training<'_>, _: &Logs) -> Result<()> {
        self.writer = None;
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        // What a killed training wrote after this is cut off again. Without columns nothing has been written yet.
        let length = std::fs::metadata(&self.path).map_or(0, |found| found.len());
        Some(json!({"columns": self.columns, "length": length}))
    }

    fn restore(&mut self, _: &mut Training<'_>, state: &Value) -> Result<()> {
        let columns = state["columns"].as_array().map(|columns| {
            let names = columns.iter().filter_map(Value::as_str);
            names.map(str::to_string).collect::<Vec<_>>()
        });
        if columns.is_none() && !self.append {
            return Ok(());
        }
        let length = state["length"].as_u64().unwrap_or(0);
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&self.path)
            .map_err(|e| self.failed("open the file", e))?;
        let present = file
            .metadata()
            .map_err(|e| self.failed("read the file", e))?
            .len();
        file.set_len(length.min(present))
            .and_then(|()| std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)))
            .map_err(|e| self.failed("go on with the file", e))?;
        if columns.is_some() {
            self.columns = columns;
            self.writer = Some(self.writer_for(file));
        }
        Ok(())
    }
}
