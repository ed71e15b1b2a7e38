//! 1,085,420 sequences of 31 characters coded as whole numbers, from a file, in bounded memory.
//!
//!     cargo run --release --example million_sequences             200 steps
//!     cargo run --release --example million_sequences -- --full   a whole epoch
//!
//! What is the `input_shape` of such a matrix? The characters are categories, so `[1085420, 31]` goes through an
//! `Embedding` as it is. The program makes the file itself: texts in five made-up languages, each with its own habits of
//! which character follows which; the model tells the language. Only the rows of a batch are in memory, read in random
//! order on another thread. At the end it prints the speed and how much memory was in use.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
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
    let full = std::env::args().any(|a| a == "--full");
    let folder = std::env::temp_dir().join(format!("million-sequences-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = run(&folder, full);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn run(folder: &Path, full: bool) -> std::result::Result<(), Box<dyn Error>> {
    set_random_seed(1);
    let (x, y) = (folder.join("x.npy"), folder.join("y.npy"));
    make_files(&x, &y)?;
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

    let mut steps = 0;
    let count = LambdaCallback::new().on_train_batch_end(|_, _, _| {
        steps += 1;
        Ok(())
    });
    let mut options = Fit::new().batch_size(BATCH).callbacks(count);
    if !full {
        options = options.steps_per_epoch(200);
    }
    let start = Instant::now();
    let history = model.fit(&x, &y, options)?;
    let seconds = start.elapsed().as_secs_f64();

    let done = (steps * BATCH).min(SEQUENCES);
    println!(
        "accuracy: {:.4}",
        history.last("accuracy").unwrap_or(f64::NAN)
    );
    println!(
        "{done} sequences in {seconds:.1} s: {:.0} a second",
        done as f64 / seconds
    );
    match peak_memory() {
        Some(peak) => println!(
            "peak memory: {peak:.0} MB, of which at most {mapped:.0} MB are the mapped files; without them {:.0} MB",
            peak - mapped
        ),
        None => println!("this system does not tell how much memory was in use"),
    }
    Ok(())
}

/// The most memory the process has had so far, mapped files included, in MB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
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
