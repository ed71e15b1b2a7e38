//! The `burn-keras` command.
fn main() {
    eprintln!("burn-keras: no command yet");
    std::process::exit(1);
}
