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
use crate::config::ConfigFile;
use crate::error::Result;
use crate::telemetry::LogFormat;
use crate::telemetry::loggers::LevelSpec;
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
    #[command(flatten)]
    how: HowArgs,
}

/// How to check.
#[derive(Debug, Default, Args)]
pub(super) struct HowArgs {
    /// Do not ask the brokers
    #[arg(long)]
    offline: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What a worker would be started with.
pub(super) struct Start<'a> {
    /// Its configuration.
    pub(super) file: Result<ConfigFile>,
    /// How it would log.
    pub(super) log_format: Result<LogFormat, String>,
    pub(super) log_levels: Result<LevelSpec, String>,
    /// The files of its connectors.
    pub(super) connectors: &'a [PathBuf],
}

pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let start = Start {
        file: ConfigFile::read(&args.worker),
        log_format: LogFormat::from_env(),
        log_levels: LevelSpec::from_env().map_err(|error| error.to_string()),
        connectors: &args.connectors,
    };
    check(start, &args.how)
}

/// Checks and tells. Ends well only if a start would.
pub(super) fn check(start: Start<'_>, how: &HowArgs) -> ExitCode {
    let mut findings = Findings::default();
    for wrong in [start.log_format.err(), start.log_levels.err()].into_iter().flatten() {
        findings.error("log", wrong);
    }
    let worker = worker::check(start.file, how.offline, &mut findings);
    connectors::check(start.connectors, worker.as_ref(), &mut findings);
    let text = if how.json { findings.to_json() } else { findings.to_text() };
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
