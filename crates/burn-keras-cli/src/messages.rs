//! What goes to stderr besides progress: errors, and what the library has to say.

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info && metadata.target().starts_with("burn_keras")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let kind = if record.level() <= Level::Warn {
                "warning"
            } else {
                "note"
            };
            say(&format!("{kind}: {}", record.args()));
        }
    }

    fn flush(&self) {}
}

/// Shows the library's notes and warnings.
pub fn install() {
    // Nobody else in this process can have installed one.
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// A line on stderr; there is nowhere to complain if it can't be written.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The message a command fails with.
pub fn error(error: &crate::error::Error) {
    say(&format!("error: {error}"));
}

/// A usage error without what `--help` says too: its paragraphs in one line.
pub fn in_one_line(text: &str) -> String {
    let told = |paragraph: &&str| {
        !paragraph.starts_with("Usage:") && !paragraph.starts_with("For more information")
    };
    let lines = |paragraph: &str| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        lines.join(" ")
    };
    let paragraphs: Vec<String> = text
        .trim()
        .split("\n\n")
        .map(str::trim)
        .filter(told)
        .map(lines)
        .collect();
    format!("{} (`--help` tells more)", paragraphs.join("; "))
}
