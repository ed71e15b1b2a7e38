//! 1,085,420 sequences of 31 characters coded as whole numbers, from a file, in bounded memory.
//!
//!     cargo run --release --example million_sequences                    200 steps
//!     cargo run --release --example million_sequences -- --full          a whole epoch
//!     cargo run --release --example million_sequences -- --steps 1000
//!     cargo run --release --example million_sequences -- --data FOLDER   leaves the files there, and takes them from there
//!
//! What is the `input_shape` of such a matrix? The characters are categories, so `[1085420, 31]` goes through an
//! `Embedding` as it is. The program makes the file itself: texts in five made-up languages, each with its own habits of
//! which character follows which; the model tells the language. Only the rows of a batch are in memory, read in random
//! order on another thread. At the end it prints the speed and how much memory was in use.
//!
//! `tools/compare/million_sequences.py` sets it against Keras on the same file.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn_keras::callbacks::LambdaCallback;
use burn_keras::prelude::*;
use burn_keras::random::Generator;
use burn_keras::training::NpyFile;

const SEQUENCES: usize = 1_085_420;
const TIMESTEPS: usize = 31;
const CHARACTERS: usize = 25;
const LANGUAGES: usize = 5;
const BATCH: usize = 256;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut steps = Some(200);
    let mut kept = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--full" => steps = None,
            "--steps" => steps = Some(value()?.parse()?),
            "--data" => kept = Some(PathBuf::from(value()?)),
            other => return Err(format!("there is no option {other}").into()),
        }
    }
    if let Some(folder) = kept {
        return run(&folder, steps);
    }
    let folder = std::env::temp_dir().join(format!("million-sequences-{}", std::process::id()));
    let result = run(&folder, steps);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn run(folder: &Path, steps: Option<usize>) -> std::result::Result<(), Box<dyn Error>> {
    set_random_seed(1);
    std::fs::create_dir_all(folder)?;
    let (x, y) = (folder.join("x.npy"), folder.join("y.npy"));
    if !(x.exists() && y.exists()) {
        make_files(&x, &y)?;
    }
    let mapped = (std::fs::metadata(&x)?.len() + std::fs::metadata(&y)?.len()) as f64 / 1e6;
    let (x, y) = (NpyFile::open(x)?, NpyFile::open(y)?);
    println!(
        "x {:?}, y {:?}: {mapped:.0} MB on disk",
        x.shape()?,
        y.shape()?
    );

    let mut model = Sequential::new();
    model.add(Embedding::new(CHARACTERS, 16).input_shape([TIMESTEPS]))?;
    model.add(Lstm::new(32))?;
    model.add(Dense::new(LANGUAGES).activation("softmax"))?;
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;

    let mut batches = 0;
    let count = LambdaCallback::new().on_train_batch_end(|_, _, _| {
        batches += 1;
        Ok(())
    });
    let mut options = Fit::new().batch_size(BATCH).callbacks(count);
    if let Some(steps) = steps {
        options = options.steps_per_epoch(steps);
    }
    let start = Instant::now();
    let history = model.fit(&x, &y, options)?;
    let seconds = start.elapsed().as_secs_f64();

    let done = (batches * BATCH).min(SEQUENCES);
    println!(
        "accuracy: {:.4}",
        history.last("accuracy").unwrap_or(f64::NAN)
    );
    println!(
        "{done} sequences in {seconds:.2} s: {:.0} a second",
        done as f64 / seconds
    );
    match (peak_memory(), pages_in_memory(folder)) {
        (Some(peak), Some(pages)) => println!(
            "peak memory: {peak:.0} MB, of which {pages:.0} MB are pages of the mapped files; without them {:.0} MB",
            peak - pages
        ),
        _ => println!("this system does not tell how much memory was in use"),
    }
    Ok(())
}

/// The most memory the process has had so far, mapped files included, in MB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    megabytes(status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?)
}

/// How much of the mapped files in a folder is in memory, in MB.
fn pages_in_memory(folder: &Path) -> Option<f64> {
    let folder = folder.canonicalize().ok()?;
    let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
    let (mut total, mut is_own) = (0.0, false);
    for line in maps.lines() {
        let first = line.split_whitespace().next()?;
        if let Some(size) = line.strip_prefix("Rss:") {
            total += if is_own { megabytes(size)? } else { 0.0 };
        } else if !first.ends_with(':') {
            // A mapping begins: addresses, and at the end the file.
            let file = line.find('/').map(|place| Path::new(&line[place..]));
            is_own = file.is_some_and(|file| file.starts_with(&folder));
        }
    }
    Some(total)
}

/// A size as Linux writes it: `1234 kB`.
fn megabytes(text: &str) -> Option<f64> {
    let kilobytes: f64 = text.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

/// Writes the sequences, a byte a character, and their languages.
fn make_files(x: &Path, y: &Path) -> std::io::Result<()> {
    let mut random = Generator::new(7);
    // Which characters each language likes to put after which: six of them, the first ones most.
    let habits: Vec<Vec<[u8; 6]>> = (0..LANGUAGES)
        .map(|_| {
            (0..CHARACTERS)
                .map(|_| {
                    let order = random.permutation(CHARACTERS);
                    std::array::from_fn(|i| order[i] as u8)
                })
                .collect()
        })
        .collect();
    let mut x = BufWriter::new(File::create(x)?);
    let mut y = BufWriter::new(File::create(y)?);
    header(&mut x, &format!("({SEQUENCES}, {TIMESTEPS})"))?;
    header(&mut y, &format!("({SEQUENCES},)"))?;
    for _ in 0..SEQUENCES {
        let mut bits = random.next_u64();
        let language = (bits % LANGUAGES as u64) as usize;
        let mut character = (bits / 8 % CHARACTERS as u64) as usize;
        for step in 0..TIMESTEPS {
            if step % 8 == 0 {
                bits = random.next_u64();
            }
            x.write_all(&[character as u8])?;
            // One in five is any character.
            let draw = (bits & 0xff) as usize;
            bits >>= 8;
            character = if draw < 51 {
                draw % CHARACTERS
            } else {
                usize::from(habits[language][character][draw % 6])
            };
        }
        y.write_all(&[language as u8])?;
    }
    x.flush()?;
    y.flush()
}

/// The header of a `.npy` file of bytes.
fn header(file: &mut impl Write, shape: &str) -> std::io::Result<()> {
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(padded as u16).to_le_bytes())?;
    writeln!(file, "{text:<width$}", width = padded - 1)
}
