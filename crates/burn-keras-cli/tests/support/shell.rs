//! The command under a shell, which sets limits and closes streams.

use std::process::Command;

use crate::support::COMMAND;

/// The command with these words as arguments, under a shell that first does `setup`.
pub fn under(setup: &str, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{setup}; exec \"$0\" \"$@\""), COMMAND])
        .args(arguments.split_whitespace());
    command
}
