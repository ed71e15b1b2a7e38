//! The `burn-keras` command: Keras model files without Python.

mod archive;
mod arrays;
mod commands;
mod error;
mod messages;
mod output;
mod table;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use error::Result;

/// Train, run, inspect and convert Keras model files without Python.
///
/// A MODEL is a `.keras` file, or a legacy `.h5` of Keras 3, Keras 2 or tf.keras. Arrays are `.npy`; several are one
/// `.npz`, inputs under the names of the input layers, outputs and targets as output_0, output_1, … in the model's
/// order; `.csv` is rows × columns. What a command was asked for goes to stdout, everything else to stderr.
#[derive(Parser)]
#[command(name = "burn-keras", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  burn-keras summary model.keras
  burn-keras predict model.keras --input x.npy --output y.npy
  burn-keras fit model.keras --x x.npy --y y.npy --epochs 5 --output trained.keras
  burn-keras completions bash > ~/.local/share/bash-completion/completions/burn-keras";

#[derive(Subcommand)]
enum Command {
    Predict(commands::predict::Args),
    Fit(Box<commands::fit::Args>),
    Evaluate(commands::evaluate::Args),
    Summary(commands::summary::Args),
    Shapes(commands::shapes::Args),
    Plot(commands::plot::Args),
    Convert(commands::convert::Args),
    Devices(commands::devices::Args),
    Bench(commands::bench::Args),
    Completions(commands::completions::Args),
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Predict(args) => commands::predict::run(&args),
        Command::Fit(args) => commands::fit::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args),
        Command::Summary(args) => commands::summary::run(&args),
        Command::Shapes(args) => commands::shapes::run(&args),
        Command::Plot(args) => commands::plot::run(&args),
        Command::Convert(args) => commands::convert::run(&args),
        Command::Devices(args) => commands::devices::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Completions(args) => commands::completions::run::<Cli>(&args),
    }
}

fn main() -> ExitCode {
    messages::install();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(problem) => {
            return match problem.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    // Nothing is left to report where even this cannot be written.
                    let _ = problem.print();
                    ExitCode::SUCCESS
                }
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    let _ = problem.print();
                    ExitCode::FAILURE
                }
                _ => {
                    messages::say(&messages::in_one_line(&problem.to_string()));
                    ExitCode::FAILURE
                }
            };
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            messages::error(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
