//! `ferroconnect standalone`: start, wait for a signal, stop. Exit codes are Kafka Connect's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::supervisor::Supervisor;
use crate::app::{self, Standalone};
use crate::config::WorkerConfig;
use crate::error::Result;
use crate::plugins::Plugins;
use crate::telemetry::loggers::LevelSpec;
use crate::telemetry::{LogFormat, logging};

/// The worker could not be set up: a wrong worker file, the plugin path.
pub(super) const EXIT_SETUP: u8 = 2;
/// The worker or one of its connectors did not start.
const EXIT_START: u8 = 3;

/// How long after a signal another one says nothing new.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Sets up the log as the environment says. Answers false, after saying why, if that is wrong.
pub(super) fn start_log() -> bool {
    start_log_with(LogFormat::from_env(), LevelSpec::from_env().map_err(|error| error.to_string()))
}

/// Sets up the log. What is wrong about its settings is said in the log, so that programs can read that too.
pub(super) fn start_log_with(format: Result<LogFormat, String>, levels: Result<LevelSpec, String>) -> bool {
    let in_force = (format.clone().unwrap_or_default(), levels.clone().unwrap_or_default());
    if let Err(error) = logging::init(in_force.0, &in_force.1) {
        eprintln!("ferroconnect: the log could not be set up: {error}");
        return false;
    }
    logging::install_panic_hook();
    let wrong: Vec<String> = [format.err(), levels.err()].into_iter().flatten().collect();
    wrong.iter().for_each(|reason| tracing::error!("{reason}"));
    wrong.is_empty()
}

/// The signals that end a worker.
pub(super) fn end_signals() -> Result<Signals> {
    Ok(Signals::new([SIGINT, SIGTERM, SIGHUP])?)
}

pub(super) fn run(worker: &Path, connectors: &[PathBuf]) -> ExitCode {
    if !start_log() {
        return ExitCode::from(EXIT_SETUP);
    }
    run_worker(|| app::load(worker), connectors)
}

/// Runs the worker that `load` gives until a signal ends it. The log is there.
pub(super) fn run_worker(load: impl FnOnce() -> Result<(WorkerConfig, Plugins)>, connectors: &[PathBuf]) -> ExitCode {
    let begin = Instant::now();
    #[cfg(target_os = "linux")]
    crate::futex_hash::widen();
    // Before the worker starts, so that a signal during the start is not lost.
    let mut signals = match end_signals() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!("Signals cannot be caught: {error}");
            return ExitCode::from(EXIT_SETUP);
        }
    };
    tracing::info!("Kafka Connect worker initializing ...");
    let (config, plugins) = match load() {
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
    let supervisor = Supervisor::from_env();
    let watchdog = supervisor.as_ref().map(|supervisor| supervisor.ready(standalone.url(), standalone.handle()));
    if let Some(Err(error)) = &watchdog {
        tracing::error!("The service manager gets no signs of life: {error}");
    }
    if let Some(signal) = signals.forever().next() {
        tracing::info!("Stopping because of {}", signal_name(signal));
    }
    drop(watchdog);
    if let Some(supervisor) = &supervisor {
        supervisor.tell("STOPPING=1");
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
