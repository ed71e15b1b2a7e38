//! A training that is killed at any moment and started again ends as if it had not been: weights, history and log are
//! the same, bit for bit.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use burn_keras::random::Generator;
use burn_keras_tests::TestResult;

fn start(folder: &Path, save_freq: &str) -> TestResult<Child> {
    Ok(Command::new(env!("CARGO_BIN_EXE_training_worker"))
        .arg(folder)
        .arg(save_freq)
        .stdout(Stdio::null())
        .spawn()?)
}

/// Runs the worker to its end; gives what it wrote.
fn finish(folder: &Path, save_freq: &str) -> TestResult<Vec<(String, Vec<u8>)>> {
    let status = start(folder, save_freq)?.wait()?;
    assert!(status.success(), "the worker ended with {status}");
    ["trained.safetensors", "history.json", "log.csv"]
        .into_iter()
        .map(|name| Ok((name.to_string(), std::fs::read(folder.join(name))?)))
        .collect()
}

/// Kills `wanted` trainings at random moments, and lets each go on to its end.
fn kill_and_resume(save_freq: &str, wanted: usize, seed: u64) -> TestResult {
    let whole = tempfile::tempdir()?;
    finish(whole.path(), save_freq)?;
    let again = tempfile::tempdir()?;
    let started = Instant::now();
    let expected = finish(again.path(), save_freq)?;
    let duration = started.elapsed();

    let mut random = Generator::new(seed);
    let (mut killed, mut resumed, mut tries) = (0, 0, 0);
    while killed < wanted {
        tries += 1;
        assert!(
            tries < 20 * wanted,
            "only {killed} of {tries} workers were still alive when they were to be killed"
        );
        let folder = tempfile::tempdir()?;
        let mut worker = start(folder.path(), save_freq)?;
        std::thread::sleep(duration.mul_f32(random.uniform()));
        // SIGKILL: nothing of the worker runs after it.
        worker.kill()?;
        if worker.wait()?.success() {
            continue;
        }
        killed += 1;
        resumed += usize::from(folder.path().join("backup/latest.safetensors").exists());
        // Now and then a second time, while it goes on.
        if random.uniform() < 0.3 {
            let mut worker = start(folder.path(), save_freq)?;
            std::thread::sleep(duration.mul_f32(0.5 * random.uniform()));
            worker.kill()?;
            worker.wait()?;
        }
        for ((name, got), (_, wanted)) in finish(folder.path(), save_freq)?.iter().zip(&expected) {
            assert!(got == wanted, "{name} differs after kill number {killed}");
        }
        assert!(
            !folder.path().join("backup").exists(),
            "the backup was left behind"
        );
    }
    assert!(
        resumed > wanted / 4,
        "only {resumed} of {killed} had a backup to go on from"
    );
    assert!(
        duration > Duration::from_millis(5),
        "the worker is too quick to be killed"
    );
    Ok(())
}

#[test]
fn killed_with_a_backup_each_epoch() -> TestResult {
    kill_and_resume("epoch", 25, 1)
}

#[test]
fn killed_with_a_backup_every_two_batches() -> TestResult {
    kill_and_resume("2", 25, 2)
}
