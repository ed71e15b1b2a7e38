//! Trainings by `burn-keras fit` that end early and go on, and what they write meanwhile.

#[cfg(unix)]
#[path = "support/shell.rs"]
mod shell;
mod support;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use burn_keras::saving::load_model;
#[cfg(unix)]
use shell::under;
use support::{COMMAND, TestResult, Work};

/// Starts the command with these words as arguments, in the directory.
fn start(work: &Work, arguments: &str) -> TestResult<Child> {
    Ok(Command::new(COMMAND)
        .args(arguments.split_whitespace())
        .current_dir(work.path(""))
        .env_remove("BURN_KERAS_DEVICE")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

/// Waits until a file is there, while the process runs.
fn wait_for(path: &Path, process: &mut Child) -> TestResult {
    while !path.exists() {
        if let Some(status) = process.try_wait()? {
            return Err(format!("ended with {status} before {} was there", path.display()).into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

#[test]
fn killed_and_resumed_gives_the_weights_of_a_training_that_was_not() -> TestResult {
    let work = Work::new()?;
    let fit = "fit model.keras --x x.npy --y y.npy --epochs 400 --batch-size 3 --seed 7 --validation-split 0.2";
    work.good(&format!("{fit} --output whole.keras --history whole.json"))?;
    let backup = work.path("backup/latest.safetensors");
    let mut arguments = format!("{fit} --checkpoint backup --output t.keras --history t.json");
    for kill in 0..4 {
        let mut process = start(&work, &arguments)?;
        wait_for(&backup, &mut process)?;
        // The later ones while backups of other epochs are written.
        std::thread::sleep(Duration::from_millis(20 * kill));
        process.kill()?;
        process.wait()?;
        assert!(backup.exists(), "the training ended before it was killed");
        assert!(!work.path("t.keras").exists());
        if kill == 0 {
            let message = work.bad(&arguments)?;
            assert!(
                message.contains("backup") && message.contains("--resume"),
                "{message}"
            );
            arguments += " --resume";
        }
    }
    work.good(&arguments)?;
    assert_eq!(
        load_model(work.path("t.keras"))?.get_weights()?,
        load_model(work.path("whole.keras"))?.get_weights()?
    );
    assert_eq!(
        std::fs::read(work.path("t.json"))?,
        std::fs::read(work.path("whole.json"))?
    );
    assert!(!work.path("backup").exists(), "the backup was left behind");
    let begun_anew = work.run(&arguments)?;
    assert!(begun_anew.status.success());
    assert!(String::from_utf8_lossy(&begun_anew.stderr).contains("begins anew"));
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_training_whose_model_could_not_be_saved_is_not_lost() -> TestResult {
    let work = Work::new()?;
    std::fs::create_dir(work.path("out"))?;
    let fit = "fit model.keras --x x.npy --y y.npy --epochs 300 --no-shuffle";
    work.good(&format!("{fit} --output whole.keras"))?;
    let arguments = format!("{fit} --checkpoint backup --output out/t.keras");
    let mut process = start(&work, &arguments)?;
    wait_for(&work.path("backup/latest.safetensors"), &mut process)?;
    // The place goes away while the model trains.
    std::fs::remove_dir(work.path("out"))?;
    assert_eq!(process.wait()?.code(), Some(1));
    std::fs::create_dir(work.path("out"))?;
    work.good(&format!("{arguments} --resume"))?;
    assert_eq!(
        load_model(work.path("out/t.keras"))?.get_weights()?,
        load_model(work.path("whole.keras"))?.get_weights()?
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn interrupted_by_ctrl_c_and_resumed_gives_the_weights_of_a_training_that_was_not() -> TestResult {
    let work = Work::new()?;
    let fit = "fit model.keras --x x.npy --y y.npy --epochs 400 --batch-size 3 --seed 7 --validation-split 0.2";
    work.good(&format!("{fit} --output whole.keras --history whole.json"))?;
    let mut arguments = format!("{fit} --checkpoint backup --output t.keras --history t.json");
    for pause in [0, 30] {
        let mut process = start(&work, &arguments)?;
        wait_for(&work.path("backup/latest.safetensors"), &mut process)?;
        std::thread::sleep(Duration::from_millis(pause));
        let told = Command::new("kill")
            .args(["-INT", &process.id().to_string()])
            .status()?;
        assert!(told.success());
        assert_eq!(process.wait()?.code(), Some(1), "not interrupted");
        // What was trained so far can be used, and gone on from.
        load_model(work.path("t.keras"))?;
        assert!(work.path("backup/latest.safetensors").exists());
        if pause == 0 {
            arguments += " --resume";
        }
    }
    work.good(&arguments)?;
    assert_eq!(
        load_model(work.path("t.keras"))?.get_weights()?,
        load_model(work.path("whole.keras"))?.get_weights()?
    );
    assert_eq!(
        std::fs::read(work.path("t.json"))?,
        std::fs::read(work.path("whole.json"))?
    );
    assert!(!work.path("backup").exists(), "the backup was left behind");
    Ok(())
}

/// No file may grow over 64 KiB: the model is smaller, what is written of thousands of epochs is not.
#[cfg(unix)]
const FULL: &str = "trap '' XFSZ; ulimit -f 128";

#[cfg(unix)]
#[test]
fn a_disk_too_full_for_the_history_leaves_the_trained_model() -> TestResult {
    let work = Work::new()?;
    let fit = "fit model.keras --x x.npy --y y.npy --epochs 4000 --no-shuffle";
    work.good(&format!("{fit} --output whole.keras --history whole.csv"))?;
    std::fs::write(work.path("t.csv"), "before")?;
    let arguments = format!("{fit} --output t.keras --history t.csv");
    let done = work.run_as(&mut under(FULL, &arguments))?;
    let message = last_line(&done);
    assert_eq!(done.status.code(), Some(1), "{message}");
    assert!(message.contains("t.csv"), "{message}");
    assert_eq!(
        load_model(work.path("t.keras"))?.get_weights()?,
        load_model(work.path("whole.keras"))?.get_weights()?
    );
    assert_eq!(std::fs::read_to_string(work.path("t.csv"))?, "before");
    assert_eq!(
        work.files()?,
        [
            "model.keras",
            "t.csv",
            "t.keras",
            "whole.csv",
            "whole.keras",
            "x.npy",
            "y.npy"
        ]
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_disk_too_full_for_a_backup_leaves_the_one_before() -> TestResult {
    let work = Work::new()?;
    let fit = "fit model.keras --x x.npy --y y.npy --epochs 3000 --seed 3";
    work.good(&format!("{fit} --output whole.keras"))?;
    let arguments = format!("{fit} --checkpoint backup --output t.keras");
    let done = work.run_as(&mut under(FULL, &arguments))?;
    let message = last_line(&done);
    assert_eq!(done.status.code(), Some(1), "{message}");
    assert!(message.contains("latest.safetensors"), "{message}");
    assert!(!work.path("t.keras").exists());
    let kept: Vec<_> = std::fs::read_dir(work.path("backup"))?.collect::<Result<_, _>>()?;
    assert_eq!(kept.len(), 1, "something half-written was left: {kept:?}");
    let done = work.run(&format!("{arguments} --resume"))?;
    assert!(done.status.success(), "{}", last_line(&done));
    let notes = String::from_utf8_lossy(&done.stderr);
    assert!(!notes.contains("begins anew"), "{notes}");
    assert_eq!(
        load_model(work.path("t.keras"))?.get_weights()?,
        load_model(work.path("whole.keras"))?.get_weights()?
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_disk_too_full_for_tensorboard_is_told_and_nothing_else_is_harmed() -> TestResult {
    let work = Work::new()?;
    std::fs::write(work.path("t.keras"), "before")?;
    let arguments =
        "fit model.keras --x x.npy --y y.npy --epochs 3000 --tensorboard logs --output t.keras";
    let done = work.run_as(&mut under(FULL, arguments))?;
    let message = last_line(&done);
    assert_eq!(done.status.code(), Some(1), "{message}");
    assert!(
        message.starts_with("error: ") && message.contains("logs"),
        "{message}"
    );
    assert_eq!(std::fs::read(work.path("t.keras"))?, b"before");
    load_model(work.path("model.keras"))?;
    Ok(())
}

/// What the command said last.
#[cfg(unix)]
fn last_line(done: &Output) -> String {
    let said = String::from_utf8_lossy(&done.stderr);
    said.lines().last().unwrap_or_default().to_string()
}

#[test]
fn figures_go_to_tensorboard() -> TestResult {
    let work = Work::new()?;
    work.good(
        "fit model.keras --x x.npy --y y.npy --epochs 2 --validation-split 0.2 --tensorboard logs/run --output t.keras",
    )?;
    for (part, figure) in [("train", "epoch_loss"), ("validation", "epoch_accuracy")] {
        let mut events = Vec::new();
        for entry in std::fs::read_dir(work.path("logs/run").join(part))? {
            events.extend(std::fs::read(entry?.path())?);
        }
        let found = events.windows(figure.len()).any(|w| w == figure.as_bytes());
        assert!(found, "no {figure} under {part}");
    }
    Ok(())
}
