//! The `ferroconnect` program.

#[cfg(target_os = "linux")]
mod librdkafka_wakeup;

use std::process::ExitCode;

fn main() -> ExitCode {
    ferroconnect::cli::main()
}
