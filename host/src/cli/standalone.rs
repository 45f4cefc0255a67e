//! `ferroconnect standalone`: start, wait for a signal, stop. Exit codes are Kafka Connect's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::app::{self, Standalone};
use crate::error::Result;
use crate::telemetry::loggers::LevelSpec;
use crate::telemetry::{LogFormat, logging};

/// The worker could not be set up: a wrong worker file, the plugin path.
const EXIT_SETUP: u8 = 2;
/// The worker or one of its connectors did not start.
const EXIT_START: u8 = 3;

/// How long after a signal another one says nothing new.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Sets up the log. Answers false, after saying why, if its settings are wrong.
pub(super) fn start_log() -> bool {
    let levels = match LevelSpec::from_env() {
        Ok(levels) => levels,
        Err(error) => {
            eprintln!("ferroconnect: {error}");
            return false;
        }
    };
    if let Err(error) = logging::init(LogFormat::Text, &levels) {
        eprintln!("ferroconnect: the log could not be set up: {error}");
        return false;
    }
    logging::install_panic_hook();
    true
}

/// The signals that end a worker.
pub(super) fn end_signals() -> Result<Signals> {
    Ok(Signals::new([SIGINT, SIGTERM, SIGHUP])?)
}

pub(super) fn run(worker: &Path, connectors: &[PathBuf]) -> ExitCode {
    if !start_log() {
        return ExitCode::from(EXIT_SETUP);
    }
    let begin = Instant::now();
    // Before the worker starts, so that a signal during the start is not lost.
    let mut signals = match end_signals() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!("Signals cannot be caught: {error}");
            return ExitCode::from(EXIT_SETUP);
        }
    };
    tracing::info!("Kafka Connect worker initializing ...");
    let (config, plugins) = match app::load(worker) {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::error!("Stopping due to error: {}", error.trace().trim_end());
            return ExitCode::from(EXIT_SETUP);
        }
    };
    let standalone = match Standalone::run(config, &plugins, connectors, begin) {
        Ok(standalone) => standalone,
        Err(error) => {
            tracing::error!("Failed to start Connect: {}", error.trace().trim_end());
            return ExitCode::from(EXIT_START);
        }
    };
    if let Some(signal) = signals.forever().next() {
        tracing::info!("Stopping because of {}", signal_name(signal));
    }
    // A second signal ends the process at once, for those who do not want to wait for a graceful stop. Some supervisors
    // signal the process and then its group, so what comes right behind the first is the same wish.
    let stopping = Instant::now();
    std::thread::spawn(move || {
        if signals.forever().any(|_| stopping.elapsed() > SAME_WISH) {
            tracing::warn!("Stopped at once because of a second signal; what was not stored is read again");
            std::process::exit(130);
        }
    });
    standalone.stop();
    ExitCode::SUCCESS
}

pub(super) fn signal_name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT (ctrl-C)",
        SIGTERM => "SIGTERM",
        SIGHUP => "SIGHUP",
        _ => "a signal",
    }
}
