//! A directory with a model and data, and the command run in it.

use std::path::PathBuf;
use std::process::{Command, Output};

use burn_keras::prelude::*;
use ndarray::{Array2, Array3};
use ndarray_npy::write_npy;
use tempfile::TempDir;

pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The built command.
pub const COMMAND: &str = env!("CARGO_BIN_EXE_burn-keras");

/// `model.keras` (a compiled LSTM for `[6, 4]` with 3 classes), `x.npy` and `y.npy` for it.
pub struct Work {
    dir: TempDir,
}

pub fn x() -> Array3<f32> {
    Array3::from_shape_fn((10, 6, 4), |(i, j, k)| {
        ((i * 24 + j * 4 + k) as f32 * 0.7).sin()
    })
}

pub fn y() -> Array2<f32> {
    Array2::from_shape_fn((10, 3), |(i, j)| f32::from(i % 3 == j))
}

impl Work {
    pub fn new() -> TestResult<Self> {
        let dir = tempfile::tempdir()?;
        let mut model = Sequential::new();
        model.add(Lstm::new(5).input_shape([6, 4]))?;
        model.add(Dense::new(3).activation("softmax"))?;
        model.compile("adam", "categorical_crossentropy", ["accuracy"])?;
        model.save(dir.path().join("model.keras"))?;
        write_npy(dir.path().join("x.npy"), &x())?;
        write_npy(dir.path().join("y.npy"), &y())?;
        Ok(Self { dir })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The files there are, sorted.
    pub fn files(&self) -> TestResult<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.dir.path())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Runs the command with these words as arguments, in the directory.
    pub fn run(&self, arguments: &str) -> TestResult<Output> {
        self.run_as(Command::new(COMMAND).args(arguments.split_whitespace()))
    }

    /// Runs a prepared command in the directory.
    pub fn run_as(&self, command: &mut Command) -> TestResult<Output> {
        Ok(command
            .current_dir(self.dir.path())
            .env_remove("BURN_KERAS_DEVICE")
            .output()?)
    }

    /// Runs the command, which must succeed; what it wrote to stdout.
    pub fn good(&self, arguments: &str) -> TestResult<String> {
        let done = self.run(arguments)?;
        assert!(
            done.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Ok(String::from_utf8(done.stdout)?)
    }

    /// Runs the command, which must fail in words and leave nothing behind; the message.
    pub fn bad(&self, arguments: &str) -> TestResult<String> {
        let before = self.files()?;
        let done = self.run(arguments)?;
        let message = refusal(&done, arguments)?;
        assert_eq!(self.files()?, before, "{arguments}: left something behind");
        Ok(message)
    }
}

/// Checks that a run failed with one line on stderr and nothing on stdout; the line.
pub fn refusal(done: &Output, what: &str) -> TestResult<String> {
    let message = String::from_utf8(done.stderr.clone())?;
    assert_eq!(done.status.code(), Some(1), "{what}: {message}");
    assert!(done.stdout.is_empty(), "{what}: wrote to stdout");
    let lines: Vec<&str> = message
        .lines()
        .filter(|l| !l.starts_with("note: "))
        .collect();
    assert!(
        lines.len() == 1 && lines[0].starts_with("error: "),
        "{what}: not one clear line: {message}"
    );
    Ok(lines[0].to_string())
}
