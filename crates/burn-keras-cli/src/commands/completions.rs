//! `burn-keras completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::error::Result;
use crate::output;

/// Print a script that lets a shell complete the command.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  burn-keras completions bash > ~/.local/share/bash-completion/completions/burn-keras
  burn-keras completions zsh > ~/.zfunc/_burn-keras
  burn-keras completions fish > ~/.config/fish/completions/burn-keras.fish")]
pub struct Args {
    /// The shell.
    shell: Shell,
}

/// Runs the command for the command line of `C`.
pub fn run<C: CommandFactory>(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut C::command(), "burn-keras", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}
