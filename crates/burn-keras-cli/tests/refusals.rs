//! The commands as processes: what they refuse, in one clear line, with nothing left behind.

#[cfg(unix)]
#[path = "support/shell.rs"]
mod shell;
mod support;

use std::process::{Command, Stdio};

#[cfg(unix)]
use shell::under;
use support::{COMMAND, TestResult, Work, refusal};

#[test]
fn wrong_arguments_are_named() -> TestResult {
    let work = Work::new()?;
    let fit = "fit model.keras --x x.npy --y y.npy --output t.keras";
    for (arguments, part) in [
        ("predikt", "predict"),
        ("predict", "--input"),
        ("predict model.keras --input x.npy", "--output"),
        (
            "predict model.keras --input x.npy --output y.txt",
            ".npy or .npz",
        ),
        (
            "predict model.keras --input x.npy --output o.npy --batch-size 0",
            "at least 1",
        ),
        (
            "predict model.keras --input x.npy --output o.npy --batch-size many",
            "whole number",
        ),
        (
            "predict model.keras --input x.npy --output o.npy --device gpu9",
            "device",
        ),
        (
            "predict model.keras --input x.npy --output o.npy --device cuda",
            "not in this build",
        ),
        (
            "predict model.keras --inputs x.npy --output o.npy",
            "--input",
        ),
        (
            "predict model.keras extra --input x.npy --output o.npy",
            "extra",
        ),
        ("fit model.keras --x x.npy --y y.npy", "--output"),
        (
            "fit model.keras --x x.npy --y y.npy --output t.h5",
            ".keras",
        ),
        (&format!("{fit} --epochs 0"), "at least 1"),
        (&format!("{fit} --seed -1"), "-1"),
        (&format!("{fit} --validation-x x.npy"), "--validation-y"),
        (&format!("{fit} --validation-split 1.5"), "1.5"),
        (
            &format!("{fit} --validation-split 0.2 --validation-x x.npy --validation-y y.npy"),
            "cannot be used with",
        ),
        (&format!("{fit} --optimizer adamm"), "adam"),
        (
            &format!("{fit} --loss categorical_crossentropi"),
            "categorical_crossentropy",
        ),
        (&format!("{fit} --metrics accurracy"), "accuracy"),
        (&format!("{fit} --class-weight 1.0"), "object"),
        (&format!("{fit} --class-weight {{\"one\":1}}"), "one"),
        (
            &format!("{fit} --class-weight {{\"0\":1}} --sample-weight x.npy"),
            "cannot be used with",
        ),
        (&format!("{fit} --sample-weight no.npy"), "no.npy"),
        (
            &format!("{fit} --epochs 2 --initial-epoch 2"),
            "initial-epoch",
        ),
        (&format!("{fit} --history h.txt"), ".json or .csv"),
        // Keras does not open `T.KERAS`; found before hours of training, not after.
        (
            "fit model.keras --x x.npy --y y.npy --output T.KERAS",
            "models are written as .keras",
        ),
        ("convert model.keras OUT.KERAS", "give the file one of"),
        ("convert model.keras OUT.Weights.h5", "give the file one of"),
        (&format!("{fit} --resume"), "--checkpoint"),
        (&format!("{fit} --checkpoint x.npy"), "is a file"),
        (&format!("{fit} --checkpoint x.npy/backup"), "x.npy"),
        (&format!("{fit} --tensorboard y.npy"), "is a file"),
        ("evaluate model.keras --x x.npy", "--y"),
        ("summary", "MODEL"),
        ("shapes model.keras --input", "--input"),
        ("plot model.keras", "--output"),
        ("plot model.keras --output m.gif", ".svg"),
        ("convert model.keras", "OUT"),
        ("convert model.keras out.h5", ".weights.h5"),
        ("devices everything", "everything"),
        ("bench --units none", "whole number"),
        ("bench --units 99999999999 --layers 99999999", "GiB"),
        (
            "bench --samples 18446744073709551615 --timesteps 18446744073709551615",
            "GiB",
        ),
        ("bench --layers 1000000000", "GiB"),
        ("completions tcsh", "bash"),
    ] {
        let message = work.bad(arguments)?;
        assert!(message.contains(part), "{arguments}: {message}");
    }
    let bare = work.run("")?;
    assert_eq!(bare.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bare.stderr).contains("Usage"));
    Ok(())
}

#[test]
fn missing_files_directories_and_damage_are_named() -> TestResult {
    let work = Work::new()?;
    let whole = std::fs::read(work.path("model.keras"))?;
    std::fs::write(work.path("cut.keras"), &whole[..whole.len() / 2])?;
    std::fs::write(work.path("empty.keras"), b"")?;
    std::fs::write(work.path("text.keras"), b"no model at all")?;
    let array = std::fs::read(work.path("x.npy"))?;
    std::fs::write(work.path("cut.npy"), &array[..array.len() - 5])?;
    std::fs::write(work.path("cut.npz"), &array[..40])?;
    std::fs::write(work.path("words.csv"), "1,2\nthree,4\n")?;
    std::fs::write(work.path("ragged.csv"), "1,2\n3\n")?;
    std::fs::write(work.path("typo.csv"), "1,2x\n3,4\n")?;
    std::fs::create_dir(work.path("directory"))?;
    std::fs::create_dir(work.path("directory.keras"))?;
    for model in [
        "no.keras",
        "directory",
        "cut.keras",
        "empty.keras",
        "text.keras",
    ] {
        for command in [
            "predict {} --input x.npy --output o.npy",
            "fit {} --x x.npy --y y.npy --output t.keras",
            "evaluate {} --x x.npy --y y.npy",
            "summary {}",
            "shapes {}",
            "plot {} --output m.svg",
            "convert {} out.keras",
            "convert {} out.weights.h5 --model model.keras",
        ] {
            let arguments = command.replace("{}", model);
            let message = work.bad(&arguments)?;
            assert!(message.contains(model), "{arguments}: {message}");
        }
    }
    for data in [
        "no.npy",
        "directory",
        "cut.npy",
        "cut.npz",
        "words.csv",
        "ragged.csv",
        "typo.csv",
        "model.keras",
    ] {
        for command in [
            "predict model.keras --input {} --output o.npy",
            "fit model.keras --x {} --y y.npy --output t.keras",
            "fit model.keras --x x.npy --y {} --output t.keras",
            "fit model.keras --x x.npy --y y.npy --validation-x {} --validation-y y.npy --output t.keras",
            "evaluate model.keras --x {} --y y.npy",
            "shapes model.keras --input {}",
        ] {
            let arguments = command.replace("{}", data);
            let message = work.bad(&arguments)?;
            assert!(message.contains(data), "{arguments}: {message}");
        }
    }
    Ok(())
}

#[test]
fn an_archive_that_unpacks_without_end_is_refused() -> TestResult {
    use std::io::Write;
    let work = Work::new()?;
    let mut zip = zip::ZipWriter::new(std::fs::File::create(work.path("bomb.npz"))?);
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("input_layer.npy", options.large_file(true))?;
    let zeros = vec![0; 1 << 20];
    for _ in 0..1025 {
        zip.write_all(&zeros)?;
    }
    zip.finish()?;
    assert!(std::fs::metadata(work.path("bomb.npz"))?.len() < 2 << 20);
    let message = work.bad("predict model.keras --input bomb.npz --output o.npy")?;
    assert!(
        message.contains("bomb.npz") && message.contains("unpacks"),
        "{message}"
    );
    Ok(())
}

/// Each command that writes a file, with `{}` for where.
const WRITING: [(&str, &str); 8] = [
    ("plot model.keras --output {}", "m.svg"),
    ("plot model.keras --output {}", "m.png"),
    ("predict model.keras --input x.npy --output {}", "o.npy"),
    ("predict model.keras --input x.npy --output {}", "o.npz"),
    ("fit model.keras --x x.npy --y y.npy --output {}", "t.keras"),
    ("convert model.keras {}", "c.keras"),
    ("convert model.keras {}", "c.weights.h5"),
    ("convert model.keras {}", "c.safetensors"),
];

#[cfg(unix)]
#[test]
fn destinations_that_cannot_be_written_are_named() -> TestResult {
    let work = Work::new()?;
    for (command, name) in WRITING {
        for place in ["/proc/", "no/such/directory/"] {
            let path = format!("{place}{name}");
            let message = work.bad(&command.replace("{}", &path))?;
            assert!(message.contains(&path), "{message}");
        }
        std::fs::create_dir(work.path(name))?;
        let message = work.bad(&command.replace("{}", name))?;
        assert!(message.contains("is a directory"), "{message}");
        std::fs::remove_dir(work.path(name))?;
    }
    let fit = "fit model.keras --x x.npy --y y.npy --output t.keras --history /proc/h.json";
    assert!(work.bad(fit)?.contains("/proc/h.json"));
    for option in ["checkpoint", "tensorboard"] {
        let message = work.bad(&format!(
            "fit model.keras --x x.npy --y y.npy --output t.keras --{option} /proc/place/below"
        ))?;
        assert!(message.contains("/proc/place/below"), "{message}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() -> TestResult {
    let work = Work::new()?;
    // Larger than the 512 bytes that may be written; what was there stays.
    for (command, name) in WRITING {
        for existing in [false, true] {
            if existing {
                std::fs::write(work.path(name), b"before")?;
            }
            let before = work.files()?;
            let arguments = command.replace("{}", name);
            let done = work.run_as(&mut under("trap '' XFSZ; ulimit -f 0", &arguments))?;
            let message = String::from_utf8(done.stderr)?;
            assert_eq!(done.status.code(), Some(1), "{arguments}: {message}");
            assert!(message.contains(name), "{arguments}: {message}");
            assert_eq!(work.files()?, before, "{arguments}: left something behind");
            if existing {
                assert_eq!(std::fs::read(work.path(name))?, b"before", "{arguments}");
                std::fs::remove_file(work.path(name))?;
            }
        }
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn closed_and_full_streams_are_survived() -> TestResult {
    let work = Work::new()?;
    for setup in ["exec <&-", "exec 2>&-", "exec <&- >&- 2>&-"] {
        let arguments = "predict model.keras --input x.npy --output o.npy";
        let done = work.run_as(&mut under(setup, arguments))?;
        assert!(
            done.status.success(),
            "{setup}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        std::fs::remove_file(work.path("o.npy"))?;
    }
    if std::path::Path::new("/dev/full").exists() {
        let done = work.run_as(
            Command::new(COMMAND)
                .args(["summary", "model.keras"])
                .stdout(Stdio::from(
                    std::fs::File::options().write(true).open("/dev/full")?,
                )),
        )?;
        let message = refusal(&done, "a full stdout")?;
        assert!(message.contains("standard output"), "{message}");
    }
    let mut reader_gone = Command::new("sh");
    reader_gone.args(["-c", &format!("{COMMAND} summary model.keras | true")]);
    let done = work.run_as(&mut reader_gone)?;
    assert!(
        done.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(())
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_model_and_fails() -> TestResult {
    let work = Work::new()?;
    let mut command = under(
        "(sleep 2; kill -INT $$) & true",
        "fit model.keras --x x.npy --y y.npy --epochs 1000000 --output t.keras --history h.json",
    );
    let done = work.run_as(&mut command)?;
    let message = String::from_utf8(done.stderr)?;
    assert_eq!(done.status.code(), Some(1), "{message}");
    assert!(message.contains("interrupted: t.keras"), "{message}");
    burn_keras::saving::load_model(work.path("t.keras"))?;
    Ok(())
}

#[test]
fn a_model_without_a_loss_says_how_to_give_it_one() -> TestResult {
    use burn_keras::prelude::*;
    let work = Work::new()?;
    let mut model = Sequential::new();
    model.add(Lstm::new(5).input_shape([6, 4]))?;
    model.add(Dense::new(3).activation("softmax"))?;
    model.save(work.path("plain.keras"))?;
    let message = work.bad("fit plain.keras --x x.npy --y y.npy --output t.keras")?;
    assert!(message.contains("--loss"), "{message}");
    let message = work.bad("evaluate plain.keras --x x.npy --y y.npy")?;
    assert!(message.contains("--loss"), "{message}");
    work.good(
        "fit plain.keras --x x.npy --y y.npy --loss categorical_crossentropy --output t.keras",
    )?;
    Ok(())
}
