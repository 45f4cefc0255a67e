//! `ferroconnect check`: all that can be found wrong with a worker and its connectors without running them.
//!
//! Goes the way of a start (`app.rs`) with the same code, but keeps on after the first thing that is wrong and changes
//! nothing: no file is written, no topic is made, no connector runs.

mod connectors;
mod findings;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::output::print;
use findings::Findings;

/// Something is wrong; as a start over a wrong worker file.
const EXIT_WRONG: u8 = 2;

/// What to check.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The worker's configuration: Java properties, or TOML if it ends in .toml
    worker: PathBuf,
    /// Connectors to start with: Java properties, JSON or TOML
    connectors: Vec<PathBuf>,
    /// Do not ask the brokers
    #[arg(long)]
    offline: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Checks and tells. Ends well only if a start would.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let mut findings = Findings::default();
    let worker = worker::check(&args.worker, args.offline, &mut findings);
    connectors::check(&args.connectors, worker.as_ref(), &mut findings);
    let text = if args.json { findings.to_json() } else { findings.to_text() };
    match print(&text) {
        // The reader, such as `head`, has seen enough; the exit code still counts.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("ferroconnect: the output could not be written: {error}");
            return ExitCode::from(EXIT_WRONG);
        }
        _ => {}
    }
    if findings.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_WRONG) }
}
