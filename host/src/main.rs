//! The `ferroconnect` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ferroconnect::cli::main()
}
